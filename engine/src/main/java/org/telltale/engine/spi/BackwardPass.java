package org.telltale.engine.spi;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;

/**
 * Makes the backward pass of a training step need less memory, with the same bits. The forward pass is what the first output
 * depends on, the backward pass all else that updates of states depend on.
 *
 * <p>The backward pass is ordered from the loss to the inputs, so that the gradient of a layer's result dies with the layer.
 * {@link Graph#order} follows the parameters instead, from the first layer on, and keeps those gradients of all layers.
 *
 * <p>Recomputation of activations, or gradient checkpointing (Chen et al. 2016, "Training Deep Nets with Sublinear Memory
 * Cost"), where it is asked for: the forward pass is cut in places where few values are still needed by what follows, such as
 * between the blocks of a Transformer. Values at the cuts are kept, and so is what follows the last cut. The backward pass
 * computes the others again from the cut before them, when it comes there. Random numbers are pure functions of a counter, and
 * states change after all that reads them, so that they come out the same.
 */
final class BackwardPass {
    /** Each limit of a segment's memory that is tried, as a part of the one before. */
    private static final double STEP = 0.75;

    private static final double SMALLEST = 1e-3;

    private final Graph graph;

    /** What the forward pass computes into memory of its own, in order. */
    private final List<Tensor> steps = new ArrayList<>();

    /** The step in whose memory each tensor of the forward pass lies; none for leaves and what is known before a run. */
    private final Map<Tensor, Integer> places = new HashMap<>();

    private final Set<Tensor> backward = new LinkedHashSet<>();

    /** The last step that reads each step; the step itself where none does. */
    private final int[] lastReader;

    /** The steps that the backward pass reads. */
    private final BitSet saved = new BitSet();

    /** The steps that are read after the run, and so are kept anyway. */
    private final BitSet held = new BitSet();

    /** The last step before each possible cut; -1 is the beginning. */
    private final List<Integer> cuts = new ArrayList<>();

    private final Map<List<Integer>, Cost> segments = new HashMap<>();

    /** What is kept, in bytes, and what is computed again, in multiply-adds. */
    private record Cost(long bytes, double work) {
        static final Comparator<Cost> ORDER =
                Comparator.comparingLong(Cost::bytes).thenComparingDouble(Cost::work);

        Cost plus(long moreBytes, double moreWork) {
            return new Cost(bytes + moreBytes, work + moreWork);
        }
    }

    private BackwardPass(Graph graph, Set<Tensor> constants) {
        this.graph = graph;
        List<Tensor> forward = Graph.order(List.of(graph.outputs().getFirst()));
        for (Tensor t : forward) {
            if (MemoryPlan.alias(t)) {
                place(t.inputs().getFirst()).ifPresent(p -> places.put(t, p));
            } else if (!(t.op() instanceof Primitive.Leaf) && !constants.contains(t)) {
                places.put(t, steps.size());
                steps.add(t);
            }
        }
        lastReader = new int[steps.size()];
        for (int i = 0; i < steps.size(); i++) {
            int reader = i;
            lastReader[i] = i;
            steps.get(i).inputs().forEach(in -> place(in).ifPresent(p -> lastReader[p] = reader));
        }
        backward.addAll(Graph.order(List.copyOf(graph.updates().values())));
        forward.forEach(backward::remove);
        backward.forEach(t -> t.inputs().forEach(in -> place(in).ifPresent(saved::set)));
        graph.outputs().forEach(t -> place(t).ifPresent(held::set));
        graph.updates().values().forEach(t -> place(t).ifPresent(held::set));
    }

    /**
     * The graph as it needs the least memory; the graph itself where nothing is gained, as where no state is updated.
     *
     * @param recompute whether values may be computed again
     */
    static Graph of(Graph graph, boolean recompute, MemoryPlan.InPlace inPlace) {
        return of(graph, recompute, g -> Program.memory(g, inPlace));
    }

