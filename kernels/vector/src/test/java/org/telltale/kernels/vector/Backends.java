package org.telltale.kernels.vector;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.NaiveBackend;

/** The backends that ops are tested on: the naive reference, and every one that an application would find. */
final class Backends {
    static final String NAIVE = "naive";

    private static final Map<String, Backend> ALL = open();

    private Backends() {}

    private static Map<String, Backend> open() {
        Map<String, Backend> all = new LinkedHashMap<>();
        all.put(NAIVE, new NaiveBackend());
        for (Backend.Provider p : ServiceLoader.load(Backend.Provider.class)) {
            p.unavailable().ifPresent(why -> {
                throw new IllegalStateException("backend " + p.device() + " cannot be tested: " + why);
            });
            all.put(p.device(), p.open(2));
        }
        String only = System.getProperty("telltale.backends");
        if (only != null) {
            all.keySet().retainAll(List.of(only.split(",")));
        }
        return all;
    }

    /** All of them by name; {@code -Dtelltale.backends=naive,cpu} leaves the others out. They stay open. */
    static Map<String, Backend> all() {
        return ALL;
    }

    static Backend naive() {
        return ALL.get(NAIVE);
    }
}
