package org.telltale.app.hub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.telltale.api.ModelFolder;
import org.telltale.api.ModelNotFoundException;
import org.telltale.app.data.DataException;

class PullTest {
    private static final String ID = "flood/blip";
    private static final int PIECE = 10_000;
    private static final byte[] WEIGHTS = bytes(95_000, 1);

    @TempDir
    private Path folder;

    private final FakeHub hub = new FakeHub(ID)
            .small("config.json", "{\"model_type\": \"blip\"}")
            .small("vocab.txt", "")
            .large("model.safetensors", WEIGHTS);

    private final List<Duration> pauses = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private final AtomicBoolean cancelled = new AtomicBoolean();
    private final Map<String, String> environment = new HashMap<>();
    private long space = Long.MAX_VALUE;

    private static byte[] bytes(int length, long seed) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    @AfterEach
    void close() {
        hub.close();
    }

    private HubSettings settings() {
        environment.putIfAbsent("HF_ENDPOINT", hub.endpoint() + "/");
        environment.putIfAbsent("HF_HOME", folder.resolve("hf").toString());
        return HubSettings.of(environment);
    }

    private Pull open() {
        PullListener listener = new PullListener() {
            @Override
            public void progress(RemoteFile file, long bytes) {
                assertThat(bytes).isBetween(0L, file.size());
            }

            @Override
            public void note(String line) {
                notes.add(line);
            }
        };
        HubClient.Options options = new HubClient.Options(
                this::pause, InstantSource.fixed(Instant.parse("2026-01-01T00:00:00Z")), Duration.ofSeconds(20));
        return new Pull(settings(), options, cancelled::get, p -> space, new Download.Size(3, PIECE), listener);
    }

    private synchronized void pause(Duration time) {
        pauses.add(time);
    }

