package org.telltale.engine.spi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.Weights;

/**
 * An executable on the host: a list of kernels over one planned block of memory. What depends on weights alone is
 * computed once, while compiling.
 */
public final class Program implements Executable, KernelMaker.Operands {
    private final WeightStore.Pool pool;
    private final WeightStore store;
    private final Graph graph;
    private final Arena arena = Arena.ofShared();
    private final Map<Tensor, Buffer> buffers = new HashMap<>();
    private final Set<Tensor> constants;
    private final Map<String, Tensor> leaves = new LinkedHashMap<>();
    private final Kernel[] kernels;
    private final Copy[] updates;
    private final MemoryPlan plan;
    private final Usage usage;

    /** The end of a run: a state takes its new value, unless it was computed in the state's own memory. */
    private record Copy(Buffer from, Buffer to) {
        void run() {
            if (from.address() != to.address()) {
                to.tensor().copyFrom(from.tensor());
            }
        }
    }

    private Program(Graph graph, WeightStore.Pool pool, Weights weights, KernelMaker maker) {
        this.pool = pool;
        this.graph = graph;
        this.usage = new Usage(graph.name());
        this.constants = constants(graph);
        this.store = pool.acquire(weights);
        boolean made = false;
        try {
            computeConstants(weights, maker);
            plan = plan(maker);
            List<Kernel> steps = new ArrayList<>();
            for (Tensor t : graph.nodes()) {
                if (!constants.contains(t) && !(t.op() instanceof Primitive.Leaf) && !MemoryPlan.alias(t)) {
                    steps.add(maker.kernel(t, this));
                }
            }
            kernels = steps.toArray(Kernel[]::new);
            updates = updates();
            made = true;
        } finally {
            if (!made) {
                close();
            }
        }
    }

    /** Compiles a graph with a backend's kernels. */
    public static Program compile(
            Graph graph, WeightStore.Pool pool, Weights weights, KernelMaker maker, CompileOptions options) {
        Graph prepared = maker.prepare(graph);
        Graph lean = BackwardPass.of(prepared, options.recompute(), maker);
        return new Program(updatesLast(lean), pool, weights, maker);
    }

    /** A new value that lies in another state's memory is set aside first: that state may change before it is read. */
    private Copy[] updates() {
        List<Copy> aside = new ArrayList<>();
        List<Copy> copies = new ArrayList<>();
        graph.updates().forEach((state, next) -> {
            Buffer from = buffer(next);
            Tensor root = next;
            while (MemoryPlan.alias(root)) {
                root = root.inputs().getFirst();
            }
            if (root.op() instanceof Primitive.State && root != state) {
                Buffer kept = Buffer.fixed(next, HostTensor.allocate(arena, next.dtype(), next.shape()));
                aside.add(new Copy(from, kept));
                from = kept;
            }
            copies.add(new Copy(from, buffer(state)));
        });
        aside.addAll(copies);
        return aside.toArray(Copy[]::new);
    }

    /** The tensors that depend on weights alone. */
    public static Set<Tensor> constants(Graph graph) {
        Set<Tensor> constants = new HashSet<>();
        for (Tensor t : graph.nodes()) {
            boolean constant = switch (t.op()) {
                case Primitive.Weight w -> true;
                case Primitive.Fill f -> true;
                case Primitive.Iota i -> true;
                case Primitive.Input i -> false;
                case Primitive.State s -> false;
                case Op op -> !t.inputs().isEmpty() && constants.containsAll(t.inputs());
            };
            if (constant) {
                constants.add(t);
            }
        }
        return constants;
    }

