package org.telltale.engine.testing;

import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.UniqueId;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/** Prints, at the end of a module's tests, how many cases of classes named {@code *GoldenTest} ran, failed, were skipped. */
public final class GoldenListener implements TestExecutionListener {
    private final Map<String, Integer> ran = new TreeMap<>();
    private int failed;
    private int skipped;

    @Override
    public synchronized void executionSkipped(TestIdentifier id, String reason) {
        if (goldenClass(id) != null) {
            skipped++;
        }
    }

    @Override
    public synchronized void executionFinished(TestIdentifier id, TestExecutionResult result) {
        String name = goldenClass(id);
        if (name == null) {
            return;
        }
        switch (result.getStatus()) {
            case SUCCESSFUL -> {
                if (id.isTest()) {
                    ran.merge(name, 1, Integer::sum);
                }
            }
            case FAILED -> {
                ran.merge(name, 1, Integer::sum);
                failed++;
            }
            case ABORTED -> skipped++;
        }
    }

    @Override
    public synchronized void testPlanExecutionFinished(TestPlan plan) {
        int total = ran.values().stream().mapToInt(Integer::intValue).sum();
        if (total + skipped == 0) {
            return;
        }
        String perClass = ran.entrySet().stream()
                .map(e -> e.getKey() + " " + e.getValue())
                .collect(Collectors.joining(", ", " (", ")"));
        Path module =
                Path.of(System.getProperty("basedir", "")).toAbsolutePath().getFileName();
        System.out.println("Golden cases in " + module + ": " + total + " ran, " + failed + " failed, " + skipped
                + " skipped" + (ran.isEmpty() ? "" : perClass));
        ran.clear();
        failed = 0;
        skipped = 0;
    }

    /** The simple name of the golden test class that a test or container belongs to. */
    private static @Nullable String goldenClass(TestIdentifier id) {
        for (UniqueId.Segment s : id.getUniqueIdObject().getSegments()) {
            if (s.getType().equals("class") && s.getValue().endsWith("GoldenTest")) {
                return s.getValue().substring(s.getValue().lastIndexOf('.') + 1);
            }
        }
        return null;
    }
}
