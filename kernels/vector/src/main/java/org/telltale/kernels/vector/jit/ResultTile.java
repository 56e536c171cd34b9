package org.telltale.kernels.vector.jit;

import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R14;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R15;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RAX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RCX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RDI;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RSI;

import org.telltale.kernels.vector.jit.X86Assembler.Condition;
import org.telltale.kernels.vector.jit.X86Assembler.Gpr;
import org.telltale.kernels.vector.jit.X86Assembler.Label;
import org.telltale.kernels.vector.jit.X86Assembler.Mem;
import org.telltale.kernels.vector.jit.X86Assembler.Op;
import org.telltale.kernels.vector.jit.X86Assembler.Vec;

/**
 * Emits what happens to a tile of sums before and after the loop over the depth. In registers: rdi the {@link Block}, rcx
 * the tile's first row of the result, r14 the bytes from one row to the next, r15 the columns left; rax and rsi are
 * overwritten.
 *
 * <p>Tiles are {@code sums[row][vector of columns]}; a ragged one may have fewer columns in the result.
 */
final class ResultTile {
    private final X86Assembler x;
    private final Lanes lanes;
    private final Epilogue epilogue;

    ResultTile(X86Assembler x, Lanes lanes, Epilogue epilogue) {
        this.x = x;
        this.lanes = lanes;
        this.epilogue = epilogue;
    }

    /** The sums that are in the result, where the block accumulates, or zeros. */
    void start(Vec[][] sums, boolean ragged) {
        Label zero = x.label();
        Label go = x.label();
        x.mov(RAX, Block.ACCUMULATE.in(RDI));
        x.cmp(RAX, 0);
        x.jcc(Condition.EQUAL, zero);
        load(sums, ragged);
        x.jmp(go);
        x.bind(zero);
        for (Vec[] row : sums) {
            for (Vec sum : row) {
                lanes.zero(x, sum);
            }
        }
        x.bind(go);
    }

    /** What is in the result. */
    void load(Vec[][] sums, boolean ragged) {
        wholeOrMasked(
                sums[0].length,
                ragged,
                () -> results(sums, (v, at, sum) -> x.load(sum, at)),
                () -> results(sums, (v, at, sum) -> lanes.loadMasked(x, sum, v, at)));
    }

    /** Whichever fits the columns that are left; masks are ready for the second, which may be left out. */
    private void wholeOrMasked(int vectors, boolean ragged, Runnable whole, Runnable masked) {
        if (!ragged) {
            whole.run();
            return;
        }
        Label few = x.label();
        Label end = x.label();
        x.cmp(R15, vectors * lanes.count());
        x.jcc(Condition.LESS, few);
        whole.run();
        x.jmp(end);
        x.bind(few);
        lanes.masks(x, R15, RAX, vectors);
        masked.run();
        x.bind(end);
    }

    private interface Place {
        void at(int vector, Mem at, Vec sum);
    }

    /** The places of a tile in the result, by rows; rax runs. */
    private void results(Vec[][] sums, Place place) {
        for (int r = 0; r < sums.length; r++) {
            Gpr row = r == 0 ? RCX : RAX;
            if (r == 1) {
                x.mov(RAX, RCX);
            }
            if (r > 0) {
                x.add(RAX, R14);
            }
            for (int v = 0; v < sums[r].length; v++) {
                place.at(v, Mem.at(row, v * lanes.bytes()), sums[r][v]);
            }
        }
    }

    /** Bias and activation, when this is the last slab of the depth, and the store. */
    void finish(Vec[][] sums, boolean ragged) {
        int vectors = sums[0].length;
        Label store = x.label();
        x.mov(RAX, Block.LAST.in(RDI));
        x.cmp(RAX, 0);
        x.jcc(Condition.EQUAL, store);
        bias(sums, ragged);
        Vec[] spare = new Vec[Epilogue.REGISTERS];
        for (int i = 0; i < spare.length; i++) {
            spare[i] = lanes.register(sums.length * vectors + i);
        }
        for (Vec[] row : sums) {
            for (Vec sum : row) {
                epilogue.emit(x, lanes, sum, spare);
            }
        }
        x.bind(store);
        wholeOrMasked(
                vectors,
                ragged,
                () -> results(sums, (v, at, sum) -> x.store(at, sum)),
                () -> results(sums, (v, at, sum) -> lanes.storeMasked(x, at, v, sum)));
    }

    private void bias(Vec[][] sums, boolean ragged) {
        int vectors = sums[0].length;
        Vec bias = lanes.register(sums.length * vectors);
        Label none = x.label();
        x.mov(RAX, Block.BIASED.in(RDI));
        x.cmp(RAX, 0);
        x.jcc(Condition.EQUAL, none);
        x.mov(RSI, Block.BIAS.in(RDI));
        wholeOrMasked(
                vectors,
                ragged,
                () -> addBias(sums, bias, (v, at) -> x.load(bias, at)),
                () -> addBias(sums, bias, (v, at) -> lanes.loadMasked(x, bias, v, at)));
        x.bind(none);
    }

    private interface Load {
        void from(int vector, Mem at);
    }

    private void addBias(Vec[][] sums, Vec bias, Load load) {
        for (int v = 0; v < sums[0].length; v++) {
            load.from(v, Mem.at(RSI, v * lanes.bytes()));
            for (Vec[] row : sums) {
                x.op(Op.VADDPS, row[v], row[v], bias);
            }
        }
    }
}
