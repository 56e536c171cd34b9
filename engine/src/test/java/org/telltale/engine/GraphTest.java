package org.telltale.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.telltale.engine.testing.Eval;

class GraphTest {
    private final Tensor x = Tensor.input("x", DType.F32, 2, 3);
    private final Tensor w = Tensor.input("w", DType.F32, 4, 3);

    @Test
    void operandsComeBeforeWhatUsesThemAndEachTensorOnce() {
        Tensor shared = x.exp();
        Tensor a = shared.add(shared);
        Tensor b = a.mul(shared);
        Tensor c = b.sub(x);
        List<Tensor> order = Graph.order(List.of(c, a));
        Set<Tensor> seen = new HashSet<>();
        for (Tensor t : order) {
            assertThat(seen).containsAll(t.inputs());
            assertThat(seen.add(t)).isTrue();
        }
        assertThat(order).containsExactlyInAnyOrder(x, shared, a, b, c);
    }

    @Test
    void aChainOfAHundredThousandTensorsIsOrdered() {
        Tensor t = x;
        for (int i = 0; i < 100_000; i++) {
            t = t.neg();
        }
        assertThat(Graph.order(List.of(t))).hasSize(100_001).startsWith(x).endsWith(t);
    }

    @Test
    void aTensorReachedOnManyPathsIsVisitedOnce() {
        Tensor t = x;
        for (int i = 0; i < 60; i++) {
            t = t.add(t);
        }
        assertThat(Graph.order(List.of(t))).hasSize(61);
    }

    @Test
    void updatesAndTheirStatesArePartOfTheGraph() {
        Tensor state = Tensor.state("s", 2, 3);
        Graph g = Graph.of("g", List.of(x), Map.of(state, x.neg()));
        assertThat(g.nodes()).contains(state).hasSize(3);
        assertThatThrownBy(() -> Graph.of("g", List.of(), Map.of(state, w)))
                .isInstanceOf(ShapeException.class)
                .hasMessageContaining("cannot become");
        assertThatThrownBy(() -> Graph.of("g", List.of(), Map.of(x, x.neg()))).isInstanceOf(ShapeException.class);
    }

    @Test
    void rewritingKeepsWhatDoesNotChange() {
        Tensor kept = x.exp();
        Tensor changed = x.neg();
        Graph g = Graph.of("g", kept.add(kept), kept.mul(changed));
        Graph same = g.rewrite((before, t) -> t);
        assertThat(same.nodes()).isEqualTo(g.nodes());
        Map<Tensor, Tensor> seen = new HashMap<>();
        Graph other = g.rewrite((before, t) -> {
            seen.put(before, t);
            return before == changed ? t.inputs().getFirst().square() : t;
        });
        assertThat(seen).containsKeys(x, kept, changed);
        assertThat(other.outputs().get(0)).isSameAs(g.outputs().get(0));
        Tensor product = other.outputs().get(1);
        assertThat(product.inputs().get(0)).isSameAs(kept);
        assertThat(product.inputs().get(1).op()).isEqualTo(new Primitive.Unary(Primitive.UnaryKind.SQUARE));
        assertThat(seen.get(g.outputs().get(1)).inputs().get(1))
                .isSameAs(product.inputs().get(1));
    }

    @Test
    void rewritingRenewsUpdatesAndTheirStates() {
        Tensor state = Tensor.state("s", 2, 3);
        Graph g = Graph.of("g", List.of(state), Map.of(state, state.add(x)));
        Graph other = g.rewrite((before, t) -> t.op() instanceof Primitive.State ? Tensor.state("t", 2, 3) : t);
        Tensor renewed = other.outputs().getFirst();
        assertThat(renewed.op()).isEqualTo(new Primitive.State("t", Shape.of(2, 3)));
        assertThat(other.updates()).containsOnlyKeys(renewed);
        assertThat(other.updates().get(renewed).inputs().getFirst()).isSameAs(renewed);
    }

    @Test
    void loweringReplacesUnsupportedFusedOpsAndWhatTheyDecomposeTo() {
        Tensor y = Tensor.of(new Fused.Linear(Activation.GELU_ERF), x, w).softmax(1);
        Graph g = Graph.of("g", y);
        assertThat(g.lower(t -> true).nodes()).isEqualTo(g.nodes());
        Graph half = g.lower(t -> t.op() instanceof Fused.Softmax || t.op() instanceof Fused.Activate);
        assertThat(half.nodes()).noneMatch(t -> t.op() instanceof Fused.Linear);
        assertThat(half.nodes()).anyMatch(t -> t.op() instanceof Fused.Activate);
        assertThat(half.outputs().getFirst().op()).isEqualTo(new Fused.Softmax(1));
        Graph all = g.lower(t -> false);
        assertThat(all.nodes()).noneMatch(t -> t.op() instanceof Fused);
        Map<String, float[]> values = Map.of(
                "x", new float[] {1, 2, 3, -1, 0, 1}, "w", new float[] {1, 0, 2, 0.5f, 1, 1, -1, -1, 0, 0.1f, 0.2f, 0.3f
                });
        float[] expected = Eval.run(g, values).getFirst();
        float[] actual = Eval.run(all, values).getFirst();
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], org.assertj.core.data.Offset.offset(1e-6f));
        }
    }

    @Test
    void aGraphDoesNotChangeWithTheCollectionsItWasMadeOf() {
        Tensor state = Tensor.state("s", 2, 3);
        Map<Tensor, Tensor> updates = new HashMap<>(Map.of(state, x));
        Graph g = Graph.of("g", List.of(x), updates);
        updates.clear();
        assertThat(g.updates()).containsOnlyKeys(state);
        assertThatThrownBy(() -> g.updates().clear()).isInstanceOf(UnsupportedOperationException.class);
    }
}
