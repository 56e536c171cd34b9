package org.telltale.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The CPU, as {@code /proc/cpuinfo} has it.
 *
 * @param name for people
 * @param family vendor and widest vector extension, such as {@code AuthenticAMD avx2}: what speeds relative to a peer
 *     depend on most
 * @param bf16 whether it has units for products of bfloat16
 */
record Processor(String name, String family, boolean bf16) {
    static Processor read() throws IOException {
        Path file = Path.of("/proc/cpuinfo");
        return Files.exists(file) ? of(Files.readAllLines(file)) : new Processor("unknown CPU", "unknown", false);
    }

    static Processor of(List<String> lines) {
        Map<String, String> values = new HashMap<>();
        for (String line : lines) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                values.putIfAbsent(
                        line.substring(0, colon).strip(),
                        line.substring(colon + 1).strip());
            }
        }
        List<String> flags = Arrays.asList(values.getOrDefault("flags", "").split(" ", -1));
        String widest = flags.contains("avx512f") ? "avx512" : flags.contains("avx2") ? "avx2" : "narrow";
        String name = values.getOrDefault("model name", "unknown CPU") + " (family "
                + values.getOrDefault("cpu family", "?") + ", model " + values.getOrDefault("model", "?") + ", "
                + widest
                + ")";
        return new Processor(
                name,
                values.getOrDefault("vendor_id", "unknown") + " " + widest,
                flags.contains("avx512_bf16") || flags.contains("amx_bf16"));
    }
}
