package org.telltale.app;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.telltale.api.ClipEncoder;
import org.telltale.api.Timings;
import org.telltale.app.data.EmbeddingRecord;
import org.telltale.app.data.Entry;
import org.telltale.app.data.Header;
import org.telltale.app.data.Pictures;
import org.telltale.app.data.RecordFile;
import org.telltale.app.data.Records;
import org.telltale.app.data.Results;
import org.telltale.app.pipeline.Batch;
import org.telltale.app.pipeline.Terminal;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensorsWriter;
import org.telltale.models.interrogate.LabelLists;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code telltale embed}. */
@Command(
        name = "embed",
        header = "Makes vectors of unit length of pictures and texts with CLIP.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale embed --model openai/clip-vit-large-patch14 photos/ --output photos.jsonl",
            "  telltale embed --model clip --texts labels.txt --safetensors labels.safetensors",
            "  telltale embed --model clip --text 'a flooded street' --jsonl flood.jpg"
        })
final class EmbedCommand implements Callable<Integer> {
    /** How many texts are encoded between two records. */
    private static final int TEXTS = 256;

    /** How many numbers people see. */
    private static final int SHOWN = 8;

    private final Terminal terminal;
    private final TimingsReport report;
    private final Timings timings;

    @Mixin
    private ModelArguments model = new ModelArguments();

    @Parameters(
            paramLabel = "PICTURE|FOLDER|-",
            arity = "0..*",
            description = "Pictures, folders of pictures, or - for paths from standard input, one a line.")
    private List<String> inputs = List.of();

    @Option(names = "--text", paramLabel = "TEXT", description = "A text; may be repeated.")
    private List<String> texts = List.of();

    @Option(names = "--texts", paramLabel = "FILE", description = "A file of texts, one a line.")
    private @Nullable Path textFile;

    @Option(
            names = "--safetensors",
            paramLabel = "FILE",
            description = "Write the vectors as one tensor, embeds F32 [N, width]; the ids are the list \"ids\" of its"
                    + " metadata. Until it is complete, records are in FILE.part, which the same command continues.")
    private @Nullable Path tensors;

    @Mixin
    private OutputArguments output = new OutputArguments();

    EmbedCommand(Terminal terminal, TimingsReport report) {
        this.terminal = terminal;
        this.report = report;
        timings = report.timings();
    }

    @Override
    public Integer call() throws InterruptedException {
        report.begin();
        Exit exit = embed();
        if (output.timings) {
            report.print(terminal);
        }
        return exit.code();
    }

    private Exit embed() throws InterruptedException {
        Path file = textFile;
        if (inputs.isEmpty() && texts.isEmpty() && file == null) {
            throw new Exit.UsageException("pictures, --text or --texts: at least one of them, not none");
        }
        output.check(tensors, "--safetensors");
        model.hub.fetch(terminal, model.model);
        Headers headers =
                output.records() || tensors != null ? Headers.begin(Header.EMBEDDINGS, "embed", model, timings) : null;
        List<String> ids = inputs.isEmpty() ? List.of() : Pictures.find(inputs, terminal.in());
        // An id stands once in a file.
        Set<String> all = new LinkedHashSet<>(texts);
        if (file != null) {
            all.addAll(LabelLists.list(file));
        }
        ids.forEach(all::remove);
        try (ClipEncoder clip = ModelArguments.open(() -> ClipEncoder.open(model.model, model.options(), timings))) {
            ObjectNode header = JsonNodeFactory.instance.objectNode();
            if (headers != null) {
                headers.configuration.put("exif", model.exif.name().toLowerCase(Locale.ROOT));
                header = headers.complete(clip.device());
            }
            try (Results results = open(header)) {
                encode(clip, List.copyOf(all), results);
                Batch.Outcome outcome = new Batch(terminal, model.exif, output.verbose, timings)
                        .run(
                                ids,
                                (id, picture) -> EmbeddingRecord.of(id, EmbeddingRecord.IMAGE, clip.encode(picture)),
                                results);
                timings.in(Timings.Stage.WRITE, results::finish);
                return OutputArguments.exit(outcome);
            }
        }
    }

    private void encode(ClipEncoder clip, List<String> all, Results results) {
        Set<String> done = results.done();
        List<String> left = all.stream().filter(t -> !done.contains(t)).toList();
        for (int from = 0; from < left.size(); from += TEXTS) {
            if (terminal.cancelled().getAsBoolean()) {
                throw new CancellationException();
            }
            List<String> some = left.subList(from, Math.min(from + TEXTS, left.size()));
            float[][] vectors = clip.encode(some);
            for (int i = 0; i < vectors.length; i++) {
                results.add(EmbeddingRecord.of(some.get(i), EmbeddingRecord.TEXT, vectors[i]));
            }
        }
    }

    private Results open(ObjectNode header) {
        Path file = tensors;
        return file == null
                ? output.open(terminal, header, EmbedCommand::line)
                : RecordFile.rendered(
                        file, header, output.restart(), (part, to) -> write(Records.embeddings(part), to));
    }

    private static void write(List<EmbeddingRecord> records, Path file) {
        int width = records.getFirst().vector().size();
        ArrayNode ids = JsonNodeFactory.instance.arrayNode();
        records.forEach(r -> ids.add(r.id()));
        try (Arena arena = Arena.ofConfined()) {
            HostTensor all = HostTensor.allocate(arena, DType.F32, Shape.of(records.size(), width));
            long at = 0;
            for (EmbeddingRecord r : records) {
                for (float v : r.vector()) {
                    all.set(at++, v);
                }
            }
            SafeTensorsWriter.write(file, Map.of("embeds", all), Map.of("ids", ids.toString()));
        }
    }

    private static String line(Entry entry) {
        List<Float> vector = entry instanceof EmbeddingRecord r ? r.vector() : new ArrayList<>();
        return entry.id() + ": "
                + vector.stream()
                        .limit(SHOWN)
                        .map(v -> String.format(Locale.ROOT, "%.4f", v))
                        .collect(Collectors.joining(" "))
                + (vector.size() > SHOWN ? " ... (" + vector.size() + ")" : "");
    }
}
