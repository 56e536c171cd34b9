package org.telltale.app.data;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

/** Captions as token ids beside their pictures. All captions of a picture see it changed in the same way in an epoch. */
public final class CaptionedRows implements BatchRows {
    /** The tokens that are fed. */
    public static final String IDS = "ids";

    /** The token that follows each; {@link Minibatch#NO_LABEL} where none is to be learned. */
    public static final String TARGETS = "targets";

    /** The last token of each text as an index into those of the whole batch. */
    public static final String ENDS = "ends";

    private final PictureRows pictures;
    private final int[] picture;
    private final int[][] ids;

    /** What follows, or where the end is. */
    private final int[][] second;

    private final String secondName;
    private final int length;

    CaptionedRows(List<Sample.Captioned> samples, PictureOptions options, CaptionTokens tokens, long seed) {
        length = tokens.length();
        Map<Path, Integer> numbers = new LinkedHashMap<>();
        List<Sample.Picture> distinct = new ArrayList<>();
        picture = new int[samples.size()];
        ids = new int[samples.size()][];
        second = new int[samples.size()][];
        for (int i = 0; i < samples.size(); i++) {
            Sample.Captioned s = samples.get(i);
            picture[i] = numbers.computeIfAbsent(s.file(), f -> {
                distinct.add(new Sample.Picture(f.toString(), f, ""));
                return distinct.size() - 1;
            });
            ids[i] = tokens.fed(s.caption());
            second[i] = switch (tokens) {
                case CaptionTokens.Told told -> told.following(s.caption());
                case CaptionTokens.Matched matched -> new int[] {matched.end(s.caption())};
            };
        }
        secondName = switch (tokens) {
            case CaptionTokens.Told told -> TARGETS;
            case CaptionTokens.Matched matched -> ENDS;
        };
        pictures = new PictureRows(distinct, new int[distinct.size()], options, seed);
    }

    @Override
    public int count() {
        return ids.length;
    }

    /** Any that is not {@link Minibatch#NO_LABEL}: it tells rows with a caption from those without. */
    @Override
    public int label(int sample) {
        return 0;
    }

    @Override
    public Map<String, HostTensor> allocate(Arena arena, int batch) {
        Map<String, HostTensor> tensors = new LinkedHashMap<>(pictures.allocate(arena, batch));
        tensors.put(IDS, HostTensor.allocate(arena, DType.I32, Shape.of(batch, length)));
        tensors.put(
                secondName,
                HostTensor.allocate(
                        arena, DType.I32, secondName.equals(ENDS) ? Shape.of(batch) : Shape.of(batch, length)));
        return tensors;
    }

    private static Map<String, HostTensor> without(Map<String, HostTensor> tensors, String... names) {
        Map<String, HostTensor> rest = new LinkedHashMap<>(tensors);
        rest.keySet().removeAll(List.of(names));
        return rest;
    }

    @Override
    public Writer writer() {
        Writer looks = pictures.writer();
        return (tensors, row, sample, epoch, batch) -> {
            looks.write(without(tensors, IDS, secondName), row, picture[sample], epoch, batch);
            write(tensors, IDS, row, ids[sample]);
            if (secondName.equals(ENDS)) {
                write(tensors, ENDS, row, new int[] {row * length + second[sample][0]});
            } else {
                write(tensors, TARGETS, row, second[sample]);
            }
        };
    }

    private static void write(Map<String, HostTensor> tensors, String name, int row, int[] values) {
        HostTensor t = tensors.get(name);
        if (t == null) {
            throw new IllegalArgumentException("a batch has no " + name + ", but " + tensors.keySet());
        }
        for (int i = 0; i < values.length; i++) {
            t.setInt((long) row * values.length + i, values[i]);
        }
    }

    /** The end of a text is an index into the whole batch, so it moves with its row. */
    @Override
    public void moved(Map<String, HostTensor> tensors, int row) {
        HostTensor ends = tensors.get(ENDS);
        if (ends != null) {
            ends.setInt(row, row * length + ends.getInt(row) % length);
        }
    }

    @Override
    public void blank(Map<String, HostTensor> tensors, int row) {
        pictures.blank(without(tensors, IDS, secondName), row);
        write(tensors, IDS, row, new int[length]);
        if (secondName.equals(ENDS)) {
            write(tensors, ENDS, row, new int[] {row * length});
        } else {
            int[] nothing = new int[length];
            Arrays.fill(nothing, Minibatch.NO_LABEL);
            write(tensors, TARGETS, row, nothing);
        }
    }

    @Override
    public List<String> notes() {
        return pictures.notes();
    }

    @Override
    public void close() {
        pictures.close();
    }
}
