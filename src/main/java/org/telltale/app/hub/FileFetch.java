package org.telltale.app.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Fingerprint;
import org.telltale.app.data.Reasons;

/**
 * A file of another server than the hub, to be fetched into a folder.
 *
 * @param file its path below the folder, its size as it is known or as the server says, and its SHA-256 or nothing
 * @param partial where it grows; where no hash is known the server's ETag is part of the name, so that what is there is never
 *     continued with another file's bytes
 * @param bytes how many have to come
 */
public record FileFetch(PaperManifest.Item item, RemoteFile file, Path target, Path partial, long bytes) {
    /** Asks the server where the manifest does not know. */
    static FileFetch plan(HubClient client, PaperManifest.Item item, Path folder) throws InterruptedException {
        Path target = folder.resolve(item.path());
        HubClient.Subject subject = new HubClient.Subject(item.url().toString(), Optional.empty());
        long size = item.size();
        String mark = item.sha256();
        try {
            if (Files.isRegularFile(target) && (size < 0 || Files.size(target) == size)) {
                if (item.sha256().isEmpty() || Fingerprint.sha256(target).equals(item.sha256())) {
                    RemoteFile there = new RemoteFile(item.path(), Files.size(target), item.sha256());
                    return new FileFetch(item, there, target, target, 0);
                }
            }
            if (size < 0 || mark.isEmpty()) {
                HubClient.Reply reply = client.head(item.url(), subject);
                long said = reply.last()
                        .firstValue("Content-Length")
                        .filter(s -> s.matches("\\d{1,18}"))
                        .map(Long::parseLong)
                        .orElseThrow(() -> new DataException(item.url() + ": the server says no size"));
                if (size >= 0 && said != size) {
                    throw new DataException(item.url() + ": " + said + " bytes, expected " + size);
                }
                size = said;
                mark = mark.isEmpty() ? sha256(reply.last().firstValue("ETag").orElse("")) : mark;
            }
            Path partial = target.resolveSibling(target.getFileName() + "." + mark.substring(0, 16) + ".incomplete");
            long there = Files.isRegularFile(partial) ? Files.size(partial) : 0;
            RemoteFile file = new RemoteFile(item.path(), size, item.sha256());
            return new FileFetch(item, file, target, partial, there <= size ? size - there : size);
        } catch (IOException e) {
            throw new DataException(target + ": cannot be read: " + Reasons.of(e), e);
        }
    }

    boolean isThere() {
        return partial.equals(target);
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
