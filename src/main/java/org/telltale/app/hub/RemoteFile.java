package org.telltale.app.hub;

/**
 * A file of a repository.
 *
 * @param path its name in the repository, checked by {@link Names#path}
 * @param size in bytes, or -1 where the server does not say
 * @param hash the name of its blob: hexadecimal SHA-256 (64 digits), or the SHA-1 that git gives it (40 digits), or empty
 *     where nobody says
 */
public record RemoteFile(String path, long size, String hash) {
    static final int GIT = 40;
    static final int SHA256 = 64;

    boolean known() {
        return size >= 0 && !hash.isEmpty();
    }
}
