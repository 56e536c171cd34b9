package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that is killed while it makes a table, and again between two pictures, ends as one that was not. */
class KilledInterrogationTest {
    private static final int LABELS = 12_000;
    private static final String TABLE = "tiny_flavors.safetensors";

    @TempDir
    private Path folder;

    private Process start(String name) throws IOException {
        Path home = Files.createDirectories(folder.resolve(name));
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "org.telltale.app.Main",
                "interrogate",
                "--model",
                Tiny.CLIP,
                "--table-name",
                "tiny",
                "--captioner",
                Tiny.BLIP,
                "--beams",
                "4",
                "--lists",
                folder.resolve("lists").toString(),
                "--cache",
                home.resolve("tables").toString(),
                "--csv",
                home.resolve("desc.csv").toString(),
                Tiny.PICTURES));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(home.resolve("log").toFile()))
                .start();
    }

    private void finish(String name) throws IOException, InterruptedException {
        Process p = start(name);
        assertThat(p.waitFor(240, TimeUnit.SECONDS)).as("the run ends").isTrue();
        assertThat(p.exitValue())
                .as(Files.readString(folder.resolve(name).resolve("log")))
                .isZero();
    }

    /** Kills a run somewhat later than something is seen. */
    private void kill(SplittableRandom random, BooleanSupplier seen) throws IOException, InterruptedException {
        Process p = start("killed");
        long end = System.nanoTime() + 120_000_000_000L;
        while (p.isAlive() && System.nanoTime() < end && !seen.getAsBoolean()) {
            p.waitFor(1, TimeUnit.MILLISECONDS);
        }
        p.waitFor(random.nextInt(30_000), TimeUnit.MICROSECONDS);
        assertThat(p.isAlive()).as("the kill meets a running process").isTrue();
        p.destroyForcibly().waitFor();
    }

    private static long size(Path file) {
        try {
            return Files.exists(file) ? Files.size(file) : 0;
        } catch (IOException e) {
            return 0;
        }
    }

    @Test
    void killedInTheTableAndInTheFolderItEndsWithTheSameBytes() throws IOException, InterruptedException {
        Path lists = Files.createDirectories(folder.resolve("lists"));
        for (String list : List.of("artists.txt", "mediums.txt", "movements.txt", "negative.txt")) {
            Files.copy(Path.of(Tiny.LISTS, list), lists.resolve(list));
        }
        StringBuilder flavors = new StringBuilder();
        for (int i = 0; i < LABELS; i++) {
            flavors.append("flood ")
                    .append(i)
                    .append(" water ")
                    .append(i * 7919 % 1009)
                    .append('\n');
        }
        Files.writeString(lists.resolve("flavors.txt"), flavors);
        finish("whole");
        Path killed = folder.resolve("killed");
        Path part = killed.resolve("tables").resolve(TABLE + ".part");
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < 3; i++) {
            long before = Math.max(size(part), 200);
            kill(random, () -> size(part) > before);
            assertThat(killed.resolve("tables").resolve(TABLE)).doesNotExist();
        }
        Path records = killed.resolve("desc.csv.part");
        for (int i = 0; i < 2; i++) {
            long before = size(records);
            kill(
                    random,
                    () -> size(records) > before
                            && Files.exists(killed.resolve("tables").resolve(TABLE)));
        }
        finish("killed");
        assertThat(Files.readString(killed.resolve("log"))).contains("resumed:");
        Path whole = folder.resolve("whole");
        assertThat(killed.resolve("desc.csv")).hasSameBinaryContentAs(whole.resolve("desc.csv"));
        assertThat(killed.resolve("tables").resolve(TABLE))
                .hasSameBinaryContentAs(whole.resolve("tables").resolve(TABLE));
        assertThat(part).doesNotExist();
        assertThat(records).doesNotExist();
    }
}
