package org.telltale.kernels.tornado;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
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
 * on the device: one that is run once makes them and copies the weights, one for each area of states copies that when it has
 * been sent, and then there is the chain of those that a run consists of, since a graph takes few tasks; its first copies the
 * inputs.
 */
final class TaskChain implements GpuDevice.Loaded {
    private static final AtomicInteger COUNT = new AtomicInteger();

    /** TornadoVM 5.2.0 keeps the tasks of a graph in 8 KB and its nodes in a list of 1024. */
    private static final int TASKS = 60;

    private final Arrays arrays;
    private final GridScheduler grids = new GridScheduler();
    private final List<ImmutableTaskGraph> graphs = new ArrayList<>();

    /** The numbers of the graphs that copy an area of states. */
    private final Map<Area, Integer> senders = new EnumMap<>(Area.class);

    private final Set<Area> toSend = EnumSet.noneOf(Area.class);

    /** The number of the chain's first graph. */
    private final int chain;

    private final TornadoExecutionPlan plan;
    private @Nullable TornadoExecutionResult last;

    TaskChain(
            TornadoDevice device,
            Map<Area, Integer> sizes,
            Consumer<MemorySegment> weights,
            List<Launch> first,
            List<Launch> launches) {
        arrays = new Arrays(sizes);
        weights.accept(onHost(Area.WEIGHTS));
        Set<Area> resident = EnumSet.copyOf(sizes.keySet());
        resident.remove(Area.INPUT);
        // each array is named as copied in one graph only, since closing the plan frees what a graph copies
        TaskGraph maker = new TaskGraph(name());
        maker.transferToDevice(
                DataTransferMode.FIRST_EXECUTION,
                arrays.of(Area.WEIGHTS),
                arrays.of(Area.MEMORY),
                arrays.of(Area.OUTPUT));
        add(maker, first);
        for (Area area : resident) {
            if (area == Area.STATE || area == Area.FIXED) {
                TaskGraph sender = new TaskGraph(name()).consumeFromDevice(all(resident));
                sender.transferToDevice(DataTransferMode.EVERY_EXECUTION, arrays.of(area));
                senders.put(area, graphs.size());
                // a graph without a task copies nothing
                add(sender, first.subList(0, 1));
            }
        }
        chain = graphs.size();
        for (int from = 0; from < launches.size(); from += TASKS) {
            TaskGraph graph = new TaskGraph(name()).consumeFromDevice(all(resident));
            if (from == 0) {
                graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, arrays.of(Area.INPUT));
            }
            resident.add(Area.INPUT);
            add(graph, launches.subList(from, Math.min(from + TASKS, launches.size())));
        }
        // without the flag for relaxed arithmetic that is the default: infinities and the last bits count here
        plan = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new))
                .withDevice(device)
                .withCompilerFlags(TornadoVMBackendType.OPENCL, "-w");
    }

    private static String name() {
        return "telltale" + COUNT.incrementAndGet();
    }

    private Object[] all(Set<Area> areas) {
        return areas.stream().map(arrays::of).toArray();
    }

    private void add(TaskGraph graph, List<Launch> launches) {
        KernelContext context = new KernelContext();
        for (int i = 0; i < launches.size(); i++) {
            Launch launch = launches.get(i);
            IntArray at =
                    IntArray.fromArray(launch.at().stream().mapToInt(v -> v).toArray());
            graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, at);
            task(graph, "t" + i, launch, context, at);
            grids.addWorkerGrid(graph.getTaskGraphName() + ".t" + i, grid(launch));
        }
        graphs.add(graph.snapshot());
    }

    private static WorkerGrid grid(Launch launch) {
        GpuKernel kernel = launch.kernel();
        Launch.Groups groups = launch.groups();
        WorkerGrid grid = new WorkerGrid3D(groups.across() * kernel.across, groups.down() * kernel.down, groups.deep());
        grid.setLocalWork(kernel.across, kernel.down, 1);
        return grid;
    }

    private void task(TaskGraph graph, String id, Launch launch, KernelContext context, IntArray at) {
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
    public void run() {
        if (last == null) {
            execute(0);
            toSend.addAll(senders.keySet());
        }
        for (Area area : toSend) {
            execute(Objects.requireNonNull(senders.get(area)));
        }
        toSend.clear();
        for (int i = chain; i < graphs.size(); i++) {
            last = execute(i);
        }
        fetch(Area.OUTPUT);
    }

    private TornadoExecutionResult execute(int graph) {
        return plan.withGraph(graph).withGridScheduler(grids).execute();
    }

    @Override
    public void close() {
        // TornadoVM frees what the selected graph has copied, not what the others have
        for (int i = 0; i < graphs.size(); i++) {
            plan.withGraph(i).freeDeviceMemory();
        }
    }
}
