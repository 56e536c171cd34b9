package org.telltale.kernels.tornado;

import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.testing.OpsGolden;

/** One operator at a time, forward and every gradient, against float64 references, at the tolerances of the CPU. */
class GpuOpsGoldenTest {
    /** What the host, with a thread for each item of a group, does in about a second. */
    private static final double HOST_WORK = 2e7;

    @TestFactory
    Stream<DynamicTest> outputsAndGradientsAreThoseOfTheReference() {
        return new OpsGolden()
                .tests(Map.of("gpu", Devices.first()), b -> Devices.host() ? HOST_WORK : Double.POSITIVE_INFINITY);
    }
}
