package org.telltale.kernels.tornado;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
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
import org.telltale.engine.spi.Usage;

/**
 * An executable on the device: launches over an array for each {@link Area}. I32 values are kept as floats there, which is
 * exact up to 2^24; those of a counter of random numbers as two floats each, of 16 bits.
 */
final class GpuProgram implements Executable {
    private static final int LARGEST_INT = 1 << 24;

    /** Elements at the beginning of an area in which a launch reports an id outside its table. */
    private static final int RESERVED = WeightArea.ALIGNMENT;

    private final Graph graph;
    private final Set<Tensor> counters;
    private final Residence residence;
    private final Arena arena = Arena.ofShared();
    private final Map<String, Leaf> leaves = new LinkedHashMap<>();
    private final List<Result> outputs = new ArrayList<>();
    private final Map<Area, Integer> sizes = new EnumMap<>(Area.class);
    /** The areas in whose first elements a launch may report, and where in {@link Area#OUTPUT} that is copied to. */
    private final Map<Area, Integer> reports = new EnumMap<>(Area.class);

    private final List<Launch> launches;
    private final GpuDevice.Loaded loaded;
    private final Usage usage;

    /** An input or a state: where it lies on the device, and its values on the host. */
    private static final class Leaf {
        final Tensor tensor;
        final Place place;

        /** The memory that it has been given or has taken. */
        @Nullable
        HostTensor values;

        @Nullable
        Shared shared;

        boolean bound;

        /** Which version of the memory's values the device has. */
        long version = -1;

        Leaf(Tensor tensor, Place place) {
            this.tensor = tensor;
            this.place = place;
        }
    }

    /** Where an output lies in {@link Area#OUTPUT}, and its values on the host. */
    private record Result(Tensor tensor, int offset, HostTensor memory) {}

    static GpuProgram compile(
            Graph graph, Weights weights, GpuDevice device, Residence residence, CompileOptions options) {
        if (options.precision() != CompileOptions.Precision.F32) {
            throw new DeviceLimitException(
                    graph.name() + ": the gpu computes in f32 only so far; --device cpu has " + options.precision());
        }
        return new GpuProgram(Program.updatesLast(Lowering.prepare(graph)), weights, device, residence);
    }

    private GpuProgram(Graph graph, Weights weights, GpuDevice device, Residence residence) {
        this.graph = graph;
        counters = Lowering.counters(graph);
        this.residence = residence;
        this.usage = new Usage(graph.name());
        boolean made = false;
        try (Arena scratch = Arena.ofShared()) {
            WeightArea constants = new WeightArea();
            Set<Tensor> known = Program.constants(graph);
            constants(known, weights, constants, scratch);
            layLeaves();
            Lowering planning = new Lowering(
                    constants,
                    t -> {
                        throw new IllegalStateException("no memory yet for " + t);
                    },
                    scratch);
            Map<Tensor, Tensor> inPlace = Program.writtenInPlace(graph, planning);
            Set<Tensor> external = new HashSet<>(known);
            external.addAll(inPlace.keySet());
            layOutputs();
            Map<Tensor, Place> computed = computedOutputs(external);
            external.addAll(computed.keySet());
            graph.nodes().stream().filter(t -> t.op() instanceof Primitive.Leaf).forEach(external::add);
            List<Tensor> kept = new ArrayList<>(graph.outputs());
            kept.addAll(graph.updates().values());
            MemoryPlan plan = MemoryPlan.of(graph.nodes(), external, kept, planning);
            extend(Area.MEMORY, RESERVED + plan.size() / Float.BYTES);
            Map<Tensor, Place> places = new HashMap<>();
            Lowering steps = new Lowering(
                    constants,
                    t -> places.computeIfAbsent(t, k -> place(k, plan, constants, inPlace, computed)),
                    scratch);
            for (Tensor t : graph.nodes()) {
                if (!known.contains(t) && !(t.op() instanceof Primitive.Leaf) && !MemoryPlan.alias(t)) {
                    steps.lower(t);
                }
            }
            outputs.forEach(r -> steps.copy(r.tensor(), new Place(Area.OUTPUT, r.offset())));
            updateStates(steps);
            copyReports(steps);
            launches = List.copyOf(steps.launches());
            Lowering first = new Lowering(constants, steps::place, scratch);
            for (Area area : List.of(Area.MEMORY, Area.STATE, Area.FIXED, Area.OUTPUT)) {
                if (sizes.containsKey(area)) {
                    first.number(0, new Place(area, 0));
                }
            }
            sizes.put(Area.WEIGHTS, constants.size());
            sizes.putIfAbsent(Area.INPUT, RESERVED);
            fits(device);
            loaded = device.load(graph.name(), sizes, constants, first.launches(), launches);
            made = true;
        } finally {
            if (!made) {
                arena.close();
            }
        }
    }