    private Path pull(String model, FileChoice choice) {
        try (Pull pull = open()) {
            return pull.fetch(pull.plan(ModelFolder.Id.of(model).orElseThrow(), choice));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private Path pull() {
        return pull(ID, FileChoice.DEFAULT);
    }

    private Path repository() {
        return folder.resolve("hf/hub/models--flood--blip");
    }

    private Path partial() {
        return repository().resolve("blobs/" + hub.hash("model.safetensors") + ".incomplete");
    }

    private List<String> everything() throws IOException {
        try (Stream<Path> walk = Files.walk(folder.resolve("hf"))) {
            return walk.filter(p -> !Files.isDirectory(p, java.nio.file.LinkOption.NOFOLLOW_LINKS))
                    .map(p -> folder.resolve("hf").relativize(p).toString())
                    .sorted()
                    .toList();
        }
    }

    private void isComplete(Path snapshot) throws IOException {
        assertThat(snapshot.resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
        assertThat(snapshot.resolve("config.json")).hasContent("{\"model_type\": \"blip\"}");
        assertThat(everything()).noneMatch(f -> f.contains("incomplete") || f.endsWith(".tmp"));
    }

    private void fails(Class<? extends Exception> kind, String... mentions) throws IOException {
        assertThatThrownBy(this::pull)
                .isInstanceOf(kind)
                .message()
                .contains(mentions)
                .doesNotContain("\n");
        assertThat(repository().resolve("refs/main")).doesNotExist();
        assertThat(repository().resolve("blobs/" + hub.hash("model.safetensors")))
                .doesNotExist();
    }

    @Test
    void theCacheIsLaidOutAsHuggingFaceDoes() throws IOException {
        Path snapshot = pull();
        String base = "hub/models--flood--blip/";
        assertThat(everything())
                .containsExactlyInAnyOrder(
                        "hub/.locks/models--flood--blip/telltale.lock",
                        base + "blobs/" + hub.hash("config.json"),
                        base + "blobs/" + hub.hash("vocab.txt"),
                        base + "blobs/" + hub.hash("model.safetensors"),
                        base + "refs/main",
                        base + "snapshots/" + FakeHub.COMMIT + "/config.json",
                        base + "snapshots/" + FakeHub.COMMIT + "/vocab.txt",
                        base + "snapshots/" + FakeHub.COMMIT + "/model.safetensors");
        assertThat(hub.hash("vocab.txt")).isEqualTo("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assertThat(repository().resolve("refs/main")).hasContent(FakeHub.COMMIT);
        assertThat(Files.readSymbolicLink(snapshot.resolve("config.json")))
                .isEqualTo(Path.of("../../blobs/" + hub.hash("config.json")));
        assertThat(ModelFolder.snapshot(repository(), "main")).contains(snapshot);
        isComplete(snapshot);
    }

    @Test
    void filesInFoldersLinkToTheSameBlobs() throws IOException {
        hub.small("features/config.json", "{}");
        Path snapshot = pull();
        assertThat(Files.readSymbolicLink(snapshot.resolve("features/config.json")))
                .isEqualTo(Path.of("../../../blobs/" + hub.hash("features/config.json")));
        assertThat(snapshot.resolve("features/config.json")).hasContent("{}");
    }

    @Test
    void aPullRequestsRevisionIsKeptUnderItsName() throws IOException {
        Path snapshot = pull(ID + "@refs/pr/3", FileChoice.DEFAULT);
        assertThat(hub.requests().getFirst().path()).isEqualTo(hub.api("refs%2Fpr%2F3"));
        assertThat(repository().resolve("refs/refs/pr/3")).hasContent(FakeHub.COMMIT);
        assertThat(repository().resolve("refs/main")).doesNotExist();
        assertThat(ModelFolder.snapshot(repository(), "refs/pr/3")).contains(snapshot);
        assertThat(ModelFolder.snapshot(repository(), "main")).isEmpty();
        assertThat(ModelFolder.snapshot(repository(), FakeHub.COMMIT)).contains(snapshot);
    }

    @Test
    void whatIsThereIsNotFetchedAgain() throws IOException {
        pull();
        hub.forget();
        isComplete(pull());
        assertThat(hub.requests()).hasSize(1);
        Files.delete(repository().resolve("snapshots/" + FakeHub.COMMIT + "/model.safetensors"));
        hub.forget();
        isComplete(pull());
        assertThat(hub.requests()).hasSize(1);
    }

    @Test
    void weightsAreFetchedOnceAndAsSafetensors() {
        for (String other : List.of(
                "pytorch_model.bin",
                "tf_model.h5",
                "flax_model.msgpack",
                "onnx/model.onnx",
                "model.fp16.safetensors")) {
            hub.large(other, bytes(10, 2));
        }
        hub.small("README.md", "a card").small("tokenizer_config.json", "{}").small("onnx/config.json", "{}");
        try (Pull pull = open()) {
            assertThat(names(pull, FileChoice.DEFAULT))
                    .containsExactly("config.json", "vocab.txt", "model.safetensors", "tokenizer_config.json");
            assertThat(names(pull, new FileChoice(List.of("onnx/*"), List.of("*.json"))))
                    .containsExactly("onnx/model.onnx");
            assertThat(names(pull, new FileChoice(List.of(), List.of("*.safetensors"))))
                    .containsExactly("config.json", "vocab.txt", "tokenizer_config.json");
        }
    }

    @Test
    void withoutSafetensorsWhatCanBeConvertedIsFetched() {
        assertThat(choose("config.json", "pytorch_model.bin", "tf_model.h5"))
                .containsExactly("config.json", "pytorch_model.bin");
        assertThat(choose("model_base.pth")).containsExactly("model_base.pth");
        assertThat(choose(
                        "model.safetensors.index.json",
                        "model-00001-of-00002.safetensors",
                        "open_clip_model.safetensors"))
                .containsExactly("model.safetensors.index.json", "model-00001-of-00002.safetensors");
        assertThat(choose("pytorch_model.bin.index.json", "pytorch_model-00001-of-00002.bin", "x.gguf"))
                .containsExactly("pytorch_model.bin.index.json", "pytorch_model-00001-of-00002.bin");
        assertThat(choose("open_clip_config.json", "open_clip_model.safetensors", "open_clip_pytorch_model.bin"))
                .containsExactly("open_clip_config.json", "open_clip_model.safetensors");
        assertThat(FileChoice.weights(List.of(new RemoteFile("a.pth", 1, ""))))
                .isEqualTo(FileChoice.Weights.CONVERTIBLE);
    }

    private static List<String> choose(String... names) {
        return FileChoice.DEFAULT
                .of(Stream.of(names).map(n -> new RemoteFile(n, 1, "")).toList())
                .stream()
                .map(RemoteFile::path)
                .toList();
    }

    private static List<String> names(Pull pull, FileChoice choice) {
        try {
            return pull.plan(ModelFolder.Id.of(ID).orElseThrow(), choice).files().stream()
                    .map(RemoteFile::path)
                    .toList();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void theTokenGoesToTheHubAndNotWhereItRedirects() throws IOException {
        environment.put("HF_TOKEN", "hf_secret");
        isComplete(pull());
        assertThat(hub.requests()).anyMatch(r -> r.host().equals("cdn"));
        for (FakeHub.Request r : hub.requests()) {
            assertThat(r.header("Authorization")).isEqualTo(r.host().equals("cdn") ? "" : "Bearer hf_secret");
        }
    }

    @Test
    void theAddressThatTheHubRedirectsToIsAskedForTheOtherPieces() throws IOException {
        isComplete(pull());
        assertThat(hub.requests(FakeHub.blob("model.safetensors"))).hasSize(10);
        // as many as asked at once before the first answer came
        assertThat(hub.requests(hub.resolve("model.safetensors"))).hasSizeBetween(1, 3);
    }

    @Test
    void anAddressThatExpiresIsAskedForAgain() throws IOException {
        AtomicInteger count = new AtomicInteger();
        hub.on(FakeHub.blob("model.safetensors"), e -> {
            if (count.incrementAndGet() != 6) {
                return false;
            }
            FakeHub.status(e, 403, Map.of());
            return true;
        });
        isComplete(pull());
    }

    @Test
    void aBrokenConnectionIsTakenUpWhereItBroke() throws IOException {
        AtomicInteger count = new AtomicInteger();
        hub.on(FakeHub.blob("model.safetensors"), e -> {
            String range = String.valueOf(e.getRequestHeaders().getFirst("Range"));
            if (!range.startsWith("bytes=20000-") || count.incrementAndGet() > 1) {
                return false;
            }
            e.getResponseHeaders().set("ETag", "\"cdn-" + FakeHub.blob("model.safetensors") + "\"");
            e.getResponseHeaders().set("Content-Range", "bytes 20000-29999/95000");
            e.sendResponseHeaders(206, 10_000);
            e.getResponseBody().write(WEIGHTS, 20_000, 6_000);
            e.getResponseBody().flush();
            throw new IOException("the cable is cut");
        });
        isComplete(pull());
        assertThat(hub.requests(FakeHub.blob("model.safetensors")))
                .anyMatch(r -> r.header("Range").equals("bytes=26000-29999"));
        assertThat(pauses).contains(Duration.ofMillis(500));
    }

    @Test
    void onlyWhatIsMissingOfAnEarlierRunIsFetched() throws IOException {
        Files.createDirectories(partial().getParent());
        Files.write(partial(), Arrays.copyOf(WEIGHTS, 42_000));
        try (Pull pull = open()) {
            Pull.Plan plan = pull.plan(ModelFolder.Id.of(ID).orElseThrow(), FileChoice.DEFAULT);
            assertThat(plan.bytes()).isEqualTo(95_000 - 42_000 + hub.content("config.json").length);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        isComplete(pull());
        assertThat(hub.requests(FakeHub.blob("model.safetensors")))
                .allMatch(r -> r.from() >= 42_000)
                .isNotEmpty();
    }

    @Test
    void aDamagedBeginningIsNoticedAndFetchedAnew() throws IOException {
        Files.createDirectories(partial().getParent());
        byte[] damaged = Arrays.copyOf(WEIGHTS, 42_000);
        damaged[1234]++;
        Files.write(partial(), damaged);
        isComplete(pull());
        assertThat(notes).anyMatch(n -> n.contains("fetching it anew"));
    }

    @Test
    void aPartialFileThatIsTooLongIsDiscarded() throws IOException {
        Files.createDirectories(partial().getParent());
        Files.write(partial(), bytes(100_000, 3));
        isComplete(pull());
    }

    @Test
    void otherBytesThanTheHashSaysAreRefused() throws IOException {
        byte[] other = WEIGHTS.clone();
        other[94_999]++;
        hub.on(FakeHub.blob("model.safetensors"), e -> {
            FakeHub.ranged(e, other, "\"x\"");
            return true;
        });
        fails(DataException.class, ID, "model.safetensors", "SHA-256", hub.hash("model.safetensors"));
        assertThat(partial()).doesNotExist();
    }

    @Test
    void otherBytesOfASmallFileAreRefused() throws IOException {
        hub.on(hub.resolve("config.json"), e -> {
            FakeHub.ranged(e, "{\"model_type\": \"blib\"}".getBytes(UTF_8), "\"x\"");
            return true;
        });
        fails(DataException.class, "config.json", "SHA-1", hub.hash("config.json"));
    }

    @Test
    void aServerThatIgnoresRangesIsReadFromTheBeginning() throws IOException {
        Files.createDirectories(partial().getParent());
        Files.write(partial(), Arrays.copyOf(WEIGHTS, 42_000));
        AtomicInteger cut = new AtomicInteger();
        hub.on(FakeHub.blob("model.safetensors"), e -> {
            e.getResponseHeaders().set("ETag", "\"x\"");
            e.sendResponseHeaders(200, WEIGHTS.length);
            boolean whole = e.getRequestHeaders().getFirst("Range") == null && cut.incrementAndGet() > 1;
            e.getResponseBody().write(WEIGHTS, 0, whole ? WEIGHTS.length : 60_000);
            e.getResponseBody().flush();
            if (!whole) {
                throw new IOException("the cable is cut");
            }
            return true;
        });
        isComplete(pull());
        assertThat(notes).anyMatch(n -> n.contains("whole files only"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"shorter", "longer", "endless", "range", "start", "linked", "nothing"})
    void aServerThatLiesAboutTheSizeIsRefused(String lie) throws IOException {
        String blob = FakeHub.blob("model.safetensors");
        hub.on(blob, e -> {
            e.getResponseHeaders().set("ETag", "\"x\"");
            switch (lie) {
                case "shorter" -> send(e, 200, 1000, new byte[1000]);
                case "longer" -> send(e, 200, WEIGHTS.length + 1, new byte[WEIGHTS.length + 1]);
                case "endless" -> {
                    e.getResponseHeaders().set("Content-Range", "bytes 0-9999/95000");
                    endless(e, 206, "endless ");
                }
                case "range" -> {
                    e.getResponseHeaders().set("Content-Range", "bytes 0-9999/95001");
                    send(e, 206, 10_000, new byte[10_000]);
                }
                case "start" -> {
                    e.getResponseHeaders().set("Content-Range", "bytes 5-10004/95000");
                    send(e, 206, 10_000, new byte[10_000]);
                }
                case "nothing" -> {
                    String from = e.getRequestHeaders().getFirst("Range").replaceAll("bytes=(\\d+)-.*", "$1");
                    e.getResponseHeaders().set("Content-Range", "bytes " + from + "-" + from + "/95000");
                    e.sendResponseHeaders(206, -1);
                }
                default -> {
                    return false;
                }
            }
            return true;
        });
        if (lie.equals("linked")) {
            hub.on(hub.resolve("model.safetensors"), e -> {
                FakeHub.status(e, 302, Map.of("Location", hub.cdn() + blob, "X-Linked-Size", "95001"));
                return true;
            });
        }
        fails(
                lie.equals("nothing") ? ModelNotFoundException.class : DataException.class,
                ID,
                "model.safetensors",
                lie.equals("nothing") ? "an empty answer" : "95000");
        assertThat(Files.exists(partial()) ? Files.size(partial()) : 0).isLessThan(95_000);
    }

    private static void send(HttpExchange e, int status, long length, byte[] body) throws IOException {
        e.sendResponseHeaders(status, length);
        e.getResponseBody().write(body);
    }

    /** Sends something again and again, until nobody reads it any more; a gigabyte at most. */
    private static void endless(HttpExchange e, int status, String text) throws IOException {
        e.sendResponseHeaders(status, 0);
        byte[] bytes = text.repeat(1000).getBytes(UTF_8);
        try (OutputStream out = e.getResponseBody()) {
            for (long sent = 0; sent < 1L << 30; sent += bytes.length) {
                out.write(bytes);
            }
        }
    }

    @Test
    void aFileThatChangesWhileItIsFetchedIsRefused() throws IOException {
        AtomicInteger count = new AtomicInteger();
        hub.on(FakeHub.blob("model.safetensors"), e -> {
            FakeHub.ranged(e, WEIGHTS, count.incrementAndGet() < 5 ? "\"a\"" : "\"b\"");
            return true;
        });
        fails(DataException.class, "model.safetensors", "changed");
    }

    @Test
    void anotherHashOnTheWayIsRefused() throws IOException {
        hub.on(hub.resolve("model.safetensors"), e -> {
            FakeHub.status(
                    e,
                    302,
                    Map.of(
                            "Location",
                            hub.cdn() + FakeHub.blob("model.safetensors"),
                            "X-Linked-Etag",
                            "\"" + "a".repeat(64) + "\""));
            return true;
        });
        fails(DataException.class, "model.safetensors", "a".repeat(64));
    }

    @ParameterizedTest
    @CsvSource({
        "file:///etc/passwd, file:///etc/passwd",
        "ftp://localhost/x, ftp://localhost/x",
        "jar:file:/x!/y, jar:file",
        "'', redirect",
        "'http://[', http://[",
        "http://user:password@localhost/, redirect",
        "loop, more than 10 redirects"
    })
    void redirectsThatLeadNowhereAreNotFollowed(String location, String mention) throws IOException {
        for (String path : List.of(hub.api("main"), hub.resolve("model.safetensors"))) {
            FakeHub.Handler handler = e -> {
                FakeHub.status(e, 302, Map.of("Location", location.equals("loop") ? path : location));
                return true;
            };
            hub.on(path, handler);
            fails(DataException.class, mention);
            hub.on(path, e -> false);
        }
    }

    @Test
    void aModelThatWasRenamedIsFollowedToItsNewName() throws IOException {
        hub.on("/api/models/old/name/revision/main", e -> {
            FakeHub.status(e, 307, Map.of("Location", hub.api("main")));
            return true;
        });
        for (String f : List.of("config.json", "vocab.txt", "model.safetensors")) {
            hub.on("/old/name/resolve/" + FakeHub.COMMIT + "/" + f, e -> {
                FakeHub.status(e, 307, Map.of("Location", hub.resolve(f)));
                return true;
            });
        }
        assertThat(pull("old/name", FileChoice.DEFAULT).resolve("model.safetensors"))
                .hasBinaryContent(WEIGHTS);
    }

    @ParameterizedTest
    @CsvSource({
        "401, '', false, needs a token",
        "401, '', true, HF_TOKEN is not valid",
        "401, RepoNotFound, false, no such model",
        "401, GatedRepo, false, accept its terms",
        "403, GatedRepo, true, accept its terms",
        "404, RevisionNotFound, false, no revision main",
        "404, RepoNotFound, true, private",
        "404, '', false, no such model"
    })
    void aRefusalSaysWhatToDo(int status, String code, boolean token, String mention) throws IOException {
        if (token) {
            environment.put("HF_TOKEN", "hf_secret");
        }
        hub.on(hub.api("main"), e -> {
            FakeHub.status(e, status, code.isEmpty() ? Map.of() : Map.of("X-Error-Code", code));
            return true;
        });
        fails(ModelNotFoundException.class, ID, hub.endpoint(), mention);
        assertThatThrownBy(this::pull).message().doesNotContain("hf_secret");
        assertThat(pauses).isEmpty();
    }

    @Test
    void aServerThatAsksToWaitIsWaitedFor() throws IOException {
        AtomicInteger count = new AtomicInteger();
        hub.on(hub.api("main"), e -> {
            switch (count.incrementAndGet()) {
                case 1 -> FakeHub.status(e, 429, Map.of("Retry-After", "7"));
                case 2 -> FakeHub.status(e, 503, Map.of("Retry-After", "Thu, 01 Jan 2026 00:00:33 GMT"));
                case 3 -> FakeHub.status(e, 503, Map.of("Retry-After", "soon"));
                case 4 -> FakeHub.status(e, 500, Map.of());
                default -> {
                    return false;
                }
            }
            return true;
        });
        isComplete(pull());
        assertThat(pauses)
                .containsExactly(
                        Duration.ofSeconds(7), Duration.ofSeconds(33), Duration.ofSeconds(2), Duration.ofSeconds(4));
    }

    @Test
    void aServerThatGoesOnFailingIsGivenUp() throws IOException {
        hub.on(hub.api("main"), e -> {
            FakeHub.status(e, 500, Map.of());
            return true;
        });
        fails(ModelNotFoundException.class, ID, hub.endpoint(), "answers 500", "6 times");
        assertThat(pauses).hasSize(5).isSorted();
    }

    @Test
    void aServerThatAsksToWaitForHoursIsNotWaitedFor() throws IOException {
        hub.on(hub.resolve("config.json"), e -> {
            FakeHub.status(e, 429, Map.of("Retry-After", "7200"));
            return true;
        });
        fails(ModelNotFoundException.class, ID, "config.json", "429", "7200 s");
        assertThat(pauses).isEmpty();
    }

    @Test
    void anEndlessListIsNotRead() throws IOException {
        hub.on(hub.api("main"), e -> {
            endless(e, 200, "{\"sha\": ");
            return true;
        });
        fails(DataException.class, ID, "more than 16.8 MB");
    }

    @Test
    void anEndlessErrorIsNotReadEither() throws IOException {
        hub.on(hub.api("main"), e -> {
            endless(e, 404, "no ");
            return true;
        });
        fails(ModelNotFoundException.class, ID, "no such model");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{\"sha\": \"main\", \"siblings\": []}",
                "{\"sha\": \"../../0123456789abcdef0123456789abcdef\", \"siblings\": []}",
                "{\"siblings\": [{\"rfilename\": \"config.json\"}]}",
                "{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": {}}",
                "<html>"
            })
    void whatIsNoListIsRefused(String body) throws IOException {
        hub.on(hub.api("main"), e -> {
            FakeHub.json(e, body);
            return true;
        });
        fails(DataException.class, ID);
    }

    @Test
    void aDeepListIsRefused() throws IOException {
        hub.on(hub.api("main"), e -> {
            FakeHub.json(e, "[".repeat(100_000));
            return true;
        });
        fails(DataException.class, ID);
    }

    private void listing(String siblings) {
        hub.on(hub.api("main"), e -> {
            FakeHub.json(e, "{\"sha\": \"" + FakeHub.COMMIT + "\", \"siblings\": [" + siblings + "]}");
            return true;
        });
    }

    @Test
    void namesThatLeaveTheCacheAreRefused() throws IOException {
        for (String name : List.of(
                "../config.json",
                "../../../../config.json",
                "a/../../config.json",
                "/etc/config.json",
                "a//config.json",
                "./config.json",
                "a/.",
                "a/",
                "",
                "..\\\\config.json",
                "C:config.json",
                "a\\u0000config.json",
                "a\\u001b[2Jconfig.json",
                "a\\nconfig.json",
                "\\ud800config.json",
                "x".repeat(201) + "_config.json",
                "x/".repeat(600) + "config.json")) {
            listing("{\"rfilename\": \"" + name + "\", \"size\": 2, \"blobId\": \"" + "a".repeat(40) + "\"}");
            fails(DataException.class, ID, "the server names a file");
            assertThatThrownBy(this::pull).message().doesNotContain("\u001b", "\u0000");
        }
        assertThat(folder.resolve("hf")).doesNotExist();
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'size': 2, 'blobId': '../../../../../escaped'",
                "'size': 2, 'blobId': 'abc'",
                "'size': -5, 'blobId': '%40'",
                "'size': 1e30, 'blobId': '%40'",
                "'size': 'x', 'blobId': '%40'",
                "'size': 2, 'lfs': {'sha256': '%40'}",
                "'size': 2, 'lfs': {'oid': 'sha256:%64'}"
            })
    void hashesAndSizesThatAreNoneAreRefused(String rest) throws IOException {
        listing("{\"rfilename\": \"config.json\", "
                + rest.replace('\'', '"').replace("%40", "a".repeat(40)).replace("%64", "a".repeat(64)) + "}");
        fails(DataException.class, ID, "config.json");
    }

    @Test
    void aNameThatStandsTwiceIsRefused() throws IOException {
        String file = "{\"rfilename\": \"config.json\", \"size\": 2, \"blobId\": \"" + "a".repeat(40) + "\"}";
        listing(file + ", " + file);
        fails(DataException.class, ID, "twice");
    }

    @Test
    void aSnapshotThatLeadsOutOfTheCacheIsNotWrittenTo() throws IOException {
        hub.small("features/config.json", "{}");
        Path outside = Files.createDirectory(folder.resolve("outside"));
        Path snapshot = Files.createDirectories(repository().resolve("snapshots/" + FakeHub.COMMIT));
        Files.createSymbolicLink(snapshot.resolve("features"), outside);
        assertThatThrownBy(this::pull)
                .isInstanceOf(DataException.class)
                .message()
                .contains("features", "leads out of");
        try (Stream<Path> files = Files.list(outside)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void aPartialFileThatIsALinkIsNotWrittenThrough() throws IOException {
        Path outside = Files.writeString(folder.resolve("outside"), "mine");
        Files.createDirectories(partial().getParent());
        Files.createSymbolicLink(partial(), outside);
        assertThatThrownBy(this::pull)
                .isInstanceOf(DataException.class)
                .message()
                .contains(".incomplete");
        assertThat(outside).hasContent("mine");
    }

    @Test
    void anOddFileInTheSnapshotIsReplaced() throws IOException {
        Path snapshot = Files.createDirectories(repository().resolve("snapshots/" + FakeHub.COMMIT));
        Files.createSymbolicLink(snapshot.resolve("model.safetensors"), folder.resolve("nowhere"));
        Files.writeString(snapshot.resolve("config.json"), "{}");
        isComplete(pull());
    }

    @Test
    void whatTheDiskCannotHoldIsNotBegun() throws IOException {
        space = 50_000;
        fails(DataException.class, "95.0 kB are to be fetched", "50.0 kB are free");
        assertThat(hub.requests()).hasSize(1);
    }

    @Test
    void whereNoLinksAreTheFilesThemselvesAreInTheSnapshot() throws IOException {
        RemoteFile file = new RemoteFile("model.safetensors", WEIGHTS.length, hub.hash("model.safetensors"));
        RepoCache cache = new RepoCache(folder.resolve("hf/hub"), ID, false);
        cache.prepare();
        Files.write(cache.blob(file), WEIGHTS);
        cache.link(FakeHub.COMMIT, file);
        Path place = cache.snapshot(FakeHub.COMMIT).resolve("model.safetensors");
        assertThat(Files.isSymbolicLink(place)).isFalse();
        assertThat(place).hasBinaryContent(WEIGHTS);
        assertThat(cache.has(FakeHub.COMMIT, file)).isTrue();
        hub.forget();
        isComplete(pull());
        assertThat(hub.requests(hub.resolve("model.safetensors"))).isEmpty();
    }

    @Test
    void sizesAndHashesThatTheListLacksAreAskedFor() throws IOException {
        listing(
                "{\"rfilename\": \"config.json\"}, {\"rfilename\": \"model.safetensors\"}, {\"rfilename\": \"x.onnx\"}");
        isComplete(pull());
        assertThat(hub.requests())
                .filteredOn(r -> r.method().equals("HEAD"))
                .hasSize(2)
                .allMatch(r -> r.host().equals("hub"));
    }

    @Test
    void twoPullsOfOneModelFetchItOnce() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        hub.on(FakeHub.blob("model.safetensors"), e -> {
            try {
                waiting.await();
            } catch (InterruptedException i) {
                throw new IOException(i);
            }
            return false;
        });
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Path>> both = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                both.add(threads.submit(() -> {
                    HubClient.Options options = new HubClient.Options(
                            time -> {
                                // the one that waits for the other lets it go on
                                waiting.countDown();
                                Thread.yield();
                            },
                            InstantSource.system(),
                            Duration.ofSeconds(20));
                    try (Pull pull = new Pull(
                            settings(),
                            options,
                            () -> false,
                            p -> space,
                            new Download.Size(3, PIECE),
                            PullListener.SILENT)) {
                        return pull.fetch(pull.plan(ModelFolder.Id.of(ID).orElseThrow(), FileChoice.DEFAULT));
                    }
                }));
            }
            // the second writes the revision again, so the first is looked at when both are done
            for (Path snapshot : List.of(both.get(0).get(), both.get(1).get())) {
                isComplete(snapshot);
            }
        }
        assertThat(hub.requests(FakeHub.blob("model.safetensors"))).hasSize(10);
        assertThat(hub.requests(hub.resolve("config.json"))).hasSize(1);
    }

    @Test
    void aPullThatIsCancelledKeepsWhatHasCome() throws IOException {
        hub.on(FakeHub.blob("model.safetensors"), e -> {
            String range = e.getRequestHeaders().getFirst("Range");
            if (!range.startsWith("bytes=40000-")) {
                return false;
            }
            e.getResponseHeaders().set("ETag", "\"cdn-" + FakeHub.blob("model.safetensors") + "\"");
            e.getResponseHeaders().set("Content-Range", "bytes 40000-49999/95000");
            e.sendResponseHeaders(206, 10_000);
            e.getResponseBody().write(WEIGHTS, 40_000, 3_000);
            e.getResponseBody().flush();
            // the answer stays open: its end is the client's doing
            cancelled.set(true);
            e.getRequestBody().readAllBytes();
            awaitCancelled();
            return true;
        });
        assertThatThrownBy(this::pull).isInstanceOf(CancellationException.class);
        gone.countDown();
        assertThat(Files.size(partial())).isBetween(0L, 43_000L);
        byte[] there = Files.readAllBytes(partial());
        assertThat(there).isEqualTo(Arrays.copyOf(WEIGHTS, there.length));
        cancelled.set(false);
        hub.forget();
        hub.on(FakeHub.blob("model.safetensors"), e -> false);
        isComplete(pull());
        assertThat(hub.requests(FakeHub.blob("model.safetensors"))).allMatch(r -> r.from() >= there.length);
    }

    private final CountDownLatch gone = new CountDownLatch(1);

    private void awaitCancelled() throws IOException {
        try {
            gone.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @Test
    void aServerThatFallsSilentIsAskedAgain() throws IOException, InterruptedException {
        AtomicInteger count = new AtomicInteger();
        hub.on(hub.api("main"), e -> {
            if (count.incrementAndGet() > 1) {
                return false;
            }
            awaitCancelled();
            return true;
        });
        HubClient.Options options = new HubClient.Options(this::pause, InstantSource.system(), Duration.ofMillis(200));
        try (Pull pull =
                new Pull(settings(), options, cancelled::get, p -> space, Download.Size.USUAL, PullListener.SILENT)) {
            isComplete(pull.fetch(pull.plan(ModelFolder.Id.of(ID).orElseThrow(), FileChoice.DEFAULT)));
        } finally {
            gone.countDown();
        }
        assertThat(pauses).hasSize(1);
    }

    @Test
    void aHubThatIsNotThereIsNamedWithWhatElseCanBeDone() throws IOException {
        String endpoint;
        try (ServerSocket free = new ServerSocket(0)) {
            endpoint = "http://localhost:" + free.getLocalPort();
        }
        environment.put("HF_ENDPOINT", endpoint);
        fails(ModelNotFoundException.class, ID, endpoint, "cannot be reached", "--offline", "model folder");
        assertThat(pauses).hasSize(2);
    }

    @Test
    void theProxyOfTheEnvironmentIsUsed() throws IOException {
        String proxy = hub.endpoint();
        environment.put("HF_ENDPOINT", "http://hub.invalid");
        environment.put("HTTP_PROXY", proxy.replace("http://", ""));
        environment.put("NO_PROXY", "127.0.0.1, .example.org");
        isComplete(pull());
        assertThat(hub.requests())
                .filteredOn(r -> r.host().equals("hub"))
                .isNotEmpty()
                .allMatch(r -> r.header("Host").equals("hub.invalid"));
    }

    @Test
    void aProxyThatAsksForAPasswordGetsThatOfItsAddress() throws IOException {
        environment.put("HTTP_PROXY", hub.endpoint().replace("http://", "http://me:se%40cret@"));
        environment.put("HF_ENDPOINT", "http://hub.invalid");
        environment.put("no_proxy", "127.0.0.1");
        hub.on(hub.api("main"), e -> {
            if (e.getRequestHeaders().getFirst("Proxy-Authorization") != null) {
                return false;
            }
            FakeHub.status(e, 407, Map.of("Proxy-Authenticate", "Basic realm=\"p\""));
            return true;
        });
        isComplete(pull());
        assertThat(hub.requests())
                .anyMatch(r -> r.header("Proxy-Authorization")
                        .equals("Basic " + java.util.Base64.getEncoder().encodeToString("me:se@cret".getBytes(UTF_8))));
    }

    @Test
    void namesInNoProxyMeanTheHostAndWhatIsBelowIt() {
        Proxies proxies = Proxies.of(
                Map.of("https_proxy", "http://p:3128", "NO_PROXY", "localhost,.example.org,*.a.b,host:8080"));
        assertThat(direct(proxies, "https://huggingface.co/")).isFalse();
        assertThat(direct(proxies, "https://example.org/")).isTrue();
        assertThat(direct(proxies, "https://www.example.org/")).isTrue();
        assertThat(direct(proxies, "https://notexample.org/")).isFalse();
        assertThat(direct(proxies, "https://x.a.b/")).isTrue();
        assertThat(direct(proxies, "https://host:8080/")).isTrue();
        assertThat(direct(proxies, "https://host/")).isFalse();
        assertThat(direct(proxies, "http://huggingface.co/")).isTrue();
        assertThat(direct(Proxies.of(Map.of("ALL_PROXY", "p:1", "NO_PROXY", "*")), "https://x/"))
                .isTrue();
        assertThatThrownBy(() -> Proxies.of(Map.of("HTTPS_PROXY", "socks5://me:secret@p")))
                .hasMessageContaining("HTTPS_PROXY")
                .message()
                .doesNotContain("secret");
    }

    private static boolean direct(Proxies proxies, String uri) {
        return proxies.select(java.net.URI.create(uri)).getFirst().equals(java.net.Proxy.NO_PROXY);
    }

    @Test
    void theEnvironmentIsReadAsHuggingFacesToolsReadIt() throws IOException {
        Path home = Files.createDirectories(folder.resolve("home"));
        Files.writeString(home.resolve("token"), "hf_file\n");
        HubSettings s = HubSettings.of(Map.of("HF_HOME", home.toString()));
        assertThat(s.endpoint()).hasToString("https://huggingface.co");
        assertThat(s.cache()).isEqualTo(home.resolve("hub"));
        assertThat(s.token()).contains("hf_file");
        assertThat(s.offline()).isFalse();
        s = HubSettings.of(Map.of(
                "HF_HOME", home.toString(), "HF_HUB_CACHE", "/c", "HF_TOKEN", " hf_env ", "HF_HUB_OFFLINE", "yes"));
        assertThat(s.cache()).isEqualTo(Path.of("/c"));
        assertThat(s.token()).contains("hf_env");
        assertThat(s.offline()).isTrue();
        assertThat(HubSettings.of(Map.of("XDG_CACHE_HOME", "/x")).cache()).isEqualTo(Path.of("/x/huggingface/hub"));
        for (String wrong : List.of("huggingface.co", "file:///x", "http://", "https://a:b@c", "http://[")) {
            assertThatThrownBy(() -> HubSettings.of(Map.of("HF_ENDPOINT", wrong)))
                    .hasMessageContaining("HF_ENDPOINT");
        }
        assertThatThrownBy(() -> HubSettings.of(Map.of("HF_TOKEN", "two words")))
                .hasMessageContaining("HF_TOKEN")
                .message()
                .doesNotContain("two words");
    }
}
