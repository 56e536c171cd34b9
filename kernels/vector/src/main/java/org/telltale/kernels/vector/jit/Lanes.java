package org.telltale.kernels.vector.jit;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.telltale.kernels.vector.jit.X86Assembler.Gpr;
import org.telltale.kernels.vector.jit.X86Assembler.Mem;
import org.telltale.kernels.vector.jit.X86Assembler.Op;
import org.telltale.kernels.vector.jit.X86Assembler.Vec;

/** A vector length, and what is written differently in it. */
enum Lanes {
    /** 16 registers of 8 floats; masks are vectors. */
    AVX2(256, 16) {
        @Override
        void masks(X86Assembler x, Gpr columns, Gpr scratch, int vectors) {
            // a window over ones then zeros; masks live in the two highest registers
            Mem ones = x.constant(window());
            x.mov(scratch, columns);
            x.shl(scratch, 2);
            x.push(Gpr.RSI);
            x.lea(Gpr.RSI, ones);
            x.add(Gpr.RSI, 8 * count());
            x.sub(Gpr.RSI, scratch);
            for (int v = 0; v < vectors; v++) {
                x.load(mask(v), Mem.at(Gpr.RSI, v * bytes()));
            }
            x.pop(Gpr.RSI);
        }

        private Vec mask(int vector) {
            return register(registers() - 1 - vector);
        }

        private byte[] window() {
            ByteBuffer window = ByteBuffer.allocate(16 * count()).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < 2 * count(); i++) {
                window.putInt(-1);
            }
            return window.array();
        }

        @Override
        void loadMasked(X86Assembler x, Vec to, int vector, Mem from) {
            x.vmaskmovps(to, mask(vector), from);
        }

        @Override
        void storeMasked(X86Assembler x, Mem to, int vector, Vec from) {
            x.vmaskmovps(to, mask(vector), from);
        }
    },
    /** 32 registers of 16 floats, and registers of masks. */
    AVX512(512, 32) {
        @Override
        void masks(X86Assembler x, Gpr columns, Gpr scratch, int vectors) {
            x.mov(scratch, -1);
            x.bzhi(scratch, scratch, columns);
            x.kmovw(1, scratch);
            x.shr(scratch, 16);
            x.kmovw(2, scratch);
        }

        @Override
        void loadMasked(X86Assembler x, Vec to, int vector, Mem from) {
            x.loadMasked(to, 1 + vector, from);
        }

        @Override
        void storeMasked(X86Assembler x, Mem to, int vector, Vec from) {
            x.storeMasked(to, 1 + vector, from);
        }
    };

    private final int bits;
    private final int registers;

    Lanes(int bits, int registers) {
        this.bits = bits;
        this.registers = registers;
    }

    /** Floats in a vector. */
    int count() {
        return bits / 32;
    }

    int bytes() {
        return bits / 8;
    }

    int registers() {
        return registers;
    }

    Vec register(int number) {
        if (number >= registers) {
            throw new IllegalStateException("out of registers: " + number);
        }
        return new Vec(number, bits);
    }

    /** A float in every lane, in the pool. */
    Mem constant(X86Assembler x, float value) {
        return constant(x, Float.floatToRawIntBits(value));
    }

    /** An integer in every lane, in the pool. */
    Mem constant(X86Assembler x, int value) {
        ByteBuffer all = ByteBuffer.allocate(bytes()).order(ByteOrder.LITTLE_ENDIAN);
        while (all.hasRemaining()) {
            all.putInt(value);
        }
        return x.constant(all.array());
    }

    /**
     * Readies masks for so many columns, fewer than the vectors have: in AVX2 in the highest registers.
     *
     * @param scratch is overwritten
     */
    abstract void masks(X86Assembler x, Gpr columns, Gpr scratch, int vectors);

    abstract void loadMasked(X86Assembler x, Vec to, int vector, Mem from);

    abstract void storeMasked(X86Assembler x, Mem to, int vector, Vec from);

    void zero(X86Assembler x, Vec v) {
        x.op(Op.VXORPS, v, v, v);
    }
}
