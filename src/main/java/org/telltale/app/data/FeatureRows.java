package org.telltale.app.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

/** Features that were computed once, in place of the samples they are of. */
final class FeatureRows implements BatchRows {
    private final Features features;
    private final int[] labels;
    private final long bytes;

    FeatureRows(Features features, int[] labels) {
        this.features = features;
        this.labels = labels;
        bytes = 4L * features.values().shape().dim(1);
    }

    @Override
    public int count() {
        return labels.length;
    }

    @Override
    public int label(int sample) {
        return labels[sample];
    }

    @Override
    public Map<String, HostTensor> allocate(Arena arena, int batch) {
        Shape shape = Shape.of(batch, features.values().shape().dim(1));
        return Map.of(Features.NAME, HostTensor.allocate(arena, DType.F32, shape));
    }

    @Override
    public Writer writer() {
        return (tensors, row, sample, epoch, batch) -> {
            String reason = features.missing().get(sample);
            if (reason != null) {
                throw new IOException(reason);
            }
            for (HostTensor t : tensors.values()) {
                t.data()
                        .asSlice(row * bytes, bytes)
                        .copyFrom(features.values().data().asSlice(sample * bytes, bytes));
            }
        };
    }

    @Override
    public void blank(Map<String, HostTensor> tensors, int row) {
        tensors.values().forEach(t -> t.data().asSlice(row * bytes, bytes).fill((byte) 0));
    }

    @Override
    public List<String> notes() {
        return List.of();
    }

    @Override
    public void close() {}
}
