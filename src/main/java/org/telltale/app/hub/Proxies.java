package org.telltale.app.hub;

import java.io.IOException;
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The proxies of {@code HTTP_PROXY}, {@code HTTPS_PROXY}, {@code ALL_PROXY} and {@code NO_PROXY}, in small letters or
 * capitals. A name in {@code NO_PROXY} means the host and all below it, {@code *} everything; ranges of addresses are not
 * understood.
 */
final class Proxies extends ProxySelector {
    private final Map<String, URI> byScheme;
    private final List<String> direct;

    private Proxies(Map<String, URI> byScheme, List<String> direct) {
        this.byScheme = byScheme;
        this.direct = direct;
    }

    /** @throws IllegalArgumentException if a proxy is not {@code http://HOST:PORT} */
    static Proxies of(Map<String, String> environment) {
        Map<String, URI> byScheme = new HashMap<>();
        for (String scheme : List.of("http", "https")) {
            proxy(environment, scheme.toUpperCase(Locale.ROOT) + "_PROXY")
                    .or(() -> proxy(environment, "ALL_PROXY"))
                    .ifPresent(p -> byScheme.put(scheme, p));
        }
        List<String> direct = Arrays.stream(value(environment, "NO_PROXY").split(",", -1))
                .map(s -> s.strip().toLowerCase(Locale.ROOT))
                .filter(s -> !s.isEmpty())
                .toList();
        return new Proxies(byScheme, direct);
    }

    private static String value(Map<String, String> environment, String name) {
        String small = environment.getOrDefault(name.toLowerCase(Locale.ROOT), "");
        return small.isBlank() ? environment.getOrDefault(name, "").strip() : small.strip();
    }

    private static Optional<URI> proxy(Map<String, String> environment, String name) {
        String value = value(environment, name);
        if (value.isEmpty()) {
            return Optional.empty();
        }
        try {
            URI uri = URI.create(value.contains("://") ? value : "http://" + value);
            if ("http".equals(uri.getScheme()) && uri.getHost() != null) {
                return Optional.of(uri);
            }
        } catch (IllegalArgumentException e) {
            // said below, without the value, which may hold a password
        }
        throw new IllegalArgumentException(name + ": not a proxy that can be used, expected http://HOST:PORT");
    }

    @Override
    public List<Proxy> select(URI uri) {
        URI proxy = byScheme.get(String.valueOf(uri.getScheme()));
        if (proxy == null || isDirect(uri)) {
            return List.of(Proxy.NO_PROXY);
        }
        int port = proxy.getPort() < 0 ? 80 : proxy.getPort();
        return List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress(proxy.getHost(), port)));
    }

    private boolean isDirect(URI uri) {
        String host = String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT);
        for (String rule : direct) {
            String name = rule.startsWith("*.") ? rule.substring(2) : rule.startsWith(".") ? rule.substring(1) : rule;
            if (name.equals("*")
                    || host.equals(name)
                    || host.endsWith("." + name)
                    || (host + ":" + uri.getPort()).equals(name)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {
        // the request fails with the same reason
    }

    /** Answers proxies that ask for the name and password of their address. */
    Optional<Authenticator> authenticator() {
        if (byScheme.values().stream().allMatch(p -> p.getRawUserInfo() == null)) {
            return Optional.empty();
        }
        return Optional.of(new Authenticator() {
            @Override
            protected @Nullable PasswordAuthentication getPasswordAuthentication() {
                for (URI p : byScheme.values()) {
                    String user = p.getRawUserInfo();
                    if (getRequestorType() == RequestorType.PROXY
                            && user != null
                            && p.getHost().equalsIgnoreCase(getRequestingHost())) {
                        String[] parts = user.split(":", 2);
                        return new PasswordAuthentication(
                                decoded(parts[0]), (parts.length > 1 ? decoded(parts[1]) : "").toCharArray());
                    }
                }
                return null;
            }
        });
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
}
