package org.telltale.kernels.tornado;

import org.jspecify.annotations.Nullable;
import org.telltale.engine.HostTensor;

/**
 * Memory of the host's in which leaves of programs live, and who has its newest values. The host's are as new as those of any
 * program, or one program has newer ones on the device. Each program notes the {@link #version} that it has there.
 */
final class Shared {
    final HostTensor values;

    /** How many leaves live here. */
    int users;

    private long version;

    @Nullable
    private GpuProgram newest;

    Shared(HostTensor values) {
        this.values = values;
    }

    /** Rises with every change of the values. */
    long version() {
        return version;
    }

    /** Brings the newest values to the host; who had them keeps them too. */
    void toHost() {
        if (newest != null) {
            newest.fetch();
        }
    }

    /** The host has got the newest values. */
    void atHost() {
        newest = null;
    }

    /** The host may have changed the values. */
    void changed() {
        version++;
        newest = null;
    }

    /** A run has given them new values on the device. */
    void changedBy(GpuProgram program) {
        version++;
        newest = program;
    }

    boolean newestIn(GpuProgram program) {
        return newest == program;
    }
}
