package org.telltale;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher's search for a Java, up to what it says when there is none. */
class LauncherTest {
    @TempDir
    private Path folder;

    @BeforeEach
    void bash() {
        Assumptions.assumeTrue(Files.exists(Path.of("/usr/bin/env")), "no /usr/bin/env to start bash with");
    }

    @Test
    void aJavaThatIsNoneIsNamed() throws Exception {
        assertThat(run("/nowhere/java", link()))
                .isEqualTo("2 telltale: TELLTALE_JAVA is /nowhere/java, which is no Java 25 or later\n");
    }

    @Test
    void aJavaThatIsTooOldIsNamedWithItsVersion() throws Exception {
        Path home = Files.createDirectories(folder.resolve("old jdk").resolve("bin"))
                .getParent();
        Path java = Files.writeString(home.resolve("bin").resolve("java"), "#!/bin/sh\n");
        assertThat(java.toFile().setExecutable(true)).isTrue();
        Files.writeString(home.resolve("release"), "JAVA_VERSION=\"17.0.9\"\n");
        assertThat(run(home.toString(), link())).startsWith("2 telltale: ").contains(java + ": 17");
    }

    @Test
    void theStartUpCacheIsMadeOnceForAJavaAndItsJars() throws Exception {
        Path root = Files.createDirectories(folder.toRealPath().resolve("a tree"));
        Path launcher = Files.copy(Path.of("..", "telltale"), root.resolve("telltale"));
        Path target = Files.createDirectories(root.resolve("src").resolve("target"));
        Path lib = Files.createDirectories(target.resolve("lib"));
        for (Path empty : new Path[] {
            target.resolve("telltale-1.jar"), lib.resolve("b.jar"), lib.resolve("a.jar"), lib.resolve(".built")
        }) {
            Files.createFile(empty);
        }
        String making = "0 telltale: making the start-up cache ...\n";
        String with = "<-XX:AOTCache=" + target.resolve("telltale.aot") + ">";
        Path java = fakeJava("the jdk", true);
        assertThat(run(java.toString(), launcher))
                .startsWith(making + "<")
                .contains(with)
                .contains("<" + target + "/telltale-1.jar:" + lib + "/a.jar:" + lib + "/b.jar>")
                .contains("<--version>");
        assertThat(run(java.toString(), launcher)).startsWith("0 <").contains(with);
        assertThat(run(fakeJava("another jdk", true).toString(), launcher))
                .startsWith(making)
                .contains(with);
        assertThat(run(java.toString(), launcher)).startsWith(making);
        Files.setLastModifiedTime(lib.resolve("a.jar"), FileTime.fromMillis(System.currentTimeMillis() + 10_000));
        assertThat(run(java.toString(), launcher)).startsWith(making);
        Files.setLastModifiedTime(lib.resolve("a.jar"), FileTime.fromMillis(0));
        Path without = fakeJava("a jdk without", false);
        assertThat(run(without.toString(), launcher))
                .startsWith(making + "telltale: it could not be made, " + target.resolve("telltale.aot.log"))
                .doesNotContain("-XX:AOTCache=");
        assertThat(run(without.toString(), launcher)).startsWith("0 <").doesNotContain("-XX:AOTCache=");
    }

    /** A Java 25 by its release file, which shows its arguments, and makes caches or does not. */
    private Path fakeJava(String name, boolean caches) throws IOException {
        Path home = folder.resolve(name);
        Path java = Files.createDirectories(home.resolve("bin")).resolve("java");
        Files.writeString(home.resolve("release"), "JAVA_VERSION=\"25.0.1\"\n");
        Files.writeString(
                java,
                "#!/bin/sh\nfor a; do echo \"<$a>\"; "
                        + (caches ? "case $a in -XX:AOTCacheOutput=*) : >\"${a#*=}\" ;; esac; " : "")
                        + "done\n");
        assertThat(java.toFile().setExecutable(true)).isTrue();
        return java;
    }

    /** A link to a link, in a folder with a blank, both relative. */
    private Path link() throws IOException {
        Path target = Files.createDirectories(folder.resolve("a b"));
        Path launcher = Path.of("..", "telltale").toRealPath();
        Path first = Files.createSymbolicLink(target.resolve("first"), launcher);
        return Files.createSymbolicLink(folder.resolve("second"), folder.relativize(first));
    }

    private static String run(String java, Path launcher) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(launcher.toString(), "--version").redirectErrorStream(true);
        builder.environment().put("TELLTALE_JAVA", java);
        Process process = builder.start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() + " " + said;
    }
}
