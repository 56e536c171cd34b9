package org.telltale.app.hub;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;
import org.telltale.app.data.DataException;

/** What names and hashes may look like. They become files, so those of a server are not trusted. */
final class Names {
    private static final int MAX_SEGMENT = 200;
    private static final int MAX_PATH = 1000;
    private static final Pattern HASH = Pattern.compile("[0-9a-f]{40}|[0-9a-f]{64}");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern REVISION =
            Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*");

    private Names() {}

    /** A file's name in a repository: segments with slashes between, none of them a way out or unfit for a disk. */
    static String path(String where, String path) {
        String wrong = path.isEmpty()
                ? "empty"
                : path.chars().anyMatch(c -> c < ' ' || c == 0x7f || (c >= 0x80 && c < 0xa0))
                        ? "with control characters"
                        : path.chars().anyMatch(c -> c == '\\' || c == ':')
                                ? "with \\ or :"
                                : bytes(path) > MAX_PATH ? "longer than " + MAX_PATH + " bytes" : "";
        if (wrong.isEmpty()) {
            for (String segment : path.split("/", -1)) {
                if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
                    wrong = "that is no path below the repository";
                } else if (bytes(segment) > MAX_SEGMENT) {
                    wrong = "with a part longer than " + MAX_SEGMENT + " bytes";
                } else if (!StandardCharsets.UTF_8.newEncoder().canEncode(segment)) {
                    wrong = "that is not Unicode";
                }
            }
        }
        if (!wrong.isEmpty()) {
            throw new DataException(where + ": the server names a file " + wrong + ": \"" + shown(path) + "\"");
        }
        return path;
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /** A blob's name, of an ETag or of a listing. */
    static Optional<String> hash(String text) {
        String bare = text.startsWith("W/") ? text.substring(2) : text;
        String plain = bare.length() > 1 && bare.startsWith("\"") && bare.endsWith("\"")
                ? bare.substring(1, bare.length() - 1)
                : bare;
        return HASH.matcher(plain).matches() ? Optional.of(plain) : Optional.empty();
    }

    static boolean isCommit(String text) {
        return COMMIT.matcher(text).matches();
    }

    /** A branch, a tag, a commit, or {@code refs/pr/N}. */
    static boolean isRevision(String text) {
        return REVISION.matcher(text).matches() && text.length() <= MAX_SEGMENT && !text.contains("..");
    }

    /** A server's text for people: short, and without characters that a terminal would obey. */
    static String shown(String text) {
        StringBuilder clean = new StringBuilder();
        text.codePoints().limit(100).forEach(c -> {
            if (c < ' ' || (c >= 0x7f && c < 0xa0) || Character.getType(c) == Character.FORMAT || c > 0xffff) {
                clean.append('?');
            } else {
                clean.appendCodePoint(c);
            }
        });
        return clean + (text.codePointCount(0, text.length()) > 100 ? "..." : "");
    }
}
