package org.telltale.engine.spi;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;

/**
 * Joins pointwise ops of one shape into {@link Fused.Pointwise}: an op joins the group of what reads it when all its
 * readers are in that group. So each group has one result, and no value that others read is computed twice, save those
 * that are cheaper to compute again than to keep: random numbers and what is made of them and of constants alone (masks
 * of dropout), and sums and products with a single number.
 */
public final class PointwiseFusion {
    private final Graph graph;
    private final Map<Tensor, List<Tensor>> readers = new HashMap<>();
    private final Set<Tensor> kept = new HashSet<>();
    private final Set<Tensor> constant = new HashSet<>();
    /** Tensors that are computed again by every group that reads them. */
    private final Set<Tensor> repeated = new HashSet<>();

    /** The result of the group of each pointwise op that is in one. */
    private final Map<Tensor, Tensor> group = new HashMap<>();

    private PointwiseFusion(Graph graph) {
        this.graph = graph;
    }

    /** The graph with groups of two ops or more joined. */
    public static Graph of(Graph graph) {
        PointwiseFusion fusion = new PointwiseFusion(graph);
        fusion.look();
        fusion.assign();
        return fusion.rewrite();
    }

    private void look() {
        kept.addAll(graph.outputs());
        kept.addAll(graph.updates().values());
        for (Tensor t : graph.nodes()) {
            t.inputs()
                    .forEach(in ->
                            readers.computeIfAbsent(in, k -> new ArrayList<>()).add(t));
        }
        for (Tensor t : graph.nodes()) {
            if (number(t)
                    || t.op() instanceof Primitive.Weight
                    || t.op() instanceof Primitive.Iota
                    || (!t.inputs().isEmpty() && constant.containsAll(t.inputs()))) {
                constant.add(t);
            }
            boolean random = t.op() instanceof Primitive.RandomUniform;
            boolean made = pointwise(t)
                    && t.inputs().stream().anyMatch(repeated::contains)
                    && t.inputs().stream().allMatch(in -> repeated.contains(in) || number(in));
            if (!kept.contains(t) && (random || made || simple(t))) {
                repeated.add(t);
            }
        }
    }

    private List<Tensor> readers(Tensor t) {
        return readers.getOrDefault(t, List.of());
    }

    /** Whether a tensor is one number that is known now, in whatever shape. */
    private static boolean number(Tensor t) {
        return t.op() instanceof Primitive.Fill;
    }

    private static boolean pointwise(Tensor t) {
        return t.op() instanceof Primitive.Unary
                || t.op() instanceof Primitive.Binary
                || t.op() instanceof Fused.Activate;
    }

    /** A sum or product with a single number, for two readers or more. */
    private boolean simple(Tensor t) {
        return t.op() instanceof Primitive.Binary b
                && (b.kind() == Primitive.BinaryKind.ADD || b.kind() == Primitive.BinaryKind.MUL)
                && readers(t).size() > 1
                && t.inputs().stream()
                                .filter(in -> in.shape().size() == 1 || number(in))
                                .count()
                        == 1
                && !constant.contains(t)
                && readers(t).stream().allMatch(r -> pointwise(r) && r.shape().equals(t.shape()));
    }

    private void assign() {
        for (int i = graph.nodes().size() - 1; i >= 0; i--) {
            Tensor t = graph.nodes().get(i);
            if (!pointwise(t) || repeated.contains(t)) {
                continue;
            }
            Set<Tensor> groups = new LinkedHashSet<>();
            groups(t, groups);
            Tensor result = groups.size() == 1 ? groups.iterator().next() : t;
            boolean joins = !kept.contains(t)
                    && result.shape().equals(t.shape())
                    && constant.contains(t) == constant.contains(result);
            group.put(t, joins ? result : t);
        }
    }

    /** The groups that read a tensor; a reader outside of groups counts as one of its own. */
    private void groups(Tensor t, Set<Tensor> into) {
        for (Tensor r : readers(t)) {
            if (repeated.contains(r) && inlined(r)) {
                groups(r, into);
            } else {
                into.add(group.getOrDefault(r, r));
                if (!group.containsKey(r)) {
                    into.add(t);
                }
            }
        }
    }

    /** Whether everything that reads a repeated tensor computes it in its group. */
    private boolean inlined(Tensor t) {
        return readers(t).stream()
                .allMatch(r -> repeated.contains(r) ? inlined(r) && same(r, t) : pointwise(r) && same(r, t));
    }

    private static boolean same(Tensor a, Tensor b) {
        return a.shape().equals(b.shape());
    }

    private Graph rewrite() {
        Map<Tensor, Tensor> now = new HashMap<>();
        return graph.rewrite((before, t) -> {
            Tensor result = group.get(before) == before ? joined(before, t, now) : t;
            now.put(before, result);
            return result;
        });
    }

    private Tensor joined(Tensor result, Tensor plain, Map<Tensor, Tensor> now) {
        List<Tensor> members = new ArrayList<>();
        List<Tensor> operands = new ArrayList<>();
        collect(result, result, members, operands);
        if (members.size() < 2 || !reaches(members, operands, result.shape())) {
            return plain;
        }
        Map<Tensor, Integer> places = new HashMap<>();
        operands.forEach(o -> places.put(o, places.size()));
        List<Fused.Pointwise.Step> steps = new ArrayList<>();
        for (Tensor m : members) {
            List<Integer> arguments = new ArrayList<>();
            for (Tensor in : m.inputs()) {
                if (number(in) && !places.containsKey(in)) {
                    float value = ((Primitive.Fill) in.op()).value();
                    places.put(in, operands.size() + steps.size());
                    steps.add(new Fused.Pointwise.Step(new Primitive.Fill(value, Shape.of()), List.of()));
                }
                arguments.add(places.get(in));
            }
            places.put(m, operands.size() + steps.size());
            steps.add(new Fused.Pointwise.Step(m.op(), arguments));
        }
        return Tensor.of(
                new Fused.Pointwise(result.shape(), steps),
                operands.stream().map(now::get).toList());
    }

    /** Whether something that is read says how large the result is: a number has no extents inside a group. */
    private static boolean reaches(List<Tensor> members, List<Tensor> operands, Shape shape) {
        if (members.stream().anyMatch(m -> m.op() instanceof Primitive.RandomUniform)) {
            return true;
        }
        for (int axis = 1; axis <= shape.rank(); axis++) {
            int fromEnd = axis;
            boolean found = operands.stream()
                    .filter(o -> o.dtype() == DType.F32 && o.shape().rank() >= fromEnd)
                    .anyMatch(o -> o.shape().dim(-fromEnd) == shape.dim(-fromEnd));
            if (!found) {
                return false;
            }
        }
        return true;
    }

    /** The members of a group, operands first, and what they read from outside; without numbers. */
    private void collect(Tensor result, Tensor t, List<Tensor> members, List<Tensor> operands) {
        // a group is as deep as a loss is long at most, since every member has the shape of the result
        for (Tensor in : t.inputs()) {
            if (number(in) || members.contains(in) || operands.contains(in)) {
                continue;
            }
            boolean inside = group.get(in) == result || (repeated.contains(in) && same(in, result));
            if (inside) {
                collect(result, in, members, operands);
            } else {
                operands.add(in);
            }
        }
        members.add(t);
    }
}
