package org.telltale.kernels.vector;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * Pointwise ops one after the other over blocks that stay in the first-level cache. The loops are those of the single
 * ops, so the result has the same bits as if each had gone through memory.
 */
final class PointwiseChain implements Kernel, Parallel.Chunk {
    /** Elements of a block: a handful of them in flight fit a cache of 32 KiB. */
    private static final int BLOCK = 1024;

    private static final long BLOCK_BYTES = 4L * BLOCK;

    /** A value: where a block of it is found. */
    private sealed interface Place {}

    /** An operand of the result's shape. */
    private record Whole(Buffer buffer) implements Place {}

    /** An operand of one element, or a number, as a vector of copies. */
    private record Single(int slot, Buffer buffer) implements Place {}

    /** An operand that is repeated along some axes: copied out block by block. */
    private record Spread(int slot, Buffer buffer, Loops loops) implements Place {}

    /** I32 [2]: seed and step. */
    private record Counter(Buffer buffer) implements Place {}

    /** A block of scratch memory. */
    private record Scratch(int slot) implements Place {}

    /** The result itself. */
    private record Result() implements Place {}

    private record Call(Op op, int a, int b, int to) {}

    private final Parallel parallel;
    private final Workspace workspace;
    private final Buffer out;
    private final long size;
    private final List<Place> places = new ArrayList<>();
    private final Place[] operands;
    private final Call[] calls;
    private final Single[] singles;
    private final int slots;

    /** By place: the address of its first element in this run, for those with memory of their own. */
    private final long[] base;

    /** By place: the address of its block, for each worker. */
    private final long[][] blocks;

    /** A vector of copies of each single value. */
    private final long copies;

    PointwiseChain(Fused.Pointwise op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        this.parallel = parallel;
        this.workspace = workspace;
        out = operands.buffer(t);
        size = t.shape().size();
        List<Float> numbers = new ArrayList<>();
        List<Single> single = new ArrayList<>();
        int blocksOfScratch = 0;
        int vectors = 0;
        for (Tensor in : t.inputs()) {
            Buffer buffer = operands.buffer(in);
            if (in.dtype() == DType.I32) {
                places.add(new Counter(buffer));
            } else if (in.shape().size() == size) {
                places.add(new Whole(buffer));
            } else if (in.shape().size() == 1) {
                Single s = new Single(vectors++, buffer);
                single.add(s);
                places.add(s);
            } else {
                Loops loops = Loops.of(t.shape().dims(), Loops.broadcast(in.shape(), t.shape()));
                places.add(new Spread(blocksOfScratch++, buffer, loops));
            }
        }
        int inputs = places.size();
        int steps = op.steps().size();
        int[] last = new int[inputs + steps];
        Arrays.fill(last, -1);
        for (int s = 0; s < steps; s++) {
            for (int argument : op.steps().get(s).arguments()) {
                last[argument] = s;
            }
        }
        Deque<Integer> free = new ArrayDeque<>();
        List<Call> list = new ArrayList<>();
        List<Integer> numberSlots = new ArrayList<>();
        for (int s = 0; s < steps; s++) {
            Fused.Pointwise.Step step = op.steps().get(s);
            if (step.op() instanceof Primitive.Fill f) {
                numbers.add(f.value());
                numberSlots.add(vectors);
                places.add(new Single(vectors++, out));
                continue;
            }
            List<Integer> in = step.arguments();
            for (int argument : in) {
                // a loop may write over what it reads at the same place
                if (places.get(argument) instanceof Scratch done && last[argument] == s && !free.contains(done.slot)) {
                    free.push(done.slot);
                }
            }
            if (s == steps - 1) {
                places.add(new Result());
            } else {
                places.add(new Scratch(free.isEmpty() ? blocksOfScratch++ : free.pop()));
            }
            if (step.op() instanceof Fused.Activate a) {
                Pointwise.prepare(a.activation());
            }
            list.add(new Call(step.op(), in.getFirst(), in.getLast(), inputs + s));
        }
        this.operands = places.toArray(Place[]::new);
        calls = list.toArray(Call[]::new);
        singles = single.toArray(Single[]::new);
        slots = blocksOfScratch;
        base = new long[places.size()];
        blocks = new long[parallel.threads()][places.size()];
        copies = operands.arena().allocate(Math.max(64L * vectors, 64), 64).address();
        for (int i = 0; i < numbers.size(); i++) {
            repeat(numbers.get(i), copies + 64L * numberSlots.get(i));
        }
        workspace.reserve(0, BLOCK_BYTES * slots);
    }

