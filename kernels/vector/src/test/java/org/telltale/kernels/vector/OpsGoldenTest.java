package org.telltale.kernels.vector;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.spi.NaiveBackend;
import org.telltale.engine.testing.OpsGolden;

/** One operator at a time, forward and every gradient, against float64 references. */
class OpsGoldenTest {
    /** What the naive loops do in about two seconds. */
    private static final double NAIVE_WORK = 3e8;

    @TestFactory
    Stream<DynamicTest> outputsAndGradientsAreThoseOfTheReference() {
        return new OpsGolden()
                .tests(
                        Backends.all(),
                        backend -> backend instanceof NaiveBackend ? NAIVE_WORK : Double.POSITIVE_INFINITY);
    }
}
