package org.telltale.kernels.tornado;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.Weights;
import org.telltale.engine.io.WeightsException;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.DeviceLimitException;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.spi.MemoryPlan;
import org.telltale.engine.spi.NaiveBackend;
import org.telltale.engine.spi.Program;

/**
 * An executable on the device: launches over four arrays. Inputs and states live on the host and are copied before a run,
 * outputs and new states after it. I32 values are kept as floats on the device, which is exact up to 2^24; those of a counter of
 * random numbers as two floats each, of 16 bits.
 */
final class GpuProgram implements Executable {
    private static final int LARGEST_INT = 1 << 24;

    private final Graph graph;
    private final Set<Tensor> counters;
    private final Arena arena = Arena.ofShared();
    private final Map<String, Leaf> leaves = new LinkedHashMap<>();
    private final List<Result> outputs = new ArrayList<>();
    private final Map<String, Result> updates = new LinkedHashMap<>();
    private final List<Launch> launches;
    private final GpuDevice.Loaded loaded;
    private final AtomicReference<Use> use = new AtomicReference<>(Use.IDLE);

    private enum Use {
        IDLE,
        RUNNING,
        CLOSED
    }

    /** An input or a state: where it lies in {@link Area#INPUT}, and its values on the host. */
    private static final class Leaf {
        final Tensor tensor;
        final int offset;

        @Nullable
        HostTensor memory;

        Leaf(Tensor tensor, int offset) {
            this.tensor = tensor;
            this.offset = offset;
        }
    }

    /** Where a result lies in {@link Area#OUTPUT}, and its values on the host; a state's are the state's. */
    private record Result(
            Tensor tensor, int offset, @Nullable HostTensor memory) {}

    static GpuProgram compile(Graph graph, Weights weights, GpuDevice device, CompileOptions options) {
        if (options.precision() != CompileOptions.Precision.F32) {
            throw new DeviceLimitException(
                    graph.name() + ": the gpu computes in f32 only so far; --device cpu has " + options.precision());
        }
        return new GpuProgram(Lowering.prepare(graph), weights, device);
    }

    private GpuProgram(Graph graph, Weights weights, GpuDevice device) {
        this.graph = graph;
        counters = Lowering.counters(graph);
        boolean made = false;
        try (Arena scratch = Arena.ofShared()) {
            WeightArea constants = new WeightArea();
            Set<Tensor> known = Program.constants(graph);
            constants(known, weights, constants, scratch);
            int input = layLeaves();
            Set<Tensor> external = new HashSet<>(known);
            graph.nodes().stream().filter(t -> t.op() instanceof Primitive.Leaf).forEach(external::add);
            List<Tensor> kept = new ArrayList<>(graph.outputs());
            kept.addAll(graph.updates().values());
            // an element before the plan, for what a launch has to report
            int reserved = WeightArea.ALIGNMENT;
            MemoryPlan plan = MemoryPlan.of(
                    graph.nodes(),
                    external,
                    kept,
                    new Lowering(
                            constants,
                            t -> {
                                throw new IllegalStateException("no memory yet for " + t);
                            },
                            scratch));
            Map<Tensor, Place> places = new HashMap<>();
            Lowering steps = new Lowering(
                    constants, t -> places.computeIfAbsent(t, k -> place(k, plan, constants, reserved)), scratch);
            Place report = new Place(Area.MEMORY, 0);
            steps.number(0, report);
            // every array has a use in the first launches, so that the device makes all before any is handed on
            steps.copyNumber(new Place(Area.INPUT, 0), new Place(Area.MEMORY, 1));
            steps.copyNumber(report, new Place(Area.OUTPUT, 0));
            for (Tensor t : graph.nodes()) {
                if (!external.contains(t) && !MemoryPlan.alias(t)) {
                    steps.lower(t);
                }
            }
            int output = layResults(steps, report);
            launches = List.copyOf(steps.launches());
            Map<Area, Integer> sizes = new EnumMap<>(Area.class);
            sizes.put(Area.MEMORY, elements(reserved + plan.size() / Float.BYTES));
            sizes.put(Area.WEIGHTS, constants.size());
            sizes.put(Area.INPUT, Math.max(input, WeightArea.ALIGNMENT));
            sizes.put(Area.OUTPUT, output);
            fits(sizes, device);
            loaded = device.load(graph.name(), sizes, constants::fill, launches);
            made = true;
        } finally {
            if (!made) {
                arena.close();
            }
        }
    }

