package org.telltale.kernels.vector.jit;

import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R10;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R11;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R12;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R13;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R14;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R15;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R8;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.R9;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RAX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RBP;
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
 * Emits the product of a block of rows with a run of packed panels: for each panel, for each tile of rows, a loop over
 * the depth with all sums in registers, then bias, activation and the store. One generator for every vector length and
 * every {@link Product}; tiles of a matrix unit have a loop of their own in {@link MatrixTiles}.
 *
 * <p>The code is a function of one argument, the address of a {@link Block}. In registers: rdi the block, rbp the panel's
 * first column in the result, rbx the panel, r15 the columns left, r12 the tile's first row of the left operand, rcx its
 * row of the result, r13 the rows left, rdx and r14 the strides of rows; in the loop over the depth rsi runs over the
 * panel, r8 to r11 over every third row, and rax counts; for few rows r9 is the step to the next panel.
 */
final class BlockGenerator {
    private static final List<Gpr> SAVED = List.of(RBX, RBP, R12, R13, R14, R15);

    /** Bases of rows 0, 3, 6 and 9; the two after each are reached by an index. */
    private static final Gpr[] ROW = {R8, R9, R10, R11};

    /** Rows up to which several panels are computed at a time; they leave three of the bases free. */
    private static final int FEW = 3;

    /** Bytes from one of those panels to the next. */
    private static final Gpr PANEL = R9;

    /** Steps in one turn of the loop over the depth. */
    private static final int UNROLL = 4;

    /** Bytes of a line of the cache. Two are fetched ahead in each turn: the next panel is there after a few tiles of rows. */
    private static final int LINE = 64;

    private final X86Assembler x = new X86Assembler();
    private final Lanes lanes;
    private final int rows;
    private final Product product;
    private final ResultTile results;

    /**
     * @param lanes the vectors to compute with
     * @param rows the most rows of a tile in registers
     * @param epilogue what follows the sums
     * @param product how operands are multiplied
     */
    BlockGenerator(Lanes lanes, int rows, Epilogue epilogue, Product product) {
        this.lanes = lanes;
        this.rows = rows;
        this.product = product;
        this.results = new ResultTile(x, lanes, epilogue);
    }

    byte[] generate() {
        SAVED.forEach(x::push);
        if (product.rounds()) {
            Label rounded = x.label();
            x.mov(RAX, Block.SOURCE.in(RDI));
            x.cmp(RAX, 0);
            x.jcc(Condition.EQUAL, rounded);
            LeftRounding.emit(x, lanes);
            x.bind(rounded);
        }
        x.mov(RBP, Block.RESULT.in(RDI));
        x.mov(RBX, Block.PANEL.in(RDI));
        x.mov(R15, Block.COLUMNS.in(RDI));
        x.mov(RDX, Block.LEFT_STRIDE.in(RDI));
        x.mov(R14, Block.RESULT_STRIDE.in(RDI));
        if (product == Product.TILES) {
            MatrixTiles tiles = new MatrixTiles(x, lanes, results);
            tiles.configure();
            panels(tiles::rows);
            x.tilerelease();
        } else {
            Label done = x.label();
            few(done);
            panels(this::rows);
            x.bind(done);
        }
        x.vzeroupper();
        SAVED.reversed().forEach(x::pop);
        x.ret();
        return x.finish();
    }

    /** Emits a function that does no more than round the left operand. */
    static byte[] rounding(Lanes lanes) {
        X86Assembler x = new X86Assembler();
        SAVED.forEach(x::push);
        LeftRounding.emit(x, lanes);
        x.vzeroupper();
        SAVED.reversed().forEach(x::pop);
        x.ret();
        return x.finish();
    }

    /** Panel by panel, all rows under each. */
    private void panels(Runnable allRows) {
        Label panel = x.label();
        x.bind(panel);
        x.mov(R12, Block.LEFT.in(RDI));
        x.mov(RCX, RBP);
        x.mov(R13, Block.ROWS.in(RDI));
        allRows.run();
        advance(1, panel);
    }

    /** Has the tiles of this panel fetch the slab of the next one. After the last comes what the next block reads, if any. */
    private void lookAhead() {
        x.mov(RAX, RBX);
        x.add(RAX, Block.PANEL_BYTES.in(RDI));
        x.mov(Block.AHEAD.in(RDI), RAX);
        x.mov(R8, stepBytes());
        x.mov(R9, Block.DEPTH.in(RDI));
        x.imul(R8, R9);
        x.add(RAX, R8);
        x.mov(Block.AHEAD_END.in(RDI), RAX);
    }

