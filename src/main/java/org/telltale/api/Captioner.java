package org.telltale.api;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Executable;
import org.telltale.models.Blip;
import org.telltale.models.ConfigException;
import org.telltale.models.decode.BeamSearch;
import org.telltale.models.decode.Generation;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.decode.Greedy;
import org.telltale.models.decode.Sampling;
import org.telltale.models.image.ImageReader;
import org.telltale.models.image.Pixels;
import org.telltale.models.image.Preprocess;
import org.telltale.models.text.WordPiece;

/** Captions pictures with BLIP. Thread-safe: calls from several threads take turns. */
public final class Captioner implements AutoCloseable {
    /** What the original BLIP and the CLIP Interrogator begin every caption with (SPEC §10.6). */
    public static final String PROMPT = "a picture of ";

    /** Caches are made for lengths rounded up to multiples of this. */
    private static final int SPAN = 16;

    private final Checkpoint checkpoint;
    private final ModelOptions options;
    private final Blip.Config config;
    private final Blip blip;
    private final WordPiece tokenizer;
    private final Preprocess preprocess;
    private final String prompt;
    private final int[] promptIds;
    private final Executable vision;
    private final Map<String, HostTensor> memory = new LinkedHashMap<>();
    private BlipDecoder.@Nullable Size decoderSize;
    private @Nullable BlipDecoder decoder;

    private Captioner(Checkpoint checkpoint, Builder b) {
        this.checkpoint = checkpoint;
        options = b.options;
        Blip.Config read = Blip.Config.of(checkpoint.config);
        Float eps = b.visionEpsilon;
        config = eps == null ? read : read.withVisionEps(eps);
        tokenizer = WordPiece.read(checkpoint.folder);
        int vocabulary = config.text().vocabulary();
        if (tokenizer.vocabularySize() > vocabulary
                || config.text().begin() >= vocabulary
                || config.text().end() >= vocabulary) {
            throw new ConfigException(checkpoint.config.where() + ": vocab_size is " + vocabulary
                    + ", too small for the " + tokenizer.vocabularySize() + " words of vocab.txt and the ids "
                    + config.text().begin() + " (bos_token_id) and "
                    + config.text().end() + " (sep_token_id)");
        }
        prompt = b.prompt;
        promptIds = promptIds(prompt);
        preprocess = Preprocess.fromJson(
                checkpoint.folder.resolve("preprocessor_config.json").toString(),
                checkpoint.file("preprocessor_config.json").json(),
                config.vision().imageSize());
        blip = new Blip(config, checkpoint.params);
        Tensor pictures = Tensor.input("pictures", DType.F32, 1, preprocess.height(), preprocess.width(), 3);
        Tensor seen = blip.see(pictures).last();
        Blip.Memory remembered = blip.remember(seen);
        // Built once for its parameters only, so that a checkpoint that does not fit is refused before any work.
        blip.step(1, SPAN, SPAN, seen.dim(1));
        checkpoint.params.verify();
        List<Tensor> outputs = new ArrayList<>(remembered.keys());
        outputs.addAll(remembered.values());
        vision = checkpoint.compile(Graph.of(checkpoint.folder + " vision", outputs, Map.of()));
        int layers = config.text().layers();
        for (int i = 0; i < layers; i++) {
            memory.put("cross_key." + i, vision.output(i));
            memory.put("cross_value." + i, vision.output(layers + i));
        }
    }

    /** How to open a captioner. */
    public static final class Builder {
        private final String model;
        private ModelOptions options = ModelOptions.DEFAULT;
        private String prompt = PROMPT;
        private @Nullable Float visionEpsilon;
        private Timings timings = new Timings();

        private Builder(String model) {
            this.model = model;
        }

        public Builder options(ModelOptions value) {
            options = value;
            return this;
        }

        public Builder device(Device value) {
            options = options.device(value);
            return this;
        }

        public Builder threads(int value) {
            options = options.threads(value);
            return this;
        }

        /** The words that every caption begins with, and that are cut from it; empty for none, as in Hugging Face. */
        public Builder prompt(String value) {
            prompt = value;
            return this;
        }

        /** The vision transformer's layer norm epsilon instead of the configuration's: 1e-6 in the original code. */
        public Builder visionEpsilon(float value) {
            visionEpsilon = value;
            return this;
        }

