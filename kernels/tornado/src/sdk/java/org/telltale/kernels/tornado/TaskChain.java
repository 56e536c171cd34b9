package org.telltale.kernels.tornado;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid3D;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Launches as the tasks of one execution plan, which lives as long as the program: a chain of task graphs, since one takes few
 * tasks, that hand the arrays to each other on the device. Weights are copied to the device before the first run, inputs before and
 * outputs after each; intermediate tensors stay there.
 */
final class TaskChain implements GpuDevice.Loaded {
    private static final AtomicInteger COUNT = new AtomicInteger();

    /** TornadoVM 5.2.0 keeps the tasks of a graph in 8 KB and its nodes in a list of 1024. */
    private static final int TASKS = 60;

    private final Map<Area, FloatArray> arrays = new EnumMap<>(Area.class);
    private final GridScheduler grids = new GridScheduler();
    private final TornadoExecutionPlan plan;
    private final int graphs;

    TaskChain(TornadoDevice device, Map<Area, Integer> sizes, Consumer<MemorySegment> weights, List<Launch> launches) {
        sizes.forEach((area, size) -> arrays.put(area, new FloatArray(size)));
        input().fill((byte) 0);
        weights.accept(array(Area.WEIGHTS).getSegment());
        List<ImmutableTaskGraph> chain = new ArrayList<>();
        for (int from = 0; from < launches.size(); from += TASKS) {
            int to = Math.min(from + TASKS, launches.size());
            chain.add(graph(launches.subList(from, to), from == 0, to == launches.size())
                    .snapshot());
        }
        graphs = chain.size();
        // without the flag for relaxed arithmetic that is the default: infinities and the last bits count here
        plan = new TornadoExecutionPlan(chain.toArray(ImmutableTaskGraph[]::new))
                .withDevice(device)
                .withCompilerFlags(TornadoVMBackendType.OPENCL, "-w");
    }

    private TaskGraph graph(List<Launch> launches, boolean first, boolean last) {
        int number = COUNT.incrementAndGet();
        TaskGraph graph = new TaskGraph(name(number));
        Object[] all = Arrays.stream(Area.values()).map(this::array).toArray();
        if (first) {
            graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, array(Area.INPUT));
            graph.transferToDevice(
                    DataTransferMode.FIRST_EXECUTION, array(Area.WEIGHTS), array(Area.MEMORY), array(Area.OUTPUT));
        } else {
            graph.consumeFromDevice(name(number - 1), all);
        }
        KernelContext context = new KernelContext();
        for (int i = 0; i < launches.size(); i++) {
            Launch launch = launches.get(i);
            IntArray at =
                    IntArray.fromArray(launch.at().stream().mapToInt(v -> v).toArray());
            graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, at);
            task(graph, "t" + i, launch, context, at);
            grids.addWorkerGrid(name(number) + ".t" + i, grid(launch));
        }
        if (last) {
            graph.transferToHost(DataTransferMode.EVERY_EXECUTION, array(Area.OUTPUT));
        } else {
            graph.persistOnDevice(all);
        }
        return graph;
    }

    private static String name(int number) {
        return "telltale" + number;
    }

    private FloatArray array(Area area) {
        FloatArray array = arrays.get(area);
        if (array == null) {
            throw new IllegalStateException("no array for " + area);
        }
        return array;
    }

    private static WorkerGrid grid(Launch launch) {
        GpuKernel kernel = launch.kernel();
        Launch.Groups groups = launch.groups();
        WorkerGrid grid = new WorkerGrid3D(groups.across() * kernel.across, groups.down() * kernel.down, groups.deep());
        grid.setLocalWork(kernel.across, kernel.down, 1);
        return grid;
    }

    private void task(TaskGraph graph, String id, Launch launch, KernelContext context, IntArray at) {
        FloatArray[] a = launch.areas().stream().map(this::array).toArray(FloatArray[]::new);
        switch (KernelTable.of(launch.kernel())) {
            case KernelTable.One k -> graph.task(id, k.task(), context, a[0], a[1], at);
            case KernelTable.Two k -> graph.task(id, k.task(), context, a[0], a[1], a[2], at);
            case KernelTable.Three k -> graph.task(id, k.task(), context, a[0], a[1], a[2], a[3], at);
            case KernelTable.Four k -> graph.task(id, k.task(), context, a[0], a[1], a[2], a[3], a[4], at);
            case KernelTable.Five k -> graph.task(id, k.task(), context, a[0], a[1], a[2], a[3], a[4], a[5], at);
        }
    }

    @Override
    public MemorySegment input() {
        return array(Area.INPUT).getSegment();
    }

    @Override
    public MemorySegment output() {
        return array(Area.OUTPUT).getSegment();
    }

    @Override
    public void run() {
        for (int i = 0; i < graphs; i++) {
            plan.withGraph(i).withGridScheduler(grids).execute();
        }
    }

    @Override
    public void close() {
        try {
            plan.close();
        } catch (TornadoExecutionPlanException e) {
            throw new IllegalStateException("the device's memory could not be freed", e);
        }
    }
}
