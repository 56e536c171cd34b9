package org.telltale.app.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.ToLongFunction;
import org.telltale.api.ModelFolder;
import org.telltale.api.ModelNotFoundException;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Reasons;

/** Fetches models of Hugging Face into its cache. First a plan is made, which says what would be fetched; then it is done. */
public final class Pull implements AutoCloseable {
    private final HubClient client;
    private final HubSettings settings;
    private final HubClient.Options options;
    private final ToLongFunction<Path> space;
    private final Download.Size sizes;
    private final PullListener listener;

    /**
     * What a pull will do.
     *
     * @param files that are wanted
     * @param missing those of them that the snapshot does not have
     * @param bytes how many of them have to come over the network
     * @param snapshot the folder that will hold them
     */
    public record Plan(
            RepoListing listing, List<RemoteFile> files, List<RemoteFile> missing, long bytes, Path snapshot) {
        /** All of the files, in bytes. */
        public long total() {
            return files.stream().mapToLong(RemoteFile::size).sum();
        }

        /** How the weights are kept that were chosen. */
        public FileChoice.Weights weights() {
            return FileChoice.weights(files);
        }
    }

    /** One for a command. */
    public static Pull open(HubSettings settings, PullListener listener, BooleanSupplier cancelled) {
        return new Pull(
                settings,
                HubClient.Options.patient(cancelled),
                cancelled,
                RepoCache::space,
                Download.Size.USUAL,
                listener);
    }

    Pull(
            HubSettings settings,
            HubClient.Options options,
            BooleanSupplier cancelled,
            ToLongFunction<Path> space,
            Download.Size sizes,
            PullListener listener) {
        this.settings = settings;
        this.options = options;
        this.space = space;
        this.sizes = sizes;
        this.listener = listener;
        client = new HubClient(settings, options, cancelled);
    }

    /**
     * Asks the hub what there is.
     *
     * @throws ModelNotFoundException if there is no such model or revision, it is not for everybody, or the hub cannot be
     *     reached
     * @throws DataException if the answer makes no sense
     */
    public Plan plan(ModelFolder.Id id, FileChoice choice) throws InterruptedException {
        URI uri = URI.create(settings.endpoint() + "/api/models/" + escaped(id.id(), "/") + "/revision/"
                + escaped(id.revision(), "") + "?blobs=true");
        RepoListing listing = RepoListing.parse(id, client.bytes(uri, HubClient.Subject.of(id), RepoListing.MAX_BYTES));
        if (Names.isCommit(id.revision()) && !id.revision().equals(listing.commit())) {
            throw new DataException(id + ": the server answers with commit " + listing.commit());
        }
        List<RemoteFile> files = new ArrayList<>();
        for (RemoteFile f : choice.of(listing.files())) {
            files.add(f.known() ? f : known(listing, f));
        }
        if (files.isEmpty()) {
            throw new ModelNotFoundException(
                    id + ": none of its " + listing.files().size()
                            + " files is wanted; --include says which are, " + settings.page(id.id()) + "/tree/"
                            + id.revision() + " lists them");
        }
        RepoCache cache = new RepoCache(settings.cache(), id.id());
        List<RemoteFile> missing =
                files.stream().filter(f -> !cache.has(listing.commit(), f)).toList();
        long bytes = missing.stream()
                .mapToLong(f -> f.size() - cache.fetched(listing.commit(), f))
                .sum();
        return new Plan(listing, List.copyOf(files), missing, bytes, cache.snapshot(listing.commit()));
    }

