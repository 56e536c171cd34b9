package org.telltale.kernels.tornado;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid3D;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Launches as the tasks of one execution plan, which lives as long as the program. Its task graphs hand the arrays to each other
 * on the device: the first has the weights and may be part of other plans too, the second makes the other arrays, one for each
 * area of states copies that when it has been sent, and then there is the chain of those that a run consists of, since a graph
 * takes few tasks; its first copies the inputs.
 */
final class TaskChain implements GpuDevice.Loaded {
    private static final AtomicInteger COUNT = new AtomicInteger();

    /**
     * TornadoVM 5.2.0 keeps the tasks of a graph in 8 KB and its nodes in a list of 1024, which is enough for 60. It compiles once
     * for all tasks of a plan that have the same name and method, in graphs of the same name, so fewer tasks in a graph are
     * fewer to compile; but each graph waits for the device.
     */
    private static final int TASKS = 30;

    private final SharedWeights<Part> shared;
    private final SharedWeights.Copy<Part> weights;
    private final Arrays arrays;
    private final List<Part> parts = new ArrayList<>();

    /** The numbers of the graphs that copy an area of states. */
    private final Map<Area, Integer> senders = new EnumMap<>(Area.class);

    private final Set<Area> toSend = EnumSet.noneOf(Area.class);

    /** The number of the chain's first graph. */
    private final int chain;

    private final TornadoExecutionPlan plan;
    private @Nullable TornadoExecutionResult last;
    private boolean restarted;

