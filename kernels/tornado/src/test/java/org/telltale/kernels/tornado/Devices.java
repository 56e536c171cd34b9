package org.telltale.kernels.tornado;

import org.telltale.engine.spi.Backend;

/** The backend under test: on the first device of TornadoVM's, or on the host where this build has no SDK. */
final class Devices {
    private static final Backend FIRST = open();

    private Devices() {}

    private static Backend open() {
        TornadoBackend.Provider provider = new TornadoBackend.Provider();
        provider.unavailable().ifPresent(why -> {
            throw new IllegalStateException("the gpu cannot be tested: " + why);
        });
        return provider.open(1, 0);
    }

    /** Whether the kernels run on the host, as methods. */
    static boolean host() {
        return FIRST.description().equals("kernels on the host");
    }

    static Backend first() {
        return FIRST;
    }
}
