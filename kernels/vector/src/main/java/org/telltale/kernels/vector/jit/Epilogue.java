package org.telltale.kernels.vector.jit;

import static org.telltale.kernels.vector.jit.X86Assembler.Op.VADDPS;
import static org.telltale.kernels.vector.jit.X86Assembler.Op.VANDPS;
import static org.telltale.kernels.vector.jit.X86Assembler.Op.VDIVPS;
import static org.telltale.kernels.vector.jit.X86Assembler.Op.VFMADD213PS;
import static org.telltale.kernels.vector.jit.X86Assembler.Op.VFMADD231PS;
import static org.telltale.kernels.vector.jit.X86Assembler.Op.VFNMADD231PS;
import static org.telltale.kernels.vector.jit.X86Assembler.Op.VMAXPS;
import static org.telltale.kernels.vector.jit.X86Assembler.Op.VMINPS;
import static org.telltale.kernels.vector.jit.X86Assembler.Op.VMULPS;
import static org.telltale.kernels.vector.jit.X86Assembler.Op.VPADDD;
import static org.telltale.kernels.vector.jit.X86Assembler.Op.VSUBPS;

import org.telltale.kernels.vector.jit.X86Assembler.Vec;

/**
 * Activations of sums that are still in registers, by the formulas of the Vector API's; NaN stays. Where those choose
 * between values these clamp the arguments, which needs no mask: gelu is off by up to 6e-9 beyond ±6, and a result that
 * is 0 there may be 1e-38 here.
 */
enum Epilogue {
    NONE {
        @Override
        void emit(X86Assembler x, Lanes lanes, Vec sum, Vec[] t) {}
    },
    RELU {
        @Override
        void emit(X86Assembler x, Lanes lanes, Vec sum, Vec[] t) {
            lanes.zero(x, t[0]);
            x.op(VMAXPS, sum, t[0], sum);
        }
    },
    RELU6 {
        @Override
        void emit(X86Assembler x, Lanes lanes, Vec sum, Vec[] t) {
            RELU.emit(x, lanes, sum, t);
            x.load(t[0], lanes.constant(x, 6f));
            x.op(VMINPS, sum, t[0], sum);
        }
    },
    GELU_ERF {
        @Override
        void emit(X86Assembler x, Lanes lanes, Vec sum, Vec[] t) {
            magnitude(x, lanes, sum, t);
            x.load(t[0], lanes.constant(x, Coefficients.TAIL_7));
            for (float c : new float[] {
                Coefficients.TAIL_6,
                Coefficients.TAIL_5,
                Coefficients.TAIL_4,
                Coefficients.TAIL_3,
                Coefficients.TAIL_2,
                Coefficients.TAIL_1,
                Coefficients.TAIL_0
            }) {
                x.op(VFMADD213PS, t[0], t[1], lanes.constant(x, c));
            }
            exponential(x, lanes, t);
            magnitude(x, lanes, sum, t);
            x.op(VMULPS, t[0], t[0], t[1]);
            lanes.zero(x, t[1]);
            x.op(VMAXPS, sum, t[1], sum);
            x.op(VSUBPS, sum, sum, t[0]);
        }
    },
    GELU_TANH {
        @Override
        void emit(X86Assembler x, Lanes lanes, Vec sum, Vec[] t) {
            x.op(VMULPS, t[0], sum, sum);
            x.load(t[1], lanes.constant(x, Coefficients.GELU_CUBIC));
            x.op(VFMADD213PS, t[0], t[1], lanes.constant(x, 1f));
            x.op(VMULPS, t[0], t[0], sum);
            x.op(VMULPS, t[0], t[0], lanes.constant(x, Coefficients.GELU_SCALE));
            divide(x, lanes, sum, t);
        }
    },
    QUICK_GELU {
        @Override
        void emit(X86Assembler x, Lanes lanes, Vec sum, Vec[] t) {
            x.op(VMULPS, t[0], sum, lanes.constant(x, Coefficients.QUICK_SCALE));
            divide(x, lanes, sum, t);
        }
    },
    SILU {
        @Override
        void emit(X86Assembler x, Lanes lanes, Vec sum, Vec[] t) {
            x.op(VMULPS, t[0], sum, lanes.constant(x, -1f));
            divide(x, lanes, sum, t);
        }
    },
    SIGMOID {
        @Override
        void emit(X86Assembler x, Lanes lanes, Vec sum, Vec[] t) {
            x.op(VMULPS, t[0], sum, lanes.constant(x, -1f));
            x.load(sum, lanes.constant(x, 1f));
            divide(x, lanes, sum, t);
        }
    };

    /** The exponential of this overflows to infinity, and that of more would not. */
    private static final float INFINITE = 89;

    /** Registers that an activation may overwrite. */
    static final int REGISTERS = 4;

    /** Replaces a sum by its activation. */
    abstract void emit(X86Assembler x, Lanes lanes, Vec sum, Vec[] t);

    /** The magnitude of the sum, up to the end of the tail, to the second register; the third is overwritten. */
    private static void magnitude(X86Assembler x, Lanes lanes, Vec sum, Vec[] t) {
        x.op(VANDPS, t[1], sum, lanes.constant(x, Integer.MAX_VALUE));
        x.load(t[2], lanes.constant(x, Coefficients.TAIL_END));
        x.op(VMINPS, t[1], t[2], t[1]);
    }

    /** sum / (1 + e^t0). */
    private static void divide(X86Assembler x, Lanes lanes, Vec sum, Vec[] t) {
        // the operand that is returned where one is NaN comes second
        x.load(t[1], lanes.constant(x, INFINITE));
        x.op(VMINPS, t[0], t[1], t[0]);
        x.load(t[1], lanes.constant(x, Coefficients.EXP_LEAST));
        x.op(VMAXPS, t[0], t[1], t[0]);
        exponential(x, lanes, t);
        x.op(VADDPS, t[0], t[0], lanes.constant(x, 1f));
        x.op(VDIVPS, sum, sum, t[0]);
    }

    /** e^t0 to t0, for results that are normal numbers; overwrites the others. */
    private static void exponential(X86Assembler x, Lanes lanes, Vec[] t) {
        x.load(t[1], lanes.constant(x, Coefficients.ROUND));
        x.op(VFMADD231PS, t[1], t[0], lanes.constant(x, Coefficients.LOG2_E));
        x.op(VSUBPS, t[2], t[1], lanes.constant(x, Coefficients.ROUND));
        x.op(VFNMADD231PS, t[0], t[2], lanes.constant(x, Coefficients.LN2_HIGH));
        x.op(VFNMADD231PS, t[0], t[2], lanes.constant(x, Coefficients.LN2_LOW));
        // 2 p times 2^(k-1), since 2^k itself overflows for the largest results
        x.op(VPADDD, t[1], t[1], lanes.constant(x, 126));
        x.vpslld(t[1], t[1], 23);
        x.load(t[2], lanes.constant(x, Coefficients.EXP_6));
        for (float c : new float[] {Coefficients.EXP_5, Coefficients.EXP_4, Coefficients.EXP_3, 0.5f}) {
            x.op(VFMADD213PS, t[2], t[0], lanes.constant(x, c));
        }
        x.op(VMULPS, t[3], t[0], t[0]);
        x.op(VFMADD213PS, t[2], t[3], t[0]);
        x.op(VADDPS, t[2], t[2], lanes.constant(x, 1f));
        x.op(VADDPS, t[2], t[2], t[2]);
        x.op(VMULPS, t[0], t[2], t[1]);
    }
}