    /** The same with another measure of the memory that a graph needs in the order of its nodes. */
    static Graph of(Graph graph, boolean recompute, ToLongFunction<Graph> bytes) {
        if (graph.outputs().isEmpty() || graph.updates().isEmpty()) {
            return graph;
        }
        BackwardPass pass = new BackwardPass(graph, Program.constants(graph));
        Set<List<Integer>> ways = new LinkedHashSet<>();
        ways.add(List.of());
        if (recompute) {
            pass.findCuts();
            for (double part = STEP; part > SMALLEST; part *= STEP) {
                pass.choose((long) (part * pass.tail(-1))).ifPresent(ways::add);
            }
        }
        Graph best = graph;
        long least = bytes.applyAsLong(graph);
        for (List<Integer> chosen : ways) {
            Graph candidate = pass.rewrite(chosen);
            long size = bytes.applyAsLong(candidate);
            if (size < least) {
                best = candidate;
                least = size;
            }
        }
        return best;
    }

    private Optional<Integer> place(Tensor t) {
        return Optional.ofNullable(places.get(t));
    }

    private long bytes(int step) {
        Tensor t = steps.get(step);
        return t.shape().size() * t.dtype().bytes();
    }

    /** Whether a step's value is computed before a cut and read after it. */
    private boolean crosses(int step, int cut) {
        return step <= cut && lastReader[step] > cut;
    }

    /** The beginning, and where no fewer bytes cross one step earlier or later. */
    private void findCuts() {
        int n = steps.size();
        // bytes that cross after each step, one step before the first and after the last included
        long[] crossing = new long[n + 2];
        for (int i = 0; i < n; i++) {
            for (int cut = i; cut < lastReader[i]; cut++) {
                crossing[cut + 1] += bytes(i);
            }
        }
        crossing[0] = Long.MAX_VALUE;
        cuts.add(-1);
        for (int cut = 0; cut < n - 1; cut++) {
            if (crossing[cut + 1] <= crossing[cut] && (cut == n - 2 || crossing[cut + 1] <= crossing[cut + 2])) {
                cuts.add(cut);
            }
        }
    }

    /** Bytes that the backward pass reads of what follows a cut. */
    private long tail(int cut) {
        return saved.stream().filter(i -> i > cut).mapToLong(this::bytes).sum();
    }

    /** What has to be computed again between two cuts, where values at both are kept. */
    private Cost segment(int from, int to) {
        return segments.computeIfAbsent(List.of(from, to), k -> {
            BitSet needed = new BitSet();
            Cost cost = new Cost(0, 0);
            for (int i = to; i > from; i--) {
                boolean kept = crosses(i, to) || held.get(i);
                if (!kept && (saved.get(i) || needed.get(i))) {
                    steps.get(i).inputs().forEach(in -> place(in).ifPresent(needed::set));
                    cost = cost.plus(bytes(i), work(steps.get(i)));
                }
            }
            return cost;
        });
    }

    /** About how many multiply-adds an op takes. A product of extents m, n and k has mn, mk and kn elements. */
    private static double work(Tensor t) {
        boolean product = t.op() instanceof Primitive.MatMul
                || t.op() instanceof Fused.Linear
                || t.op() instanceof Fused.Conv2d
                || t.op() instanceof Fused.Attention;
        return product
                ? Math.sqrt((double) t.shape().size()
                        * t.inputs().get(0).shape().size()
                        * t.inputs().get(1).shape().size())
                : t.shape().size();
    }

    /**
     * The cuts that keep the fewest bytes, and of those that keep equally few the ones with the least work, so that neither
     * a segment nor what follows the last cut has more bytes than the limit; empty where no cuts do.
     */
    private Optional<List<Integer>> choose(long limit) {
        Cost[] best = new Cost[cuts.size()];
        int[] before = new int[cuts.size()];
        best[0] = new Cost(0, 0);
        int last = -1;
        for (int j = 0; j < cuts.size(); j++) {
            for (int i = j - 1; i >= 0; i--) {
                Cost segment = segment(cuts.get(i), cuts.get(j));
                if (segment.bytes > limit) {
                    // a longer one has more
                    break;
                }
                Cost start = best[i];
                if (start != null) {
                    Cost cost = start.plus(kept(cuts.get(i), cuts.get(j)), segment.work);
                    if (better(cost, best[j])) {
                        best[j] = cost;
                        before[j] = i;
                    }
                }
            }
            Cost here = best[j];
            if (here != null && tail(cuts.get(j)) <= limit && better(here, last < 0 ? null : best[last])) {
                last = j;
            }
        }
        if (last < 0) {
            return Optional.empty();
        }
        List<Integer> chosen = new ArrayList<>();
        for (int j = last; j > 0; j = before[j]) {
            chosen.addFirst(cuts.get(j));
        }
        return Optional.of(chosen);
    }

