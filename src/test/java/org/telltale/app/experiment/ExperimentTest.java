package org.telltale.app.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.api.ModelOptions;
import org.telltale.app.data.DataException;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.app.data.Scores;
import org.telltale.app.data.Split;
import org.telltale.app.data.StandardOutput;
import org.telltale.app.pipeline.Terminal;
import org.telltale.app.train.SmallRun;
import org.telltale.models.image.Exif;

/** An experiment of two tasks on drawn pictures, with a CNN and BERT that learn from nothing and with BLIP's small checkpoint. */
class ExperimentTest {
    private static final Set<Stage> ALL = EnumSet.allOf(Stage.class);
    private static final Path GOLDEN =
            Path.of("../models/src/test/resources/golden").toAbsolutePath();
    private static final int PICTURES = 12;

    @TempDir
    Path folder;

    private Path data;
    private final ByteArrayOutputStream said = new ByteArrayOutputStream();

    @BeforeEach
    void draw() throws IOException {
        data = folder.resolve("crisis");
        SmallRun.pictures(data.resolve("data"), PICTURES);
        SmallRun.model(folder.resolve("cnn"));
        for (String task : List.of("shape", "damage_severity")) {
            for (Split split : Split.values()) {
                StringBuilder table = new StringBuilder("event_name\timage_id\timage_path\tclass_label\n");
                for (String label : List.of("disc", "square")) {
                    for (int i = 0; i < PICTURES; i++) {
                        Split of = i < 6 ? Split.TRAIN : i < 8 ? Split.DEV : Split.TEST;
                        if (of == split) {
                            // one of the tasks' files have absolute paths
                            String path =
                                    (task.equals("shape") ? "" : "/export/x/") + "data/" + label + "/" + i + ".png";
                            table.append("e\t" + label + i + "\t" + path + "\t" + label + "\n");
                        }
                    }
                }
                String prefix = task.equals("shape") ? "shape" : "damage";
                Files.writeString(
                        data.resolve("consolidated_" + prefix + "_" + split.word() + "_final.subset.tsv"), table);
            }
        }
        StringBuilder captions = new StringBuilder("{\"telltale\":\"captions\",\"command\":\"test\"}\n");
        for (String label : List.of("disc", "square")) {
            for (int i = 0; i < PICTURES; i++) {
                captions.append("{\"id\":\"data/" + label + "/" + i + ".png\",\"text\":\"a " + label
                        + "\",\"logProb\":-1.0}\n");
            }
        }
        Files.writeString(folder.resolve("given.jsonl"), captions);
    }

    private Plan plan(String... changes) {
        String yaml = """
                data: crisis
                split: consolidated
                trials: 2
                seed: 3
                weights: 0.5
                figures: [CNN]
                tasks: {shape: {}, damage_severity: {}}
                classifiers:
                  CNN:
                    model: cnn
                    from_scratch: true
                    train: {size: 32, batch: 4, epochs: [3, 1], rate: [0.01, 0.001]}
                captioners:
                  BLIP: {kind: blip, model: %s, beams: 2, max_length: 12}
                  Words: {kind: records, file: given.jsonl}
                text:
                  model: %s
                  from_scratch: true
                  train: {epochs: 12, rate: 0.003, batch: 4, size: 16}
                """.formatted(GOLDEN.resolve("blip/tiny-blip"), GOLDEN.resolve("bert/tiny-bert"));
        for (int i = 0; i < changes.length; i += 2) {
            assertThat(yaml).contains(changes[i]);
            yaml = yaml.replace(changes[i], changes[i + 1]);
        }
        return PlanReader.parse(yaml, folder);
    }

    private Experiment experiment(Plan plan, BooleanSupplier cancelled) {
        Terminal terminal = new Terminal(
                new ByteArrayInputStream(new byte[0]),
                new StandardOutput(new ByteArrayOutputStream()),
                new PrintStream(said, true, StandardCharsets.UTF_8),
                false,
                cancelled);
        return Experiment.of(
                plan, new Setup(terminal, ModelOptions.DEFAULT.threads(2).exif(Exif.IGNORE), "test", "", false));
    }

