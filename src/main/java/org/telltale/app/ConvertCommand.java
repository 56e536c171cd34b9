package org.telltale.app;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.app.pipeline.StatusLine;
import org.telltale.app.pipeline.Terminal;
import org.telltale.convert.Convert;
import org.telltale.convert.NameMap;
import org.telltale.engine.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code telltale convert}. */
@Command(
        name = "convert",
        header = "Converts weights of Keras, PyTorch, timm or open_clip to a model folder with safetensors.",
        description = "Reads PyTorch (.bin, .pt, .pth; nothing in it is executed), Keras (.h5, .weights.h5, .keras) and"
                + " safetensors. What the model is follows from the names of its tensors, or from --map. Every written"
                + " tensor is read back and compared; the folder appears complete or not at all.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale convert keras_model.h5 mobilenet --labels labels.txt",
            "  telltale convert model_large_caption.pth blip",
            "  telltale convert pytorch_model.bin bert --dtype bf16",
            "  telltale convert open_clip_pytorch_model.bin clip --shard-size 2GB"
        })
final class ConvertCommand implements Callable<Integer> {
    private static final Pattern SIZE = Pattern.compile("([0-9]{1,12})(B|KB|MB|GB|KIB|MIB|GIB)?");

    private final Terminal terminal;

    @Parameters(index = "0", paramLabel = "SOURCE", description = "The file of weights, or the folder of one.")
    private Path source = Path.of("");

    @Parameters(index = "1", paramLabel = "OUT", description = "The folder to write.")
    private Path out = Path.of("");

    @Option(
            names = "--map",
            paramLabel = "NAME",
            completionCandidates = Maps.class,
            description = "What the tensors are called: ${COMPLETION-CANDIDATES} (default: found by their names).")
    private @Nullable String map;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "The config.json (or open_clip_config.json) of the source (default: the one beside it).")
    private @Nullable Path config;

    @Option(
            names = "--labels",
            paramLabel = "FILE",
            description = "One class name a line (default: labels.txt beside the source, if there is one).")
    private @Nullable Path labels;

    @Option(
            names = "--vocabulary",
            paramLabel = "FILE",
            description =
                    "The words of a captioner of Keras, one a line in the order of their ids; the first is empty.")
    private @Nullable Path vocabulary;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description = "Write floats as f32, f16 or bf16 (default: as they are).")
    private @Nullable String dtype;

    @Option(
            names = "--shard-size",
            paramLabel = "SIZE",
            description = "The most bytes of tensors in a file, such as 500MB, 2GB or 1GiB (default: one file).")
    private @Nullable String shard;

    @Option(names = "--force", description = "Replace an earlier conversion in the folder.")
    private boolean force;

    /** The names of the maps, for the help. */
    static final class Maps implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(NameMap.values()).map(NameMap::word).iterator();
        }
    }

    ConvertCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        Convert.Options options = new Convert.Options(
                Optional.ofNullable(labels),
                force,
                Optional.ofNullable(map).map(ConvertCommand::map),
                Optional.ofNullable(config),
                Optional.ofNullable(vocabulary),
                Optional.ofNullable(dtype).map(ConvertCommand::type),
                Optional.ofNullable(shard).map(ConvertCommand::bytes));
        requireFile(source);
        for (Path file : Arrays.asList(labels, config, vocabulary)) {
            if (file != null) {
                requireFile(file);
            }
        }
        StatusLine status = new StatusLine(terminal);
        Path folder = Convert.run(source, out, options, new Convert.Listener() {
            @Override
            public void progress(boolean verifying, long done, long total) {
                if (terminal.cancelled().getAsBoolean()) {
                    throw new CancellationException();
                }
                if (status.due()) {
                    status.show(String.format(
                            Locale.ROOT,
                            "%s %.0f%% of %s",
                            verifying ? "compared" : "written",
                            100.0 * done / Math.max(1, total),
                            WeightsInfo.size(total)));
                }
            }

            @Override
            public void note(String line) {
                status.clear();
                terminal.say(line);
            }
        });
        status.clear();
        terminal.out().print(folder + "\n");
        return Exit.OK.code();
    }

    private static NameMap map(String word) {
        return NameMap.of(word.toLowerCase(Locale.ROOT))
                .orElseThrow(() -> new Exit.UsageException("--map " + word + " is unknown, expected one of "
                        + Arrays.stream(NameMap.values()).map(NameMap::word).collect(Collectors.joining(", "))));
    }

    private static DType type(String word) {
        return switch (word.toLowerCase(Locale.ROOT)) {
            case "f32" -> DType.F32;
            case "f16" -> DType.F16;
            case "bf16" -> DType.BF16;
            default -> throw new Exit.UsageException("--dtype " + word + " is unknown, expected f32, f16 or bf16");
        };
    }

    /** A number of bytes: K, M and G are powers of 1000, with an i of 1024. */
    static long bytes(String text) {
        Matcher m = SIZE.matcher(text.toUpperCase(Locale.ROOT).replace(" ", ""));
        if (!m.matches()) {
            throw new Exit.UsageException("--shard-size " + text + " is no size such as 500MB, 2GB or 1GiB");
        }
        String unit = m.group(2) == null ? "B" : m.group(2);
        long base = unit.length() == 3 ? 1024 : 1000;
        int power = "BKMG".indexOf(unit.charAt(0));
        long factor = 1;
        for (int i = 0; i < power; i++) {
            factor *= base;
        }
        long bytes = Math.multiplyExact(Long.parseLong(m.group(1)), factor);
        if (bytes < 1) {
            throw new Exit.UsageException("--shard-size is " + text + ", expected at least 1 byte");
        }
        return bytes;
    }

    private static void requireFile(Path file) {
        if (!Files.exists(file)) {
            throw new InputNotFoundException(file + ": no such file");
        }
    }
}
