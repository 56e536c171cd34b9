package org.telltale.app.hub;

import java.io.IOException;
import java.net.ProxySelector;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.telltale.api.ModelFolder;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Reasons;

/**
 * What the environment says of the hub, read as Hugging Face's own tools read it.
 *
 * @param endpoint {@code HF_ENDPOINT}, without a slash at its end
 * @param cache {@code HF_HUB_CACHE}, or hub in {@code HF_HOME}
 * @param token {@code HF_TOKEN}, or what the file {@code HF_TOKEN_PATH} holds, token in {@code HF_HOME} by default
 * @param offline {@code HF_HUB_OFFLINE}
 * @param proxies {@code HTTP_PROXY}, {@code HTTPS_PROXY} and {@code NO_PROXY}
 */
public record HubSettings(URI endpoint, Path cache, Optional<String> token, boolean offline, ProxySelector proxies) {
    private static final String PUBLIC = "https://huggingface.co";
    private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");
    private static final int MAX_TOKEN = 4096;

    /**
     * What an environment says.
     *
     * @throws IllegalArgumentException if a variable's value cannot be used; the message names the variable
     */
    public static HubSettings of(Map<String, String> environment) {
        return new HubSettings(
                endpoint(environment),
                ModelFolder.cache(environment),
                token(environment),
                TRUE.contains(environment.getOrDefault("HF_HUB_OFFLINE", "").toUpperCase(Locale.ROOT)),
                Proxies.of(environment));
    }

    private static URI endpoint(Map<String, String> environment) {
        String value = environment.getOrDefault("HF_ENDPOINT", "");
        String text = (value.isBlank() ? PUBLIC : value.strip()).replaceAll("/+$", "");
        try {
            URI uri = URI.create(text);
            boolean known = "https".equals(uri.getScheme()) || "http".equals(uri.getScheme());
            if (known && uri.getHost() != null && uri.getUserInfo() == null && uri.getQuery() == null) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("HF_ENDPOINT is '" + value + "', expected https://HOST", e);
        }
        throw new IllegalArgumentException("HF_ENDPOINT is '" + value + "', expected https://HOST");
    }

    private static Optional<String> token(Map<String, String> environment) {
        String given = environment.getOrDefault("HF_TOKEN", "").strip();
        if (!given.isEmpty()) {
            return Optional.of(checked("HF_TOKEN", given));
        }
        String path = environment.getOrDefault("HF_TOKEN_PATH", "");
        Path file = path.isEmpty() ? ModelFolder.home(environment).resolve("token") : Path.of(path);
        try {
            if (!Files.isRegularFile(file)) {
                return Optional.empty();
            }
            if (Files.size(file) > MAX_TOKEN) {
                throw new DataException(file + ": " + Files.size(file) + " bytes, expected one line, a token");
            }
            String text = Files.readString(file).strip();
            return text.isEmpty() ? Optional.empty() : Optional.of(checked(file.toString(), text));
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + Reasons.of(e), e);
        }
    }

    /** A token becomes part of a header: the message must not show it. */
    private static String checked(String where, String token) {
        if (!token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw new IllegalArgumentException(where + ": not a token; expected one line of ASCII without blanks");
        }
        return token;
    }

    /** The endpoint's page of a model or of settings. */
    String page(String path) {
        return endpoint + "/" + path;
    }
}