    /** Bytes of a panel that a step over the depth reads. */
    private int stepBytes() {
        return 2 * lanes.bytes() / (product == Product.WIDENED ? 2 : 1);
    }

    private void rows() {
        lookAhead();
        Label half = x.label();
        Label next = x.label();
        x.cmp(R15, lanes.count());
        x.jcc(Condition.LESS_OR_EQUAL, half);
        tiles(2, next);
        x.bind(half);
        tiles(1, next);
        x.bind(next);
    }

    /** Products of up to three rows: as many panels at a time as registers allow, to hide the latency of the sums. */
    private void few(Label done) {
        Label many = x.label();
        x.mov(R13, Block.ROWS.in(RDI));
        x.mov(R12, Block.LEFT.in(RDI));
        x.cmp(R13, FEW);
        x.jcc(Condition.GREATER, many);
        for (int r = FEW; r > 0; r--) {
            Label other = x.label();
            Label panels = x.label();
            int count = r == FEW ? 2 : 3;
            x.cmp(R13, r);
            x.jcc(Condition.NOT_EQUAL, other);
            x.bind(panels);
            x.cmp(R15, count * 2 * lanes.count());
            x.jcc(Condition.LESS, many);
            x.mov(RCX, RBP);
            tile(r, 2 * count, false, false);
            advance(count, panels);
            x.jmp(done);
            x.bind(other);
        }
        x.bind(many);
    }

    /** Goes on with the panels after so many, or falls through when there is none. */
    private void advance(int panels, Label next) {
        Label end = x.label();
        x.sub(R15, panels * 2 * lanes.count());
        x.jcc(Condition.LESS_OR_EQUAL, end);
        x.add(RBP, panels * 8 * lanes.count());
        for (int p = 0; p < panels; p++) {
            x.add(RBX, Block.PANEL_BYTES.in(RDI));
        }
        x.mov(RAX, panels * 8 * lanes.count());
        x.add(Block.BIAS.in(RDI), RAX);
        x.jmp(next);
        x.bind(end);
    }

    /** All rows under one panel of one or two vectors of columns. */
    private void tiles(int vectors, Label next) {
        Label[] rest = new Label[rows];
        for (int r = 1; r < rows; r++) {
            rest[r] = x.label();
        }
        Label full = x.label();
        Label tail = x.label();
        x.cmp(R13, rows);
        x.jcc(Condition.LESS, tail);
        x.bind(full);
        if (vectors == 2) {
            Label plain = x.label();
            Label done = x.label();
            x.mov(RAX, Block.AHEAD.in(RDI));
            x.mov(R8, Block.AHEAD_END.in(RDI));
            x.cmp(RAX, R8);
            x.jcc(Condition.GREATER_OR_EQUAL, plain);
            tile(rows, vectors, true, true);
            x.jmp(done);
            x.bind(plain);
            tile(rows, vectors, true, false);
            x.bind(done);
        } else {
            tile(rows, vectors, true, false);
        }
        down(rows);
        x.sub(R13, rows);
        x.cmp(R13, rows);
        x.jcc(Condition.GREATER_OR_EQUAL, full);
        x.bind(tail);
        for (int r = rows - 1; r > 0; r--) {
            x.cmp(R13, r);
            x.jcc(Condition.EQUAL, rest[r]);
        }
        x.jmp(next);
        for (int r = rows - 1; r > 0; r--) {
            x.bind(rest[r]);
            tile(r, vectors, true, false);
            x.jmp(next);
        }
    }

    /** Moves on by a tile of rows. */
    private void down(int count) {
        for (Gpr[] pair : new Gpr[][] {{R12, RDX}, {RCX, R14}}) {
            x.mov(RAX, count);
            x.imul(RAX, pair[1]);
            x.add(pair[0], RAX);
        }
    }

    /**
     * One tile.
     *
     * @param vectors of columns; two of each panel, panels side by side
     * @param ragged whether there may be fewer columns than that
     * @param ahead whether a part of the next panel is fetched meanwhile
     */
    private void tile(int count, int vectors, boolean ragged, boolean ahead) {
        Vec[][] sums = new Vec[count][vectors];
        for (int r = 0; r < count; r++) {
            for (int v = 0; v < vectors; v++) {
                sums[r][v] = lanes.register(r * vectors + v);
            }
        }
        results.start(sums, ragged);
        depth(sums, ahead);
        results.finish(sums, ragged);
    }