    /** Where the list says no size or no hash, the file's own headers do. */
    private RemoteFile known(RepoListing listing, RemoteFile f) throws InterruptedException {
        HubClient.Subject subject = HubClient.Subject.of(listing.id()).file(f.path());
        HubClient.Reply reply = client.head(source(listing, f), subject);
        reply.header("X-Repo-Commit").ifPresent(c -> {
            if (!c.equals(listing.commit())) {
                throw new DataException(subject.name() + ": the server answers with commit " + Names.shown(c)
                        + ", expected " + listing.commit());
            }
        });
        String hash = reply.header("X-Linked-Etag")
                .or(() -> reply.last().firstValue("ETag"))
                .flatMap(Names::hash)
                .orElse(f.hash());
        String size = reply.header("X-Linked-Size")
                .or(() -> reply.last().firstValue("Content-Length"))
                .filter(s -> s.matches("\\d{1,18}"))
                .orElse("-1");
        RemoteFile found = new RemoteFile(f.path(), f.size() >= 0 ? f.size() : Long.parseLong(size), hash);
        if (!found.known() || (!f.hash().isEmpty() && !f.hash().equals(hash))) {
            throw new DataException(
                    subject.name() + ": the server says no size or no hash (X-Linked-Size, X-Linked-Etag"
                            + " or ETag), or not the one of its list");
        }
        return found;
    }

    private URI source(RepoListing listing, RemoteFile f) {
        return URI.create(settings.endpoint() + "/" + escaped(listing.id().id(), "/") + "/resolve/" + listing.commit()
                + "/" + escaped(f.path(), "/"));
    }

    /**
     * Fetches what is missing; the folder with all of it. The revision means this commit from then on, not before.
     *
     * @throws DataException if the disk is too small, or what comes is not what was announced
     */
    public Path fetch(Plan plan) throws InterruptedException {
        RepoListing listing = plan.listing();
        ModelFolder.Id id = listing.id();
        RepoCache cache = new RepoCache(settings.cache(), id.id());
        checkSpace(plan.bytes());
        try {
            cache.prepare();
            cache.locked(
                    options.pause(),
                    () -> listener.note(id + ": another process fetches it; waiting for that"),
                    () -> files(plan, cache));
        } catch (IOException e) {
            throw new DataException(cache.repository() + ": cannot be written: " + Reasons.of(e), e);
        }
        return plan.snapshot();
    }

    private void files(Plan plan, RepoCache cache) throws IOException, InterruptedException {
        RepoListing listing = plan.listing();
        for (RemoteFile f : plan.files()) {
            if (!cache.has(listing.commit(), f)) {
                if (!cache.hasBlob(f)) {
                    HubClient.Subject subject =
                            HubClient.Subject.of(listing.id()).file(f.path());
                    new Download(client, source(listing, f), subject, f, sizes, listener)
                            .run(cache.partial(f), cache.blob(f));
                }
                cache.link(listing.commit(), f);
            }
            listener.progress(f, f.size());
        }
        cache.ref(listing.id().revision(), listing.commit());
    }

    /** Refuses to begin what the disk cannot hold. */
    void checkSpace(long bytes) {
        long free = space.applyAsLong(settings.cache());
        if (bytes > free) {
            throw new DataException(settings.cache() + ": " + Bytes.text(bytes) + " are to be fetched, "
                    + Bytes.text(free) + " are free; HF_HOME names another place");
        }
    }

    /** Asks what there is of a file of another server, which never sees the token. */
    public FileFetch plan(PaperManifest.Item item, Path folder) throws InterruptedException {
        return FileFetch.plan(client, item, folder);
    }

    /** Fetches it. */
    public Path fetch(FileFetch plan) throws InterruptedException {
        if (!plan.isThere()) {
            checkSpace(plan.bytes());
            try {
                Path folder = plan.target().toAbsolutePath().getParent();
                if (folder != null) {
                    Files.createDirectories(folder);
                }
            } catch (IOException e) {
                throw new DataException(plan.target() + ": cannot be written: " + Reasons.of(e), e);
            }
            HubClient.Subject subject = new HubClient.Subject(plan.item().url().toString(), Optional.empty());
            new Download(client, plan.item().url(), subject, plan.file(), sizes, listener)
                    .run(plan.partial(), plan.target());
        }
        return plan.target();
    }

    /** A name as part of an address, but for some characters. */
    static String escaped(String text, String kept) {
        StringBuilder out = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (plain || "-._~".indexOf(c) >= 0 || kept.indexOf(c) >= 0) {
                out.append(c);
            } else {
                out.append(String.format("%%%02X", (int) c));
            }
        }
        return out.toString();
    }

    @Override
    public void close() {
        client.close();
    }
}
