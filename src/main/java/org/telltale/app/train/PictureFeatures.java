package org.telltale.app.train;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.telltale.api.ModelOptions;
import org.telltale.app.data.BatchLoader;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Dataset;
import org.telltale.app.data.Features;
import org.telltale.app.data.LoaderOptions;
import org.telltale.app.data.Minibatch;
import org.telltale.app.data.PictureOptions;
import org.telltale.app.data.Reasons;
import org.telltale.app.data.Sample;
import org.telltale.app.data.Split;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.SafeTensorsWriter;
import org.telltale.engine.io.WeightsException;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.models.FeatureMap;
import org.telltale.models.image.Augmentation;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What an encoder makes of pictures, computed once: [pictures, positions, channels] in native memory, and in a file for
 * later runs if one is named. The file says what it was computed of; where that has changed it is computed anew.
 */
final class PictureFeatures {
    private static final int BATCH = 8;
    private static final String KEY = "telltale";
    private static final String MISSING = "missing";

    private final CaptionParent.Encoder encoder;
    private final ModelOptions options;
    private final Consumer<String> note;
    private final BooleanSupplier cancelled;

    /**
     * @param note hears a line about what the user should know
     * @param cancelled asked after every batch
     */
    PictureFeatures(
            CaptionParent.Encoder encoder, ModelOptions options, Consumer<String> note, BooleanSupplier cancelled) {
        this.encoder = encoder;
        this.options = options;
        this.note = note;
        this.cancelled = cancelled;
    }

    /**
     * Of pictures in their order.
     *
     * @param cache the file, if any
     * @param arena of the values
     */
    Features of(List<Path> pictures, Optional<Path> cache, Arena arena) throws InterruptedException {
        String key = key(pictures);
        if (cache.isPresent() && Files.exists(cache.get())) {
            Optional<Features> kept = read(cache.get(), key, arena);
            if (kept.isPresent()) {
                note.accept("features of " + pictures.size() + " pictures from " + cache.get());
                return kept.get();
            }
            note.accept(cache.get() + ": features of other pictures or of another encoder; computed anew");
        }
        Features features = compute(pictures, arena);
        if (cache.isPresent()) {
            write(cache.get(), key, features);
        }
        return features;
    }

    private Features compute(List<Path> pictures, Arena arena) throws InterruptedException {
        long began = System.nanoTime();
        List<Sample.Picture> samples = pictures.stream()
                .map(p -> new Sample.Picture(p.toString(), p, ""))
                .toList();
        Dataset<Sample.Picture> set = new Dataset<>(List.of(), Map.of(Split.TRAIN, samples), List.of());
        PictureOptions how = new PictureOptions(encoder.preprocess(), options.exif(), Augmentation.none());
        Map<Integer, String> missing = new HashMap<>();
        for (int i = 0; i < pictures.size(); i++) {
            missing.put(i, pictures.get(i) + ": cannot be read");
        }
        try (SafeTensors weights = SafeTensors.open(encoder.folder());
                Backend backend = options.device().open(options.threads());
                Executable e = compile(backend, weights);
                BatchLoader loader = BatchLoader.pictures(set, Split.TRAIN, how, LoaderOptions.measuring(BATCH, 1))) {
            Shape one = e.output(0).shape();
            HostTensor values =
                    HostTensor.allocate(arena, DType.F32, Shape.of(pictures.size(), one.dim(1), one.dim(2)));
            long row = 4L * one.dim(1) * one.dim(2);
            for (int b = 0; b < loader.batches(); b++) {
                if (cancelled.getAsBoolean()) {
                    throw new CancellationException("stopped while the features were computed");
                }
                Minibatch batch = loader.next();
                batch.unreadable().forEach(note);
                e.bind(Network.PICTURES, batch.tensor(Network.PICTURES));
                e.run();
                for (int i = 0; i < batch.size(); i++) {
                    missing.remove(batch.sample(i));
                    values.data()
                            .asSlice(batch.sample(i) * row, row)
                            .copyFrom(e.output(0).data().asSlice(i * row, row));
                }
            }
            note.accept(String.format(
                    Locale.ROOT,
                    "features of %d pictures, %d places of %d channels, in %.1f s",
                    pictures.size(),
                    one.dim(1),
                    one.dim(2),
                    (System.nanoTime() - began) / 1e9));
            return new Features(values, missing);
        }
    }

    private Executable compile(Backend backend, SafeTensors weights) {
        Params params = Params.of(encoder.folder().toString(), weights.names(), weights::shape, weights::dtype);
        Tensor pictures = Tensor.input(
                Network.PICTURES,
                DType.F32,
                BATCH,
                encoder.preprocess().height(),
                encoder.preprocess().width(),
                3);
        Graph graph = Graph.of("features", FeatureMap.places(encoder.map().of(params, pictures)));
        params.verify();
        return backend.compile(graph, weights, new CompileOptions(options.precision()));
    }

    /** Of all that the values depend on; pictures count by path, size and time. */
    private String key(List<Path> pictures) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            StringBuilder text = new StringBuilder();
            text.append(new TreeMap<>(encoder.sha256()))
                    .append(encoder.preprocessor())
                    .append(options.exif())
                    .append(options.precision());
            for (Path p : pictures) {
                text.append('\0').append(p.toAbsolutePath());
                if (Files.exists(p)) {
                    text.append('\0').append(Files.size(p)).append('\0').append(Files.getLastModifiedTime(p));
                }
            }
            return HexFormat.of().formatHex(digest.digest(text.toString().getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new DataException("a picture cannot be read: " + Reasons.of(e), e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Optional<Features> read(Path file, String key, Arena arena) {
        try (SafeTensors tensors = SafeTensors.open(file)) {
            String missing = tensors.metadata().get(MISSING);
            if (!key.equals(tensors.metadata().get(KEY)) || missing == null) {
                return Optional.empty();
            }
            Map<Integer, String> reasons = new HashMap<>();
            for (Map.Entry<String, JsonNode> e :
                    JsonMapper.shared().readTree(missing).properties()) {
                reasons.put(Integer.valueOf(e.getKey()), e.getValue().stringValue(""));
            }
            return Optional.of(new Features(tensors.read(Features.NAME, arena), reasons));
        } catch (JacksonException | NumberFormatException e) {
            throw new DataException(file + ": no file of features: " + e.getMessage(), e);
        }
    }

    private static void write(Path file, String key, Features features) {
        ObjectNode missing = JsonNodeFactory.instance.objectNode();
        features.missing().forEach((picture, reason) -> missing.put(Integer.toString(picture), reason));
        try {
            SafeTensorsWriter.write(
                    file, Map.of(Features.NAME, features.values()), Map.of(KEY, key, MISSING, missing.toString()));
        } catch (WeightsException e) {
            throw new DataException(String.valueOf(e.getMessage()), e);
        }
    }
}
