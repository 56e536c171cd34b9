package org.telltale.kernels.vector.jit;

import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R12;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R13;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R14;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R8;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R9;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RAX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RCX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RDI;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RDX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RSI;

import org.telltale.kernels.vector.jit.X86Assembler.Condition;
import org.telltale.kernels.vector.jit.X86Assembler.Label;
import org.telltale.kernels.vector.jit.X86Assembler.Mem;
import org.telltale.kernels.vector.jit.X86Assembler.Op;
import org.telltale.kernels.vector.jit.X86Assembler.Vec;

/** Emits the copy of a block's left operand as rows of bfloat16, the nearest, ties to even. Needs AVX512_BF16. */
final class LeftRounding {
    /** Depths that are rounded at a time: those of two vectors become one. */
    private static final int STEP = 32;

    private LeftRounding() {}

    /** The depth of the copy, filled up with zeros. */
    private static int padded(int depth) {
        return Math.ceilDiv(depth, STEP) * STEP;
    }

    /** Bytes from one row of the copy to the next: a line more than it needs, so that rows share no set of the cache. */
    static long stride(int depth) {
        return 2L * padded(depth) + 64;
    }

    /**
     * From {@link Block#SOURCE} to {@link Block#LEFT}; at least one row. rdi stays, rax, rcx, rdx, rsi, r8, r9, r12 to r14 and
     * the first vectors and masks are overwritten.
     */
    static void emit(X86Assembler x, Lanes lanes) {
        Vec low = lanes.register(0);
        Vec high = lanes.register(1);
        Label row = x.label();
        Label turn = x.label();
        Label rest = x.label();
        Label end = x.label();
        x.mov(R12, Block.SOURCE.in(RDI));
        x.mov(RDX, Block.SOURCE_STRIDE.in(RDI));
        x.mov(RCX, Block.LEFT.in(RDI));
        x.mov(R14, Block.LEFT_STRIDE.in(RDI));
        x.mov(R13, Block.ROWS.in(RDI));
        x.bind(row);
        x.mov(RSI, R12);
        x.mov(R8, RCX);
        x.mov(RAX, Block.SOURCE_DEPTH.in(RDI));
        x.cmp(RAX, STEP);
        x.jcc(Condition.LESS, rest);
        x.bind(turn);
        x.load(high, Mem.at(RSI, lanes.bytes()));
        x.op(Op.VCVTNE2PS2BF16, high, high, Mem.at(RSI, 0));
        x.store(Mem.at(R8, 0), high);
        x.add(RSI, 2 * lanes.bytes());
        x.add(R8, lanes.bytes());
        x.sub(RAX, STEP);
        x.cmp(RAX, STEP);
        x.jcc(Condition.GREATER_OR_EQUAL, turn);
        x.bind(rest);
        x.cmp(RAX, 0);
        x.jcc(Condition.EQUAL, end);
        lanes.masks(x, RAX, R9, 2);
        lanes.loadMasked(x, low, 0, Mem.at(RSI, 0));
        lanes.loadMasked(x, high, 1, Mem.at(RSI, lanes.bytes()));
        x.op(Op.VCVTNE2PS2BF16, high, high, low);
        x.store(Mem.at(R8, 0), high);
        x.bind(end);
        x.add(R12, RDX);
        x.add(RCX, R14);
        x.sub(R13, 1);
        x.jcc(Condition.NOT_EQUAL, row);
    }
}
