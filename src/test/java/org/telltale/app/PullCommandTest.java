package org.telltale.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.api.ModelFolder;
import org.telltale.app.data.StandardOutput;
import org.telltale.app.hub.FakeHub;
import org.telltale.app.hub.FileChoice;
import org.telltale.app.hub.HubSettings;
import org.telltale.app.hub.PaperManifest;
import org.telltale.app.hub.Pull;
import org.telltale.app.hub.PullListener;
import org.telltale.app.hub.RemoteFile;
import org.telltale.app.pipeline.Terminal;

class PullCommandTest {
    @TempDir
    private Path folder;

    private final FakeHub hub = new FakeHub("flood/blip")
            .small("config.json", "{}")
            .large("model.safetensors", "weights".getBytes(UTF_8))
            .large("pytorch_model.bin", "weights".getBytes(UTF_8));

    @AfterEach
    void close() {
        hub.close();
    }

    private Map<String, String> environment() {
        return new HashMap<>(
                Map.of("HF_ENDPOINT", hub.endpoint(), "HF_HOME", folder.toString(), "NO_PROXY", "localhost,127.0.0.1"));
    }

    private Cli run(String... args) {
        return run(environment(), args);
    }

    private static Cli run(Map<String, String> environment, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = Main.run(terminal("", false, out, err), environment, args);
        return new Cli(code, out.toString(UTF_8), err.toString(UTF_8));
    }

    private static Terminal terminal(
            String in, boolean interactive, ByteArrayOutputStream out, ByteArrayOutputStream err) {
        return new Terminal(
                new ByteArrayInputStream(in.getBytes(UTF_8)),
                new StandardOutput(out),
                new PrintStream(err, true, UTF_8),
                interactive,
                () -> false);
    }

    @Test
    void theFolderIsTheOutputAndSizesAndLicenceAreToldFirst() throws IOException {
        Cli run = run("pull", "flood/blip").succeeded();
        Path snapshot = folder.resolve("hub/models--flood--blip/snapshots/" + FakeHub.COMMIT);
        assertThat(run.out()).isEqualTo(snapshot + "\n");
        assertThat(run.err())
                .isEqualTo("telltale: fetching flood/blip (licence bsd-3-clause): 2 files, 9 B from " + hub.endpoint()
                        + "\n");
        assertThat(snapshot.resolve("pytorch_model.bin")).doesNotExist();
        assertThat(run("pull", "flood/blip").succeeded().err()).isEqualTo("telltale: flood/blip: all is there\n");
    }

    @Test
    void aDryRunListsSizesAndFetchesNothing() {
        Cli run = run("pull", "flood/blip", "--dry-run", "--include", "*.json", "--include", "*.bin")
                .succeeded();
        assertThat(run.out()).isEqualTo("2\tconfig.json\n7\tpytorch_model.bin\n");
        assertThat(run.err()).contains("would fetch", "2 files, 9 B");
        assertThat(hub.requests()).hasSize(1);
        assertThat(folder.resolve("hub")).doesNotExist();
    }

    @Test
    void weightsThatAreNoSafetensorsAreFetchedForConvert() {
        Cli run = run("pull", "flood/blip@refs/pr/7", "--exclude", "*.safetensors", "--include", "*")
                .succeeded();
        assertThat(run.err()).contains("no safetensors", "telltale convert", "pytorch_model.bin");
        assertThat(run.out()).contains(FakeHub.COMMIT);
    }

    @Test
    void whatIsWrongIsSaidInOneLine() {
        run("pull").failed(2, "ID|paper");
        run("pull", "blip").failed(2, "ORGANISATION/NAME");
        run("pull", "../x/y").failed(2, "../x/y");
        run("pull", "flood/blip", "--revision", "../x").failed(2, "--revision");
        run("pull", "flood/blip@a", "--revision", "b").failed(2, "--revision");
        run("pull", "flood/blip", "--yes").failed(2, "--yes");
        run("pull", "paper", "--revision", "main").failed(2, "--revision");
        run("pull", "flood/none").failed(3, "flood/none", "not found", hub.endpoint());
        run("pull", "flood/blip", "--include", "*.onnx").failed(3, "none of its 3 files");
        Map<String, String> environment = environment();
        environment.put("HF_HUB_OFFLINE", "1");
        run(environment, "pull", "flood/blip").failed(3, "HF_HUB_OFFLINE");
        environment.put("HF_ENDPOINT", "nowhere");
        run(environment, "pull", "flood/blip").failed(2, "HF_ENDPOINT");
    }

    private void serve(String path, String text) {
        byte[] bytes = text.getBytes(UTF_8);
        hub.on(path, e -> {
            e.getResponseHeaders().set("ETag", "\"" + path + "\"");
            if (e.getRequestMethod().equals("HEAD")) {
                e.getResponseHeaders().set("Content-Length", Integer.toString(bytes.length));
                e.sendResponseHeaders(200, -1);
            } else {
                e.sendResponseHeaders(200, bytes.length);
                e.getResponseBody().write(bytes);
            }
            return true;
        });
    }

