package org.telltale.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.telltale.api.ClipEncoder;
import org.telltale.api.ModelOptions;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.nn.L2Normalise;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.CompileOptions.Precision;
import org.telltale.engine.spi.Executable;
import org.telltale.kernels.vector.VectorBackend;
import org.telltale.models.Clip;
import org.telltale.models.ConfigFile;
import org.telltale.models.interrogate.LabelLists;
import org.telltale.models.interrogate.LabelTable;
import org.telltale.models.text.ClipBpe;

/**
 * What the interrogator's labels cost: ranking tables of the size of the original's, and encoding labels, up to their end
 * mark and with all positions of the context.
 *
 * <p>System properties: {@code bench.labels}, CLIP's folder, or {@code none} for ranking alone; {@code bench.lists}, the
 * folder with the label files; {@code bench.count}, how many labels are encoded, spread evenly over artists and flavors.
 */
final class LabelTimes {
    private static final int WIDTH = 768;
    private static final int WINDOW = 2048;
    private static final int RUNS = 50;

    /** Tokens that are computed at once, as in {@link ClipEncoder}. */
    private static final int BATCH = 1024;

    /** A prompt in the middle of a chain. */
    private static final String PROMPT =
            "arafed image of a flooded street with a car and a truck in it, a photo, by john"
                    + " sloan, trending on flickr";

    private LabelTimes() {}

    static void run() throws IOException {
        int threads = Runtime.getRuntime().availableProcessors();
        System.out.println(Processor.read().name() + ", " + threads + " threads, JDK " + Runtime.version());
        ranking(threads);
        String folder = System.getProperty("bench.labels", "none");
        if (!folder.equals("none")) {
            for (Precision precision : Precision.values()) {
                encoding(folder, precision, threads);
            }
        }
    }

    /** Unit vectors rounded to half precision, any number of them. */
    private record Rows(Map<String, Integer> sizes) implements Weights {
        @Override
        public Set<String> names() {
            return sizes.keySet();
        }

        @Override
        public Shape shape(String name) {
            return Shape.of(sizes.getOrDefault(name, 0), WIDTH);
        }

        @Override
        public DType dtype(String name) {
            return DType.F16;
        }

        @Override
        public HostTensor read(String name, Arena arena) {
            HostTensor rows = HostTensor.allocate(arena, DType.F32, shape(name));
            Operands.weight(name, rows);
            for (long i = 0; i < rows.size(); i++) {
                rows.set(i, Float.float16ToFloat(Float.floatToFloat16(rows.get(i))));
            }
            return rows;
        }

        @Override
        public void close() {}
    }

    private static void ranking(int threads) {
        Map<String, Integer> sizes = new LinkedHashMap<>();
        sizes.put("artists", 10530);
        sizes.put("flavors", 100970);
        sizes.put("mediums", 95);
        sizes.put("movements", 200);
        sizes.put("trendings", 72);
        Rows rows = new Rows(sizes);
        Params params = Params.of("tables", rows.names(), rows::shape, rows::dtype);
        List<Executable> products = new ArrayList<>();
        List<LabelTable> tables = new ArrayList<>();
        try (Backend backend = new VectorBackend(threads)) {
            sizes.forEach((name, labels) -> {
                Executable product =
                        backend.compile(LabelTable.product(params, name, labels, WIDTH), rows, CompileOptions.DEFAULT);
                products.add(product);
                tables.add(new LabelTable(
                        Collections.nCopies(labels, name),
                        query -> {
                            product.input(LabelTable.QUERY).set(query);
                            product.run();
                            return product.output(0).toFloats();
                        },
                        WINDOW));
            });
            float[] query = new float[WIDTH];
            for (int i = 0; i < WIDTH; i++) {
                query[i] = (float) Math.sin(i) / 20;
            }
            time("products alone", () -> products.forEach(Executable::run));
            time(
                    "best mode: 2000 flavors, the best of each other table",
                    () -> tables.forEach(t -> t.rank(query, WINDOW)));
            time("fast mode: 32 of all tables merged", () -> {
                float[] all = new float[111_867];
                int at = 0;
                for (Executable product : products) {
                    product.input(LabelTable.QUERY).set(query);
                    product.run();
                    float[] part = product.output(0).toFloats();
                    System.arraycopy(part, 0, all, at, part.length);
                    at += part.length;
                }
                LabelTable.rank(all, WINDOW, 32, false);
            });
            products.forEach(Executable::close);
        }
    }

