package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.Weights;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.spi.NaiveBackend;
import org.telltale.engine.testing.Compare;

/** One expression on the reference backend and on this one, with seeded operands. */
final class Trial {
    private static final VectorBackend[] CREWS = {
        new VectorBackend(1), new VectorBackend(2), new VectorBackend(3), new VectorBackend(8)
    };

    private final Tensor tensor;
    private final Map<String, HostTensor> values = new HashMap<>();

    Trial(Tensor tensor) {
        this.tensor = tensor;
        Random random = new Random(7);
        for (Tensor t : graph().nodes()) {
            switch (t.op()) {
                case Primitive.Input in -> values.put(in.name(), random(random, in.type(), in.extents()));
                case Primitive.Weight w -> values.put(w.name(), random(random, DType.F32, w.extents()));
                default -> {}
            }
        }
    }

    private static HostTensor random(Random random, DType type, Shape shape) {
        HostTensor t = HostTensor.allocate(Arena.ofAuto(), type, shape);
        for (long i = 0; i < t.size(); i++) {
            if (type == DType.F32) {
                t.set(i, random.nextFloat() * 2 - 1);
            } else {
                t.setInt(i, random.nextInt(2));
            }
        }
        return t;
    }

    static Tensor input(String name, int... dims) {
        return Tensor.input(name, DType.F32, dims);
    }

    static Tensor weight(String name, int... dims) {
        return Tensor.of(new Primitive.Weight(name, Shape.of(dims)));
    }

    HostTensor value(String name) {
        return values.get(name);
    }

    private Graph graph() {
        return Graph.of("trial", tensor);
    }

    /** Compares this backend with the reference and its own results for 1, 2, 3 and 8 threads bit by bit. */
    void agrees(double tolerance) {
        float[] expected = run(new NaiveBackend());
        float[] one = run(CREWS[0]);
        Compare.assertClose(tensor.toString(), one, expected, tensor.shape().dims(), tolerance, tolerance);
        for (VectorBackend crew : CREWS) {
            assertThat(Arrays.mismatch(bits(run(crew)), bits(one)))
                    .as(tensor + " on " + crew.description())
                    .isEqualTo(-1);
        }
        if (expected.length > 0) {
            expected[expected.length - 1] += (float) (4 * tolerance * (1 + Math.abs(expected[expected.length - 1])));
            assertThatThrownBy(() -> Compare.assertClose(
                            "negative control", one, expected, tensor.shape().dims(), tolerance, tolerance))
                    .isInstanceOf(AssertionError.class);
        }
    }

    /**
     * Compares bfloat16 weights with the same weights rounded beforehand: bit by bit for every crew, or, where the kernel
     * rounds activations too, with rounded inputs and sums in another order.
     */
    void keepsWeightsAsBf16() {
        List<float[]> halves = new ArrayList<>();
        for (VectorBackend crew : CREWS) {
            halves.add(run(crew, new CompileOptions(CompileOptions.Precision.BF16)));
        }
        float[] unrounded = run(CREWS[0]);
        for (Tensor t : graph().nodes()) {
            if (t.op() instanceof Primitive.Weight w && w.extents().rank() > 1) {
                round(values.get(w.name()));
            } else if (t.op() instanceof Primitive.Input in && MicroKernel.BEST.rounds()) {
                round(values.get(in.name()));
            }
        }
        float[] expected = run(CREWS[0]);
        assertThat(bits(expected)).as("rounding changes results").isNotEqualTo(bits(unrounded));
        if (MicroKernel.BEST.rounds()) {
            Compare.assertClose(
                    tensor.toString(), halves.get(0), expected, tensor.shape().dims(), 1e-4, 1e-4);
            expected = halves.get(0);
        }
        int[] bits = bits(expected);
        assertThat(halves).allSatisfy(h -> assertThat(bits(h)).isEqualTo(bits));
    }

    /** Where an element of an operand is, by its row and column in the product. */
    interface Place {
        int at(int row, int column);
    }

