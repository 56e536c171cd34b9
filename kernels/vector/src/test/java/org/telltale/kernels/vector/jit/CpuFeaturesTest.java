package org.telltale.kernels.vector.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class CpuFeaturesTest {
    @Test
    void agreesWithTheOperatingSystem() throws IOException {
        Path info = Path.of("/proc/cpuinfo");
        Assumptions.assumeTrue(
                Files.exists(info) && System.getProperty("os.arch").equals("amd64"), "no x86-64 Linux here");
        List<String> lines = Files.readAllLines(info);
        List<String> flags = List.of(lines.stream()
                .filter(line -> line.startsWith("flags"))
                .findFirst()
                .orElseThrow()
                .split("[ :\t]+"));
        CpuFeatures cpu = CpuFeatures.read();
        assertThat(cpu.avx2()).isEqualTo(flags.containsAll(List.of("avx2", "fma", "f16c", "bmi2")));
        assertThat(cpu.avx512()).isEqualTo(flags.containsAll(List.of("avx512f", "avx512dq", "avx512bw", "avx512vl")));
        assertThat(cpu.avx512Bf16()).isEqualTo(flags.contains("avx512_bf16"));
        assertThat(cpu.amxBf16()).isEqualTo(flags.containsAll(List.of("amx_tile", "amx_bf16")));
    }

    /** A CPU with every feature, whose operating system saves these registers. */
    private static CpuFeatures saving(int xcr0) {
        Map<Long, int[]> leaves = new HashMap<>();
        leaves.put(0L, new int[] {7, 0, 0, 0, 0});
        leaves.put(1L, new int[] {0, 0, 1 << 12 | 1 << 27 | 1 << 28 | 1 << 29, 0, xcr0});
        leaves.put(7L, new int[] {1, -1, -1, -1, 0});
        leaves.put(7L | 1L << 32, new int[] {-1, -1, -1, -1, 0});
        return CpuFeatures.read(
                (leaf, part) -> leaves.getOrDefault(Integer.toUnsignedLong(leaf) | (long) part << 32, new int[5]));
    }

    @Test
    void needsRegistersThatTheOperatingSystemSaves() {
        assertThat(saving(0).avx2()).isFalse();
        assertThat(saving(6)).matches(CpuFeatures::avx2).matches(cpu -> !cpu.avx512());
        assertThat(saving(0xE6)).matches(CpuFeatures::avx512Bf16).matches(cpu -> !cpu.amxBf16());
        assertThat(saving(0x600E6).amxBf16()).isTrue();
    }

    @Test
    void readsTheSizeOfTheSecondCache() throws IOException {
        Path folder = Path.of("/sys/devices/system/cpu/cpu0/cache");
        Assumptions.assumeTrue(Files.exists(folder.resolve("index2/size")), "this system does not tell its caches");
        String size = Files.readString(folder.resolve("index2/size")).strip();
        assertThat(Files.readString(folder.resolve("index2/level")).strip()).isEqualTo("2");
        assertThat(CpuFeatures.read().secondCache() / 1024 + "K").isEqualTo(size);
    }

    /** A CPU with two first-level caches and a second: 8 ways of 2048 sets of lines of 64 bytes. */
    private static long secondCache(int maker) {
        Map<Long, int[]> leaves = new HashMap<>();
        leaves.put(0L, new int[] {maker == 4 ? 4 : 3, 0, 0, 0, 0});
        leaves.put(0x80000000L, new int[] {maker == 4 ? 0x80000008 : 0x8000001D, 0, 0, 0, 0});
        leaves.put(0x80000001L, new int[] {0, 0, 1 << 22, 0, 0});
        int shape = 7 << 22 | 63;
        leaves.put(Integer.toUnsignedLong(maker), new int[] {1 << 5 | 1, shape, 63, 0, 0});
        leaves.put(Integer.toUnsignedLong(maker) | 1L << 32, new int[] {2 << 5 | 2, shape, 4095, 0, 0});
        leaves.put(Integer.toUnsignedLong(maker) | 2L << 32, new int[] {2 << 5 | 3, shape, 2047, 0, 0});
        return CpuFeatures.read((leaf, part) ->
                        leaves.getOrDefault(Integer.toUnsignedLong(leaf) | (long) part << 32, new int[5]))
                .secondCache();
    }

    @Test
    void readsTheCachesOfEitherMaker() {
        assertThat(secondCache(4)).isEqualTo(1 << 20);
        assertThat(secondCache(0x8000001D)).isEqualTo(1 << 20);
        assertThat(saving(0).secondCache()).isZero();
    }

    private record Refusing(boolean maps) implements ExecutableMemory.OperatingSystem {
        @Override
        public Optional<MemorySegment> map(long bytes) {
            return maps ? Optional.of(MemorySegment.ofArray(new byte[(int) bytes])) : Optional.empty();
        }

        @Override
        public boolean protect(MemorySegment memory) {
            return false;
        }
    }

    @Test
    void saysWhenCodeCannotBeMapped() {
        assertThatThrownBy(() -> ExecutableMemory.map(new byte[8], new Refusing(false)))
                .isInstanceOf(ExecutableMemory.RefusedException.class)
                .hasMessage("the operating system refuses 8 bytes of memory");
        assertThatThrownBy(() -> ExecutableMemory.map(new byte[8], new Refusing(true)))
                .isInstanceOf(ExecutableMemory.RefusedException.class)
                .hasMessage("the operating system refuses to make memory executable");
    }
}
