package org.telltale.engine.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;

class MemoryPlanTest {
    private static final MemoryPlan.InPlace NEVER = (t, k) -> false;
    private static final MemoryPlan.InPlace POINTWISE =
            (t, k) -> t.op() instanceof Primitive.Unary || t.op() instanceof Primitive.Binary;

    private static final MemoryPlan.InPlace APART = new MemoryPlan.InPlace() {
        @Override
        public boolean allows(Tensor t, int k) {
            return POINTWISE.allows(t, k);
        }

        @Override
        public boolean apart(Tensor t) {
            return POINTWISE.allows(t, 0);
        }
    };

    private final Tensor x = Tensor.input("x", DType.F32, 100);

    /** Runs random graphs on a block of memory that knows which tensor wrote each byte last. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void noTensorIsOverwrittenBeforeItsLastUse(boolean inPlace) {
        int takenOver = 0;
        for (int seed = 0; seed < 500; seed++) {
            takenOver += simulate(randomCase(seed), inPlace ? POINTWISE : NEVER, seed);
        }
        if (inPlace) {
            assertThat(takenOver).as("ops that worked in place").isGreaterThan(500);
        } else {
            assertThat(takenOver).isZero();
        }
    }

    /** The same where parts of concatenations are computed there, row by row. */
    @Test
    void noTensorIsOverwrittenWherePartsAreComputedInTheirConcatenation() {
        int parts = 0;
        for (int seed = 0; seed < 500; seed++) {
            Case c = randomCase(seed);
            simulate(c, APART, seed);
            MemoryPlan plan = c.plan(APART);
            parts += (int) c.order.stream().filter(t -> apart(plan, t)).count();
        }
        assertThat(parts).as("parts").isGreaterThan(200);
    }

    @Test
    void whatOnlyAConcatenationReadsIsComputedThere() {
        Tensor in = Tensor.input("in", DType.F32, 4, 6);
        Tensor a = in.exp();
        Tensor b = in.neg();
        Tensor whole = Tensor.concat(1, a, b);
        List<Tensor> order = List.of(in, a, b, whole);
        MemoryPlan plan = MemoryPlan.of(order, List.of(in), List.of(whole), APART);
        assertThat(plan.size()).isEqualTo(4 * 12 * 4);
        assertThat(plan.offset(b) - plan.offset(a)).isEqualTo(6 * 4);
        assertThat(plan.pitch(a)).isEqualTo(12);
        assertThat(plan.pitch(whole)).isEqualTo(12);
        assertThat(MemoryPlan.of(order, List.of(in), List.of(whole), POINTWISE).pitch(a))
                .isEqualTo(6);
        assertThat(MemoryPlan.of(order, List.of(in), List.of(a, whole), APART).pitch(a))
                .as("a is read after the run")
                .isEqualTo(6);
        Tensor other = a.square();
        assertThat(MemoryPlan.of(List.of(in, a, b, whole, other), List.of(in), List.of(whole, other), APART)
                        .pitch(a))
                .as("a has another reader")
                .isEqualTo(6);
        Tensor down = Tensor.concat(0, a, b);
        assertThat(MemoryPlan.of(List.of(in, a, b, down), List.of(in), List.of(down), APART)
                        .pitch(a))
                .as("rows follow each other")
                .isEqualTo(6);
    }

    private static boolean apart(MemoryPlan plan, Tensor t) {
        return plan.pitch(t) != t.dim(-1);
    }

    /** What there is to plan. */
    private record Case(List<Tensor> order, List<Tensor> external, List<Tensor> kept) {
        MemoryPlan plan(MemoryPlan.InPlace rule) {
            return MemoryPlan.of(order, external, kept, rule);
        }
    }

    private static Case randomCase(int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Tensor> order = randomGraph(random);
        return new Case(
                order,
                order.stream().filter(t -> t.op() instanceof Primitive.Input).toList(),
                order.stream().filter(t -> random.nextInt(6) == 0).toList());
    }