    /** Refuses what the device's memory cannot hold, before anything is copied. */
    private void fits(GpuDevice device) {
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

    static String megabytes(long bytes) {
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

    /** Makes an area larger; returns its former size, where what is added begins. */
    private int extend(Area area, long elements) {
        int before = sizes.getOrDefault(area, 0);
        sizes.put(area, elements(Math.ceilDiv(before + elements, (long) WeightArea.ALIGNMENT) * WeightArea.ALIGNMENT));
        return before;
    }

    /** Gives each input and state its place. */
    private void layLeaves() {
        for (Tensor t : graph.nodes()) {
            switch (t.op()) {
                case Primitive.Input in -> lay(t, in.name(), Area.INPUT);
                case Primitive.State state ->
                    lay(t, state.name(), graph.updates().containsKey(t) ? Area.STATE : Area.FIXED);
                case Op op -> {}
            }
        }
    }

    /** How many floats an input or a state is on the device. */
    private long floats(Tensor leaf) {
        return (counters.contains(leaf) ? 2 : 1) * leaf.shape().size();
    }

    private void lay(Tensor t, String name, Area area) {
        if (area != Area.INPUT && !sizes.containsKey(area)) {
            extend(area, RESERVED);
        }
        Leaf before = leaves.put(name, new Leaf(t, new Place(area, extend(area, floats(t)))));
        if (before != null) {
            throw new IllegalArgumentException(
                    graph.name() + ": two leaves are named '" + name + "': " + before.tensor + ", " + t);
        }
    }

    private void layOutputs() {
        extend(Area.OUTPUT, RESERVED);
        for (Tensor t : graph.outputs()) {
            int offset = extend(Area.OUTPUT, t.shape().size());
            outputs.add(new Result(t, offset, HostTensor.allocate(arena, t.dtype(), t.shape())));
        }
    }

    /** The outputs that are computed where they are copied from, and so need no copy on the device. */
    private Map<Tensor, Place> computedOutputs(Set<Tensor> external) {
        Map<Tensor, Place> places = new HashMap<>();
        for (Result r : outputs) {
            Tensor t = r.tensor();
            if (!external.contains(t) && !(t.op() instanceof Primitive.Leaf) && !MemoryPlan.alias(t)) {
                places.putIfAbsent(t, new Place(Area.OUTPUT, r.offset()));
            }
        }
        return places;
    }

    /** Adds copies of reports into the array that is copied after a run. */
    private void copyReports(Lowering steps) {
        for (Launch launch : steps.launches()) {
            Area area = launch.areas().getLast();
            if (launch.kernel().reports() && !reports.containsKey(area)) {
                reports.put(area, area == Area.OUTPUT ? 0 : reports.size() + 1);
            }
        }
        reports.forEach((area, at) -> {
            if (area != Area.OUTPUT) {
                steps.copyNumber(new Place(area, 0), new Place(Area.OUTPUT, at));
            }
        });
    }

    /** Adds copies of new values that were not computed where their states lie; those that lie in other states are set aside first. */
    private void updateStates(Lowering steps) {
        Map<Tensor, Place> aside = new HashMap<>();
        graph.updates().forEach((state, next) -> {
            Place from = steps.place(next);
            if (from.area() == Area.STATE && !from.equals(steps.place(state))) {
                Place kept =
                        new Place(Area.MEMORY, extend(Area.MEMORY, next.shape().size()));
                steps.copy(next, from, kept);
                aside.put(state, kept);
            }
        });
        graph.updates()
                .forEach((state, next) ->
                        steps.copy(next, aside.getOrDefault(state, steps.place(next)), steps.place(state)));
    }

    private Place place(
            Tensor t, MemoryPlan plan, WeightArea constants, Map<Tensor, Tensor> inPlace, Map<Tensor, Place> computed) {
        if (constants.holds(t)) {
            return new Place(Area.WEIGHTS, constants.offset(t));
        }
        Tensor root = plan.root(t);
        int shift = Math.toIntExact(plan.shift(t) / Float.BYTES);
        Place output = computed.get(root);
        if (output != null) {
            return output.plus(shift);
        }
        Tensor own = inPlace.getOrDefault(root, root);
        return switch (own.op()) {
            case Primitive.Input in -> leaf(in.name()).place.plus(shift);
            case Primitive.State state -> leaf(state.name()).place.plus(shift);
            case Op op ->
                constants.holds(root)
                        ? new Place(Area.WEIGHTS, constants.offset(root) + shift)
                        : new Place(Area.MEMORY, elements(RESERVED + plan.offset(t) / Float.BYTES));
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

    private Shared shared(Leaf leaf) {
        Shared shared = leaf.shared;
        if (shared == null) {
            HostTensor own = HostTensor.allocate(arena, leaf.tensor.dtype(), leaf.tensor.shape());
            shared = residence.join(own);
            leaf.values = own;
            leaf.shared = shared;
        }
        return shared;
    }

    /** For the host to read or change. */
    private HostTensor ask(Leaf leaf) {
        Shared shared = shared(leaf);
        shared.toHost();
        shared.changed();
        return Objects.requireNonNull(leaf.values);
    }

    @Override
    public HostTensor input(String name) {
        return ask(leaf(name));
    }

    @Override
    public HostTensor state(String name) {
        return ask(leaf(name));
    }

    @Override
    public void bind(String name, HostTensor memory) {
        Leaf leaf = leaf(name);
        if (!memory.shape().equals(leaf.tensor.shape()) || memory.dtype() != leaf.tensor.dtype()) {
            throw new IllegalArgumentException("bind: " + leaf.tensor + " cannot live in " + memory);
        }
        Shared next = residence.join(memory);
        leave(leaf);
        leaf.values = memory;
        leaf.shared = next;
        leaf.bound = true;
        leaf.version = -1;
    }

    /** Gives up a leaf's memory; what the device has of the caller's goes back. */
    private void leave(Leaf leaf) {
        Shared shared = leaf.shared;
        if (shared != null) {
            if (leaf.bound && shared.newestIn(this)) {
                shared.toHost();
            }
            leaf.shared = null;
            residence.leave(shared);
        }
    }

    @Override
    public HostTensor output(int index) {
        return outputs.get(index).memory();
    }

    @Override
    public void run() {
        usage.enter();
        try {
            send();
            loaded.run();
            for (Leaf leaf : leaves.values()) {
                if (leaf.place.area() == Area.STATE) {
                    Shared shared = shared(leaf);
                    shared.changedBy(this);
                    leaf.version = shared.version();
                }
            }
            MemorySegment out = loaded.onHost(Area.OUTPUT);
            for (int at : reports.values()) {
                int reported = (int) out.getAtIndex(ValueLayout.JAVA_FLOAT, at);
                if (reported != 0) {
                    loaded.restart();
                    throw new IndexOutOfBoundsException(graph.name() + ": an id outside its table in "
                            + launches.get(reported - 1).what());
                }
            }
            for (Result r : outputs) {
                read(out, r.offset(), r.memory());
                residence.written(r.memory());
            }
        } finally {
            usage.leave();
        }
    }

    /** Copies inputs, and the areas of states of which the device has not the newest values. */
    private void send() {
        Set<Area> stale = EnumSet.of(Area.INPUT);
        for (Leaf leaf : leaves.values()) {
            if (leaf.version != shared(leaf).version()) {
                stale.add(leaf.place.area());
            }
        }
        for (Leaf leaf : leaves.values()) {
            if (stale.contains(leaf.place.area())) {
                // all, before any is written: what is fetched overwrites the host's copy of the area
                shared(leaf).toHost();
            }
        }
        leaves.forEach((name, leaf) -> {
            if (stale.contains(leaf.place.area())) {
                write(name, leaf);
                leaf.version = shared(leaf).version();
            }
        });
        stale.remove(Area.INPUT);
        stale.forEach(loaded::send);
    }

    /** Brings the states to the host whose newest values the device has. */
    void fetch() {
        loaded.fetch(Area.STATE);
        MemorySegment from = loaded.onHost(Area.STATE);
        for (Leaf leaf : leaves.values()) {
            Shared shared = leaf.shared;
            if (shared != null && shared.newestIn(this)) {
                read(from, leaf.place.offset(), shared.values);
                shared.atHost();
            }
        }
    }

    private void write(String name, Leaf leaf) {
        HostTensor from = Objects.requireNonNull(leaf.values);
        MemorySegment to = loaded.onHost(leaf.place.area()).asSlice(4L * leaf.place.offset(), 4 * floats(leaf.tensor));
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

    private static void read(MemorySegment area, int offset, HostTensor to) {
        MemorySegment from = area.asSlice(4L * offset, 4 * to.size());
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
        if (usage.close()) {
            try {
                leaves.values().forEach(this::leave);
            } finally {
                loaded.close();
                arena.close();
            }
        }
    }
}
