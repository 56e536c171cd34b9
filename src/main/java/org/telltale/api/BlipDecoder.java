package org.telltale.api;

import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.spi.Executable;
import org.telltale.models.Blip;
import org.telltale.models.decode.Logits;
import org.telltale.models.decode.StepFunction;

/**
 * BLIP's decoder through a cache of keys and values. Every token of every row has a slot of the cache that is written
 * once and never moved: a row's past is a list of slots, so a beam search reorders its rows by copying short lists of
 * numbers. The prompt is one step whose rows are its tokens.
 */
final class BlipDecoder implements StepFunction, AutoCloseable {
    private final Function<Graph, Executable> compiler;
    private final Blip blip;
    private final Size size;
    private final Map<String, HostTensor> memory;
    private final Timings timings;
    private final Map<String, HostTensor> caches = new HashMap<>();
    private final Map<Integer, Executable> steps = new LinkedHashMap<>();
    private final Arena arena = Arena.ofShared();
    private int[][] past = new int[0][];

    /** The longest sequence, and the slots of the cache. */
    record Size(int span, int slots) {}

    /**
     * @param memory the picture's keys and values by the names of their states: outputs of another executable of the same
     *     backend, which change when that one runs
     */
    BlipDecoder(
            Function<Graph, Executable> compiler,
            Blip blip,
            Size size,
            Map<String, HostTensor> memory,
            Timings timings) {
        this.compiler = compiler;
        this.blip = blip;
        this.size = size;
        this.memory = memory;
        this.timings = timings;
    }

    @Override
    public Logits start(int[] prompt) {
        int[][] rows = new int[prompt.length][];
        for (int r = 0; r < prompt.length; r++) {
            rows[r] = new int[r + 1];
            for (int t = 0; t <= r; t++) {
                rows[r][t] = t;
            }
        }
        HostTensor all = timings.in(Timings.Stage.PROMPT, () -> run(prompt, rows));
        past = new int[][] {rows[prompt.length - 1]};
        int vocabulary = all.shape().dim(1);
        long row = 4L * vocabulary;
        return new Logits(
                new HostTensor(Shape.of(1, vocabulary), DType.F32, all.data().asSlice((prompt.length - 1) * row, row)));
    }

    @Override
    public Logits step(int[] parents, int[] tokens) {
        int length = past[0].length;
        int next = 1 + last(past);
        int[][] rows = new int[tokens.length][];
        for (int r = 0; r < tokens.length; r++) {
            rows[r] = java.util.Arrays.copyOf(past[parents[r]], length + 1);
            rows[r][length] = next + r;
        }
        HostTensor logits = timings.in(Timings.Stage.STEP, () -> run(tokens, rows));
        past = rows;
        return new Logits(logits);
    }

    private static int last(int[][] rows) {
        int[] row = rows[rows.length - 1];
        return row[row.length - 1];
    }

    /** Feeds a token to each row, whose slots end with the token's own. */
    private HostTensor run(int[] tokens, int[][] rows) {
        Executable e = steps.computeIfAbsent(tokens.length, this::compile);
        HostTensor ids = e.input("ids");
        HostTensor positions = e.input("positions");
        HostTensor slots = e.input("slots");
        HostTensor lengths = e.input("lengths");
        HostTensor table = e.input("table");
        for (int r = 0; r < tokens.length; r++) {
            int length = rows[r].length;
            ids.setInt(r, tokens[r]);
            positions.setInt(r, length - 1);
            slots.setInt(r, rows[r][length - 1]);
            lengths.setInt(r, length);
            for (int t = 0; t < length; t++) {
                table.setInt((long) r * size.span + t, rows[r][t]);
            }
        }
        e.run();
        return e.output(0);
    }

    private Executable compile(int rows) {
        int tokens = memory.values().iterator().next().shape().dim(1);
        Blip.Step step = blip.step(rows, size.span, size.slots, tokens);
        Graph graph = Graph.of("BLIP step of " + rows, List.of(step.logits()), step.updates());
        Executable e = compiler.apply(graph);
        try {
            memory.forEach(e::bind);
            step.updates().keySet().forEach(state -> {
                String name = ((Primitive.State) state.op()).name();
                e.bind(name, caches.computeIfAbsent(name, n -> HostTensor.allocate(arena, DType.F32, state.shape())));
            });
        } catch (RuntimeException | Error failed) {
            e.close();
            throw failed;
        }
        return e;
    }

    @Override
    public void close() {
        steps.values().forEach(Executable::close);
        arena.close();
    }
}