    private static void time(String what, Runnable work) {
        double[] ms = new double[RUNS];
        for (int i = -RUNS; i < RUNS; i++) {
            long begin = System.nanoTime();
            work.run();
            ms[Math.max(i, 0)] = (System.nanoTime() - begin) / 1e6;
        }
        Arrays.sort(ms);
        System.out.printf(
                Locale.ROOT,
                "ranking 111,867 labels, %s: median %.1f ms, best %.1f ms, worst of %d %.1f ms%n",
                what,
                ms[RUNS / 2],
                ms[0],
                RUNS,
                ms[RUNS - 1]);
    }

    private static void encoding(String folder, Precision precision, int threads) throws IOException {
        Path lists = Path.of(System.getProperty("bench.lists"));
        List<String> all = new ArrayList<>();
        for (String name : List.of("artists", "flavors")) {
            all.addAll(LabelLists.list(lists.resolve(name + ".txt")));
        }
        int count = Math.min(Integer.getInteger("bench.count", 500), all.size());
        List<String> labels = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            labels.add(all.get((int) ((long) i * all.size() / count)));
        }
        List<String> behind = labels.stream().map(l -> PROMPT + ", " + l).toList();
        float[][] vectors;
        double seconds;
        double chained;
        try (ClipEncoder clip = ClipEncoder.open(folder, ModelOptions.DEFAULT.precision(precision))) {
            clip.encode(labels);
            long begin = System.nanoTime();
            vectors = clip.encode(labels);
            seconds = (System.nanoTime() - begin) / 1e9;
            clip.encode(behind);
            begin = System.nanoTime();
            clip.encode(behind);
            chained = (System.nanoTime() - begin) / 1e9;
        }
        double whole = whole(Path.of(folder), precision, threads, labels, vectors);
        System.out.printf(
                Locale.ROOT,
                "encoding %d labels, %s: %.1f texts/s (%.2f ms each), all positions %.1f texts/s (%.2f ms each):"
                        + " %.1f times as fast; behind a prompt %.1f texts/s%n",
                count,
                precision,
                count / seconds,
                1e3 * seconds / count,
                count / whole,
                1e3 * whole / count,
                whole / seconds,
                count / chained);
    }

    /** Seconds for the same labels, each with all positions of the context; vectors are compared. */
    private static double whole(
            Path folder, Precision precision, int threads, List<String> labels, float[][] expected) {
        Clip.Config config = Clip.Config.of(ConfigFile.read(folder.resolve("config.json")));
        ClipBpe tokenizer = ClipBpe.read(folder, config.vocabulary());
        int context = config.context();
        int rows = BATCH / context;
        try (SafeTensors weights = SafeTensors.open(folder);
                Backend backend = new VectorBackend(threads)) {
            Params params = Params.of(folder.toString(), weights.names(), weights::shape, weights::dtype);
            Tensor features = new Clip(config, params)
                    .read(Tensor.input("ids", DType.I32, rows, context), Tensor.input("ends", DType.I32, rows))
                    .features();
            Graph graph = Graph.of("whole contexts", L2Normalise.of(features));
            try (Executable text = backend.compile(graph, weights, new CompileOptions(precision))) {
                long begin = 0;
                // The first pass compiles.
                for (int pass = 0; pass < 2; pass++) {
                    begin = System.nanoTime();
                    for (int from = 0; from < labels.size(); from += rows) {
                        List<String> some = labels.subList(from, Math.min(from + rows, labels.size()));
                        fill(text, tokenizer, some, rows, context);
                        text.run();
                        compare(text.output(0).toFloats(), expected, from, some.size(), precision);
                    }
                }
                return (System.nanoTime() - begin) / 1e9;
            }
        }
    }

    private static void fill(Executable text, ClipBpe tokenizer, List<String> some, int rows, int context) {
        for (int r = 0; r < rows; r++) {
            int[] ids = tokenizer.encode(some.get(Math.min(r, some.size() - 1)), context);
            int end = 0;
            while (ids[end] != tokenizer.endId()) {
                end++;
            }
            text.input("ends").setInt(r, r * context + end);
            for (int t = 0; t < context; t++) {
                text.input("ids").setInt((long) r * context + t, t < ids.length ? ids[t] : 0);
            }
        }
    }

    private static void compare(float[] vectors, float[][] expected, int from, int count, Precision precision) {
        double most = precision == Precision.F32 ? Workload.TOLERANCE : Workload.TOLERANCE_BF16;
        for (int r = 0; r < count; r++) {
            float[] row = Arrays.copyOfRange(vectors, r * expected[from].length, (r + 1) * expected[from].length);
            if (!(Workload.difference(expected[from + r], row) <= most)) {
                throw new IllegalStateException("label " + (from + r) + " has another vector with all positions");
            }
        }
    }
}
