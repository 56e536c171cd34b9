package org.telltale.api;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.Weights;
import org.telltale.engine.nn.L2Normalise;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.models.Clip;
import org.telltale.models.ConfigException;
import org.telltale.models.ConfigFile;
import org.telltale.models.image.ImageReader;
import org.telltale.models.image.Pixels;
import org.telltale.models.image.Preprocess;
import org.telltale.models.interrogate.TextEncoder;
import org.telltale.models.text.ClipBpe;

/**
 * Pictures and texts as vectors of unit length in CLIP's space, where the cosine of two says how alike they are.
 * Thread-safe: calls from several threads take turns.
 */
public final class ClipEncoder implements TextEncoder, AutoCloseable {
    private static final String PICTURES = "pictures";

    /** Lengths of texts are rounded up to multiples of this. */
    private static final int BUCKET = 8;

    /** About so many tokens are computed at once. */
    private static final int BATCH = 1024;

    private final Checkpoint checkpoint;
    private final ModelOptions options;
    private final Clip.Config config;
    private final Clip clip;
    private final ClipBpe tokenizer;
    private final Preprocess preprocess;
    private final Executable vision;
    private final Map<List<Integer>, Executable> buckets = new HashMap<>();
    private final double scale;

    private ClipEncoder(Checkpoint checkpoint, ModelOptions options, boolean torchvision) {
        this.checkpoint = checkpoint;
        this.options = options;
        config = Clip.Config.of(checkpoint.config);
        tokenizer = ClipBpe.read(checkpoint.folder, config.vocabulary());
        preprocess = preprocess(checkpoint, config, torchvision);
        clip = new Clip(config, checkpoint.params);
        Tensor pictures = Tensor.input(PICTURES, DType.F32, 1, preprocess.height(), preprocess.width(), 3);
        Tensor seen = L2Normalise.of(clip.see(pictures).features());
        // Built once for its parameters only, so that a checkpoint that does not fit is refused before any work.
        textGraph(1, Math.min(BUCKET, config.context()));
        checkpoint.params.verify();
        scale = scale(checkpoint);
        vision = checkpoint.compile(Graph.of(checkpoint.folder + " vision", seen));
    }

    private static double scale(Checkpoint checkpoint) {
        if (!checkpoint.weights.names().contains("logit_scale")) {
            throw new ConfigException(checkpoint.folder + ": no tensor logit_scale, expected a CLIP checkpoint");
        }
        try (Arena arena = Arena.ofConfined()) {
            return Math.exp(checkpoint.weights.read("logit_scale", arena).get(0));
        }
    }

    private static Preprocess preprocess(Checkpoint checkpoint, Clip.Config config, boolean torchvision) {
        int size = config.imageSize();
        boolean openClip = checkpoint.config.has("model_cfg");
        if (openClip && checkpoint.config.has("preprocess_cfg")) {
            requireUsual(checkpoint.config.at("preprocess_cfg"));
        }
        if (openClip || torchvision) {
            return Preprocess.clip(size, Preprocess.CropRule.TORCHVISION);
        }
        Preprocess read = Preprocess.fromJson(
                checkpoint.folder.resolve("preprocessor_config.json").toString(),
                checkpoint.file("preprocessor_config.json").json(),
                size);
        if (read.width() != size || read.height() != size) {
            throw new ConfigException(checkpoint.config.where() + ": image_size is " + size
                    + ", but preprocessor_config.json makes pictures of " + read.width() + "x" + read.height());
        }
        return read;
    }

    /** open_clip's own preprocessing is the only one known: what differs from it is refused. */
    private static void requireUsual(ConfigFile c) {
        boolean usual = (!c.has("interpolation") || c.text("interpolation").equals("bicubic"))
                && (!c.has("resize_mode") || c.text("resize_mode").equals("shortest"))
                && (!c.has("mean") || c.json().get("mean").toString().equals("[0.48145466,0.4578275,0.40821073]"))
                && (!c.has("std") || c.json().get("std").toString().equals("[0.26862954,0.26130258,0.27577711]"));
        if (!usual) {
            throw new ConfigException(
                    c.where() + ": expected bicubic interpolation to the shortest side and CLIP's mean and std");
        }
    }

    /** Opens a model folder, or an id of the local Hugging Face cache. */
    public static ClipEncoder open(String model, ModelOptions options) {
        return open(model, options, new Timings());
    }

    /** As the other {@code open}, and tells a clock what the time goes to. */
    public static ClipEncoder open(String model, ModelOptions options, Timings timings) {
        return open(model, options, timings, false);
    }