    private PaperManifest manifest() {
        String base = hub.endpoint();
        serve("/lists/artists.txt", "Hokusai\n");
        serve("/old.pth", "old");
        ModelFolder.Id blip = ModelFolder.Id.of("flood/blip").orElseThrow();
        ModelFolder.Id none = ModelFolder.Id.of("flood/none").orElseThrow();
        return new PaperManifest(
                List.of(
                        new PaperManifest.Model(none, "nothing", "none", 5_000_000, List.of(), List.of()),
                        new PaperManifest.Model(
                                blip, "to caption", "x", 9, List.of(), List.of(new RemoteFile("config.json", 2, "")))),
                List.of(
                        new PaperManifest.Item(
                                "lists/artists.txt", URI.create(base + "/lists/artists.txt"), "labels", "MIT", 8, ""),
                        new PaperManifest.Item("old.pth", URI.create(base + "/old.pth"), "weights", "BSD", -1, "")),
                List.of(new PaperManifest.ByHand("photos", "https://example.org", "11 GB", "research only")));
    }

    private record Answer(Exit exit, String out, String err) {}

    private Answer paper(String in, boolean interactive, boolean yes, PaperManifest manifest) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        HubSettings settings = HubSettings.of(environment());
        try (Pull pull = Pull.open(settings, PullListener.SILENT, () -> false)) {
            Exit exit = new PaperPull(
                            terminal(in, interactive, out, err),
                            settings,
                            pull,
                            FileChoice.DEFAULT,
                            folder.resolve("paper"),
                            manifest)
                    .run(false, yes);
            return new Answer(exit, out.toString(UTF_8), err.toString(UTF_8));
        }
    }

    @Test
    void onePartThatFailsDoesNotStopTheOthers() throws Exception {
        Answer a = paper("", false, true, manifest());
        assertThat(a.exit).isEqualTo(Exit.SOME_FAILED);
        assertThat(a.err)
                .contains(
                        "flood/none: not found",
                        "(about 5.0 MB)",
                        "flood/blip (bsd-3-clause; to caption)",
                        "lists/artists.txt (MIT; labels)",
                        "not fetched: photos, 11 GB, https://example.org (research only)",
                        "3 of 4 parts can be had; 20 B to fetch");
        assertThat(a.out).contains("flood/blip\t", "old.pth\t");
        assertThat(folder.resolve("paper/lists/artists.txt")).hasContent("Hokusai\n");
        assertThat(folder.resolve("paper/old.pth")).hasContent("old");
        Answer again = paper("", false, false, manifest());
        assertThat(again.err).contains("there  flood/blip", "0 B to fetch");
        assertThat(again.exit).isEqualTo(Exit.SOME_FAILED);
    }

    @Test
    void aPersonIsAskedFirst() throws Exception {
        Answer no = paper("n\n", true, false, manifest());
        assertThat(no.err).contains("fetch 20 B into", "[y/N]", "nothing was fetched");
        assertThat(no.out).isEmpty();
        assertThat(folder.resolve("hub")).doesNotExist();
        assertThat(paper("", true, false, manifest()).err).contains("nothing was fetched");
        assertThat(paper("y\n", true, false, manifest()).out).contains("flood/blip\t");
    }

    @Test
    void whereNobodyCanBeAskedNothingIsFetchedWithoutYes() {
        assertThatThrownBy(() -> paper("y\n", false, false, manifest()))
                .isInstanceOf(Exit.UsageException.class)
                .hasMessageContaining("--yes");
        assertThat(folder.resolve("hub")).doesNotExist();
    }

    @Test
    void anotherFileThanTheExperimentsIsAFailure() throws Exception {
        PaperManifest m = manifest();
        PaperManifest changed = new PaperManifest(
                List.of(new PaperManifest.Model(
                        m.models().get(1).id(),
                        "x",
                        "x",
                        9,
                        List.of(),
                        List.of(new RemoteFile("config.json", 570, "")))),
                List.of(new PaperManifest.Item(
                        "lists/artists.txt", m.files().getFirst().url(), "labels", "MIT", 8, "a".repeat(64))),
                List.of());
        Answer a = paper("", false, true, changed);
        assertThat(a.exit).isEqualTo(Exit.SOME_FAILED);
        assertThat(a.err)
                .contains("config.json is another file than the experiment's", "the SHA-256 of what was received");
        assertThat(folder.resolve("paper/lists/artists.txt")).doesNotExist();
        assertThat(a.out).isEmpty();
    }

    @Test
    void thePapersPartsHaveSizesLicencesAndAddresses() {
        PaperManifest m = PaperManifest.read();
        assertThat(m.models())
                .hasSizeGreaterThan(8)
                .allMatch(x -> x.about() > 1_000_000 && !x.licence().isBlank());
        assertThat(m.files()).hasSize(6).allMatch(f -> f.url().getScheme().equals("https"));
        assertThat(m.files().stream().filter(f -> f.path().startsWith("lists/")))
                .hasSize(5)
                .allMatch(f -> f.sha256().length() == 64 && f.size() > 0);
        assertThat(m.byHand()).hasSize(2);
        assertThat(m.withSafetensors(ModelFolder.Id.of("google/efficientnet-b0").orElseThrow()))
                .contains(ModelFolder.Id.of("google/efficientnet-b0@refs/pr/3").orElseThrow());
        assertThat(Files.exists(folder.resolve("hub"))).isFalse();
    }
}