    private static List<Tensor> randomGraph(SplittableRandom random) {
        List<Tensor> order = new ArrayList<>();
        order.add(Tensor.input("a", DType.F32, 6, 5));
        order.add(Tensor.input("b", DType.F32, 30));
        int nodes = 3 + random.nextInt(40);
        while (order.size() < nodes) {
            Tensor t = pick(order, random);
            order.add(
                    switch (random.nextInt(9)) {
                        case 0 -> t.reshape(-1, 1);
                        case 1 -> Tensor.of(new Primitive.Detach(), t);
                        case 2 -> Tensor.concat(0, t, t);
                        case 3 -> {
                            int begin = random.nextInt(2) * (t.dim(0) / 2);
                            yield t.slice(0, begin, begin + (t.dim(0) + 1) / 2);
                        }
                        case 4, 5 -> t.exp();
                        case 6 -> t.mul(t);
                        case 7 -> Tensor.concat(t.shape().rank() - 1, t.exp(), t.neg());
                        default -> {
                            Tensor other = pick(order, random);
                            yield t.shape().equals(other.shape()) ? t.add(other) : t.add(t.neg());
                        }
                    });
            if (order.getLast().shape().size() > 4000
                    || order.subList(0, order.size() - 1).contains(order.getLast())) {
                order.removeLast();
            }
        }
        return Graph.order(order);
    }

    private static Tensor pick(List<Tensor> order, SplittableRandom random) {
        int from = random.nextBoolean() ? Math.max(0, order.size() - 4) : 0;
        return order.get(from + random.nextInt(order.size() - from));
    }

    private static int simulate(Case c, MemoryPlan.InPlace rule, int seed) {
        MemoryPlan plan = c.plan(rule);
        @Nullable Tensor[] memory = new Tensor[(int) plan.size()];
        int takenOver = 0;
        for (Tensor t : c.order) {
            for (Tensor in : t.inputs()) {
                assertIntact(plan, c.external, memory, in, seed + ": " + in + " for " + t);
            }
            if (c.external.contains(t) || plan.root(t) != t) {
                continue;
            }
            int from = (int) plan.offset(t);
            if (apart(plan, t)) {
                for (int row = 0; row < rows(t); row++) {
                    int begin = from + row * plan.pitch(t) * 4;
                    Arrays.fill(memory, begin, begin + t.dim(-1) * 4, t);
                }
                continue;
            }
            int to = from + bytes(t);
            assertThat(from % 64).as("alignment").isZero();
            assertThat((long) to).isLessThanOrEqualTo(plan.size());
            for (int k = 0; k < t.inputs().size(); k++) {
                Tensor root = plan.root(t.inputs().get(k));
                if (Arrays.asList(memory).subList(from, to).contains(root)
                        && !c.external.contains(root)
                        && !apart(plan, root)) {
                    assertThat(rule.allows(t, k))
                            .as(seed + ": " + t + " overwrites operand " + k)
                            .isTrue();
                    assertThat(plan.offset(root)).isEqualTo(from);
                    assertThat(bytes(root)).isEqualTo(bytes(t));
                    takenOver++;
                }
            }
            Arrays.fill(memory, from, to, t);
        }
        c.kept.forEach(t -> assertIntact(plan, c.external, memory, t, seed + ": kept " + t));
        return takenOver;
    }

    private static void assertIntact(
            MemoryPlan plan, List<Tensor> external, @Nullable Tensor[] memory, Tensor t, String what) {
        Tensor root = plan.root(t);
        if (!external.contains(root)) {
            int from = (int) plan.offset(t);
            for (int row = 0; row < rows(t) && apart(plan, root); row++) {
                int begin = from + row * plan.pitch(root) * 4;
                assertThat(Arrays.asList(memory).subList(begin, begin + t.dim(-1) * 4))
                        .as(what)
                        .containsOnly(root);
            }
            if (apart(plan, root)) {
                return;
            }
            assertThat(from + bytes(t)).as(what).isLessThanOrEqualTo((int) plan.offset(root) + bytes(root));
            assertThat(Arrays.asList(memory).subList(from, from + bytes(t)))
                    .as(what)
                    .containsOnly(root);
        }
    }

    private static int rows(Tensor t) {
        return (int) t.shape().size() / Math.max(1, t.dim(-1));
    }

    private static int bytes(Tensor t) {
        return (int) t.shape().size() * t.dtype().bytes();
    }

    @Test
    void aChainNeedsTwoSlotsAndInPlaceOne() {
        Tensor t = x;
        for (int i = 0; i < 10; i++) {
            t = t.exp();
        }
        List<Tensor> order = Graph.order(List.of(t));
        assertThat(MemoryPlan.of(order, List.of(x), List.of(t), NEVER).size()).isEqualTo(2 * 448);
        assertThat(MemoryPlan.of(order, List.of(x), List.of(t), POINTWISE).size())
                .isEqualTo(448);
    }

