package org.telltale.app.data;

import java.nio.file.Path;

/** Where what is computed once is kept for the user's later runs. */
public final class UserCache {
    private UserCache() {}

    /** The labels' vectors of the CLIP Interrogator: {@code telltale/tables} in XDG_CACHE_HOME, or in ~/.cache. */
    public static Path tables() {
        String home = System.getenv("XDG_CACHE_HOME");
        Path user = home == null || home.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(home);
        return user.resolve("telltale").resolve("tables");
    }
}
