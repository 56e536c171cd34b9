package org.telltale.kernels.vector;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Fused;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.KernelMaker.Operands;

/** What is added to the scores of attention: a mask of keys or a bias. */
final class AttentionMask {
    private final Fused.Attention op;
    private final int keys;
    private final @Nullable Buffer buffer;
    private final long[] steps;
    private long address;

    AttentionMask(Fused.Attention op, List<Tensor> in, Operands operands) {
        this.op = op;
        keys = in.get(1).dim(1);
        buffer = op.masking() == Fused.Masking.NONE ? null : operands.buffer(in.get(3));
        Shape scores = Shape.of(in.get(0).dim(0), op.heads(), in.get(0).dim(1), keys);
        steps = op.masking() == Fused.Masking.BIAS ? Loops.broadcast(in.get(3).shape(), scores) : new long[4];
    }

    /** Reads the address, at the start of a run. */
    void begin() {
        address = buffer == null ? 0 : buffer.address();
    }

    /** Turns the mask of a batch element's keys, if there is one, into what is added to scores. */
    void keys(int b, long to) {
        if (op.masking() == Fused.Masking.KEYS) {
            long mask = address + 4L * b * keys;
            for (int j = 0; j < keys; j++) {
                Memory.set(to + 4L * j, Memory.getInt(mask + 4L * j) == 0 ? Float.NEGATIVE_INFINITY : 0);
            }
        }
    }

    /**
     * Where the addends of a query's scores are, 0 when there are none. A bias of one number for all keys is spread out
     * first.
     *
     * @param scratch what {@link #keys} has written, or memory for as many floats
     */
    long addends(int b, int h, int query, long scratch) {
        return switch (op.masking()) {
            case NONE -> 0;
            case KEYS -> scratch;
            case BIAS -> {
                long at = address + 4 * (b * steps[0] + h * steps[1] + query * steps[2]);
                if (steps[3] != 0) {
                    yield at;
                }
                float one = Memory.get(at);
                for (int j = 0; j < keys; j++) {
                    Memory.set(scratch + 4L * j, one);
                }
                yield scratch;
            }
        };
    }
}