    /** Refuses what the device's memory cannot hold, before anything is copied. */
    private void fits(Map<Area, Integer> sizes, GpuDevice device) {
        long bytes = sizes.values().stream().mapToLong(s -> 4L * s).sum();
        String parts = sizes.entrySet().stream()
                .map(e -> megabytes(4L * e.getValue()) + " of "
                        + e.getKey().name().toLowerCase(java.util.Locale.ROOT))
                .collect(java.util.stream.Collectors.joining(", "));
        if (bytes > device.memory()) {
            throw new DeviceLimitException(graph.name() + " needs " + megabytes(bytes) + " on the device (" + parts
                    + "), which has " + megabytes(device.memory()) + ": " + device.description());
        }
        sizes.forEach((area, size) -> {
            if (4L * size > device.largestArray()) {
                throw new DeviceLimitException(graph.name() + " needs an array of " + megabytes(4L * size) + " ("
                        + parts + "), the device's largest is " + megabytes(device.largestArray()) + ": "
                        + device.description());
            }
        });
    }

    private static String megabytes(long bytes) {
        return Math.ceilDiv(bytes, 1_000_000L) + " MB";
    }

    private int elements(long count) {
        if (count > Integer.MAX_VALUE) {
            throw new DeviceLimitException(graph.name() + ": intermediate tensors of " + count
                    + " numbers do not fit into one array of a GPU, which holds " + Integer.MAX_VALUE);
        }
        return (int) count;
    }

    /** The values of what depends on weights alone, as far as the rest of the graph reads it. */
    private void constants(Set<Tensor> known, Weights weights, WeightArea area, Arena scratch) {
        Set<Tensor> read = new HashSet<>(graph.outputs());
        read.addAll(graph.updates().values());
        graph.nodes().stream().filter(t -> !known.contains(t)).forEach(t -> read.addAll(t.inputs()));
        List<Tensor> computed = new ArrayList<>();
        for (Tensor t : graph.nodes()) {
            if (known.contains(t) && read.contains(t)) {
                if (t.op() instanceof Primitive.Weight w) {
                    area.constant(t, read(w, weights, scratch));
                } else {
                    computed.add(t);
                }
            }
        }
        if (!computed.isEmpty()) {
            try (NaiveBackend naive = new NaiveBackend();
                    Executable e = naive.compile(
                            Graph.of(graph.name() + " constants", computed, Map.of()),
                            weights,
                            CompileOptions.DEFAULT)) {
                e.run();
                for (int i = 0; i < computed.size(); i++) {
                    Tensor t = computed.get(i);
                    HostTensor copy = HostTensor.allocate(scratch, t.dtype(), t.shape());
                    copy.copyFrom(e.output(i));
                    area.constant(t, copy);
                }
            }
        }
    }

    /** Kernels trust a graph's shapes, so a weight that is not of its shape must not reach them. */
    private static HostTensor read(Primitive.Weight w, Weights weights, Arena scratch) {
        HostTensor values = weights.read(w.name(), scratch);
        if (!values.shape().equals(w.extents()) || values.dtype() != DType.F32) {
            throw new WeightsException(
                    "tensor \"" + w.name() + "\" is " + values + ", the graph expects F32 " + w.extents());
        }
        return values;
    }

    /** Gives each input and state its place in the array that is copied before a run; the array's size. */
    private int layLeaves() {
        long size = 0;
        for (Tensor t : graph.nodes()) {
            String name = switch (t.op()) {
                case Primitive.Input in -> in.name();
                case Primitive.State state -> state.name();
                case Op op -> "";
            };
            if (!name.isEmpty()) {
                Leaf before = leaves.put(name, new Leaf(t, elements(size)));
                if (before != null) {
                    throw new IllegalArgumentException(
                            graph.name() + ": two leaves are named '" + name + "': " + before.tensor + ", " + t);
                }
                size = aligned(size + floats(t));
            }
        }
        return elements(size);
    }

    /** How many floats an input or a state is on the device. */
    private long floats(Tensor leaf) {
        return (counters.contains(leaf) ? 2 : 1) * leaf.shape().size();
    }

    private static long aligned(long elements) {
        return Math.ceilDiv(elements, (long) WeightArea.ALIGNMENT) * WeightArea.ALIGNMENT;
    }

    /** Adds copies of the results into the array that is copied after a run; the array's size. */
    private int layResults(Lowering steps, Place report) {
        steps.copyNumber(report, new Place(Area.OUTPUT, 0));
        long size = WeightArea.ALIGNMENT;
        for (Tensor t : graph.outputs()) {
            outputs.add(new Result(t, elements(size), HostTensor.allocate(arena, t.dtype(), t.shape())));
            steps.copy(t, new Place(Area.OUTPUT, elements(size)));
            size = aligned(size + t.shape().size());
        }
        for (Map.Entry<Tensor, Tensor> e : graph.updates().entrySet()) {
            Primitive.State state = (Primitive.State) e.getKey().op();
            updates.put(state.name(), new Result(e.getValue(), elements(size), null));
            steps.copy(e.getValue(), new Place(Area.OUTPUT, elements(size)));
            size = aligned(size + e.getValue().shape().size());
        }
        return elements(size);
    }

