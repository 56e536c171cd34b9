package org.telltale.api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Executable;
import org.telltale.models.AttentionGruCaptioner;
import org.telltale.models.ConfigException;
import org.telltale.models.ConfigFile;
import org.telltale.models.FeatureMap;
import org.telltale.models.decode.BeamSearch;
import org.telltale.models.decode.Generation;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.decode.Logits;
import org.telltale.models.decode.Sampling;
import org.telltale.models.decode.StepFunction;
import org.telltale.models.image.ImageReader;
import org.telltale.models.image.Pixels;
import org.telltale.models.image.Preprocess;
import org.telltale.models.text.CaptionVocabulary;

/**
 * Captions pictures with a trained attention and GRU captioner, whose folder holds the network that sees them in
 * {@code features}. Thread-safe: calls from several threads take turns.
 */
public final class AttentionCaptioner implements AutoCloseable {
    private static final String FEATURES = "features";
    private static final String PICTURES = "pictures";
    private static final String ENCODED = "encoded";
    private static final String KEYS = "keys";
    private static final String WORDS = "words";
    private static final String HIDDEN = "hidden";

    private final Checkpoint checkpoint;
    private final Checkpoint encoder;
    private final ModelOptions options;
    private final AttentionGruCaptioner.Config config;
    private final Preprocess preprocess;
    private final Executable map;
    private final Executable memory;
    private final Executable step;
    private final List<Executable> opened = new ArrayList<>();

    private AttentionCaptioner(Checkpoint checkpoint, Checkpoint encoder, ModelOptions options) {
        this.checkpoint = checkpoint;
        this.encoder = encoder;
        this.options = options;
        config = AttentionGruCaptioner.Config.of(checkpoint.config);
        preprocess = Preprocess.fromJson(
                encoder.folder.resolve("preprocessor_config.json").toString(),
                encoder.file("preprocessor_config.json").json(),
                FeatureMap.of(encoder.config).imageSize());
        Tensor pictures = Tensor.input(PICTURES, DType.F32, 1, preprocess.height(), preprocess.width(), 3);
        Tensor seen = FeatureMap.of(encoder.config).of(encoder.params, pictures);
        encoder.params.verify();
        if (seen.dim(1) * seen.dim(2) != config.positions() || seen.dim(3) != config.channels()) {
            throw new ConfigException(checkpoint.config.where() + ": attention_positions " + config.positions()
                    + " and feature_dim " + config.channels() + ", but " + encoder.folder + " gives "
                    + seen.dim(1) * seen.dim(2) + " and " + seen.dim(3));
        }
        AttentionGruCaptioner model = new AttentionGruCaptioner(config, checkpoint.params);
        AttentionGruCaptioner.Memory remembered =
                model.see(Tensor.input(FEATURES, DType.F32, 1, config.positions(), config.channels()));
        Tensor hidden = Tensor.state(HIDDEN, 1, config.units());
        AttentionGruCaptioner.Step next = model.step(
                Tensor.input(WORDS, DType.I32, 1),
                hidden,
                new AttentionGruCaptioner.Memory(
                        Tensor.state(ENCODED, 1, config.positions(), config.embedding()),
                        Tensor.state(KEYS, 1, config.positions(), config.units())));
        checkpoint.params.verify();
        boolean made = false;
        try {
            map = keep(encoder.compile(Graph.of(encoder.folder + " map", seen)));
            memory = keep(checkpoint.compile(
                    Graph.of(checkpoint.folder + " memory", remembered.encoded(), remembered.keys())));
            step = keep(checkpoint.compile(Graph.of(
                    checkpoint.folder + " step",
                    List.of(next.logits(), next.attention()),
                    Map.of(hidden, next.hidden()))));
            step.bind(ENCODED, memory.output(0));
            step.bind(KEYS, memory.output(1));
            made = true;
        } finally {
            if (!made) {
                opened.forEach(Executable::close);
            }
        }
    }

    private Executable keep(Executable e) {
        opened.add(e);
        return e;
    }

    /** Whether a model's configuration is that of such a captioner. */
    public static boolean reads(Path folder) {
        return ConfigFile.read(folder.resolve("config.json"))
                .json()
                .path("model_type")
                .stringValue("")
                .equals(AttentionGruCaptioner.TYPE);
    }

    /** Opens a model folder, or an id of the local Hugging Face cache. */
    public static AttentionCaptioner open(String model, ModelOptions options) {
        return open(model, options, new Timings());
    }

