package org.telltale;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pure Java: no jar that a run on the CPU needs brings a native library. */
class NativeLibraryTest {
    private static final List<String> NATIVE = List.of(".so", ".dll", ".dylib", ".jnilib");

    @Test
    void noJarOnTheClassPathHoldsANativeLibrary() throws IOException {
        List<Path> jars = jars();
        assertThat(jars).anyMatch(j -> j.toString().contains("picocli"));
        for (Path jar : jars) {
            assertThat(libraries(jar)).as(jar.toString()).isEmpty();
        }
    }

    @Test
    void aNativeLibraryIsFound(@TempDir Path folder) throws IOException {
        Path jar = folder.resolve("native.jar");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
            zip.putNextEntry(new ZipEntry("linux/libfast.so"));
            zip.putNextEntry(new ZipEntry("linux/notes.so.txt"));
        }
        assertThat(libraries(jar)).containsExactly("linux/libfast.so");
    }

    private static List<Path> jars() {
        String path = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<Path> jars = new ArrayList<>();
        for (String entry : path.split(File.pathSeparator)) {
            if (entry.endsWith(".jar")) {
                jars.add(Path.of(entry));
            }
        }
        return jars;
    }

    private static List<String> libraries(Path jar) throws IOException {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            return zip.stream()
                    .map(ZipEntry::getName)
                    .filter(n -> NATIVE.stream().anyMatch(n.toLowerCase(Locale.ROOT)::endsWith))
                    .toList();
        }
    }
}
