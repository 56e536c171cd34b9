package org.telltale.kernels.vector;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Loops that are compiled by themselves, never into their callers. The compiler stops inlining once a compilation has so
 * many nodes, and a vector operation that it does not inline allocates its vectors at every turn. A loop with an
 * exponential comes near that limit by itself; which loops it meets in a caller depends on what has run before. Only a
 * handle that the compiler does not take for a constant keeps them apart, so handles are kept in arrays and
 * maps.
 */
final class OutOfLine {
    /** A loop from one address to another over a number of floats. */
    static final MethodType LOOP = MethodType.methodType(void.class, long.class, long.class, long.class);

    private OutOfLine() {}

    /** A static method of the class that {@code lookup} was made in. */
    static MethodHandle find(MethodHandles.Lookup lookup, String name, MethodType type) {
        try {
            return lookup.findStatic(lookup.lookupClass(), name, type);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("no loop " + name + type + " in " + lookup.lookupClass(), e);
        }
    }

    /** What a loop throws, as it was thrown. */
    static RuntimeException thrown(Throwable t) {
        return switch (t) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> new IllegalStateException(t);
        };
    }
}