    // ---- the loop over the depth

    private void depth(Vec[][] sums, boolean ahead) {
        int bases = (sums.length + 2) / 3;
        x.mov(R8, R12);
        for (int i = 1; i < bases; i++) {
            x.lea(ROW[i], Mem.at(ROW[i - 1], RDX, 2, 0));
            x.add(ROW[i], RDX);
        }
        if (sums[0].length > 2) {
            x.mov(PANEL, Block.PANEL_BYTES.in(RDI));
        }
        if (product == Product.WIDENED) {
            x.load(highHalves(sums), lanes.constant(x, 0xFFFF0000));
        }
        x.mov(RSI, RBX);
        x.mov(RAX, Block.DEPTH.in(RDI));
        if (ahead) {
            // the rows left wait meanwhile
            x.push(R13);
            x.mov(R13, Block.AHEAD.in(RDI));
        }
        turns(sums, UNROLL, ahead);
        if (ahead) {
            x.mov(Block.AHEAD.in(RDI), R13);
            x.pop(R13);
        }
        if (product == Product.WIDENED) {
            turns(sums, 2, false);
        }
        turns(sums, 1, false);
    }

    /** The loop with so many steps in a turn, as long as there are that many. */
    private void turns(Vec[][] sums, int steps, boolean ahead) {
        Label turn = x.label();
        Label end = x.label();
        x.cmp(RAX, steps);
        x.jcc(Condition.LESS, end);
        x.align(32);
        x.bind(turn);
        if (ahead) {
            x.prefetcht1(Mem.at(R13, 0));
            x.prefetcht1(Mem.at(R13, LINE));
            x.add(R13, 2 * LINE);
        }
        steps(sums, steps);
        x.sub(RAX, steps);
        x.cmp(RAX, steps);
        x.jcc(Condition.GREATER_OR_EQUAL, turn);
        x.bind(end);
    }

    private void steps(Vec[][] sums, int count) {
        int vectors = sums[0].length;
        int first = sums.length * vectors;
        Vec[] right = {lanes.register(first), vectors == 1 ? lanes.register(first) : lanes.register(first + 1)};
        int temporary = product == Product.WIDENED ? first + 3 : first + 2;
        int temporaries = Math.min(lanes.registers() - temporary, 4);
        Op multiplyAdd = product == Product.PAIRS ? Op.VDPBF16PS : Op.VFMADD231PS;
        for (int s = 0; s < count; s++) {
            int row = product == Product.WIDENED ? s / 2 : s;
            for (int v = 0; v < vectors; v += 2) {
                int pair = Math.min(2, vectors - v);
                for (int i = 0; i < pair; i++) {
                    int displacement = (2 * row + i) * lanes.bytes();
                    Mem from = v == 0 ? Mem.at(RSI, displacement) : Mem.at(RSI, PANEL, v / 2, displacement);
                    if (product != Product.WIDENED) {
                        x.load(right[i], from);
                    } else if (s % 2 == 0) {
                        // a bfloat16 is the high half of a float
                        x.load(right[i], from);
                        x.vpslld(right[i], right[i], 16);
                    } else {
                        x.op(Op.VANDPS, right[i], highHalves(sums), from);
                    }
                }
                for (int r = 0; r < sums.length; r++) {
                    Vec left = lanes.register(temporary + r % temporaries);
                    x.vbroadcastss(left, left(r, 4 * s));
                    for (int i = 0; i < pair; i++) {
                        x.op(multiplyAdd, sums[r][v + i], left, right[i]);
                    }
                }
            }
        }
        x.add(RSI, count * stepBytes());
        for (int i = 0; i < (sums.length + 2) / 3; i++) {
            x.add(ROW[i], 4 * count);
        }
    }

    /** The mask of the second of each pair. */
    private Vec highHalves(Vec[][] sums) {
        return lanes.register(sums.length * sums[0].length + 2);
    }

    private static Mem left(int row, int displacement) {
        Gpr base = ROW[row / 3];
        return row % 3 == 0 ? Mem.at(base, displacement) : Mem.at(base, RDX, row % 3, displacement);
    }
}
