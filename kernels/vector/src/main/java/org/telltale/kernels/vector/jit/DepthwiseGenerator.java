package org.telltale.kernels.vector.jit;

import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R10;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R11;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R12;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R8;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R9;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RAX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RBX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RCX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RDI;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RDX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RSI;

import java.util.List;
import org.telltale.kernels.vector.jit.X86Assembler.Condition;
import org.telltale.kernels.vector.jit.X86Assembler.Gpr;
import org.telltale.kernels.vector.jit.X86Assembler.Label;
import org.telltale.kernels.vector.jit.X86Assembler.Mem;
import org.telltale.kernels.vector.jit.X86Assembler.Op;
import org.telltale.kernels.vector.jit.X86Assembler.Vec;

/**
 * Emits a row of a depthwise convolution of NHWC pictures, whole windows, channels a multiple of the vector's length. For
 * each run of up to eight pixels and each vector of channels it goes over the input once: every input vector is multiplied
 * with all the taps that it lies under, whose weights are in registers.
 *
 * <p>The code is a function of the address of a {@link PixelRow}: rdi. r8 is the offset of the channels in bytes, r10 the
 * bytes of a pixel, rsi and r9 the rows of input and weights, rcx the input, rax counts rows of taps.
 */
final class DepthwiseGenerator {
    private static final List<Gpr> SAVED = List.of(RBX, R12);

    /** The most taps in a row: their weights, eight sums and an input fit the registers. */
    static final int MOST_TAPS = 5;

    private final X86Assembler x = new X86Assembler();
    private final Lanes lanes;
    private final int taps;
    private final int stride;
    private final int pixels;
    private final Epilogue epilogue;

    /**
     * @param taps in a row
     * @param stride in pixels, to the right
     * @param pixels the most that are computed at a time
     */
    DepthwiseGenerator(Lanes lanes, int taps, int stride, int pixels, Epilogue epilogue) {
        this.lanes = lanes;
        this.taps = taps;
        this.stride = stride;
        this.pixels = pixels;
        this.epilogue = epilogue;
    }

    byte[] generate() {
        SAVED.forEach(x::push);
        Label next = x.label();
        Label done = x.label();
        Label[] rest = new Label[pixels];
        x.mov(R10, PixelRow.PIXEL_BYTES.in(RDI));
        x.bind(next);
        x.mov(RBX, PixelRow.PIXELS.in(RDI));
        for (int p = 1; p < pixels; p++) {
            rest[p] = x.label();
            x.cmp(RBX, p);
            x.jcc(Condition.EQUAL, rest[p]);
        }
        x.cmp(RBX, 0);
        x.jcc(Condition.EQUAL, done);
        run(pixels);
        x.mov(RAX, pixels * stride);
        x.imul(RAX, R10);
        x.add(PixelRow.INPUT.in(RDI), RAX);
        x.mov(RAX, pixels);
        x.imul(RAX, R10);
        x.add(PixelRow.OUTPUT.in(RDI), RAX);
        x.mov(RAX, -pixels);
        x.add(PixelRow.PIXELS.in(RDI), RAX);
        x.jmp(next);
        for (int p = 1; p < pixels; p++) {
            x.bind(rest[p]);
            run(p);
            x.jmp(done);
        }
        x.bind(done);
        x.vzeroupper();
        SAVED.reversed().forEach(x::pop);
        x.ret();
        return x.finish();
    }

    /** So many pixels, all channels. */
    private void run(int count) {
        Label channels = x.label();
        x.xor(R8, R8);
        x.align(32);
        x.bind(channels);
        Vec[] sums = new Vec[count];
        for (int p = 0; p < count; p++) {
            sums[p] = lanes.register(p);
            lanes.zero(x, sums[p]);
        }
        Label rows = x.label();
        Label end = x.label();
        x.mov(RSI, PixelRow.INPUT.in(RDI));
        x.add(RSI, R8);
        x.mov(R9, PixelRow.WEIGHTS.in(RDI));
        x.add(R9, R8);
        x.mov(R11, PixelRow.INPUT_ROW.in(RDI));
        x.mov(R12, PixelRow.WEIGHTS_ROW.in(RDI));
        x.mov(RAX, PixelRow.TAP_ROWS.in(RDI));
        x.cmp(RAX, 0);
        x.jcc(Condition.EQUAL, end);
        x.bind(rows);
        row(sums);
        x.add(RSI, R11);
        x.add(R9, R12);
        x.sub(RAX, 1);
        x.jcc(Condition.NOT_EQUAL, rows);
        x.bind(end);
        finish(sums);
        x.add(R8, lanes.bytes());
        x.cmp(R8, R10);
        x.jcc(Condition.LESS, channels);
    }

    /** One row of taps. */
    private void row(Vec[] sums) {
        Vec[] weights = new Vec[taps];
        x.mov(RCX, R9);
        for (int k = 0; k < taps; k++) {
            weights[k] = lanes.register(sums.length + k);
            x.load(weights[k], Mem.at(RCX, 0));
            x.add(RCX, R10);
        }
        Vec input = lanes.register(sums.length + taps);
        x.mov(RCX, RSI);
        for (int i = 0; i < (sums.length - 1) * stride + taps; i++) {
            boolean loaded = false;
            for (int k = 0; k < taps; k++) {
                int p = (i - k) / stride;
                if (i < k || (i - k) % stride != 0 || p >= sums.length) {
                    continue;
                }
                if (!loaded) {
                    x.load(input, Mem.at(RCX, 0));
                    loaded = true;
                }
                x.op(Op.VFMADD231PS, sums[p], input, weights[k]);
            }
            x.add(RCX, R10);
        }
    }

    private void finish(Vec[] sums) {
        Vec bias = lanes.register(sums.length);
        x.mov(RDX, PixelRow.BIAS.in(RDI));
        x.load(bias, Mem.at(RDX, R8, 1, 0));
        for (Vec sum : sums) {
            x.op(Op.VADDPS, sum, sum, bias);
        }
        Vec[] spare = new Vec[Epilogue.REGISTERS];
        for (int i = 0; i < spare.length; i++) {
            spare[i] = lanes.register(sums.length + i);
        }
        x.mov(RDX, PixelRow.OUTPUT.in(RDI));
        for (Vec sum : sums) {
            epilogue.emit(x, lanes, sum, spare);
            x.store(Mem.at(RDX, R8, 1, 0), sum);
            x.add(RDX, R10);
        }
    }
}
