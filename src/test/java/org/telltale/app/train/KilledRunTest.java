package org.telltale.app.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.demo.SmallModels;

/** A run that is killed without warning, again and again, ends as one that was not. */
class KilledRunTest {
    private static final int KILLS = 10;
    private static final String EPOCHS = "12,12";

    private static final String MOBILENET = "../models/src/test/resources/golden/cnn/tiny-mobilenetv2";

    @TempDir
    Path folder;

    /** The arguments of a run into a folder. */
    private interface Arguments {
        List<String> into(Path out);
    }

    private Process start(Path out, Arguments arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                "org.telltale.app.Main"));
        command.addAll(arguments.into(out));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        folder.resolve(out.getFileName() + ".log").toFile()))
                .start();
    }

    private void finish(Path out, Arguments arguments) throws IOException, InterruptedException {
        Process p = start(out, arguments);
        assertThat(p.waitFor(240, TimeUnit.SECONDS)).as("the run ends").isTrue();
        assertThat(p.exitValue())
                .as(Files.readString(folder.resolve(out.getFileName() + ".log")))
                .isZero();
    }

    @Test
    void killedTenTimesItEndsWithTheSameBits() throws IOException, InterruptedException {
        SmallRun.model(folder.resolve("model"));
        SmallRun.pictures(folder.resolve("pictures"), 20);
        killed(
                KILLS,
                out -> List.of(SmallRun.arguments(folder.resolve("model"), folder.resolve("pictures"), out, EPOCHS)));
    }

    @Test
    void soDoesBlip() throws IOException, InterruptedException {
        Path model = SmallModels.write(folder.resolve("models"), List.of("a red disc", "a blue square"))
                .blip();
        SmallRun.pictures(folder.resolve("pictures"), 12);
        StringBuilder table = new StringBuilder("image,caption,split\n");
        for (int i = 0; i < 12; i++) {
            table.append("pictures/disc/" + i + ".png,a red disc,train\n");
            table.append("pictures/square/" + i + ".png,a blue square,train\n");
        }
        Path captions = Files.writeString(folder.resolve("captions.csv"), table.toString());
        killed(
                4,
                out -> List.of(
                        "train",
                        "--recipe",
                        "blip",
                        "--model",
                        model.toString(),
                        "--from-scratch",
                        "--data",
                        captions.toString(),
                        "--out",
                        out.toString(),
                        "--size",
                        "12",
                        "--batch",
                        "2",
                        "--epochs",
                        "6",
                        "--save-every",
                        "1",
                        "--threads",
                        "2"));
    }

    private void killed(int kills, Arguments arguments) throws IOException, InterruptedException {
        Path whole = folder.resolve("whole");
        finish(whole, arguments);
        Path killed = folder.resolve("killed");
        Path checkpoint = killed.resolve("checkpoint.safetensors");
        SplittableRandom random = new SplittableRandom(11);
        int inTheMiddle = 0;
        for (int i = 0; i < kills; i++) {
            FileTime before = Files.exists(checkpoint) ? Files.getLastModifiedTime(checkpoint) : null;
            Process p = start(killed, arguments);
            long end = System.nanoTime() + 60_000_000_000L;
            while (p.isAlive()
                    && System.nanoTime() < end
                    && (!Files.exists(checkpoint)
                            || Files.getLastModifiedTime(checkpoint).equals(before))) {
                Thread.onSpinWait();
            }
            // Anywhere from the moment at which a checkpoint appears on: also while the next is written.
            p.waitFor(random.nextInt(60_000), TimeUnit.MICROSECONDS);
            inTheMiddle += p.isAlive() ? 1 : 0;
            p.destroyForcibly().waitFor();
        }
        assertThat(inTheMiddle).as("kills that met a running process").isEqualTo(kills);
        assertThat(killed.resolve("model")).doesNotExist();
        finish(killed, arguments);
        for (String file : List.of("model/model.safetensors", "metrics.jsonl", "checkpoint.safetensors")) {
            assertThat(killed.resolve(file)).as(file).hasSameBinaryContentAs(whole.resolve(file));
        }
        try (var left = Files.newDirectoryStream(killed, ".*.tmp")) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void terminatedWhileAnEpochIsMeasuredItGoesOnBehindTheEpoch() throws IOException, InterruptedException {
        SmallRun.pictures(folder.resolve("pictures"), 5);
        StringBuilder table = new StringBuilder("image,caption,split\n");
        for (int i = 0; i < 8; i++) {
            table.append("pictures/disc/" + i % 4 + ".png,a red disc,train\n");
        }
        // So much to measure that the signal comes before the end.
        table.append("pictures/square/0.png,a blue square,dev\n".repeat(60_000));
        Path data = Files.writeString(folder.resolve("captions.csv"), table);
        Path out = folder.resolve("measured");
        Arguments arguments = to -> List.of(
                "train",
                "--recipe",
                "attention-gru",
                "--features",
                MOBILENET,
                "--data",
                data.toString(),
                "--out",
                to.toString(),
                "--size",
                "8",
                "--batch",
                "4",
                "--embedding",
                "8",
                "--units",
                "8",
                "--epochs",
                "1",
                "--threads",
                "2");
        Path checkpoint = out.resolve("checkpoint.safetensors");
        Process p = start(out, arguments);
        long end = System.nanoTime() + 60_000_000_000L;
        while (p.isAlive() && System.nanoTime() < end && !Files.exists(checkpoint)) {
            Thread.onSpinWait();
        }
        p.destroy();
        assertThat(p.waitFor(60, TimeUnit.SECONDS)).as("the run ends").isTrue();
        assertThat(p.exitValue()).isEqualTo(143);
        assertThat(out.resolve("metrics.jsonl")).as("the signal came in time").doesNotExist();
        finish(out, arguments);
        assertThat(folder.resolve("measured.log")).content().contains("going on after step 2");
        assertThat(Files.readAllLines(out.resolve("metrics.jsonl"))).hasSize(1);
        Path whole = folder.resolve("whole");
        finish(whole, arguments);
        for (String file : List.of("model/model.safetensors", "metrics.jsonl", "checkpoint.safetensors")) {
            assertThat(out.resolve(file)).as(file).hasSameBinaryContentAs(whole.resolve(file));
        }
    }
}
