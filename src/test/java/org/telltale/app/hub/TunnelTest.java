package org.telltale.app.hub;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.api.ModelFolder;
import org.telltale.api.ModelNotFoundException;

/**
 * A hub with TLS and a certificate of its own, behind a proxy that tunnels. The name hub.test leads nowhere but through the
 * proxy.
 */
class TunnelTest {
    private static final String ID = "flood/blip";
    private static final String PASSWORD = "changeit";
    private static final byte[] WEIGHTS = new byte[50_000];

    static {
        new SplittableRandom(1).nextBytes(WEIGHTS);
    }

    @TempDir
    private static Path folder;

    @TempDir
    private Path home;

    private final Map<String, String> environment = new HashMap<>();
    private final List<Duration> pauses = new ArrayList<>();
    private FakeHub hub = new FakeHub(ID);
    private Tunnel proxy = new Tunnel(0);

    @BeforeEach
    void start() throws Exception {
        hub.close();
        hub = new FakeHub(ID, tls())
                .small("config.json", "{\"model_type\": \"blip\"}")
                .large("model.safetensors", WEIGHTS);
        proxy.close();
        proxy = new Tunnel(hub.port());
        environment.put("HF_HOME", home.toString());
        environment.put("HF_ENDPOINT", "https://hub.test");
        environment.put("HTTPS_PROXY", "http://localhost:" + proxy.port());
    }

    @AfterEach
    void close() throws IOException {
        hub.close();
        proxy.close();
    }

