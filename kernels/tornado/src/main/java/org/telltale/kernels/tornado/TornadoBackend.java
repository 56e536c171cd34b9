package org.telltale.kernels.tornado;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.telltale.engine.Graph;
import org.telltale.engine.io.Weights;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;

/** The GPU backend: what a graph computes runs on one device of TornadoVM's. */
public final class TornadoBackend implements Backend {
    /** The class that knows TornadoVM, in builds with profile {@code tornado}; in tests of the others, one that knows the host. */
    private static final String DEVICES = "org.telltale.kernels.tornado.TornadoDevices";

    private final MeteredDevice device;
    private final Residence residence = new Residence();

    TornadoBackend(GpuDevice device) {
        this(new MeteredDevice(device));
    }

    /** On a device that other backends use too. */
    TornadoBackend(MeteredDevice device) {
        this.device = device;
    }

    /** What is there, or why nothing is. */
    private record Probe(List<MeteredDevice> devices, Optional<String> reason) {
        /** TornadoVM colours its messages. */
        private static final Pattern COLOUR = Pattern.compile("\u001B\\[[0-9;]*m");

        private static final Probe HERE = probe();

        private static Probe probe() {
            try {
                Class<?> found = Class.forName(DEVICES);
                List<MeteredDevice> devices = ((GpuDevices)
                                found.getDeclaredConstructor().newInstance())
                        .all().stream().map(MeteredDevice::new).toList();
                return new Probe(
                        devices,
                        devices.isEmpty()
                                ? Optional.of("TornadoVM finds no device on this machine")
                                : Optional.empty());
            } catch (ClassNotFoundException e) {
                return none(
                        "this build has no GPU kernels; to have them, set TORNADOVM_HOME to a TornadoVM SDK and build"
                                + " with -Ptornado (docs/tornadovm.md)");
            } catch (NoClassDefFoundError e) {
                return none("the JVM runs without TornadoVM: set TORNADOVM_HOME to its SDK (docs/tornadovm.md)");
            } catch (Throwable e) {
                // a driver that is missing or broken can fail in any way, and must not take the CPU with it
                return none("TornadoVM does not start: "
                        + COLOUR.matcher(innermost(e).toString()).replaceAll("") + " (docs/tornadovm.md)");
            }
        }

        private static Probe none(String reason) {
            return new Probe(List.of(), Optional.of(reason));
        }

        private static Throwable innermost(Throwable e) {
            Throwable cause = e.getCause();
            return cause == null ? e : innermost(cause);
        }
    }

    /** How an application finds this backend. */
    public static final class Provider implements Backend.Provider {
        @Override
        public String device() {
            return "gpu";
        }

        @Override
        public Optional<String> unavailable() {
            return Probe.HERE.reason();
        }

        @Override
        public int count() {
            return Probe.HERE.devices().size();
        }

        /** Only where it is asked for: whether it is faster depends on the model and the device. */
        @Override
        public boolean automatic() {
            return false;
        }

        @Override
        public Backend open(int threads, int number) {
            List<MeteredDevice> devices = Probe.HERE.devices();
            if (number >= devices.size()) {
                throw new IllegalArgumentException("there is no gpu " + number + "; there are " + devices.size());
            }
            return new TornadoBackend(devices.get(number));
        }
    }

    @Override
    public String description() {
        return device.description();
    }

    @Override
    public Executable compile(Graph graph, Weights weights, CompileOptions options) {
        return GpuProgram.compile(graph, weights, device, residence, options);
    }

    @Override
    public long peakMemory() {
        return device.peak();
    }

    /** Bytes that executables hold on the device now. */
    long heldMemory() {
        return device.held();
    }

    @Override
    public void close() {}
}
