package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.hub.FakeHub;

/** Processes of their own: what is killed, what has little memory, and commands that fetch the model that they need. */
class FetchedModelTest {
    @TempDir
    private Path folder;

    private final FakeHub hub = new FakeHub("flood/blip");

    @AfterEach
    void close() {
        hub.close();
    }

    private record Result(int code, String out, String err) {}

    private Process start(Map<String, String> environment, List<String> options, String... args) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(ProcessHandle.current().info().command().orElseThrow(), "--add-modules=jdk.incubator.vector"));
        command.add("--enable-native-access=ALL-UNNAMED");
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "org.telltale.app.Main"));
        command.addAll(Arrays.asList(args));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("err").toFile());
        builder.environment().remove("HF_HUB_OFFLINE");
        builder.environment()
                .putAll(Map.of(
                        "HF_ENDPOINT",
                        hub.endpoint(),
                        "HF_HOME",
                        folder.toString(),
                        "NO_PROXY",
                        "localhost,127.0.0.1"));
        builder.environment().putAll(environment);
        return builder.start();
    }

    private Result run(Map<String, String> environment, List<String> options, String... args)
            throws IOException, InterruptedException {
        Process p = start(environment, options, args);
        assertThat(p.waitFor(120, TimeUnit.SECONDS)).as("the command ends").isTrue();
        // of the JVM, about the Vector API
        String err = Files.readString(folder.resolve("err")).replaceFirst("^WARNING: .*\n", "");
        return new Result(p.exitValue(), Files.readString(folder.resolve("out")), err);
    }

    @Test
    void aCommandFetchesAModelOnceAndSaysSo() throws IOException, InterruptedException {
        try (Stream<Path> files = Files.list(Path.of(Tiny.BLIP))) {
            for (Path f : files.filter(Files::isRegularFile).toList()) {
                String name = f.getFileName().toString();
                if (name.endsWith(".safetensors")) {
                    hub.large(name, Files.readAllBytes(f));
                } else {
                    hub.small(name, Files.readString(f));
                }
            }
        }
        String[] caption = {"caption", "--model", "flood/blip", Tiny.PICTURE};
        Result offline = run(Map.of(), List.of(), "caption", "--offline", "--model", "flood/blip", Tiny.PICTURE);
        assertThat(offline.code).isEqualTo(3);
        assertThat(offline.err).contains("flood/blip", "not in the Hugging Face cache", "telltale pull");
        assertThat(run(Map.of("HF_HUB_OFFLINE", "1"), List.of(), caption).code).isEqualTo(3);
        assertThat(hub.requests()).isEmpty();
        Result first = run(Map.of(), List.of(), caption);
        assertThat(first.code).as(first.err).isZero();
        assertThat(first.err)
                .startsWith("telltale: fetching flood/blip (licence bsd-3-clause): ")
                .contains(" from " + hub.endpoint() + " into ", "--offline");
        assertThat(first.out)
                .isEqualTo(
                        Cli.run("caption", "--model", Tiny.BLIP, Tiny.PICTURE).out());
        hub.forget();
        Result second = run(Map.of(), List.of(), caption);
        assertThat(second.out).isEqualTo(first.out);
        assertThat(second.err).isEmpty();
        assertThat(hub.requests()).isEmpty();
    }

    @Test
    void weightsThatACommandCannotReadAreNotFetchedByIt() throws IOException, InterruptedException {
        hub.small("config.json", "{}").large("pytorch_model.bin", new byte[1000]);
        Result r = run(Map.of(), List.of(), "caption", "--model", "flood/blip", Tiny.PICTURE);
        assertThat(r.code).isEqualTo(3);
        assertThat(r.err).contains("flood/blip: has no safetensors", "telltale pull flood/blip", "telltale convert");
        assertThat(hub.requests()).hasSize(1);
    }

    @Test
    void wrongArgumentsAreToldBeforeAnythingIsFetched() throws IOException, InterruptedException {
        Result r = run(Map.of(), List.of(), "caption", "--model", "flood/blip", "--threads", "0", Tiny.PICTURE);
        assertThat(r.code).isEqualTo(2);
        assertThat(hub.requests()).isEmpty();
    }

    @Test
    void trainingAsksTheHubForItsModel() throws IOException, InterruptedException {
        for (String recipe : List.of("blip", "efficientnet")) {
            Result r = run(
                    Map.of(),
                    List.of(),
                    "train",
                    "--recipe",
                    recipe,
                    "--model",
                    "flood/none",
                    "--data",
                    folder.toString(),
                    "--out",
                    folder.resolve("run").toString());
            assertThat(r.code).as(r.err).isEqualTo(3);
            assertThat(r.err).contains("flood/none: not found", hub.endpoint());
        }
        assertThat(hub.requests()).hasSize(2);
    }

    /** The heap is smaller than the file. The server answers no further than the kill, which so meets the middle. */
    @Test
    void aPullThatIsKilledGoesOnWhereItWasInLittleMemory() throws IOException, InterruptedException {
        byte[] weights = new byte[100_000_000];
        new SplittableRandom(7).nextBytes(weights);
        hub.small("config.json", "{}").large("model.safetensors", weights);
        Path partial = folder.resolve("hub/models--flood--blip/blobs/" + hub.hash("model.safetensors") + ".incomplete");
        List<String> little = List.of("-Xmx80m", "-XX:MaxDirectMemorySize=32m");
        long before = 0;
        for (int i = 0; i < 2; i++) {
            hub.forget();
            long kill = before + 20_000_000;
            CountDownLatch killed = new CountDownLatch(1);
            hub.on(FakeHub.blob("model.safetensors"), e -> FakeHub.from(e.getRequestHeaders()) > kill && ends(killed));
            Process p = start(Map.of(), little, "pull", "flood/blip");
            long end = System.nanoTime() + 120_000_000_000L;
            while (p.isAlive() && System.nanoTime() < end && size(partial) < kill) {
                p.waitFor(1, TimeUnit.MILLISECONDS);
            }
            assertThat(p.isAlive()).as(Files.readString(folder.resolve("err"))).isTrue();
            p.destroyForcibly().waitFor();
            killed.countDown();
            assertThat(Files.readString(folder.resolve("out"))).isEmpty();
            assertThat(size(partial)).isBetween(kill, 99_999_999L);
            assertThat(folder.resolve("hub/models--flood--blip/refs")).doesNotExist();
            notFetchedAgain(before);
            before = size(partial);
        }
        hub.forget();
        hub.on(FakeHub.blob("model.safetensors"), e -> false);
        Result last = run(Map.of(), little, "pull", "flood/blip");
        assertThat(last.code).as(last.err).isZero();
        notFetchedAgain(before);
        assertThat(Path.of(last.out.strip()).resolve("model.safetensors")).hasBinaryContent(weights);
        assertThat(partial).doesNotExist();
    }

    /** Waits for the end of the process that asks, which then needs no answer. */
    private static boolean ends(CountDownLatch killed) throws InterruptedIOException {
        try {
            killed.await();
            return true;
        } catch (InterruptedException e) {
            throw new InterruptedIOException();
        }
    }

    private void notFetchedAgain(long there) {
        assertThat(hub.requests())
                .filteredOn(r -> r.path().equals(FakeHub.blob("model.safetensors")))
                .isNotEmpty()
                .allMatch(r -> r.from() >= there);
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            return 0;
        }
    }
}
