package org.telltale.kernels.vector.jit;

import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R10;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R11;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R12;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R13;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R14;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R8;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R9;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RAX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RBX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RCX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RDI;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RDX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RSI;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.telltale.kernels.vector.jit.X86Assembler.Condition;
import org.telltale.kernels.vector.jit.X86Assembler.Label;
import org.telltale.kernels.vector.jit.X86Assembler.Mem;
import org.telltale.kernels.vector.jit.X86Assembler.Vec;

/**
 * Emits the rows of a block under one panel of 32 columns with the matrix unit, AMX: two by two tiles of sums, 16 by 16
 * each, from two tiles of the left operand, 16 rows by 32 of the depth, and two of the panel, 16 pairs of the depth by 16
 * columns. Registers are those of {@link BlockGenerator}; rows of the left operand are bfloat16.
 *
 * <p>Tiles cannot be reached by vector instructions, so that sums come and go through memory, [32 rows][32 columns] at
 * {@link Block#SUMS}: those of the result before the loop, where the block accumulates, and then all, for bias and
 * activation. Tiles are always whole: rows after the last are computed from what is there and never stored.
 */
final class MatrixTiles {
    /** Rows of a tile. */
    private static final int TILE = 16;

    /** Rows of two tiles. */
    static final int ROWS = 2 * TILE;

    /** Bytes of a row of a tile: 16 sums, or 32 of the depth of the left operand, or 16 pairs of the panel. */
    private static final int ROW_BYTES = 64;

    /** Bytes from one row of a panel, or of the sums, to the next: those of two tiles side by side. */
    private static final int STRIDE = 2 * ROW_BYTES;

    /** Bytes of the sums. */
    static final long SUMS_BYTES = (long) ROWS * STRIDE;

    private static final int TILES = 8;

    /** Tiles 0 to 3 are sums, row by row; then two of the left operand and two of the panel. */
    private static final int LEFT = 4;

    private static final int RIGHT = 6;

    private final X86Assembler x;
    private final ResultTile results;
    private final Vec[][] row;

    MatrixTiles(X86Assembler x, Lanes lanes, ResultTile results) {
        this.x = x;
        this.results = results;
        this.row = new Vec[][] {{lanes.register(0), lanes.register(1)}};
    }

    /** Gives all tiles their form; they must be released at the end. */
    void configure() {
        ByteBuffer form = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        form.put(0, (byte) 1);
        for (int t = 0; t < TILES; t++) {
            form.putShort(16 + 2 * t, (short) ROW_BYTES);
            form.put(48 + t, (byte) TILE);
        }
        x.ldtilecfg(x.constant(form.array()));
    }

    /** All rows. */
    void rows() {
        Label turn = x.label();
        Label one = x.label();
        Label end = x.label();
        x.mov(R10, STRIDE);
        x.mov(R11, Block.SUMS.in(RDI));
        x.bind(turn);
        x.cmp(R13, TILE);
        x.jcc(Condition.LESS_OR_EQUAL, one);
        tiles(2);
        x.mov(RAX, ROWS);
        x.imul(RAX, RDX);
        x.add(R12, RAX);
        x.sub(R13, ROWS);
        x.jcc(Condition.LESS_OR_EQUAL, end);
        x.jmp(turn);
        x.bind(one);
        tiles(1);
        x.bind(end);
    }

    /** One or two tiles of rows; rcx moves on to the row after them. */
    private void tiles(int count) {
        start(count);
        depth(count);
        eachSum(count, (tile, at) -> x.tilestored(at, tile));
        eachRow(count, () -> {
            for (int v = 0; v < 2; v++) {
                x.load(row[0][v], Mem.at(R9, v * ROW_BYTES));
            }
            results.finish(row, true);
        });
    }

    private void start(int count) {
        Label zero = x.label();
        Label go = x.label();
        x.mov(RAX, Block.ACCUMULATE.in(RDI));
        x.cmp(RAX, 0);
        x.jcc(Condition.EQUAL, zero);
        x.push(RCX);
        eachRow(count, () -> {
            results.load(row, true);
            for (int v = 0; v < 2; v++) {
                x.store(Mem.at(R9, v * ROW_BYTES), row[0][v]);
            }
        });
        x.pop(RCX);
        eachSum(count, x::tileloadd);
        x.jmp(go);
        x.bind(zero);
        eachSum(count, (tile, at) -> x.tilezero(tile));
        x.bind(go);
    }

    private interface Sum {
        void at(int tile, Mem at);
    }

    /** The tiles of sums and their places in memory. */
    private static void eachSum(int count, Sum sum) {
        for (int t = 0; t < 2 * count; t++) {
            sum.at(t, Mem.at(R11, R10, 1, t / 2 * TILE * STRIDE + t % 2 * ROW_BYTES));
        }
    }

    /** The rows of so many tiles, as far as there are any: r9 runs over the sums in memory, rcx over the result. */
    private void eachRow(int count, Runnable body) {
        Label all = x.label();
        Label next = x.label();
        x.mov(R8, count * TILE);
        x.cmp(R13, R8);
        x.jcc(Condition.GREATER_OR_EQUAL, all);
        x.mov(R8, R13);
        x.bind(all);
        x.mov(R9, R11);
        x.bind(next);
        body.run();
        x.add(R9, STRIDE);
        x.add(RCX, R14);
        x.sub(R8, 1);
        x.jcc(Condition.NOT_EQUAL, next);
    }

    private void depth(int count) {
        Label step = x.label();
        Label end = x.label();
        x.mov(R8, R12);
        if (count == 2) {
            x.mov(R9, TILE);
            x.imul(R9, RDX);
            x.add(R9, R12);
        }
        x.mov(RSI, RBX);
        x.mov(RAX, Block.DEPTH.in(RDI));
        x.cmp(RAX, 0);
        x.jcc(Condition.EQUAL, end);
        x.align(32);
        x.bind(step);
        x.tileloadd(LEFT, Mem.at(R8, RDX, 1, 0));
        if (count == 2) {
            x.tileloadd(LEFT + 1, Mem.at(R9, RDX, 1, 0));
            x.add(R9, ROW_BYTES);
        }
        x.add(R8, ROW_BYTES);
        for (int v = 0; v < 2; v++) {
            x.tileloadd(RIGHT + v, Mem.at(RSI, R10, 1, v * ROW_BYTES));
        }
        x.add(RSI, TILE * STRIDE);
        for (int t = 0; t < 2 * count; t++) {
            x.tdpbf16ps(t, LEFT + t / 2, RIGHT + t % 2);
        }
        x.sub(RAX, 1);
        x.jcc(Condition.NOT_EQUAL, step);
        x.bind(end);
    }
}
