package org.telltale.app.hub;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;

/**
 * A server on this machine that answers as Hugging Face does, and a second one that it redirects to for large files. Tests put
 * answers of their own in front of a path.
 */
public final class FakeHub implements AutoCloseable {
    public static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    /** An answer in place of the usual one. */
    public interface Handler {
        /** Whether it answered; otherwise the usual answer follows. */
        boolean handle(HttpExchange exchange) throws IOException;
    }

    /** What was asked for. */
    public record Request(String method, String host, String path, Headers headers) {
        String header(String name) {
            String value = headers.getFirst(name);
            return value == null ? "" : value;
        }

        /** The first byte of the range that was asked for, or 0. */
        public long from() {
            return FakeHub.from(headers);
        }
    }

    private final HttpServer hub;
    private final HttpServer cdn;
    private final String scheme;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private final Map<String, Boolean> lfs = new LinkedHashMap<>();
    private final Map<String, String> hashes = new ConcurrentHashMap<>();
    private final Map<String, Handler> special = new ConcurrentHashMap<>();
    private final List<Request> requests = Collections.synchronizedList(new ArrayList<>());
    private final String id;

    public FakeHub(String id) {
        this(id, "http", FakeHub::start, FakeHub::start);
    }

    /** With TLS. */
    FakeHub(String id, SSLContext tls) {
        this(id, "https", () -> start(tls), () -> start(tls));
    }

    private FakeHub(String id, String scheme, Supplier<HttpServer> hub, Supplier<HttpServer> cdn) {
        this.id = id;
        this.scheme = scheme;
        this.hub = hub.get();
        this.cdn = cdn.get();
        start(this.hub, "hub");
        start(this.cdn, "cdn");
    }

    private void start(HttpServer server, String host) {
        server.setExecutor(threads);
        server.createContext("/", e -> answer(e, host));
        server.start();
    }

