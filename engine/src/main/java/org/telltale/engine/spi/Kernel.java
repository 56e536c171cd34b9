package org.telltale.engine.spi;

/** One step of a program, with its operands fixed when it was made. */
@FunctionalInterface
public interface Kernel {
    void run();
}
