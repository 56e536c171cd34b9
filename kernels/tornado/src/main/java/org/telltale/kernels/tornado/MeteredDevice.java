package org.telltale.kernels.tornado;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.telltale.engine.spi.DeviceLimitException;

/** A device with the sum of what programs hold of its memory: their arrays, without what a driver keeps for itself. */
final class MeteredDevice implements GpuDevice {
    private final GpuDevice device;
    private long held;
    private long peak;

    MeteredDevice(GpuDevice device) {
        this.device = device;
    }

    /** Bytes that programs hold now. */
    synchronized long held() {
        return held;
    }

    /** The most that they held at once. */
    synchronized long peak() {
        return peak;
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

    /** @throws DeviceLimitException if there is no room beside the other programs */
    @Override
    public Loaded load(
            String name,
            Map<Area, Integer> sizes,
            Consumer<MemorySegment> weights,
            List<Launch> first,
            List<Launch> launches) {
        long bytes =
                sizes.values().stream().mapToLong(s -> (long) Float.BYTES * s).sum();
        take(name, bytes);
        boolean loaded = false;
        try {
            Loaded program = device.load(name, sizes, weights, first, launches);
            loaded = true;
            return new Metered(program, bytes);
        } finally {
            if (!loaded) {
                give(bytes);
            }
        }
    }

    private synchronized void take(String name, long bytes) {
        if (held + bytes > device.memory()) {
            throw new DeviceLimitException(
                    name + " needs " + megabytes(bytes) + " on the device, where other programs hold " + megabytes(held)
                            + " of " + megabytes(device.memory()) + ": " + device.description());
        }
        held += bytes;
        peak = Math.max(peak, held);
    }

    private synchronized void give(long bytes) {
        held -= bytes;
    }

    private static String megabytes(long bytes) {
        return Math.ceilDiv(bytes, 1_000_000L) + " MB";
    }

    private final class Metered implements Loaded {
        private final Loaded program;
        private final long bytes;

        Metered(Loaded program, long bytes) {
            this.program = program;
            this.bytes = bytes;
        }

        @Override
        public MemorySegment onHost(Area area) {
            return program.onHost(area);
        }

        @Override
        public void send(Area area) {
            program.send(area);
        }

        @Override
        public void fetch(Area area) {
            program.fetch(area);
        }

        @Override
        public void run() {
            program.run();
        }

        @Override
        public void close() {
            program.close();
            give(bytes);
        }
    }
}
