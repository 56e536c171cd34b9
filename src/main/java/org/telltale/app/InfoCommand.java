package org.telltale.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.telltale.api.Device;
import org.telltale.api.ModelFolder;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.app.pipeline.Terminal;
import org.telltale.engine.io.SafeTensors;
import org.telltale.models.ConfigFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code telltale info}. */
@Command(
        name = "info",
        header = "Tells what computes here, and what a model folder or a file of weights holds.",
        description =
                "The tensors of a file (safetensors, PyTorch or HDF5) are listed without reading their values, and"
                        + " nothing in it is executed.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale info",
            "  telltale info --model Salesforce/blip-image-captioning-large",
            "  telltale info pytorch_model.bin",
            "  telltale info --json model.safetensors"
        })
final class InfoCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Option(
            names = {"-m", "--model"},
            paramLabel = "ID|FOLDER",
            description = "A model folder, or an id of the local Hugging Face cache; nothing is fetched.")
    private @Nullable String model;

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "FILE",
            description = "A file of weights, whose tensors are listed.")
    private @Nullable Path file;

    @Option(names = "--json", description = "List the tensors as one JSON object.")
    private boolean json;

    InfoCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Path weights = file;
        if (json && weights == null) {
            throw new Exit.UsageException("--json needs a FILE");
        }
        if (weights != null) {
            if (model != null) {
                throw new Exit.UsageException("a FILE and --model: one of them");
            }
            if (!Files.isRegularFile(weights)) {
                throw new InputNotFoundException(weights + ": no such file (--model takes a folder or an id)");
            }
            terminal.out().print(json ? WeightsInfo.json(weights) : WeightsInfo.text(weights));
            return Exit.OK.code();
        }
        String asked = model;
        terminal.out().print(asked == null ? machine() : ModelArguments.open(() -> describe(asked)));
        return Exit.OK.code();
    }

    private static String machine() throws IOException {
        StringBuilder text = new StringBuilder(Build.current() + "\n");
        line(text, "java", System.getProperty("java.vm.name") + " " + Runtime.version());
        line(text, "system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        line(text, "processor", processor() + ", " + Device.defaultThreads() + " threads");
        line(text, "java heap", size(Runtime.getRuntime().maxMemory()) + " at most");
        for (Device.Status s : Device.all(Device.defaultThreads())) {
            line(text, "device " + s.device(), (s.usable() ? "" : "cannot be used: ") + s.detail());
        }
        return text.toString();
    }

    private static String processor() throws IOException {
        Path file = Path.of("/proc/cpuinfo");
        if (Files.isReadable(file)) {
            try (Stream<String> lines = Files.lines(file)) {
                return lines.filter(l -> l.startsWith("model name"))
                        .map(l -> l.substring(l.indexOf(':') + 1).strip())
                        .findFirst()
                        .orElse("unknown");
            }
        }
        return "unknown";
    }

    private static String describe(String model) {
        Path folder = ModelFolder.find(model);
        ConfigFile config = ConfigFile.read(folder.resolve("config.json"));
        StringBuilder text = new StringBuilder(folder + "\n");
        line(text, "architecture", architecture(config.json()));
        JsonNode labels = config.json().path("id2label");
        if (labels.isObject() && !labels.isEmpty()) {
            List<String> names =
                    labels.valueStream().map(n -> n.stringValue("?")).toList();
            line(
                    text,
                    "labels",
                    names.size() + ": " + names.stream().limit(20).collect(Collectors.joining(", "))
                            + (names.size() > 20 ? ", ..." : ""));
        }
        try (SafeTensors weights = SafeTensors.open(folder)) {
            long values = 0;
            Map<String, Integer> types = new TreeMap<>();
            for (String name : weights.names()) {
                values += weights.shape(name).size();
                types.merge(weights.typeName(name), 1, Integer::sum);
            }
            line(text, "tensors", weights.names().size() + " " + types);
            line(text, "values", String.format(Locale.ROOT, "%,d", values));
        }
        return text.toString();
    }

    private static String architecture(JsonNode config) {
        String type = config.path("model_type")
                .stringValue(config.path("architecture").stringValue("unknown"));
        String name = config.path("architectures").path(0).stringValue("");
        return name.isEmpty() ? type : type + " (" + name + ")";
    }

    private static void line(StringBuilder text, String key, String value) {
        text.append(String.format(Locale.ROOT, "%-13s %s%n", key, value));
    }

    private static String size(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }
}