    /** A task graph and the grids of its tasks. */
    record Part(ImmutableTaskGraph graph, GridScheduler grids) {
        static Part of(TaskGraph graph, List<Launch> launches, Arrays arrays) {
            GridScheduler grids = new GridScheduler();
            KernelContext context = new KernelContext();
            Map<GpuKernel, Integer> tasks = new EnumMap<>(GpuKernel.class);
            for (Launch launch : launches) {
                IntArray at =
                        IntArray.fromArray(launch.at().stream().mapToInt(v -> v).toArray());
                graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, at);
                String task =
                        launch.kernel().name().toLowerCase(Locale.ROOT) + tasks.merge(launch.kernel(), 1, Integer::sum);
                task(graph, task, launch, arrays, context, at);
                grids.addWorkerGrid(graph.getTaskGraphName() + "." + task, grid(launch));
            }
            return new Part(graph.snapshot(), grids);
        }
    }

    TaskChain(
            TornadoDevice device,
            SharedWeights<Part> shared,
            Map<Area, Integer> sizes,
            WeightArea weights,
            List<Launch> first,
            List<Launch> launches) {
        this.shared = shared;
        this.weights = shared.acquire(weights, TaskChain::weights);
        arrays = new Arrays(sizes, this.weights.values);
        String name = name();
        parts.add(this.weights.onDevice);
        // each array is named as copied in one graph only, since closing the plan frees what a graph copies
        TaskGraph maker = new TaskGraph(name).consumeFromDevice(arrays.of(Area.WEIGHTS));
        maker.transferToDevice(DataTransferMode.FIRST_EXECUTION, arrays.of(Area.MEMORY), arrays.of(Area.OUTPUT));
        parts.add(Part.of(maker, first, arrays));
        Set<Area> resident = EnumSet.copyOf(sizes.keySet());
        resident.remove(Area.INPUT);
        for (Area area : List.of(Area.STATE, Area.FIXED)) {
            if (resident.contains(area)) {
                TaskGraph sender = new TaskGraph(name).consumeFromDevice(all(resident));
                sender.transferToDevice(DataTransferMode.EVERY_EXECUTION, arrays.of(area));
                senders.put(area, parts.size());
                // a graph without a task copies nothing
                parts.add(Part.of(sender, first.subList(0, 1), arrays));
            }
        }
        chain = parts.size();
        for (int from = 0; from < launches.size(); from += TASKS) {
            TaskGraph graph = new TaskGraph(name).consumeFromDevice(all(resident));
            if (from == 0) {
                graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, arrays.of(Area.INPUT));
            }
            resident.add(Area.INPUT);
            parts.add(Part.of(graph, launches.subList(from, Math.min(from + TASKS, launches.size())), arrays));
        }
        // without the flag for relaxed arithmetic that is the default: infinities and the last bits count here
        plan = new TornadoExecutionPlan(parts.stream().map(Part::graph).toArray(ImmutableTaskGraph[]::new))
                .withDevice(device)
                .withCompilerFlags(TornadoVMBackendType.OPENCL, "-w");
    }

    /** What copies weights to the device and keeps them, by a task of its own. */
    private static Part weights(FloatArray values) {
        Arrays arrays = new Arrays(Map.of(Area.WEIGHTS, values.getSize(), Area.MEMORY, 1), values);
        TaskGraph graph = new TaskGraph(name());
        graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, arrays.of(Area.WEIGHTS), arrays.of(Area.MEMORY));
        return Part.of(graph, List.of(Lowering.touch(Area.WEIGHTS, Area.MEMORY)), arrays);
    }

    private static String name() {
        return "telltale" + COUNT.incrementAndGet();
    }

    private Object[] all(Set<Area> areas) {
        return areas.stream().map(arrays::of).toArray();
    }

    private static WorkerGrid grid(Launch launch) {
        GpuKernel kernel = launch.kernel();
        Launch.Groups groups = launch.groups();
        WorkerGrid grid = new WorkerGrid3D(groups.across() * kernel.across, groups.down() * kernel.down, groups.deep());
        grid.setLocalWork(kernel.across, kernel.down, 1);
        return grid;
    }

    private static void task(
            TaskGraph graph, String id, Launch launch, Arrays arrays, KernelContext context, IntArray at) {
        FloatArray[] a = arrays.of(launch);
        switch (KernelTable.of(launch.kernel())) {
            case KernelTable.One k -> graph.task(id, k.task(), context, a[0], a[1], at);
            case KernelTable.Two k -> graph.task(id, k.task(), context, a[0], a[1], a[2], at);
            case KernelTable.Three k -> graph.task(id, k.task(), context, a[0], a[1], a[2], a[3], at);
            case KernelTable.Four k -> graph.task(id, k.task(), context, a[0], a[1], a[2], a[3], a[4], at);
            case KernelTable.Five k -> graph.task(id, k.task(), context, a[0], a[1], a[2], a[3], a[4], a[5], at);
        }
    }

    @Override
    public MemorySegment onHost(Area area) {
        return arrays.of(area).getSegment();
    }

    @Override
    public void send(Area area) {
        toSend.add(area);
    }

    @Override
    public void fetch(Area area) {
        if (last != null) {
            last.transferToHost(arrays.of(area));
        }
    }

    @Override
    public void restart() {
        restarted = true;
    }

    @Override
    public void run() {
        if (last == null) {
            // the graph of the weights is part of other plans too
            synchronized (weights) {
                execute(0);
                execute(1);
            }
            toSend.addAll(senders.keySet());
        } else if (restarted) {
            execute(1);
        }
        restarted = false;
        for (Area area : toSend) {
            execute(Objects.requireNonNull(senders.get(area)));
        }
        toSend.clear();
        for (int i = chain; i < parts.size(); i++) {
            last = execute(i);
        }
        fetch(Area.OUTPUT);
    }

    private TornadoExecutionResult execute(int part) {
        return plan.withGraph(part).withGridScheduler(parts.get(part).grids()).execute();
    }

    @Override
    public void close() {
        // TornadoVM frees what the selected graph has copied, not what the others have
        for (int i = shared.release(weights) ? 0 : 1; i < parts.size(); i++) {
            plan.withGraph(i).freeDeviceMemory();
        }
    }
}
