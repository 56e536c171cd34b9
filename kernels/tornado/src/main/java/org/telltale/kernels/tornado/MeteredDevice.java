package org.telltale.kernels.tornado;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.telltale.engine.spi.DeviceLimitException;

/**
 * A device with the sum of what programs hold of its memory: their arrays, without what a driver keeps for itself. Weights that
 * programs share count once.
 */
final class MeteredDevice implements GpuDevice {
    private final GpuDevice device;
    private long held;
    private long peak;

    /** How many programs have the weights whose host's copy lies at an address. */
    private final Map<Long, Integer> users = new HashMap<>();

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
    public synchronized Loaded load(
            String name, Map<Area, Integer> sizes, WeightArea weights, List<Launch> first, List<Launch> launches) {
        long weightBytes = (long) Float.BYTES * sizes.getOrDefault(Area.WEIGHTS, 0);
        long bytes =
                sizes.values().stream().mapToLong(s -> (long) Float.BYTES * s).sum() - weightBytes;
        check(name, bytes);
        Loaded program = device.load(name, sizes, weights, first, launches);
        boolean counted = false;
        try {
            long copy = program.onHost(Area.WEIGHTS).address();
            check(name, bytes + (users.containsKey(copy) ? 0 : weightBytes));
            held += bytes + (users.merge(copy, 1, Integer::sum) == 1 ? weightBytes : 0);
            peak = Math.max(peak, held);
            counted = true;
            return new Metered(program, copy, bytes, weightBytes);
        } finally {
            if (!counted) {
                program.close();
            }
        }
    }

    private void check(String name, long bytes) {
        if (held + bytes > device.memory()) {
            throw new DeviceLimitException(name + " needs " + GpuProgram.megabytes(bytes)
                    + " on the device, where other programs hold " + GpuProgram.megabytes(held) + " of "
                    + GpuProgram.megabytes(device.memory()) + ": " + device.description());
        }
    }

    private synchronized void give(long copy, long bytes, long weightBytes) {
        boolean last = users.merge(copy, -1, Integer::sum) == 0;
        if (last) {
            users.remove(copy);
        }
        held -= bytes + (last ? weightBytes : 0);
    }

    private final class Metered implements Loaded {
        private final Loaded program;
        private final long copy;
        private final long bytes;
        private final long weightBytes;

        Metered(Loaded program, long copy, long bytes, long weightBytes) {
            this.program = program;
            this.copy = copy;
            this.bytes = bytes;
            this.weightBytes = weightBytes;
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
        public void restart() {
            program.restart();
        }

        @Override
        public void run() {
            program.run();
        }

        @Override
        public void close() {
            program.close();
            give(copy, bytes, weightBytes);
        }
    }
}
