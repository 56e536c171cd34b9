package org.telltale.kernels.vector;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.testing.OpsGolden;

/** One operator at a time, forward and every gradient, against float64 references. */
class OpsGoldenTest {
    @TestFactory
    Stream<DynamicTest> outputsAndGradientsAreThoseOfTheReference() {
        return new OpsGolden().tests(Backends.all());
    }
}
