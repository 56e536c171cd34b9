package org.telltale.kernels.vector.jit;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.telltale.engine.Activation;

/**
 * A kind of emitted code for products of blocks, lowest first. The CPU needs what the name says, see {@link CpuFeatures}.
 */
public enum Rung {
    AVX2(Lanes.AVX2, 6, Product.WIDENED),
    AVX512(Lanes.AVX512, 12, Product.WIDENED),
    /** With products of bfloat16 by vectors; those of floats are AVX512's. */
    AVX512_BF16(Lanes.AVX512, 12, Product.PAIRS),
    /** With products of bfloat16 by the matrix unit; those of floats are AVX512's. */
    AMX_BF16(Lanes.AVX512, 12, Product.TILES);

    /** Bytes that products by the matrix unit need for sums, {@link Block#SUMS}. */
    public static final long SUMS_BYTES = MatrixTiles.SUMS_BYTES;

    private final Lanes lanes;
    private final int registerRows;
    private final Product bf16;

    /**
     * @param registerRows the most rows of a tile in registers
     * @param bf16 how panels of bfloat16 are multiplied
     */
    Rung(Lanes lanes, int registerRows, Product bf16) {
        this.lanes = lanes;
        this.registerRows = registerRows;
        this.bf16 = bf16;
    }

    /** Why it cannot run on such a CPU; empty when it can. */
    public Optional<String> unavailable(CpuFeatures cpu) {
        boolean has = switch (this) {
            case AVX2 -> cpu.avx2();
            case AVX512 -> cpu.avx512();
            case AVX512_BF16 -> cpu.avx512Bf16();
            // vectors round the left operand
            case AMX_BF16 -> cpu.amxBf16() && cpu.avx512Bf16();
        };
        if (!has) {
            return Optional.of("the CPU or the operating system lacks it");
        }
        return this == AMX_BF16 ? TilePermission.refused() : Optional.empty();
    }

    /** The most rows of a tile. */
    public int rows() {
        return bf16 == Product.TILES ? MatrixTiles.ROWS : registerRows;
    }

    /** The columns of a panel. */
    public int columns() {
        return 2 * lanes.count();
    }

    /** Whether the left operand is rounded to bfloat16 where panels are; otherwise they become floats. */
    public boolean rounds() {
        return bf16.rounds();
    }

    /** What {@link Block#DEPTH} is for a depth of {@code depth}. */
    public int steps(int depth, boolean bf16) {
        return product(bf16).steps(depth);
    }

    /** Bytes from one row of the rounded left operand to the next; it has a multiple of {@link #rows} rows. */
    public static long roundedStride(int depth) {
        return LeftRounding.stride(depth);
    }

    private Product product(boolean bf16) {
        return bf16 ? this.bf16 : Product.FLOATS;
    }

    private record Depthwise(Lanes lanes, int taps, int stride, int pixels, Activation activation) {}

    /** Code of depthwise convolutions that was emitted before, since many layers share it. */
    private static final ConcurrentHashMap<Depthwise, MethodHandle> DEPTHWISE = new ConcurrentHashMap<>();

    /** Whether there is code for so many taps in a row and so many channels. */
    public static boolean hasDepthwise(int taps, int channels) {
        return taps <= DepthwiseGenerator.MOST_TAPS && channels % Lanes.AVX2.count() == 0;
    }

    /**
     * A function of the address of a {@link PixelRow}, emitted when it is first asked for. Its vectors are the longest of the
     * rung that the channels fill.
     *
     * @param pixels the most that are computed at a time
     */
    public MethodHandle depthwise(int taps, int stride, int pixels, int channels, Activation activation) {
        Lanes longest = channels % lanes.count() == 0 ? lanes : Lanes.AVX2;
        return DEPTHWISE.computeIfAbsent(new Depthwise(longest, taps, stride, pixels, activation), key -> {
            DepthwiseGenerator g = new DepthwiseGenerator(longest, taps, stride, pixels, epilogue(activation));
            return link(g.generate(), FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));
        });
    }

    /** Emits a function of two addresses, from and to, and a number of floats. */
    public MethodHandle map(Activation activation) {
        MapGenerator generator = new MapGenerator(lanes, epilogue(activation));
        return link(
                generator.generate(),
                FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    }

    private static MethodHandle link(byte[] code, FunctionDescriptor type) {
        return Linker.nativeLinker().downcallHandle(ExecutableMemory.map(code), type);
    }

    /** Whether an activation is computed on the sums. */
    public static boolean fuses(Activation activation) {
        return activation != Activation.TANH;
    }

    /**
     * Emits a function of the address of a {@link Block}.
     *
     * @param bf16 whether panels hold bfloat16 numbers
     */
    public MethodHandle function(Activation activation, boolean bf16) {
        return link(code(activation, bf16), FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));
    }

    /** Emits a function of the address of a {@link Block} that rounds its source to the left operand; of rungs that round. */
    public MethodHandle rounding() {
        return link(BlockGenerator.rounding(lanes), FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));
    }

    byte[] code(Activation activation, boolean bf16) {
        return new BlockGenerator(lanes, registerRows, epilogue(activation), product(bf16)).generate();
    }

    private static Epilogue epilogue(Activation activation) {
        return switch (activation) {
            case NONE -> Epilogue.NONE;
            case RELU -> Epilogue.RELU;
            case RELU6 -> Epilogue.RELU6;
            case GELU_ERF -> Epilogue.GELU_ERF;
            case GELU_TANH -> Epilogue.GELU_TANH;
            case QUICK_GELU -> Epilogue.QUICK_GELU;
            case SILU -> Epilogue.SILU;
            case SIGMOID -> Epilogue.SIGMOID;
            case TANH -> throw new IllegalArgumentException("no code fuses " + activation);
        };
    }
}
