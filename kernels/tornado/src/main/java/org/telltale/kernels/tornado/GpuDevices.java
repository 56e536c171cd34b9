package org.telltale.kernels.tornado;

import java.util.List;

/** The devices of this machine, as TornadoVM sees them. */
interface GpuDevices {
    /** All of them, the default first; throws what keeps TornadoVM from starting. */
    List<GpuDevice> all();
}
