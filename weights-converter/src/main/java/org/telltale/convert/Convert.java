package org.telltale.convert;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.telltale.engine.DType;

/** Converts foreign checkpoints into folders in the layout of Hugging Face. */
public final class Convert {
    /** Views may repeat what the file holds once, as where layers share their weights. */
    private static final long MOST_REPEATED = 64;

    private static final long ALWAYS_ALLOWED = 64L << 20;

    private Convert() {}

    /**
     * How to convert.
     *
     * @param labels a file with one class name per line; without it, {@code labels.txt} beside the source is taken if
     *     there is one
     * @param force whether an earlier conversion in the output folder may be replaced
     * @param map what the tensors are called; found by their names if empty
     * @param config the configuration that belongs to the source; without it the one beside it
     * @param vocabulary the words of a captioner, one a line in the order of their ids
     * @param type what floats are written as; as they are stored if empty
     * @param shard the most bytes of tensors in a file; all in one if empty
     */
    public record Options(
            Optional<Path> labels,
            boolean force,
            Optional<NameMap> map,
            Optional<Path> config,
            Optional<Path> vocabulary,
            Optional<DType> type,
            Optional<Long> shard) {
        public Options(Optional<Path> labels, boolean force) {
            this(
                    labels,
                    force,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty());
        }

        public static Options defaults() {
            return new Options(Optional.empty(), false);
        }

        public Options map(NameMap to) {
            return new Options(labels, force, Optional.of(to), config, vocabulary, type, shard);
        }

        public Options config(Path file) {
            return new Options(labels, force, map, Optional.of(file), vocabulary, type, shard);
        }

        public Options vocabulary(Path file) {
            return new Options(labels, force, map, config, Optional.of(file), type, shard);
        }

        public Options type(DType to) {
            return new Options(labels, force, map, config, vocabulary, Optional.of(to), shard);
        }

        public Options shard(long bytes) {
            return new Options(labels, force, map, config, vocabulary, type, Optional.of(bytes));
        }
    }

    /** What is told while a conversion is under way. */
    public interface Listener {
        /** So many bytes of tensors have been written, or read back and compared. */
        default void progress(boolean verifying, long done, long total) {}

        /** Something that a person should know. */
        default void note(String line) {}
    }

    /** As the other {@code run}, in silence. */
    public static Path run(Path given, Path outFolder, Options options) {
        return run(given, outFolder, options, new Listener() {});
    }

    /**
     * Converts a checkpoint of Keras, PyTorch or safetensors to {@code model.safetensors} or several with an index,
     * {@code config.json} and what else its class needs. The source may be a folder with one such file. The written
     * tensors are read back and compared with the source, each of them; only then the output folder appears.
     *
     * @return the output folder
     * @throws ConvertException if the source is no such model or malformed, or if the output folder holds other files
     *     than those of an earlier conversion
     */
    public static Path run(Path given, Path outFolder, Options options, Listener listener) {
        OutputFolder out = new OutputFolder(outFolder, options.force);
        try (Source source = Source.open(given, options)) {
            NameMap map = options.map.orElseGet(() -> NameMap.find(source));
            Converted converted = map.convert(source);
            requireLikely(source, converted);
            out.write(source, converted, listener);
            listener.note("read as " + map.word() + " (" + map.description() + ") from " + source.checkpoint.format());
            converted.notes().forEach(listener::note);
        }
        return outFolder;
    }

    private static void requireLikely(Source source, Converted converted) {
        long bytes = bytes(converted.tensors());
        try {
            if (source.checkpoint instanceof TorchFile
                    && bytes > ALWAYS_ALLOWED
                    && bytes / MOST_REPEATED > Files.size(source.file)) {
                throw source.error(
                        "its views of " + Files.size(source.file) + " bytes would be " + bytes + " bytes of tensors");
            }
        } catch (IOException e) {
            throw new ConvertException(source.file + ": cannot be read: " + e, e);
        }
    }

    static long bytes(List<Converted.Tensor> tensors) {
        return tensors.stream()
                .map(Converted.Tensor::entry)
                .mapToLong(e -> e.shape().size() * e.dtype().bytes())
                .sum();
    }
}
