package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Memory.ALL;
import static org.telltale.kernels.vector.Memory.LANES;
import static org.telltale.kernels.vector.Memory.ORDER;
import static org.telltale.kernels.vector.Memory.SPECIES;

import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Fused;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.KernelMaker.Operands;

/** Which probabilities of attention are dropped: the same random numbers forwards and backwards, never kept. */
final class Dropped {
    private final Buffer counter;
    private final int salt;
    private final int heads;
    private final long queries;
    private final long keys;

    /** Below this a probability is dropped; what the others are multiplied with. */
    private final float rate;

    private final float factor;
    private long key;

    private Dropped(Fused.Attention op, List<Tensor> in, Buffer counter) {
        this.counter = counter;
        salt = op.salt();
        heads = op.heads();
        queries = in.get(0).dim(1);
        keys = in.get(1).dim(1);
        rate = op.dropout();
        factor = 1 / (1 - rate);
    }

    static @Nullable Dropped of(Fused.Attention op, List<Tensor> in, Operands operands) {
        return op.dropout() == 0 ? null : new Dropped(op, in, operands.buffer(in.get(op.operands() - 1)));
    }

    /** Reads the counter, at the start of a run. */
    void begin() {
        long at = counter.address();
        key = Primitive.RandomUniform.key(Memory.getInt(at), Memory.getInt(at + 4), salt);
    }

    /** Draws the numbers of a query's first keys. */
    void draw(int b, int h, int query, long to, int count) {
        Uniform.fill(key, (((long) b * heads + h) * queries + query) * keys, to, count);
    }

    /** Drops some of a row of probabilities and raises the others. */
    void apply(long row, long uniforms, int count) {
        int j = 0;
        for (; j <= count - LANES; j += LANES) {
            FloatVector p = FloatVector.fromMemorySegment(SPECIES, ALL, row + 4L * j, ORDER);
            p.mul(factors(uniforms + 4L * j, rate, factor)).intoMemorySegment(ALL, row + 4L * j, ORDER);
        }
        for (; j < count; j++) {
            float kept = Memory.get(uniforms + 4L * j) < rate ? 0 : factor;
            Memory.set(row + 4L * j, Memory.get(row + 4L * j) * kept);
        }
    }

    float rate() {
        return rate;
    }

    float factor() {
        return factor;
    }

    /** What a vector of probabilities is multiplied with. */
    static FloatVector factors(long uniforms, float rate, float factor) {
        FloatVector u = FloatVector.fromMemorySegment(SPECIES, ALL, uniforms, ORDER);
        return FloatVector.broadcast(SPECIES, factor).blend(0, u.compare(VectorOperators.LT, rate));
    }
}
