package org.telltale.kernels.vector.jit;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.Map;
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

    /** The functions for each activation that is fused, of the address of a {@link Block}. */
    public Map<Activation, MethodHandle> functions(boolean bf16) {
        Map<Activation, MethodHandle> functions = new EnumMap<>(Activation.class);
        for (Activation activation : Activation.values()) {
            epilogue(activation).ifPresent(e -> functions.put(activation, function(e, bf16)));
        }
        return functions;
    }

    private MethodHandle function(Epilogue epilogue, boolean bf16) {
        MemorySegment code = ExecutableMemory.map(new BlockGenerator(lanes, rows, epilogue, bf16).generate());
        return Linker.nativeLinker().downcallHandle(code, FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));
    }

    private static Optional<Epilogue> epilogue(Activation activation) {
        return switch (activation) {
            case NONE -> Optional.of(Epilogue.NONE);
            case RELU -> Optional.of(Epilogue.RELU);
            case RELU6 -> Optional.of(Epilogue.RELU6);
            case GELU_ERF -> Optional.of(Epilogue.GELU_ERF);
            case GELU_TANH -> Optional.of(Epilogue.GELU_TANH);
            case QUICK_GELU -> Optional.of(Epilogue.QUICK_GELU);
            case SILU -> Optional.of(Epilogue.SILU);
            case SIGMOID -> Optional.of(Epilogue.SIGMOID);
            case TANH -> Optional.empty();
        };
    }
}
