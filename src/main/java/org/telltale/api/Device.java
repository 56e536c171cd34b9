package org.telltale.api;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.telltale.engine.spi.Backend;

/**
 * Where to compute.
 *
 * @param name {@code cpu}, or {@code auto} for the best that is there; a device that is asked for by name and cannot be
 *     used is an error, never another device in silence
 */
public record Device(String name) {
    public static Device auto() {
        return new Device("auto");
    }

    public static Device cpu() {
        return new Device("cpu");
    }

    /** What a backend says about itself here. */
    public record Status(String device, boolean usable, String detail) {}

    /** Every backend on the class path: its description, or why it cannot be used. */
    public static List<Status> all(int threads) {
        List<Status> out = new ArrayList<>();
        for (Backend.Provider p : ServiceLoader.load(Backend.Provider.class)) {
            out.add(p.unavailable()
                    .map(why -> new Status(p.device(), false, why))
                    .orElseGet(() -> {
                        try (Backend b = p.open(threads)) {
                            return new Status(p.device(), true, b.description());
                        }
                    }));
        }
        return out;
    }

    /** Opens the device's backend with a number of threads. */
    public Backend open(int threads) {
        List<String> reasons = new ArrayList<>();
        for (Backend.Provider p : ServiceLoader.load(Backend.Provider.class)) {
            if (name.equals("auto") || name.equals(p.device()) || name.startsWith(p.device() + ":")) {
                if (p.unavailable().isEmpty()) {
                    return p.open(threads);
                }
                reasons.add(p.device() + ": " + p.unavailable().orElseThrow());
            }
        }
        throw new DeviceException(
                reasons.isEmpty()
                        ? "no device '" + name + "' in this build"
                        : "device '" + name + "' cannot be used: " + String.join("; ", reasons));
    }

    /** The number of threads to compute with when none is asked for: one for each processor. */
    public static int defaultThreads() {
        return Runtime.getRuntime().availableProcessors();
    }
}
