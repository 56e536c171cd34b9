package org.telltale.kernels.tornado;

import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.testing.OpsGolden;

/** One operator at a time, forward and every gradient, against float64 references, at the tolerances of the CPU. */
class GpuOpsGoldenTest {
    @TestFactory
    Stream<DynamicTest> outputsAndGradientsAreThoseOfTheReference() {
        return new OpsGolden().tests(Map.of("gpu", Devices.first()));
    }
}
