package org.telltale.kernels.tornado;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** The devices that TornadoVM's back ends find. */
final class TornadoDevices implements GpuDevices {
    /**
     * What TornadoVM must be told before it is loaded: a kernel that it cannot compile is an error, not a loop in Java in
     * silence; functions of kernels are inlined; and the device's own functions of reduced
     * accuracy are not used.
     */
    private static final Map<String, String> PROPERTIES = Map.of(
            "tornado.recover.bailout", "false",
            "tornado.tvm.maxbytecodesize", "65536",
            "tornado.compiler.fullInlining", "true",
            "tornado.enable.nativeFunctions", "false",
            "tornado.enable.fastMathOptimizations", "false",
            "tornado.device.memory", "1024GB");

    TornadoDevices() {
        PROPERTIES.forEach((name, value) -> {
            if (System.getProperty(name) == null) {
                System.setProperty(name, value);
            }
        });
    }

    @Override
    public List<GpuDevice> all() {
        TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
        List<GpuDevice> devices = new ArrayList<>();
        for (int i = 0; i < runtime.getNumBackends(); i++) {
            TornadoBackend backend = runtime.getBackend(i);
            for (int k = 0; k < backend.getNumDevices(); k++) {
                devices.add(new Device(backend.getDevice(k)));
            }
        }
        return devices;
    }

    private record Device(TornadoDevice device) implements GpuDevice {
        @Override
        public String description() {
            return device.getPhysicalDevice().getDeviceName() + ", " + device.getTornadoVMBackend() + " on "
                    + device.getPlatformName() + ", " + memory() / 1_000_000 + " MB, f32";
        }

        @Override
        public long memory() {
            return device.getMaxGlobalMemory();
        }

        @Override
        public long largestArray() {
            return device.getMaxAllocMemory();
        }

        @Override
        public Loaded load(
                String name,
                Map<Area, Integer> sizes,
                Consumer<MemorySegment> weights,
                List<Launch> first,
                List<Launch> launches) {
            return new TaskChain(device, sizes, weights, first, launches);
        }
    }
}
