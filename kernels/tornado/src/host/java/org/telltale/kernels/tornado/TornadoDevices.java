package org.telltale.kernels.tornado;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** In the place of TornadoVM's devices where there is no SDK: the host, which calls the kernels as the methods that they are. */
final class TornadoDevices implements GpuDevices {
    @Override
    public List<GpuDevice> all() {
        return List.of(new Host(1L << 40));
    }

    /** The host as a device with some memory. */
    record Host(long memory) implements GpuDevice {
        @Override
        public String description() {
            return "kernels on the host";
        }

        @Override
        public long largestArray() {
            return memory;
        }

        @Override
        public Loaded load(
                String name,
                Map<Area, Integer> sizes,
                Consumer<MemorySegment> weights,
                List<Launch> first,
                List<Launch> launches) {
            OnHost program = new OnHost(new Arrays(sizes), new Arrays(sizes), launches);
            weights.accept(program.device.of(Area.WEIGHTS).getSegment());
            first.forEach(program::run);
            return program;
        }
    }

    /** As a device's, its arrays are not those that the program sees. */
    private record OnHost(Arrays host, Arrays device, List<Launch> launches) implements GpuDevice.Loaded {
        @Override
        public MemorySegment onHost(Area area) {
            return host.of(area).getSegment();
        }

        @Override
        public void send(Area area) {
            device.of(area).getSegment().copyFrom(onHost(area));
        }

        @Override
        public void fetch(Area area) {
            onHost(area).copyFrom(device.of(area).getSegment());
        }

        @Override
        public void run() {
            send(Area.INPUT);
            launches.forEach(this::run);
            fetch(Area.OUTPUT);
        }

        private void run(Launch launch) {
            IntArray at =
                    IntArray.fromArray(launch.at().stream().mapToInt(i -> i).toArray());
            Launch.Groups groups = launch.groups();
            int count = groups.across() * groups.down() * groups.deep();
            IntStream.range(0, count).parallel().forEach(g -> group(launch, g, at));
        }

        private void group(Launch launch, int number, IntArray at) {
            Launch.Groups groups = launch.groups();
            GpuKernel kernel = launch.kernel();
            int items = kernel.across * kernel.down;
            KernelContext.Group shared = new KernelContext.Group(items);
            Runnable[] each = new Runnable[items];
            for (int i = 0; i < items; i++) {
                KernelContext context = new KernelContext(shared);
                context.groupIdx = number % groups.across();
                context.groupIdy = number / groups.across() % groups.down();
                context.groupIdz = number / groups.across() / groups.down();
                context.localIdx = i % kernel.across;
                context.localIdy = i / kernel.across;
                context.globalIdx = context.groupIdx * kernel.across + context.localIdx;
                each[i] = () -> {
                    try {
                        call(launch, context, at);
                    } catch (RuntimeException e) {
                        shared.fail();
                        throw e;
                    }
                };
            }
            if (kernel.together) {
                together(each);
            } else {
                for (Runnable r : each) {
                    r.run();
                }
            }
        }

        /** Items that wait for each other need a thread each. */
        private static void together(Runnable[] items) {
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<?>> all = new ArrayList<>();
                for (Runnable r : items) {
                    all.add(threads.submit(r));
                }
                for (Future<?> f : all) {
                    f.get();
                }
            } catch (InterruptedException | ExecutionException e) {
                throw new IllegalStateException("an item failed", e);
            }
        }

        private void call(Launch launch, KernelContext context, IntArray at) {
            FloatArray[] a = device.of(launch);
            switch (KernelTable.of(launch.kernel())) {
                case KernelTable.One k -> k.task().apply(context, a[0], a[1], at);
                case KernelTable.Two k -> k.task().apply(context, a[0], a[1], a[2], at);
                case KernelTable.Three k -> k.task().apply(context, a[0], a[1], a[2], a[3], at);
                case KernelTable.Four k -> k.task().apply(context, a[0], a[1], a[2], a[3], a[4], at);
                case KernelTable.Five k -> k.task().apply(context, a[0], a[1], a[2], a[3], a[4], a[5], at);
            }
        }

        @Override
        public void close() {}
    }
}
