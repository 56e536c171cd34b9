package org.telltale.app.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.engine.io.SafeTensors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A checkpoint that cannot be written: the system refuses the process files beyond a size, as a full disk would refuse
 * them. Checkpoints of the first phase are below it, those of the second, which keep more moments, are not.
 */
@DisabledOnOs(OS.WINDOWS)
class FullDiskTest {
    private static final String EPOCHS = "2,2";
    private static final int BLOCK = 512;

    @TempDir
    Path folder;

    /** What a run in a process of its own said, and how it ended. */
    private record Ended(int code, List<String> said) {}

    private Ended run(Path out, long largestFile) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                "sh",
                "-c",
                // without the signal's default action a write fails instead of killing the process
                "trap '' XFSZ; " + (largestFile > 0 ? "ulimit -f " + largestFile / BLOCK + "; " : "") + "exec \"$@\"",
                "sh",
                ProcessHandle.current().info().command().orElseThrow(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "-Xlog:disable",
                "-cp",
                System.getProperty("java.class.path"),
                "org.telltale.app.Main"));
        command.addAll(List.of(SmallRun.arguments(folder.resolve("model"), folder.resolve("pictures"), out, EPOCHS)));
        Path log = folder.resolve(out.getFileName() + ".log");
        Process p = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertThat(p.waitFor(240, TimeUnit.SECONDS)).as("the run ends").isTrue();
        return new Ended(p.exitValue(), Files.readAllLines(log));
    }

    private static JsonNode position(Path checkpoint) {
        try (SafeTensors saved = SafeTensors.open(checkpoint)) {
            String json = saved.metadata().get("telltale");
            assertThat(json).as("position").isNotNull();
            return JsonMapper.shared().readTree(json);
        }
    }

    @Test
    void theLastCheckpointStaysAndTheRunGoesOnWhenThereIsRoom() throws IOException, InterruptedException {
        SmallRun.model(folder.resolve("model"));
        SmallRun.pictures(folder.resolve("pictures"), 10);
        Path whole = folder.resolve("whole");
        assertThat(run(whole, 0).code).isZero();
        long largest = Files.size(whole.resolve("checkpoint.safetensors"));
        Path stopped = folder.resolve("stopped");
        Ended full = run(stopped, largest - BLOCK);
        assertThat(full.code).as(full.said.toString()).isEqualTo(4);
        Path checkpoint = stopped.resolve("checkpoint.safetensors");
        assertThat(full.said.stream().filter(l -> !l.startsWith("telltale: epoch ")))
                .as("the JVM's line, what the run is, and what went wrong")
                .hasSize(3);
        assertThat(full.said.getLast())
                .startsWith("telltale: " + checkpoint + ": cannot be written: ")
                .contains("the last checkpoint in " + stopped + " is whole, the same command goes on from it")
                .doesNotContain("Exception");
        assertThat(position(checkpoint).path("history").size())
                .as("epochs of the checkpoint that stayed")
                .isEqualTo(2);
        try (var left = Files.newDirectoryStream(stopped, ".*.tmp")) {
            assertThat(left).isEmpty();
        }
        assertThat(stopped.resolve("model")).doesNotExist();
        Ended finished = run(stopped, 0);
        assertThat(finished.code).as(finished.said.toString()).isZero();
        assertThat(finished.said).anyMatch(l -> l.contains("going on after step"));
        for (String file : List.of("model/model.safetensors", "metrics.jsonl", "checkpoint.safetensors")) {
            assertThat(stopped.resolve(file)).as(file).hasSameBinaryContentAs(whole.resolve(file));
        }
    }
}
