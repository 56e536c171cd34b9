package org.telltale.convert;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.telltale.engine.io.SafeTensorsWriter;
import org.telltale.engine.io.WeightsException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Converts foreign checkpoints into folders in the layout of Hugging Face. */
public final class Convert {
    private static final String WEIGHTS = "model.safetensors";
    private static final String CONFIG = "config.json";
    private static final String PREPROCESSOR = "preprocessor_config.json";
    private static final Set<String> OURS = Set.of(WEIGHTS, CONFIG, PREPROCESSOR);
    private static final List<String> PYTORCH = List.of(".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle");
    private static final List<String> HDF5 = List.of(".h5", ".hdf5", ".keras");

    private Convert() {}

    /**
     * How to convert.
     *
     * @param labels a file with one class name per line; without it, {@code labels.txt} beside the source is taken if
     *     there is one
     * @param force whether an earlier conversion in the output folder may be replaced
     */
    public record Options(Optional<Path> labels, boolean force) {
        public static Options defaults() {
            return new Options(Optional.empty(), false);
        }
    }

    /**
     * Converts a Keras MobileNetV2 ({@code .h5}, the whole model), EfficientNet (Keras 3's {@code .weights.h5} or
     * {@code .keras}) or InceptionV3 (any of these, or a {@code .h5} of weights) to {@code model.safetensors}, {@code config.json} and {@code preprocessor_config.json}. The source
     * may be the folder of one such file. The output folder appears complete or not at all.
     *
     * @return the output folder
     * @throws ConvertException if the source is not such a model or malformed, or if the output folder holds other files
     *     than those of an earlier conversion
     */
    public static Path run(Path given, Path outFolder, Options options) {
        Path source = Files.isDirectory(given) ? only(given) : given;
        String name = source.toString().toLowerCase(Locale.ROOT);
        if (PYTORCH.stream().anyMatch(name::endsWith)) {
            throw new ConvertException(source + ": PyTorch files are not read yet; load and save it as " + WEIGHTS
                    + " with the library it comes from");
        }
        if (HDF5.stream().noneMatch(name::endsWith)) {
            throw new ConvertException(source + ": expected a Keras file, one of " + HDF5);
        }
        requireFree(outFolder, options.force);
        try (H5Reader h5 = H5Reader.open(source)) {
            write(outFolder, convert(source, h5, labels(source, options)), h5);
        }
        return outFolder;
    }

    /** The Keras file of a folder that holds one. */
    private static Path only(Path folder) {
        List<Path> found;
        try (Stream<Path> files = Files.list(folder)) {
            found = files.filter(Files::isRegularFile)
                    .filter(f -> HDF5.stream().anyMatch(f.toString().toLowerCase(Locale.ROOT)::endsWith))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new ConvertException(folder + ": cannot be listed: " + e.getMessage());
        }
        if (found.size() != 1) {
            throw new ConvertException(folder + ": "
                    + (found.isEmpty()
                            ? "no Keras file (" + String.join(", ", HDF5) + ") in this folder"
                            : found.size() + " Keras files in this folder; name one: " + found));
        }
        return found.getFirst();
    }

    private static Converted convert(Path source, H5Reader h5, Optional<List<String>> labels) {
        if (KerasEfficientNet.accepts(h5)) {
            return KerasEfficientNet.convert(source, h5, labels);
        }
        if (KerasInceptionV3.accepts(source, h5)) {
            return KerasInceptionV3.convert(source, h5);
        }
        KerasModel model = KerasModel.read(source, h5);
        if (!KerasMobileNetV2.accepts(model)) {
            throw new ConvertException(source + ": no MobileNetV2, EfficientNet or InceptionV3 of keras.applications");
        }
        return KerasMobileNetV2.convert(model, labels);
    }

    private static Optional<List<String>> labels(Path source, Options options) {
        Path beside = source.resolveSibling("labels.txt");
        return options.labels
                .or(() -> Files.isRegularFile(beside) ? Optional.of(beside) : Optional.empty())
                .map(Labels::read);
    }

    private static void write(Path outFolder, Converted converted, H5Reader h5) {
        Path target = outFolder.toAbsolutePath().normalize();
        Path parent = target.getParent();
        if (parent == null) {
            throw new ConvertException(outFolder + ": not the name of a folder to write");
        }
        Map<String, Converted.Tensor> tensors =
                converted.tensors().stream().collect(Collectors.toMap(Converted.Tensor::name, Function.identity()));
        Path temporary =
                parent.resolve("." + target.getFileName() + "." + Long.toHexString(System.nanoTime()) + ".tmp");
        try {
            Files.createDirectories(parent);
            Files.createDirectory(temporary);
            try {
                SafeTensorsWriter.write(
                        temporary.resolve(WEIGHTS),
                        converted.tensors().stream()
                                .map(Converted.Tensor::entry)
                                .toList(),
                        Map.of("format", "pt"),
                        (name, arena) -> tensorOf(tensors, name).values(h5, arena));
                JsonMapper json = JsonMapper.builder()
                        .enable(SerializationFeature.INDENT_OUTPUT)
                        .build();
                Files.writeString(temporary.resolve(CONFIG), json.writeValueAsString(converted.config()) + "\n");
                Files.writeString(
                        temporary.resolve(PREPROCESSOR), json.writeValueAsString(converted.preprocessor()) + "\n");
                replace(target, temporary);
            } finally {
                deleteOurs(temporary);
            }
        } catch (IOException e) {
            throw new ConvertException(outFolder + ": cannot be written: " + e, e);
        } catch (WeightsException e) {
            throw new ConvertException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Puts the new folder in the place of what {@link #requireFree} found: nothing, or an earlier conversion. */
    private static void replace(Path target, Path complete) throws IOException {
        Path old = complete.resolveSibling(complete.getFileName() + ".old");
        boolean exists = Files.exists(target);
        if (exists) {
            Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
        }
        try {
            Files.move(complete, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            if (exists) {
                Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
            }
            throw e;
        }
        if (exists) {
            deleteOurs(old);
        }
    }

    private static Converted.Tensor tensorOf(Map<String, Converted.Tensor> tensors, String name) {
        Converted.Tensor t = tensors.get(name);
        if (t == null) {
            throw new IllegalStateException("no tensor " + name);
        }
        return t;
    }

    private static void requireFree(Path folder, boolean force) {
        if (!Files.exists(folder)) {
            return;
        }
        if (!Files.isDirectory(folder)) {
            throw new ConvertException(folder + ": a file of this name exists, expected a folder");
        }
        try (Stream<Path> list = Files.list(folder)) {
            List<String> files =
                    list.map(p -> p.getFileName().toString()).sorted().toList();
            if (!files.isEmpty() && (!force || !OURS.containsAll(files))) {
                throw new ConvertException(
                        folder + ": not empty, it holds " + files.subList(0, Math.min(5, files.size()))
                                + (OURS.containsAll(files) ? "; force replaces an earlier conversion" : ""));
            }
        } catch (IOException e) {
            throw new ConvertException(folder + ": cannot be listed: " + e, e);
        }
    }

    /** Deletes the files that a conversion writes and then the folder, which fails if anything else is in it. */
    private static void deleteOurs(Path folder) throws IOException {
        for (String name : OURS) {
            Files.deleteIfExists(folder.resolve(name));
        }
        Files.deleteIfExists(folder);
    }
}