    /**
     * The same, with a clock.
     *
     * @param timings told what the time goes to
     */
    public static AttentionCaptioner open(String model, ModelOptions options, Timings timings) {
        return timings.in(Timings.Stage.MODEL, () -> {
            Checkpoint checkpoint = new Checkpoint(model, options, timings);
            return checkpoint.orClose(() -> {
                Path features = checkpoint.folder.resolve(FEATURES);
                if (!Files.isDirectory(features)) {
                    throw new ModelNotFoundException(checkpoint.folder + ": no folder '" + FEATURES
                            + "' in it, expected the network whose features the captioner has learned with");
                }
                Checkpoint encoder = new Checkpoint(features, checkpoint);
                return encoder.orClose(() -> new AttentionCaptioner(checkpoint, encoder, options));
            });
        });
    }

    /** Greedy, up to the longest caption that the model has learned: the start for other options. */
    public GenerationOptions greedy() {
        return GenerationOptions.greedy().minLength(0).maxNewTokens(config.maxLength());
    }

    /** One draw from all words at each step, as the tutorial does. */
    public GenerationOptions sampling(long seed) {
        return GenerationOptions.of(new Sampling(seed, 0, 1, 1, 1)).minLength(0).maxNewTokens(config.maxLength());
    }

    /** The longest caption that the model has learned, its end mark included. */
    public int maxLength() {
        return config.maxLength();
    }

    public AttendedCaption caption(Path picture) throws IOException {
        return caption(ImageReader.read(picture, options.exif()), greedy(), () -> false);
    }

    /**
     * Captions a picture; when cancelled it throws {@link java.util.concurrent.CancellationException}.
     *
     * @throws IllegalArgumentException if beams are asked for
     */
    public synchronized AttendedCaption caption(Pixels picture, GenerationOptions how, BooleanSupplier cancelled) {
        check(how);
        Timings timings = checkpoint.timings;
        timings.in(
                Timings.Stage.PREPARE,
                () -> preprocess.into(picture, map.input(PICTURES).data(), 0));
        HostTensor seen = map.output(0);
        timings.in(Timings.Stage.VISION, () -> {
            map.run();
            memory.input(FEATURES).data().copyFrom(seen.data());
            memory.run();
        });
        CaptionVocabulary words = config.vocabulary();
        Words decoder = new Words();
        Generation g = timings.in(
                Timings.Stage.CHOICE, () -> how.generate(decoder, new int[] {words.start()}, words.end(), cancelled));
        int[] ids = g.ids();
        List<AttendedCaption.Word> attended = new ArrayList<>();
        for (int i = 1; i < ids.length; i++) {
            if (!words.decode(new int[] {ids[i]}).isEmpty()) {
                attended.add(new AttendedCaption.Word(words.word(ids[i]), decoder.attention.get(i - 1)));
            }
        }
        Caption caption = new Caption(
                words.decode(ids),
                g.best().logProb(),
                Arrays.stream(ids).boxed().toList());
        return new AttendedCaption(
                caption, attended, seen.shape().dim(1), seen.shape().dim(2));
    }

    /** Refuses beams: the hidden state is of one caption. */
    public void check(GenerationOptions how) {
        if (how.strategy() instanceof BeamSearch) {
            throw new IllegalArgumentException(
                    "an attention and GRU captioner has greedy search and sampling, no beam search");
        }
    }

    /** What computes: device, kernels in use, threads. */
    public String device() {
        return checkpoint.backend.description();
    }

    /** Word by word: the hidden state stays in the executable, the attention of each step is kept. */
    private final class Words implements StepFunction {
        final List<List<Float>> attention = new ArrayList<>();

        @Override
        public Logits start(int[] prompt) {
            step.state(HIDDEN).data().fill((byte) 0);
            return feed(prompt[0]);
        }

        @Override
        public Logits step(int[] parents, int[] tokens) {
            return feed(tokens[0]);
        }

        private Logits feed(int word) {
            step.input(WORDS).setInt(0, word);
            checkpoint.timings.in(Timings.Stage.STEP, step::run);
            List<Float> places = new ArrayList<>();
            for (float p : step.output(1).toFloats()) {
                places.add(p);
            }
            attention.add(places);
            return new Logits(step.output(0));
        }
    }

    @Override
    public synchronized void close() {
        opened.forEach(Executable::close);
        encoder.close();
        checkpoint.close();
    }
}
