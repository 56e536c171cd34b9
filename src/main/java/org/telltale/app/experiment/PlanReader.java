package org.telltale.app.experiment;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.telltale.api.Captioner;
import org.telltale.api.ModelFolder;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Split;
import org.telltale.app.train.Parent;
import org.telltale.app.train.RecipeChanges;
import org.telltale.models.decode.BeamSearch;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.interrogate.Mode;
import org.telltale.models.interrogate.Rules;

/** Reads a {@link Plan} of YAML or JSON. A wrong key or value is refused with its line. */
public final class PlanReader {
    private static final String DEFAULT = "paper.yaml";
    private static final int MOST = 1_000_000;

    /** What paths of the plan are relative to. */
    private final Path base;

    private PlanReader(Path base) {
        this.base = base;
    }

    /** The plan of a file. */
    public static Plan read(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        return new PlanReader(parent == null ? Path.of("") : parent).plan(PlanNode.read(file));
    }

    /** The paper's plan, with paths relative to the working directory. */
    public static Plan paper() {
        return parse(text(), Path.of(""));
    }

    static Plan parse(String yaml, Path base) {
        return new PlanReader(base).plan(PlanNode.parse(yaml.getBytes(StandardCharsets.UTF_8), DEFAULT));
    }

    /** The paper's plan as YAML, with comments. */
    public static String text() {
        try (InputStream in = PlanReader.class.getResourceAsStream(DEFAULT)) {
            if (in == null) {
                throw new IllegalStateException("no " + DEFAULT + " beside the classes");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Plan plan(PlanNode root) {
        PlanFields f = PlanFields.of(root, "the plan");
        Plan.Scope scope = new Plan.Scope(
                f.text("data").map(this::path),
                f.word("split", Plan.Tables.class, Plan.Tables.UNION),
                f.integer("trials", 1, 1000).orElse(5),
                f.number("seed", 0, Integer.MAX_VALUE).orElse(0.0).longValue(),
                f.integer("subset", 1, MOST),
                f.word("keep", Plan.Keep.class, Plan.Keep.SCORES),
                f.word("missing", Plan.Missing.class, Plan.Missing.REFUSE));
        double step = f.number("weights", 0.01, 1).orElse(0.1);
        if (Math.abs(1 / step - Math.rint(1 / step)) > 1e-9) {
            throw f.wrong("weights", "weights is " + step + ", expected a step that divides 1, such as 0.1");
        }
        List<Plan.Task> tasks = new ArrayList<>();
        f.named("tasks").forEach((name, t) -> tasks.add(task(name, t)));
        List<Plan.Classifier> classifiers = new ArrayList<>();
        f.named("classifiers").forEach((name, c) -> classifiers.add(classifier(name, c)));
        List<Plan.Captioner> captioners = new ArrayList<>();
        f.named("captioners").forEach((name, c) -> captioners.add(captioner(name, c)));
        PlanFields text = f.part("text");
        Plan.Reader reader = new Plan.Reader(text.text("name").orElse("BERT"), training(text));
        text.done();
        List<String> figures = f.texts("figures");
        for (String figure : figures) {
            if (classifiers.stream().noneMatch(c -> c.name().equals(figure))) {
                throw f.wrong("figures", "'" + figure + "' is none of the classifiers");
            }
        }
        f.done();
        if (tasks.isEmpty()) {
            throw f.wrong("tasks", "'tasks' names no task");
        }
        if (classifiers.isEmpty() && captioners.isEmpty()) {
            throw f.wrong("classifiers", "neither 'classifiers' nor 'captioners' names a system");
        }
        unique(f, "tasks", tasks.stream().map(Plan.Task::name).toList());
        unique(f, "classifiers", classifiers.stream().map(Plan.Classifier::name).toList());
        unique(f, "captioners", captioners.stream().map(Plan.Captioner::name).toList());
        return new Plan(scope, tasks, classifiers, captioners, reader, step, figures);
    }

    /** Names become those of folders. */
    private static void unique(PlanFields f, String key, List<String> names) {
        Set<String> slugs = new HashSet<>();
        for (String name : names) {
            if (name.isBlank() || name.length() > 60 || name.startsWith(".") || !slugs.add(Plan.slug(name))) {
                throw f.wrong(
                        key,
                        "the name '" + name + "' is empty, begins with a dot, is longer than 60 characters,"
                                + " or is like another one but for its punctuation");
            }
        }
    }

    private Path path(String text) {
        return base.resolve(text);
    }

    /** A folder beside the plan, or an id; what can be no id is a folder, be it there or not. */
    private String model(String text) {
        Path local = path(text);
        boolean folder = Files.isDirectory(local)
                || (text.contains("/") && ModelFolder.Id.of(text).isEmpty());
        return folder ? local.toString() : text;
    }

    private Plan.Task task(String name, PlanFields f) {
        Map<Split, List<Path>> given = new EnumMap<>(Split.class);
        for (Split split : Split.values()) {
            List<Path> files = f.texts(split.word()).stream().map(this::path).toList();
            if (!files.isEmpty()) {
                given.put(split, files);
            }
        }
        if (!given.isEmpty() && (!given.containsKey(Split.TRAIN) || !given.containsKey(Split.TEST))) {
            throw f.wrong("train", "tables are given, but not of both train and test");
        }
        f.done();
        return new Plan.Task(name, given);
    }

    private Plan.Classifier classifier(String name, PlanFields f) {
        Plan.Training training = training(f);
        Parent.Resize resize = f.word("resize", Parent.Resize.class, Parent.Resize.TENSORFLOW);
        f.done();
        return new Plan.Classifier(name, training, resize);
    }

    private Plan.Training training(PlanFields f) {
        String model = model(f.required("model"));
        boolean scratch = f.flag("from_scratch", false);
        PlanFields t = f.part("train");
        List<Integer> epochs =
                t.numbers("epochs", 0, 100_000).stream().map(Double::intValue).toList();
        RecipeChanges changes = new RecipeChanges(
                epochs,
                t.numbers("rate", 0, 100),
                t.texts("trained"),
                t.integer("batch", 1, MOST),
                t.integer("size", 1, MOST),
                t.number("dropout", 0, 1).map(Double::floatValue),
                t.flag("augmentation", true),
                t.text("rmsprop_epsilon").map("outside"::equals).orElse(false));
        t.done();
        return new Plan.Training(model, scratch, changes);
    }

    private enum Kind {
        BLIP,
        ATTENTION_GRU,
        INTERROGATOR,
        RECORDS
    }

    private Plan.Captioner captioner(String name, PlanFields f) {
        String kind = f.required("kind").replace('-', '_');
        Plan.Captioner made = null;
        for (Kind k : Kind.values()) {
            if (k.name().equalsIgnoreCase(kind)) {
                made = switch (k) {
                    case BLIP -> blip(name, f);
                    case ATTENTION_GRU -> attentionGru(name, f);
                    case INTERROGATOR -> interrogator(name, f);
                    case RECORDS -> new Plan.Given(name, path(f.required("file")));
                };
            }
        }
        if (made == null) {
            throw f.wrong(
                    "kind",
                    "kind is '" + f.required("kind") + "', expected blip, attention-gru, interrogator or" + " records");
        }
        f.done();
        return made;
    }

    private Plan.Captioner blip(String name, PlanFields f) {
        GenerationOptions paper = GenerationOptions.paper();
        int beams = f.integer("beams", 1, 1000).orElse(64);
        int most = f.integer("max_length", 1, 10_000).orElse(paper.limit());
        int least = f.integer("min_length", 0, 10_000).orElse(paper.minLength());
        BeamSearch.Rule rule = f.word("rule", BeamSearch.Rule.class, BeamSearch.Rule.LEGACY);
        GenerationOptions how = GenerationOptions.beams(beams).maxLength(most).minLength(least);
        if (how.strategy() instanceof BeamSearch b) {
            how = new GenerationOptions(b.rule(rule), how.minLength(), how.limit(), how.limitCountsPrompt());
        }
        String prompt = f.node("prompt").isPresent() ? f.text("prompt").orElse("") : Captioner.PROMPT;
        return new Plan.Blip(name, model(f.required("model")), prompt, how);
    }

    private Plan.Captioner attentionGru(String name, PlanFields f) {
        boolean sample = f.flag("sample", false);
        Optional<Double> seed = f.number("sample_seed", 0, Integer.MAX_VALUE);
        return new Plan.AttentionGru(
                name,
                model(f.required("model")),
                sample ? OptionalLong.of(seed.orElse(0.0).longValue()) : OptionalLong.empty());
    }

    private Plan.Captioner interrogator(String name, PlanFields f) {
        Rules rules = switch (f.text("rules").orElse("2.2")) {
            case "2.2" -> Rules.V2_2;
            case "0.6" -> Rules.V0_6;
            default -> throw f.wrong("rules", "rules is neither 2.2 nor 0.6");
        };
        Mode mode = f.word("mode", Mode.class, Mode.BEST);
        OptionalInt beams = f.integer("beams", 1, 1000);
        if ((rules == Rules.V2_2 && mode == Mode.NEGATIVE) || (rules != Rules.V2_2 && beams.isPresent())) {
            throw new DataException(f.where() + ": " + name + ": mode negative goes with rules 0.6, beams with 2.2");
        }
        return new Plan.Interrogated(
                name,
                model(f.required("model")),
                model(f.required("captioner")),
                path(f.required("lists")),
                rules,
                mode,
                f.integer("max_flavors", 1, 1000),
                beams,
                f.text("table_name"),
                f.text("cache").map(this::path));
    }
}
