package org.telltale.app;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.Entry;
import org.telltale.app.data.PrintedResults;
import org.telltale.app.data.RecordFile;
import org.telltale.app.data.Results;
import org.telltale.app.pipeline.Batch;
import org.telltale.app.pipeline.Terminal;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** The options that say where records go. */
final class OutputArguments {
    @Option(names = "--jsonl", description = "A header and one JSON record a line, instead of text.")
    private boolean jsonl;

    @Option(names = "--json", description = "One JSON object: {\"header\": ..., \"records\": [...]}.")
    private boolean json;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description =
                    "Write the JSONL records to this file. It is complete or absent: until then they are in FILE.part,"
                            + " which the same command continues after a kill.")
    private @Nullable String output;

    @Option(names = "--restart", description = "Discard the FILE.part of an earlier run instead of continuing it.")
    private boolean restart;

    @Option(names = "--verbose", description = "Tell of progress also where standard error is no terminal.")
    boolean verbose;

    @Option(
            names = "--timings",
            description = "Show at the end, on standard error, what the time went to and the peak of memory.")
    boolean timings;

    /**
     * As {@link #check()}, where another option may name a file that takes the place of the records.
     *
     * @param other that file, or null
     */
    void check(@Nullable Path other, String name) {
        if (other == null) {
            check();
            return;
        }
        if (json || jsonl || output != null) {
            throw new Exit.UsageException(name + " does not go with --json, --jsonl or --output");
        }
        RecordFile.check(other);
    }

    boolean restart() {
        return restart;
    }

    /** Refuses wrong combinations and files that cannot be written, before any work. */
    void check() {
        if (json && (jsonl || output != null)) {
            throw new Exit.UsageException("--json does not go with --jsonl or --output, which write JSONL");
        }
        if (restart && output == null) {
            throw new Exit.UsageException("--restart needs --output");
        }
        Path file = file();
        if (file != null) {
            RecordFile.check(file);
        }
    }

    private @Nullable Path file() {
        try {
            return output == null ? null : Path.of(output);
        } catch (InvalidPathException e) {
            throw new Exit.UsageException("--output: not a path: " + e.getReason());
        }
    }

    /** Whether records are written, and with them a header. */
    boolean records() {
        return jsonl || json || output != null;
    }

    /** Opens what was asked for. */
    Results open(Terminal terminal, ObjectNode header, Function<Entry, String> text) {
        Path file = file();
        if (file != null) {
            return RecordFile.open(file, header, restart);
        }
        if (json) {
            return PrintedResults.json(terminal.out(), header);
        }
        return jsonl ? PrintedResults.lines(terminal.out(), header) : PrintedResults.text(terminal.out(), text);
    }

    /** The code of a batch: one input that failed has a code of its own, of several some have failed. */
    static Exit exit(Batch.Outcome outcome) {
        if (outcome.missing() + outcome.bad() == 0) {
            return Exit.OK;
        }
        if (outcome.total() > 1) {
            return Exit.SOME_FAILED;
        }
        return outcome.missing() > 0 ? Exit.NOT_FOUND : Exit.BAD_FILE;
    }
}
