package org.telltale.convert;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.engine.testing.Golden;

/** Hostile files, read in a process with a heap of 256 MiB. */
class BoundedMemoryTest {
    @TempDir
    private Path folder;

    @Test
    void everyHostileFileIsRefusedOrReadInAHeapOf256MiB() throws Exception {
        List<Path> files = new ArrayList<>(made());
        int made = files.size();
        Path formats = Golden.folder().map(g -> g.resolve("formats")).orElse(TorchGoldenTest.COMMITTED);
        for (String name : List.of("pickle-bad", "safetensors-bad", "h5")) {
            if (Files.isDirectory(formats.resolve(name))) {
                try (Stream<Path> list = Files.list(formats.resolve(name))) {
                    list.sorted().forEach(files::add);
                }
            }
        }
        assertThat(files).hasSizeGreaterThan(made + 80);
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                BoundedMemoryTest.class.getName()));
        files.forEach(f -> command.add(f.toString()));
        Path out = folder.resolve("out.txt");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        List<String> lines = Files.readAllLines(out);
        assertThat(process.exitValue()).as(String.join("\n", lines)).isZero();
        assertThat(lines).hasSize(files.size());
        assertThat(lines.subList(0, made)).allMatch(l -> l.startsWith("refused"));
        assertThat(lines).noneMatch(l -> l.contains("OutOfMemory") || l.contains("heap space"));
    }

    /** Reads files and says a line about each; anything but our own exception ends the process with code 1. */
    public static void main(String[] files) {
        for (String file : files) {
            try (Checkpoint checkpoint = Checkpoint.open(Path.of(file))) {
                for (String name : checkpoint.tensors().keySet()) {
                    try (Arena arena = Arena.ofConfined()) {
                        checkpoint.values(name, arena);
                    }
                }
                System.out.println("read " + file);
            } catch (ConvertException e) {
                System.out.println("refused " + e.getMessage());
            } catch (RuntimeException | Error e) {
                System.out.println("failed " + file + ": " + e);
                System.exit(1);
            }
        }
    }

    /** Pickles that would take gigabytes if each byte of them made what it asks for. */
    private List<Path> made() throws IOException {
        List<Path> files = new ArrayList<>();
        files.add(zip("lists.pt", out -> repeat(out, "]", 30_000_000)));
        files.add(zip("dictionaries.pt", out -> repeat(out, "}", 30_000_000)));
        files.add(zip("marks.pt", out -> repeat(out, "(", 30_000_000)));
        files.add(zip("memo.pt", out -> {
            repeat(out, "N", 1);
            repeat(out, "\u0094", 30_000_000);
        }));
        files.add(zip("tuples.pt", out -> {
            repeat(out, "N", 1);
            repeat(out, "2\u0086", 15_000_000);
        }));
        files.add(zip("larger than may be.pt", out -> repeat(out, "N0", 20_000_000)));
        files.add(zip("long text.pt", out -> {
            out.write(new byte[] {'X', -1, -1, -1, 0x7f});
            repeat(out, "a", 30_000_000);
        }));
        // every dictionary holds the one before twice, and its keys are long
        ByteArrayOutputStream nested = new ByteArrayOutputStream();
        nested.write("}".getBytes(StandardCharsets.ISO_8859_1));
        for (int i = 0; i < 60; i++) {
            nested.write("\u0094}".getBytes(StandardCharsets.ISO_8859_1));
            for (int k = 0; k < 2; k++) {
                nested.write('U');
                nested.write(200);
                byte[] key = new byte[200];
                Arrays.fill(key, (byte) ('a' + k));
                nested.write(key);
                nested.write(new byte[] {'j', (byte) i, 0, 0, 0, 's'});
            }
        }
        nested.write('.');
        files.add(zip("nested.pt", nested::writeTo));
        return files;
    }

    private interface Content {
        void to(OutputStream out) throws IOException;
    }

    private Path zip(String name, Content pickle) throws IOException {
        Path file = folder.resolve(name);
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.putNextEntry(new ZipEntry("archive/data.pkl"));
            pickle.to(zip);
            zip.closeEntry();
        }
        return file;
    }

    private static void repeat(OutputStream out, String text, int times) throws IOException {
        byte[] many = text.repeat(1000).getBytes(StandardCharsets.ISO_8859_1);
        for (int i = 0; i < times / 1000; i++) {
            out.write(many);
        }
        if (times < 1000) {
            out.write(many, 0, text.length() * times);
        }
    }
}
