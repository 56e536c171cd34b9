package org.telltale.kernels.vector.jit;

import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RAX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RDI;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RDX;
import static org.telltale.kernels.vector.jit.X86Assembler.Gpr.RSI;

import org.telltale.kernels.vector.jit.X86Assembler.Condition;
import org.telltale.kernels.vector.jit.X86Assembler.Label;
import org.telltale.kernels.vector.jit.X86Assembler.Mem;
import org.telltale.kernels.vector.jit.X86Assembler.Vec;

/** Emits an activation of contiguous floats: a function of two addresses, from and to, and a number of floats. */
final class MapGenerator {
    /** Vectors in one turn of the loop: their chains of operations overlap. */
    private static final int UNROLL = 2;

    private final X86Assembler x = new X86Assembler();
    private final Lanes lanes;
    private final Epilogue epilogue;

    MapGenerator(Lanes lanes, Epilogue epilogue) {
        this.lanes = lanes;
        this.epilogue = epilogue;
    }

    byte[] generate() {
        Label turn = x.label();
        Label single = x.label();
        Label last = x.label();
        Label done = x.label();
        x.cmp(RDX, UNROLL * lanes.count());
        x.jcc(Condition.LESS, single);
        x.align(32);
        x.bind(turn);
        for (int u = 0; u < UNROLL; u++) {
            x.load(sum(u), Mem.at(RDI, u * lanes.bytes()));
            epilogue.emit(x, lanes, sum(u), spare(u));
            x.store(Mem.at(RSI, u * lanes.bytes()), sum(u));
        }
        step(UNROLL);
        x.cmp(RDX, UNROLL * lanes.count());
        x.jcc(Condition.GREATER_OR_EQUAL, turn);
        x.bind(single);
        x.cmp(RDX, lanes.count());
        x.jcc(Condition.LESS, last);
        x.load(sum(0), Mem.at(RDI, 0));
        epilogue.emit(x, lanes, sum(0), spare(0));
        x.store(Mem.at(RSI, 0), sum(0));
        step(1);
        x.bind(last);
        x.cmp(RDX, 0);
        x.jcc(Condition.EQUAL, done);
        lanes.masks(x, RDX, RAX, 1);
        lanes.loadMasked(x, sum(0), 0, Mem.at(RDI, 0));
        epilogue.emit(x, lanes, sum(0), spare(0));
        lanes.storeMasked(x, Mem.at(RSI, 0), 0, sum(0));
        x.bind(done);
        x.vzeroupper();
        x.ret();
        return x.finish();
    }

    private void step(int vectors) {
        x.add(RDI, vectors * lanes.bytes());
        x.add(RSI, vectors * lanes.bytes());
        x.sub(RDX, vectors * lanes.count());
    }

    private Vec sum(int turn) {
        return lanes.register(turn);
    }

    private Vec[] spare(int turn) {
        Vec[] spare = new Vec[Epilogue.REGISTERS];
        for (int i = 0; i < spare.length; i++) {
            spare[i] = lanes.register(UNROLL + turn * Epilogue.REGISTERS + i);
        }
        return spare;
    }
}
