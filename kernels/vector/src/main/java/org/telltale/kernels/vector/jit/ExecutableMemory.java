package org.telltale.kernels.vector.jit;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Optional;

/**
 * Maps machine code. Memory is written first and made executable then, never both at once. Code stays for the life of
 * the process: there is little of it, and no way to know that nobody runs it.
 */
public final class ExecutableMemory {
    private static final int READ = 1;
    private static final int WRITE = 2;
    private static final int EXECUTE = 4;
    private static final int PRIVATE_ANONYMOUS = 0x22;

    /** As the process began: the first restricted call of anybody may grant it, with a warning. */
    private static final boolean NATIVE_ACCESS =
            ExecutableMemory.class.getModule().isNativeAccessEnabled();

    private ExecutableMemory() {}

    /** Whether the JVM was told to let this code call native functions. */
    public static boolean nativeAccess() {
        return NATIVE_ACCESS;
    }

    /** The platform does not let this process map code. */
    public static final class RefusedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        RefusedException(String why) {
            super(why);
        }
    }

    /** The calls to the operating system. */
    interface OperatingSystem {
        /** Fresh memory to read and write; empty when it is refused. */
        Optional<MemorySegment> map(long bytes);

        /** Makes it readable and executable; whether that succeeded. */
        boolean protect(MemorySegment memory);
    }

    /**
     * Maps the code, page-aligned.
     *
     * @throws RefusedException where it cannot be, saying why
     */
    static MemorySegment map(byte[] code) {
        String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch");
        if (!os.contains("linux") || !arch.equals("amd64")) {
            throw new RefusedException("machine code is emitted for linux on x86-64, not " + os + " on " + arch);
        }
        if (!NATIVE_ACCESS) {
            throw new RefusedException("the JVM runs without --enable-native-access=ALL-UNNAMED");
        }
        return map(code, Posix.INSTANCE);
    }

    static MemorySegment map(byte[] code, OperatingSystem system) {
        MemorySegment memory = system.map(code.length)
                .orElseThrow(
                        () -> new RefusedException("the operating system refuses " + code.length + " bytes of memory"));
        MemorySegment.copy(code, 0, memory, ValueLayout.JAVA_BYTE, 0, code.length);
        if (!system.protect(memory)) {
            throw new RefusedException("the operating system refuses to make memory executable");
        }
        return memory;
    }

    private static final class Posix implements OperatingSystem {
        private static final OperatingSystem INSTANCE = new Posix();

        private final MethodHandle mmap = handle(
                "mmap",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        private final MethodHandle mprotect = handle(
                "mprotect",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));

        private static MethodHandle handle(String name, FunctionDescriptor type) {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
        }

        @Override
        public Optional<MemorySegment> map(long bytes) {
            try {
                long address = (long) mmap.invokeExact(0L, bytes, READ | WRITE, PRIVATE_ANONYMOUS, -1, 0L);
                return address == -1
                        ? Optional.empty()
                        : Optional.of(MemorySegment.ofAddress(address).reinterpret(bytes));
            } catch (Throwable t) {
                throw new IllegalStateException(t);
            }
        }

        @Override
        public boolean protect(MemorySegment memory) {
            try {
                return (int) mprotect.invokeExact(memory.address(), memory.byteSize(), READ | EXECUTE) == 0;
            } catch (Throwable t) {
                throw new IllegalStateException(t);
            }
        }
    }
}