    /** Runs the constant part as a program of its own and keeps what the rest of the graph uses of it. */
    private void computeConstants(Weights weights, KernelMaker maker) {
        Set<Tensor> used = new HashSet<>();
        used.addAll(graph.outputs());
        used.addAll(graph.updates().values());
        for (Tensor t : graph.nodes()) {
            if (!constants.contains(t)) {
                used.addAll(t.inputs());
            }
        }
        List<Tensor> wanted = new ArrayList<>();
        for (Tensor t : graph.nodes()) {
            if (constants.contains(t) && used.contains(t)) {
                if (t.op() instanceof Primitive.Leaf) {
                    leaf(t, arena).ifPresent(values -> buffers.put(t, Buffer.fixed(t, values)));
                } else {
                    wanted.add(t);
                }
            }
        }
        if (wanted.isEmpty()) {
            return;
        }
        // Leaves become inputs of the inner program, so that its nodes are not constants once more.
        Map<String, Tensor> leaves = new LinkedHashMap<>();
        Graph constant = Graph.of(graph.name() + " constants", wanted, Map.of()).rewrite((before, t) -> {
            if (!(t.op() instanceof Primitive.Leaf)) {
                return t;
            }
            String name = "leaf " + leaves.size();
            leaves.put(name, t);
            return Tensor.of(new Primitive.Input(name, DType.F32, t.shape()));
        });
        try (Arena scratch = Arena.ofShared();
                Program inner = new Program(constant, pool, weights, maker)) {
            leaves.forEach((name, t) -> inner.bind(
                    name, leaf(t, scratch).orElseGet(() -> weights.read(((Primitive.Weight) t.op()).name(), scratch))));
            inner.run();
            for (int i = 0; i < wanted.size(); i++) {
                Tensor t = wanted.get(i);
                HostTensor copy = HostTensor.allocate(arena, t.dtype(), t.shape());
                copy.copyFrom(inner.output(i));
                buffers.put(t, Buffer.fixed(t, copy));
            }
        }
    }

    /** The values of a leaf that needs no checkpoint. */
    private static Optional<HostTensor> leaf(Tensor t, Arena arena) {
        return switch (t.op()) {
            case Primitive.Fill f -> {
                HostTensor out = HostTensor.allocate(arena, DType.F32, t.shape());
                for (long i = 0; i < out.size(); i++) {
                    out.set(i, f.value());
                }
                yield Optional.of(out);
            }
            case Primitive.Iota iota -> {
                HostTensor out = HostTensor.allocate(arena, DType.F32, t.shape());
                long step = t.shape().strides()[iota.axis()];
                for (long i = 0; i < out.size(); i++) {
                    out.set(i, (int) (i / step % t.dim(iota.axis())));
                }
                yield Optional.of(out);
            }
            case Op op -> Optional.empty();
        };
    }

    /** Gives every tensor that is computed its memory. */
    private MemoryPlan plan(KernelMaker maker) {
        Map<Tensor, Tensor> inPlace = writtenInPlace(graph, maker);
        for (Tensor t : graph.nodes()) {
            switch (t.op()) {
                case Primitive.Input in -> own(t, in.name());
                case Primitive.State state -> own(t, state.name());
                case Op op -> {
                    Tensor state = inPlace.get(t);
                    if (state != null) {
                        buffers.put(t, Buffer.view(t, buffer(state), 0));
                    }
                }
            }
        }
        MemoryPlan planned = planned(graph, constants, inPlace.keySet(), maker);
        MemorySegment block = arena.allocate(Math.max(planned.size(), 1), 64);
        for (Tensor t : graph.nodes()) {
            if (buffers.containsKey(t) || constants.contains(t)) {
                continue;
            }
            Tensor root = planned.root(t);
            if (root == t) {
                long bytes = t.shape().size() * t.dtype().bytes();
                HostTensor memory = new HostTensor(t.shape(), t.dtype(), block.asSlice(planned.offset(t), bytes));
                buffers.put(t, Buffer.fixed(t, memory));
            } else {
                buffers.put(t, Buffer.view(t, buffer(root), planned.shift(t)));
            }
        }
        return planned;
    }

    /** Bytes that a graph needs in the order of its nodes, beside its leaves and constants. */
    static long memory(Graph graph, MemoryPlan.InPlace inPlace) {
        Graph last = updatesLast(graph);
        return planned(last, constants(last), writtenInPlace(last, inPlace).keySet(), inPlace)
                .size();
    }

    private static MemoryPlan planned(
            Graph graph, Set<Tensor> constants, Set<Tensor> inPlace, MemoryPlan.InPlace allowed) {
        Set<Tensor> external = new HashSet<>(constants);
        external.addAll(inPlace);
        graph.nodes().stream().filter(t -> t.op() instanceof Primitive.Leaf).forEach(external::add);
        List<Tensor> kept = new ArrayList<>(graph.outputs());
        kept.addAll(graph.updates().values());
        return MemoryPlan.of(graph.nodes(), external, kept, allowed);
    }

