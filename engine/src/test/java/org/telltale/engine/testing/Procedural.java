package org.telltale.engine.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.stream.LongStream;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import tools.jackson.databind.JsonNode;

/**
 * Values computed from a tensor's name and their flat index, the same in every language: full-size models are tested
 * with them, without a file of full size.
 */
public final class Procedural {
    private static final long GOLDEN_RATIO = 0x9E3779B97F4A7C15L;
    private static final long CHUNK = 1L << 20;

    private Procedural() {}

    /** Fills an F32 tensor with values in [offset - scale, offset + scale). */
    public static void fill(HostTensor t, String name, float scale, float offset, long salt) {
        if (t.dtype() != DType.F32) {
            throw new IllegalArgumentException("procedural values are F32, this tensor is " + t);
        }
        long seed = fnv1a64(name) ^ (salt * GOLDEN_RATIO);
        // without the arena's thread: chunks are filled by several threads while the caller waits
        MemorySegment data =
                MemorySegment.ofAddress(t.data().address()).reinterpret(t.data().byteSize());
        LongStream.range(0, (t.size() + CHUNK - 1) / CHUNK).parallel().forEach(chunk -> {
            long end = Math.min(t.size(), (chunk + 1) * CHUNK);
            for (long i = chunk * CHUNK; i < end; i++) {
                long z = mix(seed + (i + 1) * GOLDEN_RATIO);
                float u = (z >>> 40) * 0x1p-23f - 1;
                data.setAtIndex(ValueLayout.JAVA_FLOAT, i, u * scale + offset);
            }
        });
    }

    /** The tensor of a manifest row with the fields name, shape, scale and offset. */
    public static HostTensor tensor(JsonNode row, long salt, Arena arena) {
        HostTensor t = HostTensor.allocate(arena, DType.F32, Shape.of(Golden.ints(row.get("shape"))));
        fill(
                t,
                row.get("name").stringValue(),
                (float) row.get("scale").doubleValue(),
                (float) row.get("offset").doubleValue(),
                salt);
        return t;
    }

    static long fnv1a64(String name) {
        long hash = 0xCBF29CE484222325L;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xFF)) * 0x100000001B3L;
        }
        return hash;
    }

    /** The finaliser of splitmix64. */
    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
