package org.telltale.kernels.vector.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.telltale.kernels.vector.jit.X86Assembler.Gpr;
import org.telltale.kernels.vector.jit.X86Assembler.Mem;

/**
 * What this x86-64 CPU can do and the operating system lets through, as the CPUID and XGETBV instructions tell.
 *
 * @param avx2 with FMA, F16C and BMI2
 * @param avx512 F, BW, DQ and VL
 * @param avx512Bf16 VDPBF16PS and the conversion to bfloat16
 * @param amxBf16 tiles, and their products of bfloat16
 * @param secondCache bytes of the second-level data cache of a core; 0 where the CPU does not say
 */
public record CpuFeatures(boolean avx2, boolean avx512, boolean avx512Bf16, boolean amxBf16, long secondCache) {
    private static final int SSE_AND_AVX = 0x6;
    private static final int MASKS_AND_ZMM = 0xE0;
    private static final int TILES = 0x60000;

    /** Leaves whose parts describe one cache each, the same way: Intel's and AMD's. */
    private static final int CACHES = 4;

    private static final int EXTENDED_CACHES = 0x8000001D;

    /** Caches that a CPU may list. */
    private static final int MOST_CACHES = 16;

    /**
     * Asks the CPU.
     *
     * @throws ExecutableMemory.RefusedException where code cannot be mapped, which is how it is asked
     */
    public static CpuFeatures read() {
        MemorySegment code = ExecutableMemory.map(code());
        MethodHandle handle = Linker.nativeLinker()
                .downcallHandle(
                        code,
                        FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(32, 16);
            Reader reader = (leaf, part) -> {
                try {
                    handle.invokeExact(out, (long) leaf, (long) part);
                } catch (Throwable t) {
                    throw new IllegalStateException(t);
                }
                return out.toArray(ValueLayout.JAVA_INT);
            };
            return read(reader);
        }
    }

    /** EAX, EBX, ECX and EDX of a leaf, then the low half of XCR0. */
    interface Reader {
        int[] leaf(int leaf, int part);
    }

    static CpuFeatures read(Reader cpu) {
        int[] first = cpu.leaf(0, 0);
        int[] features = cpu.leaf(1, 0);
        int[] extended = first[0] >= 7 ? cpu.leaf(7, 0) : new int[5];
        int[] more = first[0] >= 7 && extended[0] >= 1 ? cpu.leaf(7, 1) : new int[5];
        // without OSXSAVE there is no XCR0, and none of this
        int saved = bit(features[2], 27) ? features[4] : 0;
        boolean avx = (saved & SSE_AND_AVX) == SSE_AND_AVX && bit(features[2], 28);
        boolean avx2 =
                avx && bit(features[2], 12) && bit(features[2], 29) && bit(extended[1], 5) && bit(extended[1], 8);
        boolean avx512 = avx2
                && (saved & MASKS_AND_ZMM) == MASKS_AND_ZMM
                && bit(extended[1], 16)
                && bit(extended[1], 17)
                && bit(extended[1], 30)
                && bit(extended[1], 31);
        boolean bf16 = avx512 && bit(more[0], 5);
        boolean amx = avx512 && (saved & TILES) == TILES && bit(extended[3], 22) && bit(extended[3], 24);
        return new CpuFeatures(avx2, avx512, bf16, amx, secondCache(cpu, first[0]));
    }

    private static long secondCache(Reader cpu, int lastLeaf) {
        boolean amd = Integer.compareUnsigned(cpu.leaf(0x80000000, 0)[0], EXTENDED_CACHES) >= 0
                && bit(cpu.leaf(0x80000001, 0)[2], 22);
        if (!amd && lastLeaf < CACHES) {
            return 0;
        }
        for (int part = 0; part < MOST_CACHES; part++) {
            int[] cache = cpu.leaf(amd ? EXTENDED_CACHES : CACHES, part);
            int type = cache[0] & 0x1F;
            int level = cache[0] >> 5 & 7;
            if (type == 0) {
                return 0;
            }
            // type 2 holds instructions only
            if (level == 2 && type != 2) {
                long ways = (cache[1] >>> 22) + 1L;
                long partitions = (cache[1] >> 12 & 0x3FF) + 1L;
                long line = (cache[1] & 0xFFF) + 1L;
                long sets = Integer.toUnsignedLong(cache[2]) + 1;
                return ways * partitions * line * sets;
            }
        }
        return 0;
    }

    private static boolean bit(int word, int bit) {
        return ((word >> bit) & 1) == 1;
    }

    /** void f(int32_t out[8], int64_t leaf, int64_t part), by the System V calling convention. */
    private static byte[] code() {
        X86Assembler x = new X86Assembler();
        X86Assembler.Label none = x.label();
        x.push(Gpr.RBX);
        x.mov(Gpr.R8, Gpr.RDX);
        x.mov(Gpr.RAX, Gpr.RSI);
        x.mov(Gpr.RCX, Gpr.R8);
        x.cpuid();
        x.mov(Mem.at(Gpr.RDI, 0), Gpr.RAX);
        x.mov(Mem.at(Gpr.RDI, 4), Gpr.RBX);
        x.mov(Mem.at(Gpr.RDI, 8), Gpr.RCX);
        x.mov(Mem.at(Gpr.RDI, 12), Gpr.RDX);
        x.mov(Gpr.RAX, 0);
        x.mov(Mem.at(Gpr.RDI, 16), Gpr.RAX);
        // XGETBV faults unless leaf 1 says OSXSAVE
        x.cmp(Gpr.RSI, 1);
        x.jcc(X86Assembler.Condition.NOT_EQUAL, none);
        x.shr(Gpr.RCX, 27);
        x.and(Gpr.RCX, 1);
        x.jcc(X86Assembler.Condition.EQUAL, none);
        x.xor(Gpr.RCX, Gpr.RCX);
        x.xgetbv();
        x.mov(Mem.at(Gpr.RDI, 16), Gpr.RAX);
        x.bind(none);
        x.pop(Gpr.RBX);
        x.ret();
        return x.finish();
    }
}
