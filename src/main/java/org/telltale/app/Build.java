package org.telltale.app;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/**
 * Which Telltale this is.
 *
 * @param commit empty when the build did not know it
 */
record Build(String version, String commit) {
    static Build current() {
        Properties p = new Properties();
        try (InputStream in = Build.class.getResourceAsStream("build.properties")) {
            if (in == null) {
                throw new IllegalStateException("no build.properties beside the classes");
            }
            p.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Build(p.getProperty("version", ""), p.getProperty("commit", ""));
    }

    @Override
    public String toString() {
        return "telltale " + version + (commit.isEmpty() ? "" : " (" + commit + ")");
    }

    /** For {@code --version}. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {current().toString()};
        }
    }
}
