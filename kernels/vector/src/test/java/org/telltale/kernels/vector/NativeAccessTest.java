package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** What the backend says in JVMs that may call native functions, may not quite, and may not. */
class NativeAccessTest {
    /** Prints what the provider says. */
    static final class Says {
        public static void main(String[] args) {
            VectorBackend.Provider provider = new VectorBackend.Provider();
            String text = provider.unavailable().orElseGet(() -> {
                try (var backend = provider.open(1)) {
                    return backend.description();
                }
            });
            System.out.println(text);
        }
    }

    private static String says(String... options) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector"));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Says.class.getName()));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        return out;
    }

    @Test
    void withoutNativeAccessTheVectorApiComputes() throws Exception {
        Assumptions.assumeTrue(
                System.getProperty("os.name").contains("Linux")
                        && System.getProperty("os.arch").equals("amd64"),
                "code is emitted for Linux on x86-64");
        assertThat(says())
                .startsWith(
                        "cpu, kernel vector (emitted code: the JVM runs without --enable-native-access=ALL-UNNAMED)");
    }

    @Test
    void deniedNativeAccessIsAReason() throws Exception {
        assertThat(says("--illegal-native-access=deny"))
                .isEqualToIgnoringNewLines("the JVM runs without --enable-native-access=ALL-UNNAMED, and denies it");
    }

    @Test
    void aKernelThatIsNotThereIsAReason() throws Exception {
        assertThat(says("--enable-native-access=ALL-UNNAMED", "-Dtelltale.kernel=sse9"))
                .startsWith("there is no kernel sse9; known: auto, vector, avx2, avx512");
    }
}