    private static void repeat(float value, long into) {
        FloatVector.broadcast(Memory.SPECIES, value).intoMemorySegment(Memory.ALL, into, Memory.ORDER);
    }

    @Override
    public void run() {
        workspace.shared();
        for (int p = 0; p < operands.length; p++) {
            base[p] = switch (operands[p]) {
                case Whole w -> w.buffer.address();
                case Single s -> copies + 64L * s.slot;
                case Spread s -> s.buffer.address();
                case Counter c -> c.buffer.address();
                case Scratch s -> 0;
                case Result r -> out.address();
            };
        }
        for (Single s : singles) {
            repeat(Memory.get(s.buffer.address()), copies + 64L * s.slot);
        }
        parallel.forRange(Elementwise.chunks(size), this);
    }

    @Override
    public void run(int chunk, int worker) {
        long end = Math.min(size, (chunk + 1) * Elementwise.CHUNK);
        for (long at = chunk * Elementwise.CHUNK; at < end; at += BLOCK) {
            block(at, Math.min(BLOCK, end - at), worker);
        }
    }

    private void block(long at, long count, int worker) {
        long scratch = workspace.worker(worker);
        long[] block = blocks[worker];
        for (int p = 0; p < operands.length; p++) {
            block[p] = switch (operands[p]) {
                case Whole w -> base[p] + 4 * at;
                case Result r -> base[p] + 4 * at;
                case Single s -> base[p];
                case Counter c -> base[p];
                case Scratch s -> scratch + BLOCK_BYTES * s.slot;
                case Spread s -> {
                    long to = scratch + BLOCK_BYTES * s.slot;
                    spread(s.loops, base[p], at, count, to);
                    yield to;
                }
            };
        }
        for (Call call : calls) {
            long a = block[call.a];
            long to = block[call.to];
            switch (call.op) {
                case Primitive.Unary u -> Pointwise.unary(u.kind(), a, to, count);
                case Primitive.Binary b ->
                    Pairwise.run(b.kind(), a, step(call.a), block[call.b], step(call.b), to, count);
                case Fused.Activate activate -> Pointwise.activate(activate.activation(), a, to, count);
                case Primitive.RandomUniform r -> Elementwise.RandomUniform.fill(r.salt(), a, at, count, to);
                default -> throw new IllegalStateException("not pointwise: " + call.op);
            }
        }
    }

    /** Bytes from one element to the next. */
    private long step(int place) {
        return operands[place] instanceof Single ? 0 : 4;
    }

    /** Copies elements of an operand that is repeated, in the order of the result. */
    private static void spread(Loops loops, long from, long at, long count, long to) {
        int last = loops.rank() - 1;
        long inner = loops.extent(last);
        boolean repeats = loops.step(0, last) == 0;
        long end = at + count;
        long row = at / inner;
        long column = at - row * inner;
        while (at < end) {
            long n = Math.min(inner - column, end - at);
            long source = from + 4 * loops.offset(0, row * inner);
            if (repeats) {
                Movement.fill(to, Memory.get(source), n);
            } else {
                Movement.copy(source + 4 * column, to, n);
            }
            to += 4 * n;
            at += n;
            row++;
            column = 0;
        }
    }
}
