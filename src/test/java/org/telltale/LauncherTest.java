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
    void theStartUpCacheIsUsedByTheJavaThatMadeItOnly() throws Exception {
        Path root = Files.createDirectories(folder.toRealPath().resolve("a tree"));
        Path launcher = Files.copy(Path.of("..", "telltale"), root.resolve("telltale"));
        Path target = Files.createDirectories(root.resolve("src").resolve("target"));
        Path lib = Files.createDirectories(target.resolve("lib"));
        for (Path empty : new Path[] {
            target.resolve("telltale-1.jar"), lib.resolve("b.jar"), lib.resolve("a.jar"), lib.resolve(".built")
        }) {
            Files.createFile(empty);
        }
        Path java = fakeJava("the jdk");
        assertThat(run(java.toString(), launcher))
                .startsWith("0 ")
                .doesNotContain("AOTCache")
                .contains("<" + target + "/telltale-1.jar:" + lib + "/a.jar:" + lib + "/b.jar>")
                .contains("<--version>");
        Path cache = Files.createFile(target.resolve("telltale.aot"));
        Files.writeString(target.resolve("telltale.aot.java"), java + "\n");
        assertThat(run(java.toString(), launcher)).startsWith("0 ").contains("<-XX:AOTCache=" + cache + ">");
        assertThat(run(fakeJava("another jdk").toString(), launcher))
                .startsWith("0 telltale: " + cache + " is made by another Java, " + java + ", and is not used")
                .doesNotContain("-XX:AOTCache");
        Files.setLastModifiedTime(
                lib.resolve("a.jar"),
                FileTime.fromMillis(Files.getLastModifiedTime(cache).toMillis() + 10_000));
        assertThat(run(java.toString(), launcher))
                .startsWith("0 telltale: " + cache + " is older than the jars, and is not used")
                .doesNotContain("-XX:AOTCache");
        Files.setLastModifiedTime(cache, FileTime.fromMillis(0));
        assertThat(run(java.toString(), launcher)).contains("is not used").doesNotContain("-XX:AOTCache");
    }

    /** A Java 25 by its release file, which shows its arguments. */
    private Path fakeJava(String name) throws IOException {
        Path home = folder.resolve(name);
        Path java = Files.createDirectories(home.resolve("bin")).resolve("java");
        Files.writeString(home.resolve("release"), "JAVA_VERSION=\"25.0.1\"\n");
        Files.writeString(java, "#!/bin/sh\nfor a; do echo \"<$a>\"; done\n");
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
