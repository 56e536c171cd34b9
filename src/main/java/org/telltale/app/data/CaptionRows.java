package org.telltale.app.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.models.text.CaptionVocabulary;

/** Captions as word ids beside the features of their pictures, which were computed once. */
public final class CaptionRows implements BatchRows {
    /** The words that are fed, from the start mark on. */
    public static final String WORDS = "words";

    /** The word that follows each of them; 0 where the caption is over. */
    public static final String TARGETS = "targets";

    private final Features features;
    private final int[] pictures;
    private final int[][] ids;
    private final int steps;
    private final long bytes;

    CaptionRows(
            List<Sample.Captioned> samples,
            Features features,
            Map<Path, Integer> numbers,
            CaptionVocabulary vocabulary,
            int words) {
        if (words < 2) {
            throw new IllegalArgumentException("captions of " + words + " words, expected at least 2: their marks");
        }
        this.features = features;
        steps = words - 1;
        pictures = samples.stream()
                .mapToInt(s -> numbers.getOrDefault(s.file(), -1))
                .toArray();
        ids = samples.stream().map(s -> vocabulary.encode(s.caption(), words)).toArray(int[][]::new);
        Shape shape = features.values().shape();
        bytes = 4L * shape.dim(1) * shape.dim(2);
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
        Shape shape = features.values().shape();
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        tensors.put(Features.NAME, HostTensor.allocate(arena, DType.F32, Shape.of(batch, shape.dim(1), shape.dim(2))));
        tensors.put(WORDS, HostTensor.allocate(arena, DType.I32, Shape.of(batch, steps)));
        tensors.put(TARGETS, HostTensor.allocate(arena, DType.I32, Shape.of(batch, steps)));
        return tensors;
    }

    @Override
    public Writer writer() {
        return (tensors, row, sample, epoch, batch) -> {
            int picture = pictures[sample];
            String reason = picture < 0
                    ? "a picture without features"
                    : features.missing().get(picture);
            if (reason != null) {
                throw new IOException(reason);
            }
            tensors.forEach((name, t) -> {
                switch (name) {
                    case Features.NAME ->
                        t.data()
                                .asSlice(row * bytes, bytes)
                                .copyFrom(features.values().data().asSlice(picture * bytes, bytes));
                    case WORDS -> write(t, row, ids[sample], 0);
                    default -> write(t, row, ids[sample], 1);
                }
            });
        };
    }

    private void write(HostTensor t, int row, int[] caption, int from) {
        for (int i = 0; i < steps; i++) {
            t.setInt((long) row * steps + i, caption[from + i]);
        }
    }

    @Override
    public void blank(Map<String, HostTensor> tensors, int row) {
        tensors.forEach((name, t) -> {
            long size = name.equals(Features.NAME) ? bytes : 4L * steps;
            t.data().asSlice(row * size, size).fill((byte) 0);
        });
    }

    @Override
    public List<String> notes() {
        return List.of();
    }

    @Override
    public void close() {}
}
