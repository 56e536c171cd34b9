package org.telltale.app.hub;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;
import org.telltale.api.ModelFolder;
import org.telltale.api.ModelNotFoundException;
import org.telltale.app.data.DataException;

/**
 * Requests to the hub and to where it redirects. The token goes to the hub's own origin only; redirects are counted, lead to
 * HTTP and HTTPS only, and never from HTTPS to HTTP. What fails for now is tried again after a while, and a body that stops
 * coming counts as failed. HTTP/1.1, so that parallel requests are parallel connections.
 */
final class HubClient implements AutoCloseable {
    private static final int MAX_REDIRECTS = 10;
    private static final int MAX_ERROR_BODY = 1 << 16;
    private static final int ATTEMPTS = 6;
    private static final int ATTEMPTS_TO_CONNECT = 3;
    private static final Duration FIRST_WAIT = Duration.ofMillis(500);
    private static final Duration LONGEST_WAIT = Duration.ofMinutes(5);
    private static final Duration CONNECT = Duration.ofSeconds(20);
    private static final long TICK_MS = 100;

    /** How the JDK tells of a proxy that does not connect; its status follows. */
    private static final String TUNNEL = "Tunnel failed, got: ";

    private final HubSettings settings;
    private final Options options;
    private final BooleanSupplier cancelled;
    private final HttpClient http;

    /**
     * @param pause waits between attempts
     * @param clock tells how far a date in Retry-After is
     * @param stall after how long without a byte an answer counts as failed
     */
    record Options(Pause pause, InstantSource clock, Duration stall) {
        /** Those of a command: waiting ends when the command is cancelled. */
        static Options patient(BooleanSupplier cancelled) {
            return new Options(time -> sleep(time, cancelled), InstantSource.system(), Duration.ofSeconds(60));
        }

