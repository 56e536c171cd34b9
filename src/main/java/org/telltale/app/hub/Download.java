package org.telltale.app.hub;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.telltale.api.ModelNotFoundException;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Reasons;

/**
 * Fetches one file: pieces of it at a time over several connections, into memory, and from there in their order to the end of
 * the partial file. So what is on the disk is always a beginning without holes, whatever ends the process. Memory: a piece for
 * each connection.
 */
final class Download {
    private static final long TICK_MS = 100;
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18})");

    private final HubClient client;
    private final URI source;
    private final HubClient.Subject subject;
    private final RemoteFile file;
    private final Size sizes;
    private final PullListener listener;

    /** Where the first answer came from, so that not every piece asks for a redirect, and its ETag. */
    private volatile @Nullable URI location;

    private volatile @Nullable String etag;

    /**
     * How a file is cut.
     *
     * @param connections at the same time
     * @param piece bytes of a request
     */
    record Size(int connections, int piece) {
        static final Size USUAL = new Size(4, 8 << 20);
    }

    /** The server sends the whole file whatever range was asked for. */
    private static final class RangeIgnoredException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** Bytes of the file from a place on, as far as they have come. */
    private static final class Piece {
        private final long from;
        private final byte[] bytes;
        private volatile int filled;
        private @Nullable Future<?> task;

        /** How many of them are in the partial file. */
        private int written;

        Piece(long from, int length) {
            this.from = from;
            bytes = new byte[length];
        }
    }

    Download(
            HubClient client,
            URI source,
            HubClient.Subject subject,
            RemoteFile file,
            Size sizes,
            PullListener listener) {
        this.client = client;
        this.source = source;
        this.subject = subject;
        this.file = file;
        this.sizes = sizes;
        this.listener = listener;
    }

    /**
     * Fetches what the partial file does not have, checks the whole, and gives it its name.
     *
     * @throws DataException if what comes is not what was announced; with a wrong hash the partial file is removed
     * @throws ModelNotFoundException if the server cannot be reached; the partial file stays
     */
    void run(Path partial, Path target) throws InterruptedException {
        try (Partial out = Partial.open(partial, file)) {
            boolean resumed = out.size() > 0;
            fill(out);
            Optional<String> wrong = out.wrong();
            if (wrong.isPresent() && resumed) {
                // what an earlier run left may have been damaged; what comes now is not
                listener.note(subject.name() + ": " + wrong.get() + "; fetching it anew");
                out.clear();
                fill(out);
                wrong = out.wrong();
            }
            if (wrong.isPresent()) {
                Files.deleteIfExists(partial);
                throw new DataException(subject.name() + ": " + wrong.get());
            }
            out.finish(target);
        } catch (IOException e) {
            throw new DataException(partial + ": cannot be written: " + Reasons.of(e), e);
        }
    }

    private void fill(Partial out) throws IOException, InterruptedException {
        listener.progress(file, out.size());
        try {
            pieces(out);
        } catch (RangeIgnoredException e) {
            whole(out);
        }
        listener.progress(file, out.size());
    }

    private void pieces(Partial out) throws IOException, InterruptedException {
        Deque<Piece> ahead = new ArrayDeque<>();
        ExecutorService threads = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("pull-", 0).factory());
        long next = out.size();
        // an empty file has no pieces, but its answer is looked at all the same
        boolean any = file.size() > 0;
        try {
            while (next < file.size() || !ahead.isEmpty() || !any) {
                while (ahead.size() < sizes.connections && (next < file.size() || !any)) {
                    Piece p = new Piece(next, (int) Math.min(sizes.piece, file.size() - next));
                    p.task = threads.submit(() -> {
                        fetch(p);
                        return true;
                    });
                    ahead.add(p);
                    next += p.bytes.length;
                    any = true;
                }
                Piece head = ahead.getFirst();
                boolean done = await(head);
                write(head, out);
                if (done) {
                    ahead.removeFirst();
                }
                listener.progress(file, out.size() + received(ahead));
            }
        } finally {
            threads.shutdownNow();
            // what has come of the next piece is worth keeping; what is behind it would leave a hole
            if (!ahead.isEmpty()) {
                write(ahead.getFirst(), out);
            }
        }
    }

    private static long received(Deque<Piece> ahead) {
        return ahead.stream().mapToLong(p -> p.filled - p.written).sum();
    }

    private static void write(Piece p, Partial out) throws IOException {
        int filled = p.filled;
        if (filled > p.written) {
            out.append(ByteBuffer.wrap(p.bytes, p.written, filled - p.written));
            p.written = filled;
        }
    }

    /** Waits a moment for a piece; whether it is complete. */
    private boolean await(Piece p) throws InterruptedException {
        if (client.isCancelled()) {
            throw new CancellationException();
        }
        Future<?> task = p.task;
        if (task == null) {
            throw new IllegalStateException("a piece without a task");
        }
        try {
            task.get(TICK_MS, TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof InterruptedException i) {
                throw i;
            }
            throw e.getCause() instanceof RuntimeException r ? r : new IllegalStateException(e);
        }
    }

    /** Fills a piece, over as many requests as it takes. */
    private void fetch(Piece p) throws InterruptedException {
        client.retried(subject, source, () -> p.filled, () -> {
            do {
                part(p);
            } while (p.filled < p.bytes.length);
            return true;
        });
    }

    private void part(Piece p) throws IOException, InterruptedException {
        long from = p.from + p.filled;
        boolean isWhole = from == 0 && p.bytes.length == file.size();
        int before = p.filled;
        Optional<String> range =
                isWhole ? Optional.empty() : Optional.of("bytes=" + from + "-" + (p.from + p.bytes.length - 1));
        ask(range, (status, headers) -> {
            if (status == 200 && !isWhole) {
                throw new RangeIgnoredException();
            }
            if (status == 206) {
                checkRange(headers, from);
            } else {
                checkLength(headers);
            }
            return chunk -> {
                int n = chunk.remaining();
                int filled = p.filled;
                if (n > p.bytes.length - filled) {
                    throw new DataException(subject.name() + ": the server sends more than " + (p.bytes.length - before)
                            + " bytes, expected a file of " + file.size());
                }
                chunk.get(p.bytes, filled, n);
                p.filled = filled + n;
                return true;
            };
        });
        if (p.filled == before && p.bytes.length > 0) {
            throw new HubClient.TransientException("an empty answer", null);
        }
        if (isWhole && p.filled < p.bytes.length) {
            throw new HubClient.TransientException(
                    "an answer of " + p.filled + " bytes, expected " + file.size(), null);
        }
    }

    /** The whole file in one answer, of which what is there already is passed over. */
    private void whole(Partial out) throws IOException, InterruptedException {
        listener.note(subject.name() + ": the server sends whole files only");
        client.retried(subject, source, out::size, () -> {
            long[] at = {0};
            ask(Optional.empty(), (status, headers) -> {
                checkLength(headers);
                return chunk -> {
                    if (at[0] + chunk.remaining() > file.size()) {
                        throw new DataException(subject.name() + ": the server sends more than the " + file.size()
                                + " bytes announced");
                    }
                    int known = (int) Math.min(Math.max(out.size() - at[0], 0), chunk.remaining());
                    at[0] += chunk.remaining();
                    chunk.position(chunk.position() + known);
                    append(out, chunk);
                    listener.progress(file, out.size());
                    return true;
                };
            });
            if (out.size() < file.size()) {
                throw new HubClient.TransientException(
                        "an answer of " + at[0] + " bytes, expected " + file.size(), null);
            }
            return true;
        });
    }

    /** A disk that is full is not the server's failure, and trying again does not help. */
    private void append(Partial out, ByteBuffer bytes) {
        try {
            out.append(bytes);
        } catch (IOException e) {
            throw new DataException(subject.name() + ": cannot be written: " + Reasons.of(e), e);
        }
    }

    /** Asks where the last answer came from; an address that is not good any more is asked for again. */
    private void ask(Optional<String> range, HubClient.Opener opener) throws IOException, InterruptedException {
        URI known = location;
        HubClient.Reply reply;
        try {
            reply = client.get(known == null ? source : known, subject, range, (status, headers) -> {
                sameAsBefore(headers);
                return opener.open(status, headers);
            });
        } catch (ModelNotFoundException e) {
            if (known == null) {
                throw e;
            }
            location = null;
            throw new HubClient.TransientException("an address that has expired", null);
        }
        if (known == null) {
            announced(reply);
            location = reply.uri();
        }
    }

    /** What the hub says on the way must be what its list said. */
    private void announced(HubClient.Reply reply) {
        reply.header("X-Linked-Etag").flatMap(Names::hash).ifPresent(h -> {
            if (!file.hash().isEmpty() && h.length() == file.hash().length() && !h.equals(file.hash())) {
                throw new DataException(
                        subject.name() + ": the server now sends " + h + ", expected " + file.hash() + "; pull again");
            }
        });
        reply.header("X-Linked-Size").filter(s -> s.matches("\\d{1,18}")).ifPresent(s -> {
            if (Long.parseLong(s) != file.size()) {
                throw new DataException(
                        subject.name() + ": the server now announces " + s + " bytes, expected " + file.size());
            }
        });
    }

    /** All pieces are of one file. */
    private void sameAsBefore(HttpHeaders headers) {
        String now = headers.firstValue("ETag").orElse("");
        String before = etag;
        if (before == null) {
            etag = now;
        } else if (!now.equals(before)) {
            throw new DataException(subject.name() + ": the file changed while it was fetched (ETag "
                    + Names.shown(before) + ", then " + Names.shown(now) + "); pull again");
        }
    }

    private void checkRange(HttpHeaders headers, long from) {
        String range = headers.firstValue("Content-Range").orElse("");
        Matcher m = CONTENT_RANGE.matcher(range);
        if (!m.matches() || Long.parseLong(m.group(1)) != from || Long.parseLong(m.group(3)) != file.size()) {
            throw new DataException(subject.name() + ": the server answers with the range \"" + Names.shown(range)
                    + "\", expected bytes from " + from + " of " + file.size());
        }
    }

    private void checkLength(HttpHeaders headers) {
        headers.firstValue("Content-Length").filter(s -> s.matches("\\d{1,18}")).ifPresent(s -> {
            if (Long.parseLong(s) != file.size()) {
                throw new DataException(subject.name() + ": the server sends " + s + " bytes, expected " + file.size());
            }
        });
    }
}