    /** @param torchvision whether pictures are cropped as open_clip does, also for a folder of Hugging Face */
    static ClipEncoder open(String model, ModelOptions options, Timings timings, boolean torchvision) {
        return timings.in(Timings.Stage.MODEL, () -> {
            Checkpoint checkpoint = new Checkpoint(model, options, timings);
            return checkpoint.orClose(() -> new ClipEncoder(checkpoint, options, torchvision));
        });
    }

    /** The width of vectors. */
    public int width() {
        return config.embedding();
    }

    /** What cosines are multiplied with before a softmax over texts: {@code exp(logit_scale)}. */
    public double scale() {
        return scale;
    }

    public float[] encode(Path picture) throws IOException {
        return encode(ImageReader.read(picture, options.exif()));
    }

    public synchronized float[] encode(Pixels picture) {
        Timings timings = checkpoint.timings;
        timings.in(
                Timings.Stage.PREPARE,
                () -> preprocess.into(picture, vision.input(PICTURES).data(), 0));
        timings.in(Timings.Stage.VISION, vision::run);
        return vision.output(0).toFloats();
    }

    public float[] encode(String text) {
        return encode(List.of(text))[0];
    }

    /** The vectors of texts, in their order. Longer texts than the model's context lose their end. */
    @Override
    public synchronized float[][] encode(List<String> texts) {
        List<int[]> ids = checkpoint.timings.in(
                Timings.Stage.PREPARE, () -> texts.stream().map(this::upToEnd).toList());
        // Texts of the same tokens are computed once.
        Map<IntBuffer, List<Integer>> places = new LinkedHashMap<>();
        for (int i = 0; i < ids.size(); i++) {
            places.computeIfAbsent(IntBuffer.wrap(ids.get(i)), k -> new ArrayList<>())
                    .add(i);
        }
        Map<Integer, List<int[]>> byLength = new TreeMap<>();
        places.keySet()
                .forEach(k -> byLength.computeIfAbsent(bucket(k.array().length), n -> new ArrayList<>())
                        .add(k.array()));
        float[][] out = new float[texts.size()][];
        byLength.forEach((length, distinct) -> {
            int rows = Math.max(1, BATCH / length);
            for (int from = 0; from < distinct.size(); from += rows) {
                List<int[]> batch = distinct.subList(from, Math.min(from + rows, distinct.size()));
                float[] vectors = run(batch, batch.size() == 1 ? 1 : rows, length);
                for (int r = 0; r < batch.size(); r++) {
                    float[] vector = Arrays.copyOfRange(vectors, r * width(), (r + 1) * width());
                    places.getOrDefault(IntBuffer.wrap(batch.get(r)), List.of()).forEach(i -> out[i] = vector);
                }
            }
        });
        return out;
    }

    @Override
    public boolean fills(String text) {
        return tokenizer.encode(text, config.context()).length == config.context();
    }

    private int bucket(int length) {
        return Math.min((length + BUCKET - 1) / BUCKET * BUCKET, config.context());
    }

    /** The ids up to the first end mark: those after it change nothing. */
    private int[] upToEnd(String text) {
        int[] ids = tokenizer.encode(text, config.context());
        int end = 0;
        while (ids[end] != tokenizer.endId()) {
            end++;
        }
        return Arrays.copyOf(ids, end + 1);
    }

    /** Rows without a text repeat the last one. */
    private float[] run(List<int[]> texts, int rows, int length) {
        Executable e = buckets.computeIfAbsent(List.of(rows, length), k -> checkpoint.compile(textGraph(rows, length)));
        HostTensor ids = e.input("ids");
        HostTensor ends = e.input("ends");
        for (int r = 0; r < rows; r++) {
            int[] text = texts.get(Math.min(r, texts.size() - 1));
            for (int t = 0; t < length; t++) {
                ids.setInt((long) r * length + t, t < text.length ? text[t] : 0);
            }
            ends.setInt(r, r * length + text.length - 1);
        }
        checkpoint.timings.in(Timings.Stage.TEXTS, e::run);
        return e.output(0).toFloats();
    }

    private Graph textGraph(int rows, int length) {
        Tensor ids = Tensor.input("ids", DType.I32, rows, length);
        Tensor ends = Tensor.input("ends", DType.I32, rows);
        Tensor features = clip.read(ids, ends).features();
        return Graph.of(checkpoint.folder + " " + rows + " texts of " + length + " tokens", L2Normalise.of(features));
    }

    /** A graph over other weights than the model's, always in F32; it must be closed before this encoder. */
    Executable compile(Graph graph, Weights weights) {
        return checkpoint.timings.in(
                Timings.Stage.COMPILE, () -> checkpoint.backend.compile(graph, weights, CompileOptions.DEFAULT));
    }

    /** What computes: device, kernels in use, threads. */
    public String device() {
        return checkpoint.backend.description();
    }

    @Override
    public synchronized void close() {
        buckets.values().forEach(Executable::close);
        vision.close();
        checkpoint.close();
    }
}
