package org.telltale.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.Predicate;

/**
 * Expressions frozen for compilation.
 *
 * @param name for messages
 * @param nodes every tensor needed, operands before what uses them
 * @param outputs what a run computes
 * @param updates what each state leaf becomes after a run
 */
public record Graph(String name, List<Tensor> nodes, List<Tensor> outputs, Map<Tensor, Tensor> updates) {
    public static Graph of(String name, Tensor... outputs) {
        return of(name, List.of(outputs), Map.of());
    }

    public static Graph of(String name, List<Tensor> outputs, Map<Tensor, Tensor> updates) {
        List<Tensor> roots = new ArrayList<>(outputs);
        updates.forEach((state, next) -> {
            if (!(state.op() instanceof Primitive.State) || !state.shape().equals(next.shape())) {
                throw new ShapeException("update: " + state + " cannot become " + next);
            }
            roots.add(state);
            roots.add(next);
        });
        return new Graph(
                name,
                order(roots),
                List.copyOf(outputs),
                java.util.Collections.unmodifiableMap(new LinkedHashMap<>(updates)));
    }

    /** Every tensor the roots need, operands first; without recursion, since models are thousands of nodes deep. */
    public static List<Tensor> order(List<Tensor> roots) {
        List<Tensor> out = new ArrayList<>();
        Map<Tensor, Boolean> done = new HashMap<>();
        Deque<Tensor> stack = new ArrayDeque<>();
        for (Tensor root : roots) {
            stack.push(root);
            while (!stack.isEmpty()) {
                Tensor t = stack.peek();
                Boolean state = done.putIfAbsent(t, false);
                if (state == null) {
                    for (int i = t.inputs().size() - 1; i >= 0; i--) {
                        if (!done.containsKey(t.inputs().get(i))) {
                            stack.push(t.inputs().get(i));
                        }
                    }
                } else {
                    stack.pop();
                    if (!state) {
                        done.put(t, true);
                        out.add(t);
                    }
                }
            }
        }
        return List.copyOf(out);
    }

    /**
     * This graph with tensors replaced, operands first; the function gets each tensor as it was, and as it is with its
     * operands replaced.
     */
    public Graph rewrite(BinaryOperator<Tensor> replace) {
        Map<Tensor, Tensor> now = new HashMap<>();
        for (Tensor t : nodes) {
            List<Tensor> in = t.inputs().stream().map(now::get).toList();
            boolean same = true;
            for (int i = 0; i < in.size(); i++) {
                same &= in.get(i) == t.inputs().get(i);
            }
            now.put(t, replace.apply(t, same ? t : Tensor.of(t.op(), in)));
        }
        Map<Tensor, Tensor> changed = new LinkedHashMap<>();
        updates.forEach((state, next) -> changed.put(now.get(state), now.get(next)));
        return of(name, outputs.stream().map(now::get).toList(), changed);
    }

    /** This graph with every fused op that is not supported replaced by what it decomposes to. */
    public Graph lower(Predicate<Tensor> supported) {
        Graph g = this;
        boolean again = true;
        while (again) {
            boolean[] changed = {false};
            g = g.rewrite((before, t) -> {
                if (t.op() instanceof Fused f && !supported.test(t)) {
                    changed[0] = true;
                    return f.decompose(t.inputs());
                }
                return t;
            });
            again = changed[0];
        }
        return g;
    }
}
