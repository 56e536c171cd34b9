package org.telltale.kernels.vector.jit;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Linux's permission to use the tiles of AMX, whose 8 KiB it would have to save for every thread: asked for once, for the
 * whole process, by {@code arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)} (Documentation/arch/x86/xstate.rst).
 */
final class TilePermission {
    private static final int ARCH_PRCTL = 158;
    private static final int ARCH_REQ_XCOMP_PERM = 0x1023;
    private static final int XFEATURE_XTILEDATA = 18;

    private TilePermission() {}

    /** Asks for it; why it is refused, or empty. */
    static Optional<String> refused() {
        MethodHandle call = Linker.nativeLinker()
                .downcallHandle(ExecutableMemory.map(code()), FunctionDescriptor.of(ValueLayout.JAVA_LONG));
        try {
            return refused((long) call.invokeExact());
        } catch (Throwable t) {
            throw new IllegalStateException(t);
        }
    }

    /** Of what the system call returned: 0, or an error number, negated. */
    static Optional<String> refused(long result) {
        return result == 0
                ? Optional.empty()
                : Optional.of("the operating system refuses the use of tiles (error " + -result + ")");
    }

    private static byte[] code() {
        X86Assembler x = new X86Assembler();
        x.mov(X86Assembler.Gpr.RAX, ARCH_PRCTL);
        x.mov(X86Assembler.Gpr.RDI, ARCH_REQ_XCOMP_PERM);
        x.mov(X86Assembler.Gpr.RSI, XFEATURE_XTILEDATA);
        x.syscall();
        x.ret();
        return x.finish();
    }
}
