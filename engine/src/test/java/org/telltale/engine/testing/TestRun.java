package org.telltale.engine.testing;

import java.util.Arrays;
import java.util.Locale;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs test classes where there is no Maven, and for so long as there is time: a line for each test with its seconds, a sum in
 * the end. Ends with 1 when a test failed, 2 when time was over before the last.
 */
public final class TestRun {
    private static final double NANOS = 1e9;

    private TestRun() {}

    /** Arguments: seconds, then names of classes. */
    public static void main(String[] args) {
        Lines lines = new Lines(Double.parseDouble(args[0]));
        LauncherFactory.create(LauncherConfig.builder()
                        .enableTestExecutionListenerAutoRegistration(false)
                        .build())
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(Arrays.stream(args)
                                        .skip(1)
                                        .map(DiscoverySelectors::selectClass)
                                        .toList())
                                .build(),
                        lines);
        lines.end("");
    }

    private static final class Lines implements TestExecutionListener {
        private final double limit;
        private final long start = System.nanoTime();
        private long begin = start;
        private int passed;
        private int failed;

        Lines(double limit) {
            this.limit = limit;
        }

        @Override
        public void executionStarted(TestIdentifier test) {
            begin = System.nanoTime();
        }

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            boolean ok = result.getStatus() != TestExecutionResult.Status.FAILED;
            if (ok && !test.isTest()) {
                return;
            }
            passed += ok ? 1 : 0;
            failed += ok ? 0 : 1;
            String why = result.getThrowable().map(e -> ": " + e).orElse("");
            System.out.printf(
                    Locale.ROOT,
                    "%s %.2f s %s%s%n",
                    ok ? "ok" : "FAILED",
                    (System.nanoTime() - begin) / NANOS,
                    test.getDisplayName(),
                    ok ? "" : why.lines().findFirst().orElse(""));
            if (System.nanoTime() - start > limit * NANOS) {
                end(", time is over");
            }
        }

        void end(String why) {
            System.out.println("Tests: " + passed + " passed, " + failed + " failed" + why);
            System.out.flush();
            // a driver may have threads that do not end, and a test may hang
            Runtime.getRuntime().halt(failed > 0 ? 1 : why.isEmpty() ? 0 : 2);
        }
    }
}
