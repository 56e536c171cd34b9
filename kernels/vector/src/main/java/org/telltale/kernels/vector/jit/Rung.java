package org.telltale.kernels.vector.jit;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.telltale.engine.Activation;

/** A kind of emitted code for products of blocks, lowest first. */
public enum Rung {
    AVX2(Lanes.AVX2, 6),
    AVX512(Lanes.AVX512, 12);

    private final Lanes lanes;
    private final int rows;

    Rung(Lanes lanes, int rows) {
        this.lanes = lanes;
        this.rows = rows;
    }

    /** Why it cannot run on such a CPU; empty when it can. */
    public Optional<String> unavailable(CpuFeatures cpu) {
        boolean has = switch (this) {
            case AVX2 -> cpu.avx2();
            case AVX512 -> cpu.avx512();
        };
        return has ? Optional.empty() : Optional.of("the CPU or the operating system lacks it");
    }

    /** The most rows of a tile. */
    public int rows() {
        return rows;
    }

    /** The columns of a panel. */
    public int columns() {
        return 2 * lanes.count();
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
        BlockGenerator generator = new BlockGenerator(lanes, rows, epilogue(activation), bf16);
        MemorySegment code = ExecutableMemory.map(generator.generate());
        return Linker.nativeLinker().downcallHandle(code, FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));
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
