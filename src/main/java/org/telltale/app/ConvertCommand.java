package org.telltale.app;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.app.pipeline.Terminal;
import org.telltale.convert.Convert;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code telltale convert}. */
@Command(
        name = "convert",
        header = "Converts a Keras model to a model folder with safetensors.",
        description =
                "Reads MobileNetV2 (.h5, the whole model) and EfficientNet (.weights.h5, .keras) of keras.applications."
                        + " InceptionV3 too, or its weights alone. The folder appears complete or not at all.",
        footerHeading = "%nExample:%n",
        footer = "  telltale convert keras_model.h5 mobilenet --labels labels.txt")
final class ConvertCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Parameters(index = "0", paramLabel = "SOURCE", description = "The Keras file, or the folder of one.")
    private Path source = Path.of("");

    @Parameters(index = "1", paramLabel = "OUT", description = "The folder to write.")
    private Path out = Path.of("");

    @Option(
            names = "--labels",
            paramLabel = "FILE",
            description = "One class name a line (default: labels.txt beside the source, if there is one).")
    private @Nullable Path labels;

    @Option(names = "--force", description = "Replace an earlier conversion in the folder.")
    private boolean force;

    ConvertCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        requireFile(source);
        if (labels != null) {
            requireFile(labels);
        }
        Path folder = Convert.run(source, out, new Convert.Options(Optional.ofNullable(labels), force));
        terminal.out().print(folder + "\n");
        return Exit.OK.code();
    }

    private static void requireFile(Path file) {
        if (!Files.exists(file)) {
            throw new InputNotFoundException(file + ": no such file");
        }
    }
}
