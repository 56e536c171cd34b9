package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Primitive.BinaryKind;
import org.telltale.engine.Primitive.UnaryKind;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.nn.Dropout;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.spi.PointwiseFusion;
import org.telltale.engine.testing.Values;

class PointwiseFusionTest {
    private static final UnaryKind[] UNARY = {UnaryKind.NEG, UnaryKind.SQUARE, UnaryKind.TANH, UnaryKind.SIGMOID};
    private static final BinaryKind[] BINARY = {BinaryKind.ADD, BinaryKind.SUB, BinaryKind.MUL, BinaryKind.MAXIMUM};

    private static long count(Graph g, Class<?> op) {
        return g.nodes().stream().filter(t -> op.isInstance(t.op())).count();
    }

    @Test
    void anActivationAndItsGradientAreOneKernelEach() {
        Tensor x = Tensor.input("x", DType.F32, 40, 30);
        Tensor dy = Tensor.input("dy", DType.F32, 40, 30);
        Tensor y = x.activate(Activation.GELU_ERF);
        Graph g = Graph.of("gelu", Autograd.gradients(List.of(y), List.of(dy), List.of(x)), Map.of());
        Graph fused = PointwiseFusion.of(g.lower(t -> false));
        assertThat(count(fused, Primitive.Binary.class) + count(fused, Primitive.Unary.class))
                .isZero();
        assertThat(count(fused, Fused.Pointwise.class)).isEqualTo(1);
    }

    @Test
    void masksOfDropoutAreDrawnAgainInsteadOfKept() {
        Tensor x = Tensor.input("x", DType.F32, 40, 30);
        Tensor w = Tensor.input("w", DType.F32, 30, 30);
        Tensor counter = Tensor.input("counter", DType.I32, 2);
        Tensor y = Dropout.of(x.matmul(w), 0.1f, counter, 3).matmul(w);
        Graph g = Graph.of("dropout", Autograd.gradients(y.sumAll(), List.of(x)), Map.of());
        Graph fused = PointwiseFusion.of(Graph.of("both", List.of(y, g.outputs().getFirst()), Map.of()));
        assertThat(count(fused, Primitive.RandomUniform.class)).isZero();
        assertThat(count(fused, Fused.Pointwise.class)).isEqualTo(2);
    }

    /** Such as the gradient of a parameter that the loss does not depend on, on its way to a rule's states. */
    @Test
    void numbersOfAShapeKeepIt() {
        Tensor zeros = Tensor.zeros(Shape.of(4, 5));
        Tensor small = zeros.add(3).mul(0.5f).mul(Tensor.input("one", DType.F32, 1));
        Graph graph = Graph.of("numbers", small, zeros.square().mul(0.1f).add(1));
        for (Backend backend : Backends.all().values()) {
            try (Executable e = backend.compile(graph, new NoWeights(), CompileOptions.DEFAULT)) {
                e.input("one").set(new float[] {2});
                e.run();
                assertThat(e.output(0).toFloats()).hasSize(20).containsOnly(3f);
                assertThat(e.output(1).toFloats()).hasSize(20).containsOnly(1f);
            }
        }
    }

