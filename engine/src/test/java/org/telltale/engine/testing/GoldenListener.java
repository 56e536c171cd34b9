package org.telltale.engine.testing;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.UniqueId;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/** Prints, at the end of a module's tests, how many cases of classes named {@code *GoldenTest} ran,
 * failed, or were skipped, and which were skipped and why. */
public final class GoldenListener implements TestExecutionListener {
    private final Map<String, Integer> ran = new TreeMap<>();
    private int failed;
    private final List<String> skipped = new ArrayList<>();

    @Override
    public synchronized void executionSkipped(TestIdentifier id, String reason) {
        String name = goldenClass(id);
        if (name != null) {
            skipped.add(name + " " + id.getDisplayName() + ": " + reason);
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
            case ABORTED ->
                skipped.add(name + " " + id.getDisplayName() + ": "
                        + result.getThrowable().map(Throwable::getMessage).orElse("aborted"));
        }
    }

    @Override
    public synchronized void testPlanExecutionFinished(TestPlan plan) {
        int total = ran.values().stream().mapToInt(Integer::intValue).sum();
        if (total + skipped.size() == 0) {
            return;
        }
        String perClass = ran.entrySet().stream()
                .map(e -> e.getKey() + " " + e.getValue())
                .collect(Collectors.joining(", ", " (", ")"));
        Path module =
                Path.of(System.getProperty("basedir", "")).toAbsolutePath().getFileName();
        System.out.println("Golden cases in " + module + ": " + total + " ran, " + failed + " failed, " + skipped.size()
                + " skipped" + (ran.isEmpty() ? "" : perClass));
        skipped.forEach(s -> System.out.println("  skipped " + s));
        ran.clear();
        failed = 0;
        skipped.clear();
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
