package org.telltale.app.data;

import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.models.text.WordPiece;

/** Texts as token ids, all of one length. */
final class TextRows implements BatchRows {
    private static final String IDS = "ids";
    private static final String MASK = "mask";
    private static final String TYPES = "types";

    private final List<Sample.Text> samples;
    private final int[] labels;
    private final WordPiece tokenizer;
    private final int tokens;

    TextRows(List<Sample.Text> samples, int[] labels, WordPiece tokenizer, int tokens) {
        if (tokens < 2) {
            throw new IllegalArgumentException("texts of " + tokens + " tokens, expected at least 2");
        }
        this.samples = samples;
        this.labels = labels;
        this.tokenizer = tokenizer;
        this.tokens = tokens;
    }

    @Override
    public int count() {
        return samples.size();
    }

    @Override
    public int label(int sample) {
        return labels[sample];
    }

    @Override
    public Map<String, HostTensor> allocate(Arena arena, int batch) {
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        for (String name : List.of(IDS, MASK, TYPES)) {
            tensors.put(name, HostTensor.allocate(arena, DType.I32, Shape.of(batch, tokens)));
        }
        return tensors;
    }

    @Override
    public Writer writer() {
        return (tensors, row, sample, epoch, batch) ->
                write(tensors, row, tokenizer.encode(samples.get(sample).text(), tokens));
    }

    /** One token that counts: attention over none at all may give NaN. */
    @Override
    public void blank(Map<String, HostTensor> tensors, int row) {
        write(tensors, row, new int[] {tokenizer.padId()});
    }

    private void write(Map<String, HostTensor> tensors, int row, int[] ids) {
        for (Map.Entry<String, HostTensor> e : tensors.entrySet()) {
            for (int i = 0; i < tokens; i++) {
                int value = switch (e.getKey()) {
                    case IDS -> i < ids.length ? ids[i] : tokenizer.padId();
                    case MASK -> i < ids.length ? 1 : 0;
                    default -> 0;
                };
                e.getValue().setInt((long) row * tokens + i, value);
            }
        }
    }

    @Override
    public List<String> notes() {
        return List.of();
    }

    @Override
    public void close() {}
}
