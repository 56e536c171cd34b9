package org.telltale.kernels.tornado;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** The device under test, with a record of the states that are copied to it and from it. */
final class Transfers implements GpuDevice {
    private final GpuDevice device = new TornadoDevices().all().getFirst();
    private final List<String> seen = new ArrayList<>();

    /** What has been copied since the last call, as "send STATE of name". */
    List<String> taken() {
        List<String> taken = List.copyOf(seen);
        seen.clear();
        return taken;
    }

    @Override
    public String description() {
        return device.description();
    }

    @Override
    public long memory() {
        return device.memory();
    }

    @Override
    public long largestArray() {
        return device.largestArray();
    }

    @Override
    public Loaded load(
            String name,
            Map<Area, Integer> sizes,
            Consumer<MemorySegment> weights,
            List<Launch> first,
            List<Launch> launches) {
        Loaded loaded = device.load(name, sizes, weights, first, launches);
        return new Loaded() {
            @Override
            public MemorySegment onHost(Area area) {
                return loaded.onHost(area);
            }

            @Override
            public void send(Area area) {
                seen.add("send " + area + " of " + name);
                loaded.send(area);
            }

            @Override
            public void fetch(Area area) {
                seen.add("fetch " + area + " of " + name);
                loaded.fetch(area);
            }

            @Override
            public void run() {
                loaded.run();
            }

            @Override
            public void close() {
                loaded.close();
            }
        };
    }
}