    private void own(Tensor t, String name) {
        Tensor before = leaves.put(name, t);
        if (before != null) {
            throw new IllegalArgumentException(
                    graph.name() + ": two leaves are named '" + name + "': " + before + ", " + t);
        }
        buffers.put(t, Buffer.lazy(t, arena));
    }

    /** The new values that can be written where their states lie, since nothing reads the old ones afterwards; with the states. */
    public static Map<Tensor, Tensor> writtenInPlace(Graph graph, MemoryPlan.InPlace inPlace) {
        Map<Tensor, Tensor> lastReader = lastReader(graph);
        Map<Tensor, Tensor> states = new HashMap<>();
        for (Tensor t : graph.nodes()) {
            for (int k = 0; k < t.inputs().size(); k++) {
                Tensor state = t.inputs().get(k);
                if (graph.updates().get(state) == t
                        && lastReader.get(state) == t
                        && t.inputs().indexOf(state) == t.inputs().lastIndexOf(state)
                        && (t.op() instanceof Primitive.ScatterRows || inPlace.allows(t, k))) {
                    states.putIfAbsent(t, state);
                }
            }
        }
        return states;
    }

    /** The last that reads each state, under any shape; states that are outputs or what others become have none. */
    private static Map<Tensor, Tensor> lastReader(Graph graph) {
        Map<Tensor, Tensor> last = new HashMap<>();
        Map<Tensor, Tensor> roots = new HashMap<>();
        for (Tensor t : graph.nodes()) {
            roots.put(t, MemoryPlan.alias(t) ? roots.get(t.inputs().getFirst()) : t);
            t.inputs().forEach(in -> last.put(roots.get(in), t));
        }
        graph.outputs().forEach(t -> last.remove(roots.get(t)));
        graph.updates().values().forEach(t -> last.remove(roots.get(t)));
        return last;
    }

    /** The graph with new values of states computed last, so that they may replace the old ones where those lie. */
    public static Graph updatesLast(Graph graph) {
        Set<Tensor> news = new HashSet<>(graph.updates().values());
        Set<Tensor> early = new HashSet<>(graph.outputs());
        List<Tensor> before = new ArrayList<>();
        List<Tensor> after = new ArrayList<>();
        for (Tensor t : graph.nodes().reversed()) {
            boolean late = news.contains(t) && !early.contains(t) && !(t.op() instanceof Primitive.Leaf);
            if (!late) {
                early.addAll(t.inputs());
            }
            (late ? after : before).add(t);
        }
        before = before.reversed();
        before.addAll(after.reversed());
        return new Graph(graph.name(), List.copyOf(before), graph.outputs(), graph.updates());
    }

    /** Bytes of the block that intermediate tensors share. */
    public long planned() {
        return plan.size();
    }

    @Override
    public Buffer buffer(Tensor t) {
        Buffer b = buffers.get(t);
        if (b == null && t.op() instanceof Primitive.Weight w) {
            b = Buffer.fixed(t, store.plain(w));
            buffers.put(t, b);
        }
        if (b == null) {
            throw new IllegalStateException(graph.name() + ": no memory for " + t);
        }
        return b;
    }

    @Override
    public int pitch(Tensor t) {
        return plan.pitch(t);
    }

    @Override
    public boolean constant(Tensor t) {
        return constants.contains(t);
    }

    @Override
    public WeightStore store() {
        return store;
    }

    @Override
    public Arena arena() {
        return arena;
    }

    @Override
    public HostTensor input(String name) {
        return leaf(name).tensor();
    }

    @Override
    public HostTensor state(String name) {
        return leaf(name).tensor();
    }

    @Override
    public void bind(String name, HostTensor memory) {
        leaf(name).bind(memory);
    }

    private Buffer leaf(String name) {
        Tensor t = leaves.get(name);
        if (t == null) {
            throw new IllegalArgumentException(
                    graph.name() + " has no input or state '" + name + "'; it has " + leaves.keySet());
        }
        return buffer(t);
    }

    @Override
    public HostTensor output(int index) {
        return buffer(graph.outputs().get(index)).tensor();
    }

    @Override
    public void run() {
        usage.enter();
        try {
            for (Kernel k : kernels) {
                k.run();
            }
            for (Copy c : updates) {
                c.run();
            }
        } finally {
            usage.leave();
        }
    }

    @Override
    public void close() {
        if (usage.close()) {
            arena.close();
            pool.release(store);
        }
    }
}