    private Path run(String out, Plan plan) throws InterruptedException {
        assertThat(experiment(plan, () -> false).run(folder.resolve(out), ALL, Optional.empty()))
                .as("pictures that could not be read")
                .isZero();
        return folder.resolve(out);
    }

    /** The bytes of all that tells of results. */
    private static Map<String, String> results(Path run) throws IOException {
        Map<String, String> all = new TreeMap<>();
        try (Stream<Path> files = Files.walk(run)) {
            for (Path p : files.filter(Files::isRegularFile).toList()) {
                if (!p.endsWith("times.jsonl") && !p.endsWith(".lock")) {
                    all.put(run.relativize(p).toString(), Files.readString(p, StandardCharsets.ISO_8859_1));
                }
            }
        }
        return all;
    }

    @Test
    void everySystemScoresTheTestSplitInEveryTrial() throws IOException, InterruptedException {
        Path run = run("run", plan());
        Findings found = FindingsReader.read(run);
        assertThat(found.tasks()).extracting(Findings.Task::name).containsExactly("shape", "damage_severity");
        Findings.Task task = found.tasks().get(1);
        assertThat(task.labels()).containsExactly("disc", "square");
        assertThat(task.counts().get(Split.TRAIN)).containsExactly(6, 6);
        assertThat(task.test()).hasSize(8).first().satisfies(p -> {
            assertThat(p.id()).isEqualTo("data/disc/8.png");
            assertThat(p.file()).exists();
        });
        assertThat(task.images().keySet()).containsExactly("CNN");
        assertThat(task.texts().keySet()).containsExactly("BLIP", "Words");
        for (List<List<Scores>> trials : List.of(
                task.images().get("CNN"), task.texts().get("BLIP"), task.texts().get("Words"))) {
            assertThat(trials).hasSize(2);
            assertThat(trials)
                    .allSatisfy(t -> assertThat(t)
                            .extracting(Scores::id)
                            .containsExactlyElementsOf(task.test().stream()
                                    .map(Findings.Picture::id)
                                    .toList()));
            assertThat(trials.get(0)).as("another seed").isNotEqualTo(trials.get(1));
        }
        assertThat(task.texts().get("Words").getFirst())
                .as("captions that name the class are learned")
                .allSatisfy(s -> assertThat(s.id()).contains(s.top()));
        assertThat(found.captions().get("Words")).hasSize(2 * PICTURES).containsValue("a disc");
        assertThat(found.captions().get("BLIP")).hasSize(2 * PICTURES);
        assertThat(found.weights()).containsExactly(0.0, 0.5, 1.0);
        assertThat(found.times())
                .hasSize(1 + 2 * 2 * 3)
                .allSatisfy(t -> assertThat(t.seconds()).isPositive());
        assertThat(run.resolve("image/shape/CNN/trial-1/checkpoint.safetensors"))
                .doesNotExist();
        assertThat(run.resolve("image/shape/CNN/trial-1/model")).doesNotExist();
        assertThat(Status.of(run).jobs()).hasSize(2 + 12).allMatch(Status.State::finished);
    }

    @Test
    void interruptedAgainAndAgainItEndsWithTheSameBytes() throws IOException, InterruptedException {
        Plan plan = plan("trials: 2", "trials: 1", "shape: {}, ", "");
        Path whole = run("whole", plan);
        Path stopped = folder.resolve("stopped");
        int interruptions = 0;
        for (int patience = 1; ; patience += 7) {
            AtomicInteger asked = new AtomicInteger();
            int most = patience;
            try {
                experiment(plan, () -> asked.incrementAndGet() > most).run(stopped, ALL, Optional.empty());
                break;
            } catch (CancellationException e) {
                interruptions++;
            }
        }
        assertThat(interruptions).isGreaterThan(3);
        assertThat(results(stopped)).isEqualTo(results(whole));
        said.reset();
        run("stopped", plan);
        assertThat(results(stopped)).isEqualTo(results(whole));
    }

