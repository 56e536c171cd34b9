package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.experiment.FindingsReader;
import org.telltale.app.report.Report;

/** An experiment in a process of its own, which is killed in every stage, or which finds no room for a file. */
@DisabledOnOs(OS.WINDOWS)
class ExperimentFaultsTest {
    private static final int BLOCK = 512;
    private static final String TEXT = "text/shape/BLIP/trial-1/";
    private static final String IMAGE = "image/shape/CNN/trial-1/";

    @TempDir
    static Path folder;

    private static Path plan = Path.of("");
    private static Path whole = Path.of("");

    @BeforeAll
    static void runWithoutAFault() throws IOException, InterruptedException {
        plan = SmallExperiment.plan(folder, 6, 2, 40, 1, 6);
        whole = folder.resolve("whole");
        assertThat(run(whole, 0)).as(last(whole)).isZero();
    }

    private static String[] arguments(Path out) {
        return new String[] {"experiment", "--plan", plan.toString(), "--out", out.toString(), "--threads", "2"};
    }

    /** @param largest bytes beyond which the system refuses to let a file grow, as a full disk would; 0 for any */
    private static Process start(Path out, long largest) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                "sh",
                "-c",
                // without the signal's default action a write fails instead of killing the process
                "trap '' XFSZ; " + (largest > 0 ? "ulimit -f " + largest / BLOCK + "; " : "") + "exec \"$@\"",
                "sh",
                ProcessHandle.current().info().command().orElseThrow(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-Xlog:disable",
                "-cp",
                System.getProperty("java.class.path"),
                "org.telltale.app.Main"));
        command.addAll(List.of(arguments(out)));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log(out).toFile())
                .start();
    }

    private static int run(Path out, long largest) throws IOException, InterruptedException {
        Process p = start(out, largest);
        assertThat(p.waitFor(240, TimeUnit.SECONDS)).as("the run ends").isTrue();
        return p.exitValue();
    }

    private static Path log(Path out) {
        return folder.resolve(out.getFileName() + ".log");
    }

    private static String last(Path out) throws IOException {
        return Files.readAllLines(log(out)).getLast();
    }

    /** The bytes of all files but those that tell times. */
    private static Map<String, String> results(Path run) throws IOException {
        Map<String, String> all = new TreeMap<>();
        try (Stream<Path> files = Files.walk(run)) {
            for (Path p : files.filter(Files::isRegularFile).toList()) {
                if (!p.endsWith("times.jsonl") && !p.endsWith(".lock") && !p.endsWith("report.html")) {
                    all.put(run.relativize(p).toString(), Files.readString(p, StandardCharsets.ISO_8859_1));
                }
            }
        }
        return all;
    }

    /** A moment of a run. */
    private interface Sign {
        boolean seen() throws IOException;
    }

    private static Sign exists(Path file) {
        return () -> Files.exists(file);
    }

    private static Sign lines(Path file, int least) {
        return () -> Files.exists(file) && Files.readString(file).lines().count() >= least;
    }

    /** Starts the run and waits for a moment of it. */
    private static Process until(Path out, Sign sign) throws IOException {
        Process p = start(out, 0);
        long end = System.nanoTime() + 120_000_000_000L;
        while (p.isAlive() && System.nanoTime() < end && !sign.seen()) {
            Thread.onSpinWait();
        }
        return p;
    }

    /** @param later a file that is not there yet when the kill meets the stage */
    private static void kill(Path out, Sign sign, String later) throws IOException, InterruptedException {
        Process p = until(out, sign);
        boolean alive = p.isAlive();
        p.destroyForcibly().waitFor();
        assertThat(alive).as("before " + later + ": " + last(out)).isTrue();
        assertThat(out.resolve(later)).doesNotExist();
    }

    @Test
    void killedInEveryStageItEndsWithTheSameFiles() throws IOException, InterruptedException {
        Path killed = folder.resolve("killed");
        kill(killed, lines(killed.resolve("captions/BLIP.jsonl.part"), 5), "captions/BLIP.jsonl");
        refusedWhileAnotherWorks(killed);
        kill(killed, lines(killed.resolve(TEXT + "scores.jsonl.part"), 5), TEXT + "scores.jsonl");
        kill(killed, exists(killed.resolve(IMAGE + "checkpoint.safetensors")), IMAGE + "model");
        kill(killed, lines(killed.resolve(IMAGE + "scores.jsonl.part"), 5), IMAGE + "scores.jsonl");
        // All scores are there: what follows is fusion, and only then is the report begun.
        kill(killed, exists(killed.resolve(IMAGE + "scores.jsonl")), "report/report.json");
        kill(killed, exists(killed.resolve("report/table1.csv")), "report/report.html");
        assertThat(run(killed, 0)).as(last(killed)).isZero();
        assertThat(results(killed)).isEqualTo(results(whole));
        // The page is the same too, but for the times of the sittings.
        Files.copy(
                whole.resolve("times.jsonl"),
                killed.resolve("times.jsonl"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        Report.of(FindingsReader.read(killed)).write(killed.resolve("report"));
        assertThat(killed.resolve("report/report.html")).hasSameTextualContentAs(whole.resolve("report/report.html"));
    }

    /** A process that holds still in the training of the texts keeps a second one out, until it is killed. */
    private static void refusedWhileAnotherWorks(Path out) throws IOException, InterruptedException {
        Process p = until(out, exists(out.resolve(TEXT + "checkpoint.safetensors")));
        new ProcessBuilder("kill", "-STOP", Long.toString(p.pid())).start().waitFor();
        Map<String, String> before = results(out);
        Cli.run(arguments(out)).failed(4, out + ": another process works in this folder; give --out another");
        assertThat(Cli.run("experiment", "status", out.toString()).succeeded().out())
                .contains("begun     text shape, BLIP, trial 1")
                .contains("a process works in the folder");
        assertThat(p.isAlive()).isTrue();
        assertThat(results(out)).isEqualTo(before);
        p.destroyForcibly().waitFor();
        assertThat(out.resolve(TEXT + "model")).doesNotExist();
        assertThat(Cli.run("experiment", "status", out.toString()).succeeded().out())
                .doesNotContain("a process works in the folder");
    }

    @Test
    void aFileWithoutRoomIsNamedAndTheRunGoesOnWhenThereIsSome() throws IOException, InterruptedException {
        Path full = folder.resolve("full");
        long captions = Files.size(whole.resolve("captions/BLIP.jsonl"));
        refused(full, BLOCK, "experiment.json");
        refused(full, captions / 2, "captions/BLIP.jsonl");
        assertThat(full.resolve("captions/BLIP.jsonl")).doesNotExist();
        refused(full, captions * 2, TEXT + "checkpoint.safetensors");
        assertThat(run(full, 0)).as(last(full)).isZero();
        Path page = full.resolve("report/report.html");
        long size = Files.size(page);
        Files.delete(page);
        refused(full, size - BLOCK, "report/report.html");
        assertThat(page).doesNotExist();
        Cli.run("experiment", "report", full.toString()).succeeded();
        assertThat(page).exists();
        assertThat(results(full)).isEqualTo(results(whole));
    }

    private static void refused(Path out, long largest, String file) throws IOException, InterruptedException {
        assertThat(run(out, largest)).as(last(out)).isEqualTo(4);
        assertThat(last(out))
                .startsWith("telltale: " + out.resolve(file) + ": cannot be written: ")
                .doesNotContain("Exception");
        try (Stream<Path> left = Files.walk(out)) {
            assertThat(left.filter(p -> p.toString().endsWith(".tmp"))).isEmpty();
        }
    }

    @Test
    void scoresOfOtherPicturesAreRefusedByName() throws IOException {
        Path other = folder.resolve("other");
        for (Map.Entry<String, String> e : results(whole).entrySet()) {
            Path file = other.resolve(e.getKey());
            Files.createDirectories(file.getParent());
            Files.writeString(file, e.getValue(), StandardCharsets.ISO_8859_1);
        }
        Path scores = other.resolve(TEXT + "scores.jsonl");
        String text = Files.readString(scores);
        Files.writeString(scores, text.replace("data/disc/9.png", "data/disc/x.png"));
        Cli.run("experiment", "report", other.toString())
                .failed(4, "shape, BLIP, trial 1", "no scores of the test picture \"data/disc/9.png\"");
        Files.writeString(scores, text + text.lines().toList().getLast().replaceAll("\\d+\\.png", "x.png") + "\n");
        Cli.run("experiment", "report", other.toString())
                .failed(4, "scores of 1 pictures that are not in the test split, such as \"data/square/x.png\"");
    }
}
