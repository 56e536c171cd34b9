package org.telltale.engine.spi;

/**
 * How to compile.
 *
 * @param precision of products
 */
public record CompileOptions(Precision precision) {
    public static final CompileOptions DEFAULT = new CompileOptions(Precision.F32);

    /** The arithmetic of products; sums are always F32. */
    public enum Precision {
        F32
    }
}