    @Test
    void anInputIsNeverTakenOver() {
        Tensor y = x.exp();
        MemoryPlan plan = MemoryPlan.of(List.of(x, y), List.of(x), List.of(y), POINTWISE);
        assertThat(plan.size()).isEqualTo(448);
        assertThatThrownBy(() -> plan.offset(x)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anOperandThatIsReadLaterIsNotTakenOver() {
        Tensor a = x.exp();
        Tensor b = a.neg();
        Tensor c = a.add(b);
        MemoryPlan plan = MemoryPlan.of(List.of(x, a, b, c), List.of(x), List.of(c), POINTWISE);
        assertThat(plan.offset(b)).isNotEqualTo(plan.offset(a));
        assertThat(plan.offset(c)).isEqualTo(plan.offset(a));
    }

    @Test
    void anOperandThatAnAliasReadsLaterIsNotTakenOver() {
        Tensor a = x.exp();
        Tensor alias = a.reshape(10, 10);
        Tensor b = a.neg();
        Tensor c = alias.sum(0);
        MemoryPlan plan = MemoryPlan.of(List.of(x, a, alias, b, c), List.of(x), List.of(b, c), POINTWISE);
        assertThat(plan.root(alias)).isSameAs(a);
        assertThat(plan.offset(alias)).isEqualTo(plan.offset(a));
        assertThat(plan.offset(b)).isNotEqualTo(plan.offset(a));
    }

    @Test
    void anOperandThatOccursTwiceIsNotTakenOver() {
        Tensor a = x.exp();
        Tensor b = a.mul(a.reshape(Shape.of(100)));
        MemoryPlan plan = MemoryPlan.of(List.of(x, a, b), List.of(x), List.of(b), POINTWISE);
        assertThat(plan.offset(b)).isNotEqualTo(plan.offset(a));
    }

    @Test
    void anAliasOfAnInputNeedsNoMemory() {
        Tensor alias = x.reshape(10, 10);
        MemoryPlan plan = MemoryPlan.of(List.of(x, alias), List.of(x), List.of(alias), NEVER);
        assertThat(plan.root(alias)).isSameAs(x);
        assertThat(plan.size()).isZero();
    }

    @Test
    void aSliceOfLeadingAxesIsAPieceOfItsOperand() {
        Tensor a = x.exp();
        Tensor rows = a.reshape(1, 10, 10).slice(1, 4, 8);
        Tensor last = rows.slice(1, 3, 4);
        Tensor columns = rows.slice(2, 0, 5);
        Tensor b = last.neg();
        List<Tensor> order = Graph.order(List.of(b, columns, a));
        MemoryPlan plan = MemoryPlan.of(order, List.of(x), List.of(b, columns), POINTWISE);
        assertThat(plan.root(last)).isSameAs(a);
        assertThat(plan.offset(rows)).isEqualTo(plan.offset(a) + 4 * 40);
        assertThat(plan.offset(last)).isEqualTo(plan.offset(a) + 4 * 70);
        assertThat(plan.root(columns)).isSameAs(columns);
        assertThat(plan.root(b)).isSameAs(b);
    }

    @Test
    void aSliceDoesNotLetItsOperandBeTakenOver() {
        Tensor a = x.exp();
        Tensor half = a.slice(0, 50, 100);
        Tensor wide = Tensor.input("w", DType.F32, 100).reshape(2, 50).add(half);
        MemoryPlan plan = MemoryPlan.of(
                Graph.order(List.of(wide)),
                List.of(x, wide.inputs().getFirst().inputs().getFirst()),
                List.of(wide),
                POINTWISE);
        assertThat(plan.offset(wide)).isNotEqualTo(plan.offset(a));
    }

    @Test
    void aSmallTensorGoesIntoTheGapThatALargeOneLeft() {
        Tensor large = Tensor.concat(0, x, x);
        Tensor kept = large.reshape(100, 2).sum(1);
        Tensor small = kept.slice(0, 0, 3).exp();
        Tensor end = small.add(kept.sum(0));
        List<Tensor> order = Graph.order(List.of(end));
        MemoryPlan plan = MemoryPlan.of(order, List.of(x), List.of(end), NEVER);
        assertThat(plan.offset(small)).isLessThan(plan.offset(kept));
        assertThat(plan.size()).isEqualTo(832 + 448);
    }
}