        /** A clock that is told what the time goes to. */
        public Builder timings(Timings value) {
            timings = value;
            return this;
        }

        public Captioner open() {
            return timings.in(Timings.Stage.MODEL, () -> {
                Checkpoint checkpoint = new Checkpoint(model, options, timings);
                return checkpoint.orClose(() -> new Captioner(checkpoint, this));
            });
        }
    }

    /** For a model folder, or an id of the local Hugging Face cache. */
    public static Builder model(String model) {
        return new Builder(model);
    }

    /** Captions a picture by greedy search. */
    public Caption caption(Path picture) throws IOException {
        return caption(picture, GenerationOptions.greedy());
    }

    public Caption caption(Path picture, GenerationOptions how) throws IOException {
        return caption(ImageReader.read(picture, options.exif()), how, () -> false);
    }

    /** Captions a picture; when cancelled it throws {@link java.util.concurrent.CancellationException}. */
    public synchronized Caption caption(Pixels picture, GenerationOptions how, BooleanSupplier cancelled) {
        Generation g = generate(picture, promptIds, how, cancelled);
        int[] ids = g.ids();
        return new Caption(
                text(ids), g.best().logProb(), Arrays.stream(ids).boxed().toList());
    }

    /** What {@link #caption} does, from the ids of a prompt to those of a caption. */
    synchronized Generation generate(
            Pixels picture, int[] promptIds, GenerationOptions how, BooleanSupplier cancelled) {
        BlipDecoder ready = decoder(promptIds.length, how);
        Timings timings = checkpoint.timings;
        timings.in(
                Timings.Stage.PREPARE,
                () -> preprocess.into(picture, vision.input("pictures").data(), 0));
        timings.in(Timings.Stage.VISION, vision::run);
        return timings.in(
                Timings.Stage.CHOICE,
                () -> how.generate(ready, promptIds, config.text().end(), cancelled));
    }

    /**
     * Refuses what no caption can be generated by.
     *
     * @throws IllegalArgumentException if captions could be longer than the model's positions, or not longer than the
     *     prompt
     */
    public void check(GenerationOptions how) {
        check(promptIds.length, how);
    }

    private void check(int promptLength, GenerationOptions how) {
        int longest = how.longest(promptLength);
        if (longest > config.text().positions()) {
            throw new IllegalArgumentException("a caption of up to " + longest + " tokens is longer than the model's "
                    + config.text().positions() + " positions");
        }
        if (promptLength >= longest) {
            throw new IllegalArgumentException("a caption of at most " + longest
                    + " tokens has no room for any after the prompt's " + promptLength);
        }
    }

    /** What computes: device, kernels in use, threads. */
    public String device() {
        return checkpoint.backend.description();
    }

    private int[] promptIds(String text) {
        int[] words = tokenizer.tokenize(text);
        int[] ids = new int[words.length + 1];
        ids[0] = config.text().begin();
        System.arraycopy(words, 0, ids, 1, words.length);
        return ids;
    }

    /** Cuts as many characters as the prompt has, as the original does. */
    private String text(int[] ids) {
        String all = tokenizer.decode(ids);
        return all.substring(Math.min(prompt.length(), all.length()));
    }

    private BlipDecoder decoder(int promptLength, GenerationOptions how) {
        check(promptLength, how);
        int longest = how.longest(promptLength);
        int rows = switch (how.strategy()) {
            case Greedy g -> 1;
            case BeamSearch b -> b.beams();
            case Sampling s -> 1;
        };
        int span = Math.min((longest + SPAN - 1) / SPAN * SPAN, config.text().positions());
        BlipDecoder.Size size = new BlipDecoder.Size(span, promptLength + Math.max(span - promptLength, 1) * rows);
        BlipDecoder ready = decoder;
        if (ready == null || !size.equals(decoderSize)) {
            if (ready != null) {
                ready.close();
                decoder = null;
            }
            ready = new BlipDecoder(checkpoint::compile, blip, size, memory, checkpoint.timings);
            decoder = ready;
            decoderSize = size;
        }
        return ready;
    }

    @Override
    public synchronized void close() {
        BlipDecoder ready = decoder;
        if (ready != null) {
            ready.close();
            decoder = null;
        }
        vision.close();
        checkpoint.close();
    }
}