    private static boolean better(Cost a, @Nullable Cost b) {
        return b == null || Cost.ORDER.compare(a, b) < 0;
    }

    /** Bytes that a cut keeps beside those that the cut before it does. */
    private long kept(int from, int to) {
        long sum = 0;
        for (int i = from + 1; i <= to; i++) {
            if (crosses(i, to) && !held.get(i)) {
                sum += bytes(i);
            }
        }
        return sum;
    }

    /** The graph with all that is not kept by some cuts computed again for the backward pass, in the order of its run. */
    private Graph rewrite(List<Integer> chosen) {
        Map<Tensor, Tensor> again = new HashMap<>();
        Map<Tensor, Tensor> now = new HashMap<>();
        Set<Tensor> late = new HashSet<>();
        for (Tensor t : graph.nodes()) {
            Integer step = places.get(t);
            if (step != null) {
                if (repeated(step, chosen)) {
                    again.put(t, Tensor.of(t.op(), operands(t, again, Map.of())));
                }
            } else if (backward.contains(t) || t.inputs().stream().anyMatch(late::contains)) {
                late.add(t);
                List<Tensor> in = operands(t, backward.contains(t) ? again : Map.of(), now);
                if (!in.equals(t.inputs())) {
                    now.put(t, Tensor.of(t.op(), in));
                }
            }
        }
        List<Tensor> outputs =
                graph.outputs().stream().map(t -> now.getOrDefault(t, t)).toList();
        Map<Tensor, Tensor> updates = new LinkedHashMap<>();
        graph.updates().forEach((state, next) -> updates.put(state, now.getOrDefault(next, next)));
        List<Tensor> roots = new ArrayList<>();
        graph.outputs().stream().filter(t -> !late.contains(t)).forEach(roots::add);
        lossFirst().forEach(t -> roots.add(now.getOrDefault(t, t)));
        roots.addAll(outputs);
        updates.forEach((state, next) -> roots.addAll(List.of(state, next)));
        return new Graph(graph.name(), Graph.order(roots), outputs, Collections.unmodifiableMap(updates));
    }

    private boolean repeated(int step, List<Integer> chosen) {
        return !chosen.isEmpty()
                && step <= chosen.getLast()
                && !held.get(step)
                && chosen.stream().noneMatch(cut -> crosses(step, cut));
    }

    private static List<Tensor> operands(Tensor t, Map<Tensor, Tensor> again, Map<Tensor, Tensor> now) {
        return t.inputs().stream()
                .map(in -> again.getOrDefault(in, now.getOrDefault(in, in)))
                .toList();
    }

    /**
     * The backward pass in the order in which it comes by the steps whose gradients it computes. A step's gradient needs
     * that of the result, and perhaps operands or the result: a tensor comes when all steps that read the values that it
     * needs have their turn. What needs no value of the forward pass is left out, and is computed when it is first read.
     */
    private List<Tensor> lossFirst() {
        Map<Tensor, Integer> turns = new HashMap<>();
        for (Tensor t : backward) {
            for (Tensor in : t.inputs()) {
                place(in).ifPresent(p -> turns.merge(t, lastReader[p], Math::min));
                Integer turn = turns.get(in);
                if (turn != null) {
                    turns.merge(t, turn, Math::min);
                }
            }
        }
        List<Tensor> order = new ArrayList<>(turns.size());
        backward.stream().filter(turns::containsKey).forEach(order::add);
        order.sort(Comparator.comparing((Tensor t) -> turns.getOrDefault(t, 0)).reversed());
        return order;
    }
}