    @Test
    void trialsMayBeAddedButNothingElseChanged() throws InterruptedException {
        Path run = run("run", plan("trials: 2", "trials: 1"));
        assertThat(FindingsReader.read(run).tasks().getFirst().images().get("CNN"))
                .hasSize(1);
        run("run", plan());
        assertThat(FindingsReader.read(run).tasks().getFirst().images().get("CNN"))
                .hasSize(2);
        assertThatThrownBy(() -> run("run", plan("seed: 3", "seed: 4")))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("seed is 3 there, 4 now");
        assertThatThrownBy(() -> run("run", plan("epochs: [3, 1]", "epochs: [3, 2]")))
                .hasMessageContaining("scores.jsonl: made by another run")
                .hasMessageContaining("epochs is 1 there, 2 now");
        assertThatThrownBy(() -> run("run", plan("beams: 2", "beams: 3")))
                .hasMessageContaining("BLIP.jsonl: made by another run")
                .hasMessageContaining("beams is 2 there, 3 now");
    }

    @Test
    void twoProcessesDoNotShareAFolder() throws InterruptedException {
        Path run = folder.resolve("run");
        AtomicInteger refused = new AtomicInteger();
        Experiment second = experiment(plan(), () -> false);
        experiment(plan("trials: 2", "trials: 1"), () -> {
                    if (refused.get() == 0) {
                        assertThatThrownBy(() -> second.run(run, ALL, Optional.empty()))
                                .hasMessageContaining("another process works in this folder");
                        refused.incrementAndGet();
                    }
                    return false;
                })
                .run(run, ALL, Optional.empty());
        assertThat(refused).hasValue(1);
    }

    @Test
    void partsThatWereMadeElsewhereAreBroughtTogether() throws IOException, InterruptedException {
        Plan plan = plan("trials: 2", "trials: 1");
        Path whole = run("whole", plan);
        for (int k = 1; k <= 3; k++) {
            experiment(plan, () -> false)
                    .run(folder.resolve("part" + k), EnumSet.of(Stage.CAPTIONS), Optional.of(new Shard(k, 3)));
        }
        experiment(plan, () -> false).run(folder.resolve("images"), EnumSet.of(Stage.IMAGE), Optional.empty());
        Path merged = folder.resolve("merged");
        Merge.into(
                merged,
                Stream.of("part1", "part2", "images", "part3")
                        .map(folder::resolve)
                        .toList());
        run("merged", plan);
        Map<String, String> got = results(merged);
        got.keySet().removeIf(name -> name.contains("-of-3"));
        assertThat(got).isEqualTo(results(whole));
        Path other = run("other", plan("seed: 3", "seed: 5", "trials: 2", "trials: 1"));
        assertThatThrownBy(() -> Merge.into(merged, List.of(whole, other)))
                .hasMessageContaining("of another experiment")
                .hasMessageContaining("seed is 3 there, 5 now");
        Path scores = whole.resolve("image/shape/CNN/trial-1/scores.jsonl");
        List<String> lines = Files.readAllLines(scores);
        Files.write(scores, lines.subList(0, lines.size() - 1));
        assertThatThrownBy(() -> Merge.into(merged, List.of(whole)))
                .hasMessageContaining("different results of one job");
    }

    @Test
    void whatIsMissingIsNamed() throws IOException {
        assertThatThrownBy(() -> experiment(plan("split: consolidated", "split: union"), () -> false))
                .isInstanceOf(InputNotFoundException.class)
                .hasMessageContaining("--split consolidated");
        Files.delete(data.resolve("data/disc/9.png"));
        assertThatThrownBy(() -> experiment(plan(), () -> false))
                .isInstanceOf(InputNotFoundException.class)
                .hasMessageContaining("1 pictures of the tables do not exist")
                .hasMessageContaining("data/disc/9.png");
        experiment(plan("seed: 3", "seed: 3\nmissing: skip"), () -> false);
        assertThat(said.toString(StandardCharsets.UTF_8)).contains("1 pictures do not exist and are left out");
        assertThatThrownBy(() -> FindingsReader.read(folder))
                .hasMessageContaining("expected the folder of an experiment");
    }
}