    private static HttpServer start() {
        try {
            return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static HttpServer start(SSLContext tls) {
        try {
            HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.setHttpsConfigurator(new HttpsConfigurator(tls));
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String endpoint() {
        return scheme + "://localhost:" + port();
    }

    int port() {
        return hub.getAddress().getPort();
    }

    String cdn() {
        return scheme + "://127.0.0.1:" + cdn.getAddress().getPort();
    }

    /** A file of the repository that is answered by the hub itself. */
    public FakeHub small(String path, String content) {
        files.put(path, content.getBytes(StandardCharsets.UTF_8));
        lfs.put(path, false);
        return this;
    }

    /** A file of the repository that is kept elsewhere. */
    public FakeHub large(String path, byte[] content) {
        files.put(path, content);
        lfs.put(path, true);
        return this;
    }

    /** Answers a path, given as it is sent, by a handler first. */
    public FakeHub on(String path, Handler handler) {
        special.put(path, handler);
        return this;
    }

    public String api(String revision) {
        return "/api/models/" + id + "/revision/" + revision;
    }

    public String resolve(String path) {
        return "/" + id + "/resolve/" + COMMIT + "/" + path;
    }

    public static String blob(String path) {
        return "/blob/" + path;
    }

    public List<Request> requests() {
        synchronized (requests) {
            return List.copyOf(requests);
        }
    }

    List<Request> requests(String path) {
        return requests().stream().filter(r -> r.path.equals(path)).toList();
    }

    public void forget() {
        requests.clear();
    }

    public String hash(String path) {
        byte[] content = content(path);
        return hashes.computeIfAbsent(
                path,
                p -> Boolean.TRUE.equals(lfs.get(p))
                        ? hex("SHA-256", content)
                        : hex("SHA-1", ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII), content));
    }

    byte[] content(String path) {
        byte[] content = files.get(path);
        if (content == null) {
            throw new IllegalArgumentException(path);
        }
        return content;
    }

    static String hex(String algorithm, byte[]... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance(algorithm);
            for (byte[] p : parts) {
                digest.update(p);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    String listing() {
        return files.keySet().stream()
                .map(path -> "{\"rfilename\": \"" + path + "\", \"size\": " + content(path).length
                        + (Boolean.TRUE.equals(lfs.get(path))
                                ? ", \"blobId\": \"" + "0".repeat(40) + "\", \"lfs\": {\"sha256\": \"" + hash(path)
                                        + "\", \"size\": " + content(path).length + ", \"pointerSize\": 134}}"
                                : ", \"blobId\": \"" + hash(path) + "\"}"))
                .collect(Collectors.joining(
                        ", ",
                        "{\"id\": \"" + id + "\", \"sha\": \"" + COMMIT
                                + "\", \"gated\": false, \"cardData\": {\"license\": \"bsd-3-clause\"}, \"siblings\": [",
                        "]}"));
    }

    private void answer(HttpExchange e, String host) throws IOException {
        String path = e.getRequestURI().getRawPath();
        requests.add(new Request(e.getRequestMethod(), host, path, e.getRequestHeaders()));
        try (e) {
            Handler handler = special.get(path);
            if (handler != null && handler.handle(e)) {
                return;
            }
            if (host.equals("cdn")) {
                ranged(e, content(path.substring(blob("").length())), "\"cdn-" + path + "\"");
            } else if (path.startsWith(api(""))) {
                json(e, listing());
            } else if (path.startsWith(resolve(""))) {
                file(e, path.substring(resolve("").length()));
            } else {
                status(e, 404, Map.of("X-Error-Code", "RepoNotFound"));
            }
        }
    }

    private void file(HttpExchange e, String path) throws IOException {
        if (!files.containsKey(path)) {
            status(e, 404, Map.of("X-Error-Code", "EntryNotFound"));
            return;
        }
        e.getResponseHeaders().set("X-Repo-Commit", COMMIT);
        if (Boolean.TRUE.equals(lfs.get(path))) {
            e.getResponseHeaders().set("X-Linked-Etag", "\"" + hash(path) + "\"");
            e.getResponseHeaders().set("X-Linked-Size", Integer.toString(content(path).length));
            status(e, 302, Map.of("Location", cdn() + blob(path)));
        } else {
            ranged(e, content(path), "\"" + hash(path) + "\"");
        }
    }

    /** The first byte of the range that is asked for, or 0. */
    public static long from(Headers request) {
        String range = request.getFirst("Range");
        return range == null ? 0 : Long.parseLong(range.replaceAll("bytes=(\\d+)-.*", "$1"));
    }

    static void status(HttpExchange e, int status, Map<String, String> headers) throws IOException {
        headers.forEach(e.getResponseHeaders()::set);
        e.sendResponseHeaders(status, -1);
    }

    static void json(HttpExchange e, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        e.sendResponseHeaders(200, bytes.length);
        e.getResponseBody().write(bytes);
    }

    /** Sends what was asked for of a content. */
    static void ranged(HttpExchange e, byte[] content, String etag) throws IOException {
        e.getResponseHeaders().set("ETag", etag);
        String range = e.getRequestHeaders().getFirst("Range");
        int from = 0;
        int to = content.length;
        if (range != null) {
            String[] ends = range.substring("bytes=".length()).split("-");
            from = Integer.parseInt(ends[0]);
            to = Math.min(Integer.parseInt(ends[1]) + 1, content.length);
            e.getResponseHeaders().set("Content-Range", "bytes " + from + "-" + (to - 1) + "/" + content.length);
        }
        if (e.getRequestMethod().equals("HEAD")) {
            e.getResponseHeaders().set("Content-Length", Integer.toString(content.length));
            e.sendResponseHeaders(200, -1);
            return;
        }
        e.sendResponseHeaders(range == null ? 200 : 206, to == from ? -1 : to - from);
        try (OutputStream out = e.getResponseBody()) {
            out.write(content, from, to - from);
        }
    }

    @Override
    public void close() {
        hub.stop(0);
        cdn.stop(0);
        threads.shutdownNow();
    }
}