    /**
     * Compares the product of the inputs a and b in bfloat16, as all crews have it bit by bit, with one summed in double,
     * of b rounded and, where the kernel rounds the left operand too, a rounded.
     */
    void isTheProductOfRounded(Place a, Place b, int depth) {
        float[] actual = bf16(0);
        for (int crew = 1; crew < CREWS.length; crew++) {
            assertThat(bits(bf16(crew))).isEqualTo(bits(actual));
        }
        HostTensor left = values.get("a");
        HostTensor right = values.get("b");
        int columns = tensor.dim(-1);
        for (int i = 0; i < actual.length; i++) {
            double sum = 0;
            float magnitudes = 0;
            for (int k = 0; k < depth; k++) {
                float x = left.get(a.at(i / columns, k));
                double product = (double) (MicroKernel.BEST.rounds() ? rounded(x) : x)
                        * rounded(right.get(b.at(k, i % columns)));
                sum += product;
                magnitudes += (float) Math.abs(product);
            }
            // each addition is off by no more than a unit in the last place of the sum of the magnitudes
            assertThat((double) actual[i])
                    .as("%s of %s, element %d", tensor, tensor.inputs(), i)
                    .isCloseTo(sum, within((double) depth * Math.ulp(magnitudes)));
        }
    }

    /** The result is that in F32 to the last bit. */
    void isTheSameInBf16() {
        assertThat(bits(bf16(1))).isEqualTo(bits(run(CREWS[1])));
    }

    /** The result in bfloat16 of a crew. */
    float[] bf16(int crew) {
        return run(CREWS[crew], new CompileOptions(CompileOptions.Precision.BF16));
    }

    private static void round(HostTensor value) {
        for (long i = 0; i < value.size(); i++) {
            value.set(i, rounded(value.get(i)));
        }
    }

    private static float rounded(float x) {
        return Float.intBitsToFloat(Bfloat16.round(Float.floatToRawIntBits(x)) << 16);
    }

    private static int[] bits(float[] x) {
        int[] bits = new int[x.length];
        for (int i = 0; i < x.length; i++) {
            bits[i] = Float.floatToRawIntBits(x[i]);
        }
        return bits;
    }

    float[] run(Backend backend) {
        return run(backend, CompileOptions.DEFAULT);
    }

    private float[] run(Backend backend, CompileOptions options) {
        float[][] out = new float[1][];
        with(backend, options, e -> {
            e.run();
            // twice: the second run must not depend on what the first left behind
            e.run();
            out[0] = e.output(0).toFloats();
        });
        return out[0];
    }

    /** Bytes that a warm run allocates on the heap of the running thread. */
    long allocated() {
        long[] bytes = new long[1];
        with(CREWS[0], CompileOptions.DEFAULT, e -> {
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long id = Thread.currentThread().threadId();
            bytes[0] = Long.MAX_VALUE;
            // kernels that are still interpreted box their vectors: warm is when they are compiled
            for (int i = 0; i < 20_000 && bytes[0] > 0; i++) {
                long before = threads.getThreadAllocatedBytes(id);
                e.run();
                bytes[0] = threads.getThreadAllocatedBytes(id) - before;
            }
        });
        return bytes[0];
    }

    private void with(Backend backend, CompileOptions options, Consumer<Executable> use) {
        try (Executable e = backend.compile(graph(), new Values(), options)) {
            for (Tensor t : graph().nodes()) {
                if (t.op() instanceof Primitive.Input in) {
                    e.input(in.name()).copyFrom(values.get(in.name()));
                }
            }
            use.accept(e);
        }
    }

    /** The operands as a checkpoint. */
    private final class Values implements Weights {
        @Override
        public Set<String> names() {
            return values.keySet();
        }

        @Override
        public Shape shape(String name) {
            return values.get(name).shape();
        }

        @Override
        public DType dtype(String name) {
            return DType.F32;
        }

        @Override
        public HostTensor read(String name, Arena arena) {
            HostTensor copy = HostTensor.allocate(arena, DType.F32, shape(name));
            copy.copyFrom(values.get(name));
            return copy;
        }

        @Override
        public void close() {}
    }
}