        private static void sleep(Duration time, BooleanSupplier cancelled) throws InterruptedException {
            long end = System.nanoTime() + time.toNanos();
            for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
                if (cancelled.getAsBoolean()) {
                    throw new CancellationException();
                }
                TimeUnit.NANOSECONDS.sleep(Math.min(left, TICK_MS * 1_000_000));
            }
        }
    }

    /** Takes the bytes of a body. */
    @FunctionalInterface
    interface Target {
        /** Whether more are wanted. */
        boolean accept(ByteBuffer bytes) throws IOException;
    }

    /** Decides by the status and the headers of an answer of 200 or 206 where its body goes. */
    @FunctionalInterface
    interface Opener {
        Target open(int status, HttpHeaders headers) throws IOException;
    }

    /** @param hops the headers of the answer and, before it, of the redirects that led to it */
    record Reply(int status, URI uri, List<HttpHeaders> hops) {
        HttpHeaders last() {
            return hops.getLast();
        }

        /** The first value of a header on the way. */
        Optional<String> header(String name) {
            return hops.stream().flatMap(h -> h.firstValue(name).stream()).findFirst();
        }
    }

    /** What is asked for, for messages: a model or one of its files, or an address. */
    record Subject(String name, Optional<ModelFolder.Id> id) {
        static Subject of(ModelFolder.Id id) {
            return new Subject(id.toString(), Optional.of(id));
        }

        Subject file(String path) {
            return new Subject(name + ": " + Names.shown(path), id);
        }
    }

    /** Something that may succeed when it is tried again. */
    static final class TransientException extends IOException {
        private static final long serialVersionUID = 1L;
        private final @Nullable Duration after;

        TransientException(String message, @Nullable Duration after) {
            super(message);
            this.after = after;
        }
    }

    /** One try. */
    @FunctionalInterface
    interface Attempt<T> {
        T run() throws IOException, InterruptedException;
    }

    HubClient(HubSettings settings, Options options, BooleanSupplier cancelled) {
        this.settings = settings;
        this.options = options;
        this.cancelled = cancelled;
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(CONNECT)
                .proxy(settings.proxies());
        if (settings.proxies() instanceof Proxies p) {
            p.authenticator().ifPresent(a -> {
                // the JDK refuses to send a name and a password to a proxy that tunnels unless it is told so
                System.setProperty("jdk.http.auth.tunneling.disabledSchemes", "");
                builder.authenticator(a);
            });
        }
        http = builder.build();
    }

    HubSettings settings() {
        return settings;
    }

    boolean isCancelled() {
        return cancelled.getAsBoolean();
    }

    /** A body of at most so many bytes, tried again where that may help. */
    byte[] bytes(URI uri, Subject subject, int limit) throws InterruptedException {
        return retried(subject, uri, () -> 0, () -> {
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            get(uri, subject, Optional.empty(), (status, headers) -> chunk -> {
                if (body.size() + chunk.remaining() > limit) {
                    throw new DataException(subject.name() + ": " + settings.endpoint() + " answers with more than "
                            + Bytes.text(limit) + ", expected a list of files");
                }
                byte[] copy = new byte[chunk.remaining()];
                chunk.get(copy);
                body.writeBytes(copy);
                return true;
            });
            return body.toByteArray();
        });
    }

    /** What the hub says of a file without sending it; a redirect to another host is not followed. */
    Reply head(URI uri, Subject subject) throws InterruptedException {
        return retried(subject, uri, () -> 0, () -> {
            Reply reply = follow("HEAD", uri, Optional.empty(), (s, h) -> c -> false);
            return isRedirect(reply.status) ? reply : checked(reply, subject);
        });
    }

    /**
     * One try to get a body.
     *
     * @param range of the header Range
     */
    Reply get(URI uri, Subject subject, Optional<String> range, Opener opener)
            throws IOException, InterruptedException {
        return checked(follow("GET", uri, range, opener), subject);
    }

    /**
     * Tries again until it works, or has failed too often without progress.
     *
     * @param progress grows with what has been received; a try that got something does not count as failed
     * @throws ModelNotFoundException if the server cannot be reached or goes on failing
     */
    <T> T retried(Subject subject, URI uri, LongSupplier progress, Attempt<T> attempt) throws InterruptedException {
        int failures = 0;
        while (true) {
            long before = progress.getAsLong();
            try {
                return attempt.run();
            } catch (IOException e) {
                failures = progress.getAsLong() > before ? 1 : failures + 1;
                boolean reached = !(e instanceof ConnectException || e instanceof HttpTimeoutException);
                int most = e instanceof SSLHandshakeException ? 1 : reached ? ATTEMPTS : ATTEMPTS_TO_CONNECT;
                Duration asked = e instanceof TransientException t ? t.after : null;
                if (asked != null && asked.compareTo(LONGEST_WAIT) > 0) {
                    throw new ModelNotFoundException(subject.name + ": " + e.getMessage() + ", and asks to wait for "
                            + asked.toSeconds() + " s");
                }
                if (failures >= most) {
                    throw new ModelNotFoundException(unreachable(subject, uri, e, failures));
                }
                Duration wait = FIRST_WAIT.multipliedBy(1L << (failures - 1));
                options.pause.of(asked != null && asked.compareTo(wait) > 0 ? asked : wait);
            }
        }
    }

    private String unreachable(Subject subject, URI uri, IOException e, int failures) {
        String reason = reason(e);
        String where = uri.getScheme() + "://" + uri.getAuthority();
        if (e instanceof TransientException) {
            return subject.name + ": " + reason + " " + failures + " times; try again later";
        }
        String by = proxy(uri).map(p -> " by the proxy " + p).orElse("");
        if (untrusted(e)) {
            return subject.name + ": the certificate of " + where + by + " is not trusted (" + reason
                    + "); where a proxy looks into TLS, TELLTALE_JAVA_OPTS=-Djavax.net.ssl.trustStore=FILE names a key"
                    + " store with its certificate";
        }
        return subject.name + ": " + where + " cannot be reached" + by + " (" + reason
                + "); without a network name a model folder," + " or a model that is in the cache " + settings.cache()
                + " already, with --offline";
    }

    /** The proxy of the environment that an address is asked by, without the password that its variable may hold. */
    private Optional<String> proxy(URI uri) {
        return settings.proxies().select(uri).getFirst().address() instanceof InetSocketAddress a
                ? Optional.of(a.getHostString() + ":" + a.getPort())
                : Optional.empty();
    }

    private static boolean untrusted(Throwable e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof CertPathBuilderException || t instanceof CertPathValidatorException) {
                return true;
            }
        }
        return false;
    }

    /** The JDK's messages are often empty. */
    private static String reason(Throwable e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof java.nio.channels.UnresolvedAddressException
                    || t instanceof java.net.UnknownHostException) {
                return "the host is unknown";
            }
            String message = t.getMessage();
            if (message != null && message.startsWith(TUNNEL)) {
                return "it answers " + Names.shown(message.substring(TUNNEL.length()));
            }
            if (message != null && !message.isBlank()) {
                return Names.shown(message);
            }
        }
        return e instanceof ConnectException ? "no connection" : e.getClass().getSimpleName();
    }

    private Reply follow(String method, URI start, Optional<String> range, Opener opener)
            throws IOException, InterruptedException {
        List<HttpHeaders> hops = new ArrayList<>();
        URI uri = start;
        while (hops.size() <= MAX_REDIRECTS) {
            HttpResponse<Void> r = once(request(method, uri, range), opener);
            hops.add(r.headers());
            if (!isRedirect(r.statusCode())) {
                return new Reply(r.statusCode(), uri, hops);
            }
            URI next = next(uri, r.headers());
            if (method.equals("HEAD") && !sameOrigin(uri, next)) {
                return new Reply(r.statusCode(), uri, hops);
            }
            uri = next;
        }
        throw new DataException(start + ": more than " + MAX_REDIRECTS + " redirects");
    }

    private static boolean isRedirect(int status) {
        return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    }

    private static URI next(URI from, HttpHeaders headers) {
        String location = headers.firstValue("Location").orElse("");
        String origin = from.getScheme() + "://" + from.getAuthority();
        try {
            URI to = from.resolve(URI.create(location));
            boolean known = "https".equals(to.getScheme())
                    || ("http".equals(to.getScheme()) && "http".equals(from.getScheme()));
            if (!location.isEmpty() && known && to.getHost() != null && to.getUserInfo() == null) {
                return to;
            }
        } catch (IllegalArgumentException e) {
            // said below
        }
        throw new DataException(origin + ": a redirect to \"" + Names.shown(location)
                + "\", which is not followed; expected an address of https");
    }

    private static boolean sameOrigin(URI a, URI b) {
        return a.getScheme().equals(b.getScheme()) && a.getHost().equalsIgnoreCase(b.getHost()) && port(a) == port(b);
    }

    private static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : uri.getScheme().equals("https") ? 443 : 80;
    }

    private HttpRequest request(String method, URI uri, Optional<String> range) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(uri)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .header("User-Agent", "telltale")
                .header("Accept-Encoding", "identity");
        range.ifPresent(r -> builder.header("Range", r));
        if (sameOrigin(uri, settings.endpoint())) {
            settings.token().ifPresent(t -> builder.header("Authorization", "Bearer " + t));
        }
        return builder.build();
    }

    private HttpResponse<Void> once(HttpRequest request, Opener opener) throws IOException, InterruptedException {
        AtomicLong received = new AtomicLong();
        CompletableFuture<HttpResponse<Void>> answer = http.sendAsync(request, info -> {
            received.incrementAndGet();
            return new Sink(
                    received,
                    () -> info.statusCode() == 200 || info.statusCode() == 206
                            ? opener.open(info.statusCode(), info.headers())
                            : atMost(MAX_ERROR_BODY));
        });
        long seen = 0;
        long since = System.nanoTime();
        boolean done = false;
        try {
            while (true) {
                try {
                    HttpResponse<Void> r = answer.get(TICK_MS, TimeUnit.MILLISECONDS);
                    done = true;
                    return r;
                } catch (TimeoutException e) {
                    if (cancelled.getAsBoolean()) {
                        throw new CancellationException();
                    }
                    if (received.get() != seen) {
                        seen = received.get();
                        since = System.nanoTime();
                    } else if (System.nanoTime() - since > options.stall.toNanos()) {
                        throw new TransientException(
                                request.uri().getAuthority() + " sent nothing for " + options.stall.toSeconds() + " s",
                                null);
                    }
                }
            }
        } catch (ExecutionException e) {
            done = true;
            Throwable cause = e.getCause();
            while (cause instanceof CompletionException && cause.getCause() != null) {
                cause = cause.getCause();
            }
            if (cause instanceof IOException io) {
                throw io;
            }
            throw cause instanceof RuntimeException r ? r : new IllegalStateException(e);
        } finally {
            if (!done) {
                answer.cancel(true);
            }
        }
    }

    private static Target atMost(int limit) {
        AtomicLong left = new AtomicLong(limit);
        return chunk -> left.addAndGet(-chunk.remaining()) > 0;
    }

    /** An answer that is no error. */
    private Reply checked(Reply reply, Subject subject) throws TransientException {
        int status = reply.status;
        if (status == 200 || status == 206) {
            return reply;
        }
        String where = reply.uri.getScheme() + "://" + reply.uri.getAuthority();
        switch (status) {
            case 408, 429, 500, 502, 503, 504 ->
                throw new TransientException(
                        where + " answers " + status + (status == 429 ? " (too many requests)" : ""),
                        after(reply.last()));
            case 407 -> throw new ModelNotFoundException(subject.name + ": " + nameless(reply.uri));
            case 401, 403, 404, 410 -> throw new ModelNotFoundException(refusal(reply, subject, where));
            default ->
                throw new DataException(subject.name + ": " + where + " answers " + status + ", expected 200 or 206");
        }
    }

    private String nameless(URI uri) {
        return "the proxy " + proxy(uri).orElse("") + " answers 407: it asks for a name and a password, or does not"
                + " accept those it got; they are given as http://NAME:PASSWORD@HOST:PORT in "
                + uri.getScheme().toUpperCase(Locale.ROOT) + "_PROXY";
    }

    private @Nullable Duration after(HttpHeaders headers) {
        String text = headers.firstValue("Retry-After").orElse("").strip();
        if (text.matches("\\d{1,9}")) {
            return Duration.ofSeconds(Long.parseLong(text));
        }
        try {
            Instant until = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            Duration left = Duration.between(options.clock.instant(), until);
            return left.isNegative() ? null : left;
        } catch (DateTimeParseException e) {
            return null;
        }
    }

    private String refusal(Reply reply, Subject subject, String where) {
        String code = reply.header("X-Error-Code").orElse("");
        ModelFolder.Id id = subject.id.orElse(null);
        if (id == null || !sameOrigin(reply.uri, settings.endpoint())) {
            return subject.name + ": " + where + " answers " + reply.status;
        }
        String page = settings.page(id.id());
        String token = "make a token at " + settings.page("settings/tokens")
                + " and set HF_TOKEN to it, or write it to the file token in HF_HOME";
        if (code.equals("GatedRepo")) {
            return subject.name + ": a gated model: accept its terms at " + page
                    + (settings.token().isPresent() ? " with the account that HF_TOKEN is of" : ", then " + token);
        }
        if (code.equals("RevisionNotFound")) {
            return subject.name + ": no revision " + id.revision() + "; " + page + "/refs lists those there are";
        }
        if (code.equals("EntryNotFound")) {
            return subject.name + ": no such file in this revision; " + page + "/tree/" + id.revision();
        }
        if (reply.status == 404 || reply.status == 410) {
            return subject.name + ": not found on " + where + ": no such model, or no revision " + id.revision()
                    + (settings.token().isPresent() ? ", or it is private and not for this HF_TOKEN" : "");
        }
        if (settings.token().isPresent()) {
            return subject.name + ": " + where + " answers " + reply.status
                    + ": HF_TOKEN is not valid, or not for this model; " + page;
        }
        return subject.name + ": " + where + " answers " + reply.status + ": no such model, or one that needs a token; "
                + token;
    }

    @Override
    public void close() {
        http.shutdownNow();
        http.close();
    }

    /** Hands a body to its target as it comes. */
    private static final class Sink implements BodySubscriber<Void> {
        private final CompletableFuture<Void> body = new CompletableFuture<>();
        private final AtomicLong received;
        private @Nullable Target target;
        private @Nullable Subscription subscription;

        /** What opens the target. */
        interface Source {
            Target open() throws IOException;
        }

        Sink(AtomicLong received, Source source) {
            this.received = received;
            try {
                target = source.open();
            } catch (IOException | RuntimeException e) {
                body.completeExceptionally(e);
            }
        }

        @Override
        public CompletionStage<Void> getBody() {
            return body;
        }

        @Override
        public void onSubscribe(Subscription s) {
            subscription = s;
            if (body.isDone()) {
                s.cancel();
            } else {
                s.request(1);
            }
        }

        @Override
        public void onNext(List<ByteBuffer> chunks) {
            Subscription s = subscription;
            Target t = target;
            if (s == null || t == null || body.isDone()) {
                return;
            }
            try {
                for (ByteBuffer c : chunks) {
                    received.addAndGet(c.remaining());
                    if (!t.accept(c)) {
                        s.cancel();
                        body.complete(null);
                        return;
                    }
                }
                s.request(1);
            } catch (IOException | RuntimeException e) {
                s.cancel();
                body.completeExceptionally(e);
            }
        }

        @Override
        public void onError(Throwable e) {
            body.completeExceptionally(e);
        }

        @Override
        public void onComplete() {
            body.complete(null);
        }
    }
}