    /** Where every tensor is an output nothing can be joined. */
    @Test
    void anyExpressionHasTheBitsOfItsSingleOps() {
        SplittableRandom random = new SplittableRandom(5);
        for (int trial = 0; trial < 60; trial++) {
            int rows = 1 + random.nextInt(40);
            int columns = 1 + random.nextInt(trial % 3 == 0 ? 3000 : 60);
            List<Tensor> all = new ArrayList<>();
            all.add(Tensor.input("a", DType.F32, rows, columns));
            all.add(Tensor.input("b", DType.F32, rows, columns));
            all.add(Tensor.input("row", DType.F32, columns));
            all.add(Tensor.input("column", DType.F32, rows, 1));
            all.add(Tensor.input("one", DType.F32, 1));
            Tensor counter = Tensor.input("counter", DType.I32, 2);
            all.add(Tensor.of(new Primitive.RandomUniform(trial, Shape.of(rows, columns)), counter));
            all.add(Tensor.fill(0.75f));
            int inputs = all.size();
            for (int i = 0; i < 25; i++) {
                Tensor p = all.get(random.nextInt(all.size()));
                Tensor q = all.get(random.nextInt(all.size()));
                all.add(
                        switch (random.nextInt(6)) {
                            case 0 -> p.unary(UNARY[random.nextInt(UNARY.length)]);
                            case 1 -> p.activate(Activation.SIGMOID);
                            case 2 -> p.shape().rank() == 2 ? p.sumKeeping(0).broadcast(p.shape()) : p;
                            default -> Tensor.of(new Primitive.Binary(BINARY[random.nextInt(BINARY.length)]), p, q);
                        });
            }
            List<Tensor> computed = all.subList(inputs, all.size());
            Graph single = Graph.of("single", computed, Map.of());
            Graph joined = Graph.of("joined", List.of(computed.getLast(), computed.get(10)), Map.of());
            try (Arena arena = Arena.ofShared()) {
                Map<String, HostTensor> values = new HashMap<>();
                for (Tensor t : single.nodes()) {
                    if (t.op() instanceof Primitive.Input in) {
                        HostTensor v = HostTensor.allocate(arena, t.dtype(), t.shape());
                        for (long i = 0; i < v.size(); i++) {
                            if (t.dtype() == DType.I32) {
                                v.setInt(i, random.nextInt());
                            } else {
                                v.set(i, (float) (random.nextDouble() * 2 - 1));
                            }
                        }
                        values.put(in.name(), v);
                    }
                }
                Backend backend = Backends.all().values().stream()
                        .filter(b -> !b.description().startsWith("naive"))
                        .findFirst()
                        .orElseThrow();
                List<HostTensor> expected = new Values(values).run(backend, single, arena);
                List<HostTensor> actual = new Values(values).run(backend, joined, arena);
                assertThat(actual.get(0).toFloats())
                        .containsExactly(expected.getLast().toFloats());
                assertThat(actual.get(1).toFloats())
                        .containsExactly(expected.get(10).toFloats());
            }
        }
    }

    /** Momentum and weight replace what they were made of; the loss of each step still reads the old weight. */
    @Test
    void statesAreUpdatedWhereTheyLie() {
        Tensor w = Tensor.state("w", 50, 40);
        Tensor m = Tensor.state("m", 50, 40);
        Tensor x = Tensor.input("x", DType.F32, 7, 40);
        Tensor loss = x.matmul(w, false, true).add(-1).square().sumAll();
        Tensor g = Autograd.gradients(loss, List.of(w)).getFirst();
        Tensor next = m.mul(0.9f).add(g);
        Map<Tensor, Tensor> updates = new java.util.LinkedHashMap<>();
        updates.put(w, w.sub(next.mul(1e-3f)));
        updates.put(m, next);
        Graph step = Graph.of("step", List.of(loss), updates);
        for (Backend backend : Backends.all().values()) {
            try (Arena arena = Arena.ofShared();
                    Executable e = backend.compile(step, new NoWeights(), CompileOptions.DEFAULT);
                    Executable naive = Backends.naive().compile(step, new NoWeights(), CompileOptions.DEFAULT)) {
                HostTensor memory = HostTensor.allocate(arena, DType.F32, w.shape());
                e.bind("w", memory);
                for (int i = 0; i < 5; i++) {
                    for (long k = 0; k < 280; k++) {
                        e.input("x").set(k, (float) Math.sin(i + k));
                        naive.input("x").set(k, (float) Math.sin(i + k));
                    }
                    e.run();
                    naive.run();
                    float wanted = naive.output(0).get(0);
                    assertThat(e.output(0).get(0))
                            .isCloseTo(wanted, org.assertj.core.data.Offset.offset(2e-5f * wanted));
                }
                assertThat(memory.get(17)).isNotZero();
                assertThat(e.state("w").data().address())
                        .isEqualTo(memory.data().address());
            }
        }
    }
}
