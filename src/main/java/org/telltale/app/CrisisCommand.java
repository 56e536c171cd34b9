package org.telltale.app;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.CrisisCheck;
import org.telltale.app.data.CrisisTask;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.app.data.Split;
import org.telltale.app.pipeline.StatusLine;
import org.telltale.app.pipeline.Terminal;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code telltale data crisisnlp}. */
@Command(
        name = "crisisnlp",
        header = "Checks a download of CrisisNLP's crisis image benchmarks against its tables.",
        description = {
            "DIR is the folder that the archive makes, with 'data' (the pictures) and 'tasks' (the tables) in it. What is"
                    + " missing, cannot be read, is there twice, or is in two splits of a task is told; the counts stand"
                    + " beside those of the paper's Table 1.",
            "Exit code 0 when all that the tables name is there and can be read, 1 when not."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale data crisisnlp crisis_vision_benchmarks",
            "  telltale data crisisnlp crisis --tsv tables --split consolidated --task disaster_types --json"
        })
final class CrisisCommand implements Callable<Integer> {
    private static final String PAGE = "https://crisisnlp.qcri.org/crisis-image-datasets-asonam20";
    private static final String TERMS = "https://crisisnlp.qcri.org/terms-of-use.html";
    private static final int SHOWN = 5;

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final Terminal terminal;

    @Parameters(paramLabel = "DIR", description = "The folder of the download.")
    private Path folder = Path.of("");

    @Option(
            names = "--tsv",
            paramLabel = "DIR",
            description = "The folder of the tables, as 'tasks' has them or all in one (default: DIR/tasks, else DIR).")
    private @Nullable Path tsv;

    @Option(
            names = "--split",
            paramLabel = "union|consolidated",
            defaultValue = "union",
            description = "union: the sources' own tables, which add up to Table 1; consolidated: those in which near"
                    + " duplicates were moved to train (default: ${DEFAULT-VALUE}).")
    private CrisisTask.Division division = CrisisTask.Division.UNION;

    @Option(
            names = "--task",
            paramLabel = "disaster_types|damage_severity",
            description = "Only this task (default: both).")
    private @Nullable CrisisTask task;

    @Option(names = "--decode", description = "Decode whole pictures, not their headers only.")
    private boolean decode;

    @Option(names = "--json", description = "One JSON object, with all that was found.")
    private boolean json;

    CrisisCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        if (!Files.isDirectory(folder)) {
            throw new InputNotFoundException(folder + ": no such folder, expected the download of " + PAGE);
        }
        Path tables = tables();
        CrisisCheck check = new CrisisCheck(folder, tables, division);
        (task == null ? EnumSet.allOf(CrisisTask.class) : EnumSet.of(task)).forEach(check::read);
        StatusLine status = new StatusLine(terminal);
        CrisisCheck.Report report;
        try {
            report = check.run(decode, count -> tell(status, count, check.named()), terminal.cancelled());
        } finally {
            status.clear();
        }
        List<String> next = next(report);
        terminal.out().print(json ? JSON.writeValueAsString(json(report, next)) + "\n" : text(report, next));
        return (report.complete() ? Exit.OK : Exit.SOME_FAILED).code();
    }

    private Path tables() {
        if (tsv != null) {
            if (!Files.isDirectory(tsv)) {
                throw new InputNotFoundException(tsv + ": no such folder, expected that of the tables");
            }
            return tsv;
        }
        Path tasks = folder.resolve("tasks");
        return Files.isDirectory(tasks) ? tasks : folder;
    }

    private void tell(StatusLine status, int count, int of) {
        synchronized (status) {
            if (terminal.interactive() && status.due()) {
                status.show("looking at " + count + "/" + of);
            }
        }
    }

    private static String word(Enum<?> e) {
        return e.name().toLowerCase(Locale.ROOT);
    }

    private static String splits(java.util.Set<Split> splits) {
        return splits.stream().map(Split::word).collect(Collectors.joining(" and "));
    }

    private String text(CrisisCheck.Report r, List<String> next) {
        StringBuilder text = new StringBuilder();
        for (CrisisCheck.TaskReport t : r.tasks()) {
            table(t, r.division(), text);
        }
        text.append(
                r.named() + " pictures are named: " + (r.named() - r.missing().size()) + " are there, "
                        + r.missing().size() + " are missing, " + r.unreadable().size() + " cannot be read"
                        + (decode ? "" : " (headers only; --decode reads all)") + "\n");
        some(text, "missing table", r.missingTables());
        some(text, "missing", r.missing());
        some(
                text,
                "unreadable",
                r.unreadable().stream().map(u -> u.path() + ": " + u.reason()).toList());
        text.append("same bytes: " + r.duplicates().size() + " groups of "
                + r.duplicates().stream().mapToInt(List::size).sum() + " pictures\n");
        some(
                text,
                "same bytes",
                r.duplicates().stream().map(d -> String.join(" = ", d)).toList());
        for (CrisisCheck.TaskReport t : r.tasks()) {
            List<CrisisCheck.Leak> leaks =
                    r.leaks().stream().filter(l -> l.task() == t.task()).toList();
            text.append("in several splits of " + t.task().word() + ": " + leaks.size() + " pictures by their bytes, "
                    + t.idsInSeveralSplits().size() + " by their id\n");
            some(
                    text,
                    "in several splits",
                    leaks.stream()
                            .map(l -> splits(l.splits()) + ": " + String.join(" = ", l.paths()))
                            .toList());
            some(text, "id in several splits", t.idsInSeveralSplits());
        }
        next.forEach(n -> text.append(n).append('\n'));
        return text.toString();
    }

    private static void some(StringBuilder text, String what, List<String> all) {
        all.stream().limit(SHOWN).forEach(a -> text.append("  " + what + ": " + a + "\n"));
        if (all.size() > SHOWN) {
            text.append("  " + what + ": " + (all.size() - SHOWN) + " more, --json lists them\n");
        }
    }

    /** Counts, each with that of Table 1 behind it where it differs. */
    private static void table(CrisisCheck.TaskReport t, CrisisTask.Division division, StringBuilder text) {
        text.append(String.format(
                Locale.ROOT,
                "%-24s %14s %14s %14s%n",
                t.task().word() + " (" + word(division) + ")",
                "train",
                "dev",
                "test"));
        for (String label : t.task().classes()) {
            text.append(String.format(Locale.ROOT, "  %-22s", label));
            for (Split s : Split.values()) {
                text.append(' ').append(cell(t.count(s, label), t.task().table1(s, label)));
            }
            text.append('\n');
        }
        text.append(String.format(Locale.ROOT, "  %-22s", "all"));
        for (Split s : Split.values()) {
            text.append(' ').append(cell(t.rows(s), t.task().table1(s)));
        }
        text.append('\n');
        if (division == CrisisTask.Division.CONSOLIDATED) {
            text.append(String.format(Locale.ROOT, "  %-22s", "official consolidated"));
            for (Split s : Split.values()) {
                text.append(String.format(Locale.ROOT, " %6d        ", t.task().consolidated(s)));
            }
            text.append('\n');
        }
        if (t.cut() > 0) {
            text.append("  " + t.cut() + " rows have absolute paths; what is before 'data' is dropped\n");
        }
    }

    private static String cell(int count, int table1) {
        return String.format(Locale.ROOT, "%6d / %5d", count, table1) + " ";
    }

    private List<String> next(CrisisCheck.Report r) {
        List<String> lines = new ArrayList<>();
        if (r.complete()) {
            lines.add("next: telltale experiment --plan plan.yaml --data " + folder + " --out RUN");
            return lines;
        }
        if (!r.missingTables().isEmpty()) {
            lines.add("next: the tables are in the folder 'tasks' of the archive; --tsv names another folder"
                    + (division == CrisisTask.Division.UNION
                            ? ", and --split consolidated needs the consolidated tables only"
                            : ""));
        }
        if (!r.missing().isEmpty() || !r.unreadable().isEmpty() || r.named() == 0) {
            lines.add("next: get the archive (v1.0, 11 GB, for research only, " + TERMS + ") from " + PAGE
                    + " and unpack it so that " + folder.resolve("data") + " is there; then check again");
        }
        return lines;
    }

    private ObjectNode json(CrisisCheck.Report r, List<String> next) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("complete", r.complete());
        node.put("split", word(r.division()));
        node.put("decoded", decode);
        ObjectNode tasks = node.putObject("tasks");
        for (CrisisCheck.TaskReport t : r.tasks()) {
            ObjectNode one = tasks.putObject(t.task().word());
            ObjectNode counts = one.putObject("counts");
            ObjectNode table1 = one.putObject("table1");
            for (Split s : Split.values()) {
                ObjectNode found = counts.putObject(s.word());
                ObjectNode official = table1.putObject(s.word());
                t.task().classes().forEach(c -> found.put(c, t.count(s, c)));
                t.task().classes().forEach(c -> official.put(c, t.task().table1(s, c)));
            }
            one.put("absolutePaths", t.cut());
            add(one.putArray("idsInSeveralSplits"), t.idsInSeveralSplits());
        }
        node.put("named", r.named());
        add(node.putArray("missingTables"), r.missingTables());
        add(node.putArray("missing"), r.missing());
        ArrayNode unreadable = node.putArray("unreadable");
        r.unreadable().forEach(u -> unreadable.addObject().put("path", u.path()).put("reason", u.reason()));
        ArrayNode duplicates = node.putArray("sameBytes");
        r.duplicates().forEach(d -> add(duplicates.addArray(), d));
        ArrayNode leaks = node.putArray("inSeveralSplits");
        r.leaks().forEach(l -> {
            ObjectNode one = leaks.addObject().put("task", l.task().word());
            add(one.putArray("splits"), l.splits().stream().map(Split::word).toList());
            add(one.putArray("paths"), l.paths());
        });
        add(node.putArray("next"), next);
        return node;
    }

    private static void add(ArrayNode array, List<String> texts) {
        texts.forEach(array::add);
    }
}