    private static Path keys() throws IOException, InterruptedException {
        Path keys = folder.resolve("keys.p12");
        if (!Files.exists(keys)) {
            Process p = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "keytool")
                                    .toString(),
                            "-genkeypair",
                            "-keyalg",
                            "EC",
                            "-dname",
                            "CN=hub.test",
                            "-ext",
                            "san=dns:hub.test,dns:localhost,ip:127.0.0.1",
                            "-validity",
                            "30",
                            "-storetype",
                            "PKCS12",
                            "-storepass",
                            PASSWORD,
                            "-keystore",
                            keys.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("keytool.log").toFile())
                    .start();
            assertThat(p.waitFor()).as("keytool").isZero();
        }
        return keys;
    }

    private static SSLContext tls() throws IOException, InterruptedException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(keys().toFile(), PASSWORD.toCharArray());
        KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        own.init(store, PASSWORD.toCharArray());
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(own.getKeyManagers(), null, null);
        return tls;
    }

    /** A proxy that connects to one port, whatever host is asked for, unless a test wants another answer. */
    private static final class Tunnel implements AutoCloseable {
        private final ServerSocket socket;
        private final int target;
        private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        private final List<String> asked = Collections.synchronizedList(new ArrayList<>());
        private volatile String refusal = "";
        private volatile String secret = "";

        Tunnel(int target) {
            this.target = target;
            try {
                socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
            threads.execute(this::accept);
        }

        int port() {
            return socket.getLocalPort();
        }

        private void accept() {
            while (!socket.isClosed()) {
                try {
                    Socket client = socket.accept();
                    threads.execute(() -> serve(client));
                } catch (IOException e) {
                    return;
                }
            }
        }

        private void serve(Socket client) {
            try (client) {
                InputStream in = new BufferedInputStream(client.getInputStream());
                String head = head(in);
                while (!head.isEmpty()) {
                    asked.add(head.lines().findFirst().orElse(""));
                    if (!refusal.isEmpty()) {
                        say(client, refusal + "\r\nContent-Length: 0");
                        return;
                    }
                    if (secret.isEmpty() || head.contains("Proxy-Authorization: Basic " + secret)) {
                        tunnel(client, in);
                        return;
                    }
                    say(
                            client,
                            "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 0");
                    head = head(in);
                }
            } catch (IOException e) {
                // the client has gone
            }
        }

        private void tunnel(Socket client, InputStream in) throws IOException {
            try (Socket server = new Socket(InetAddress.getLoopbackAddress(), target)) {
                say(client, "200 Connection established");
                threads.execute(() -> {
                    try {
                        in.transferTo(server.getOutputStream());
                        server.shutdownOutput();
                    } catch (IOException e) {
                        // either side has gone
                    }
                });
                server.getInputStream().transferTo(client.getOutputStream());
            }
        }

        private static void say(Socket client, String answer) throws IOException {
            client.getOutputStream().write(("HTTP/1.1 " + answer + "\r\n\r\n").getBytes(ISO_8859_1));
            client.getOutputStream().flush();
        }

        private static String head(InputStream in) throws IOException {
            StringBuilder text = new StringBuilder();
            for (int c = in.read(); c >= 0 && text.length() < 10_000; c = in.read()) {
                text.append((char) c);
                if (text.toString().endsWith("\r\n\r\n")) {
                    return text.toString();
                }
            }
            return "";
        }

        @Override
        public void close() throws IOException {
            socket.close();
            threads.shutdownNow();
        }
    }

    /** {@code telltale pull} in a process of its own, whose JVM trusts the certificate. */
    private int pull() throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "--add-modules=jdk.incubator.vector",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Xlog:disable",
                        "-Djavax.net.ssl.trustStore=" + keys(),
                        "-Djavax.net.ssl.trustStorePassword=" + PASSWORD,
                        "-cp",
                        System.getProperty("java.class.path"),
                        "org.telltale.app.Main",
                        "pull",
                        ID)
                .redirectErrorStream(true)
                .redirectOutput(home.resolve("log").toFile());
        builder.environment()
                .keySet()
                .removeIf(n -> n.toUpperCase(java.util.Locale.ROOT).endsWith("_PROXY") || n.startsWith("HF_"));
        builder.environment().putAll(environment);
        Process p = builder.start();
        assertThat(p.waitFor(120, TimeUnit.SECONDS)).as("the pull ends").isTrue();
        return p.exitValue();
    }

    private String log() throws IOException {
        return Files.readString(home.resolve("log"));
    }

    private void isComplete() {
        assertThat(home.resolve("hub/models--flood--blip/snapshots/" + FakeHub.COMMIT + "/model.safetensors"))
                .hasBinaryContent(WEIGHTS);
    }

    /** In this process, which trusts the usual certificates only. */
    private void fails(String... mentions) {
        HubClient.Options options = new HubClient.Options(pauses::add, InstantSource.system(), Duration.ofSeconds(20));
        PullListener silent = new PullListener() {
            @Override
            public void progress(RemoteFile file, long bytes) {}

            @Override
            public void note(String line) {}
        };
        assertThatThrownBy(() -> {
                    try (Pull pull = new Pull(
                            HubSettings.of(environment),
                            options,
                            () -> false,
                            p -> Long.MAX_VALUE,
                            new Download.Size(3, 10_000),
                            silent)) {
                        pull.plan(ModelFolder.Id.of(ID).orElseThrow(), FileChoice.DEFAULT);
                    }
                })
                .isInstanceOf(ModelNotFoundException.class)
                .message()
                .contains(mentions)
                .doesNotContain("\n", "se@cret", "se%40cret");
        assertThat(home.resolve("hub")).doesNotExist();
    }

    @Test
    void aHubOfHttpsIsReachedThroughTheProxyThatAsksForAPasswordAndOthersDirectly() throws Exception {
        environment.put("HTTPS_PROXY", "http://me:se%40cret@localhost:" + proxy.port());
        environment.put("NO_PROXY", "127.0.0.1");
        proxy.secret = Base64.getEncoder().encodeToString("me:se@cret".getBytes(ISO_8859_1));
        assertThat(pull()).as(log()).isZero();
        isComplete();
        assertThat(proxy.asked).isNotEmpty().allMatch(a -> a.equals("CONNECT hub.test:443 HTTP/1.1"));
        assertThat(hub.requests()).anyMatch(r -> r.host().equals("cdn"));
    }

    @Test
    void aHostInNoProxyIsAskedDirectlyOverTls() throws Exception {
        environment.put("HF_ENDPOINT", hub.endpoint());
        environment.put("NO_PROXY", "localhost,127.0.0.1");
        assertThat(pull()).as(log()).isZero();
        isComplete();
        assertThat(proxy.asked).isEmpty();
    }

    @Test
    void aProxyThatWantsAPasswordSaysHowItIsGiven() {
        proxy.secret = "bm9uZQ==";
        fails(ID, "the proxy localhost:" + proxy.port(), "407", "http://NAME:PASSWORD@HOST:PORT", "HTTPS_PROXY");
        assertThat(pauses).isEmpty();
    }

    @Test
    void aProxyThatDoesNotConnectIsNamedWithItsAnswer() {
        proxy.refusal = "502 Bad Gateway";
        fails(ID, "https://hub.test", "by the proxy localhost:" + proxy.port(), "it answers 502");
        assertThat(pauses).hasSize(5);
    }

    @Test
    void aProxyThatIsNotThereIsNamed() throws IOException {
        proxy.close();
        fails(ID, "https://hub.test", "by the proxy localhost:" + proxy.port(), "no connection");
    }

    @Test
    void aCertificateThatIsNotTrustedIsSaidToBeSoAtOnce() {
        fails(ID, "the certificate of https://hub.test", "is not trusted", "-Djavax.net.ssl.trustStore=FILE");
        assertThat(pauses).isEmpty();
    }
}