    private Place place(Tensor t, MemoryPlan plan, WeightArea constants, int reserved) {
        if (constants.holds(t)) {
            return new Place(Area.WEIGHTS, constants.offset(t));
        }
        Tensor root = plan.root(t);
        int shift = Math.toIntExact(plan.shift(t) / Float.BYTES);
        return switch (root.op()) {
            case Primitive.Input in -> new Place(Area.INPUT, leaf(in.name()).offset + shift);
            case Primitive.State state -> new Place(Area.INPUT, leaf(state.name()).offset + shift);
            case Op op ->
                constants.holds(root)
                        ? new Place(Area.WEIGHTS, constants.offset(root) + shift)
                        : new Place(Area.MEMORY, elements(reserved + plan.offset(t) / Float.BYTES));
        };
    }

    private Leaf leaf(String name) {
        Leaf leaf = leaves.get(name);
        if (leaf == null) {
            throw new IllegalArgumentException(
                    graph.name() + " has no input or state '" + name + "'; it has " + leaves.keySet());
        }
        return leaf;
    }

    private HostTensor memory(Leaf leaf) {
        HostTensor memory = leaf.memory;
        if (memory == null) {
            memory = HostTensor.allocate(arena, leaf.tensor.dtype(), leaf.tensor.shape());
            leaf.memory = memory;
        }
        return memory;
    }

    @Override
    public HostTensor input(String name) {
        return memory(leaf(name));
    }

    @Override
    public HostTensor state(String name) {
        return memory(leaf(name));
    }

    @Override
    public void bind(String name, HostTensor memory) {
        Leaf leaf = leaf(name);
        if (!memory.shape().equals(leaf.tensor.shape()) || memory.dtype() != leaf.tensor.dtype()) {
            throw new IllegalArgumentException("bind: " + leaf.tensor + " cannot live in " + memory);
        }
        leaf.memory = memory;
    }

    @Override
    public HostTensor output(int index) {
        HostTensor memory = outputs.get(index).memory();
        if (memory == null) {
            throw new IllegalStateException("no memory for output " + index + " of " + graph.name());
        }
        return memory;
    }

    @Override
    public void run() {
        if (!use.compareAndSet(Use.IDLE, Use.RUNNING)) {
            throw new IllegalStateException(
                    graph.name() + (use.get() == Use.CLOSED ? " is closed" : " is used by two threads at once"));
        }
        try {
            leaves.forEach((name, leaf) -> send(name, leaf));
            loaded.run();
            int reported = (int) loaded.output().getAtIndex(ValueLayout.JAVA_FLOAT, 0);
            if (reported != 0) {
                throw new IndexOutOfBoundsException(graph.name() + ": an id outside its table in "
                        + launches.get(reported - 1).what());
            }
            outputs.forEach(r -> receive(r, r.memory()));
            updates.forEach((name, r) -> receive(r, memory(leaf(name))));
        } finally {
            use.set(Use.IDLE);
        }
    }

    private void send(String name, Leaf leaf) {
        HostTensor from = memory(leaf);
        MemorySegment to = loaded.input().asSlice(4L * leaf.offset, 4 * floats(leaf.tensor));
        if (from.dtype() != DType.I32) {
            to.copyFrom(from.data());
            return;
        }
        if (counters.contains(leaf.tensor)) {
            for (long i = 0; i < from.size(); i++) {
                int value = from.getInt(i);
                to.setAtIndex(ValueLayout.JAVA_FLOAT, 2 * i, value & 0xFFFF);
                to.setAtIndex(ValueLayout.JAVA_FLOAT, 2 * i + 1, value >> 16);
            }
            return;
        }
        for (long i = 0; i < from.size(); i++) {
            int value = from.getInt(i);
            if (value > LARGEST_INT || value < -LARGEST_INT) {
                throw new IndexOutOfBoundsException(graph.name() + ": input '" + name + "' holds " + value
                        + ", the gpu's ids are at most " + LARGEST_INT);
            }
            to.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
        }
    }

    private void receive(Result result, @Nullable HostTensor to) {
        if (to == null) {
            return;
        }
        MemorySegment from = loaded.output().asSlice(4L * result.offset(), 4 * to.size());
        if (to.dtype() != DType.I32) {
            to.data().copyFrom(from);
            return;
        }
        for (long i = 0; i < to.size(); i++) {
            to.setInt(i, (int) from.getAtIndex(ValueLayout.JAVA_FLOAT, i));
        }
    }

    @Override
    public void close() {
        if (use.compareAndSet(Use.IDLE, Use.CLOSED)) {
            loaded.close();
            arena.close();
        } else if (use.get() == Use.RUNNING) {
            throw new IllegalStateException(graph.name() + " is closed while it runs");
        }
    }
}
