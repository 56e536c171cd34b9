package org.telltale.api;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.regex.Pattern;
import org.telltale.engine.spi.Backend;

/**
 * Where to compute.
 *
 * @param name {@code cpu}, {@code gpu} or {@code gpu:K} for the one of that number, or {@code auto} for the best that is
 *     there; a device that is asked for by name and cannot be used is an error, never another device in silence
 */
public record Device(String name) {
    private static final Pattern NAME = Pattern.compile("[^:]+(:\\d{1,3})?");

    /**
     * By name.
     *
     * @throws IllegalArgumentException if the name is neither a word nor a word and a number
     */
    public Device {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "no device has the name '" + name + "', expected auto, cpu, gpu or gpu:K, where K is a number");
        }
    }

    public static Device auto() {
        return new Device("auto");
    }

    public static Device cpu() {
        return new Device("cpu");
    }

    /** What a backend says about itself here. */
    public record Status(String device, boolean usable, String detail) {}

    /** Every device of every backend on the class path: its description, or why the backend cannot be used. */
    public static List<Status> all(int threads) {
        List<Status> out = new ArrayList<>();
        for (Backend.Provider p : ServiceLoader.load(Backend.Provider.class)) {
            p.unavailable().ifPresent(why -> out.add(new Status(p.device(), false, why)));
            for (int number = 0; number < p.count(); number++) {
                try (Backend b = p.open(threads, number)) {
                    out.add(new Status(p.device() + (p.count() == 1 ? "" : ":" + number), true, b.description()));
                }
            }
        }
        return out;
    }

    /** Opens the device's backend with a number of threads. */
    public Backend open(int threads) {
        String kind = name.substring(0, name.indexOf(':') < 0 ? name.length() : name.indexOf(':'));
        int number = kind.length() == name.length() ? 0 : Integer.parseInt(name.substring(kind.length() + 1));
        List<String> reasons = new ArrayList<>();
        for (Backend.Provider p : ServiceLoader.load(Backend.Provider.class)) {
            if (kind.equals("auto") ? p.automatic() : kind.equals(p.device())) {
                String why = p.unavailable()
                        .orElse("there are " + p.count() + ", so that " + p.device() + ":" + number
                                + " is none of them");
                if (number < p.count()) {
                    return p.open(threads, number);
                }
                reasons.add(p.device() + ": " + why);
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
