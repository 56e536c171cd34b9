package org.telltale.app.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.telltale.app.data.DataException;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.interrogate.Mode;
import org.telltale.models.interrogate.Rules;

class PlanReaderTest {
    private static final String SMALL = """
            trials: 2
            tasks:
              a: {}
            classifiers:
              CNN:
                model: cnn
                train:
                  epochs: [1, 2]
            captioners:
              BLIP: {kind: blip, model: blip, beams: 3}
            text: {model: bert}
            """;

    @TempDir
    Path folder;

    @Test
    void theDefaultIsThePapersExperiment() {
        Plan plan = PlanReader.paper();
        assertThat(plan.tasks()).extracting(Plan.Task::name).containsExactly("disaster_types", "damage_severity");
        assertThat(plan.classifiers())
                .extracting(Plan.Classifier::name)
                .containsExactly("MobNetV2", "EffNet B0", "EffNet B1", "EffNet B2");
        assertThat(plan.captioners()).extracting(Plan.Captioner::name).containsExactly("IV3+RNN", "BLIP", "CLIP-I");
        assertThat(plan.scope().trials()).isEqualTo(5);
        assertThat(plan.scope().tables()).isEqualTo(Plan.Tables.UNION);
        assertThat(plan.weights()).containsExactly(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0);
        assertThat(plan.figures()).containsExactly("MobNetV2", "EffNet B0");
        assertThat(plan.captioners().get(1))
                .isInstanceOfSatisfying(
                        Plan.Blip.class, b -> assertThat(b.how()).isEqualTo(GenerationOptions.paper()));
        assertThat(plan.captioners().get(2)).isInstanceOfSatisfying(Plan.Interrogated.class, i -> {
            assertThat(i.rules()).isEqualTo(Rules.V2_2);
            assertThat(i.mode()).isEqualTo(Mode.BEST);
        });
    }

    @Test
    void pathsAreRelativeToThePlansFolder() throws IOException {
        Files.createDirectories(folder.resolve("cnn"));
        Path file = folder.resolve("plan.yaml");
        Files.writeString(file, SMALL + "data: photos\n");
        Plan plan = PlanReader.read(file);
        assertThat(plan.scope().data()).contains(folder.resolve("photos"));
        assertThat(plan.classifiers().getFirst().training().model())
                .isEqualTo(folder.resolve("cnn").toString());
        assertThat(plan.reader().training().model()).as("no such folder: an id").isEqualTo("bert");
    }

    @Test
    void jsonSaysTheSameAsYaml() throws IOException {
        Path json = folder.resolve("plan.json");
        Files.writeString(json, """
                {"trials": 2, "tasks": {"a": {}},
                 "classifiers": {"CNN": {"model": "cnn", "train": {"epochs": [1, 2]}}},
                 "captioners": {"BLIP": {"kind": "blip", "model": "blip", "beams": 3}}, "text": {"model": "bert"}}
                """);
        Path yaml = folder.resolve("plan.yaml");
        Files.writeString(yaml, SMALL);
        assertThat(PlanReader.read(json)).isEqualTo(PlanReader.read(yaml));
    }

    /** Each line takes the place of the one that begins like it, or is added in the end. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "trials: 2 | trails: 2 | plan.yaml:1: | unknown key 'trails'; did you mean 'trials'?",
                "      epochs: [1, 2] | ----- epoch: [1, 2] | plan.yaml:8: | did you mean 'epochs'?",
                "      epochs: [1, 2] | ----- epochs: [1, two] | plan.yaml:8: | epochs is 'two', expected a number",
                "trials: 2 | trials: 0 | plan.yaml:1: | trials is 0, expected 1 to 1000",
                "trials: 2 | trials: 2.5 | plan.yaml:1: | expected a whole number",
                "trials: 2 | split: both | plan.yaml:1: | split is 'both', expected union or consolidated",
                "trials: 2 | weights: 0.3 | plan.yaml:1: | expected a step that divides 1",
                "trials: 2 | figures: [RNN] | plan.yaml:1: | 'RNN' is none of the classifiers",
                "trials: 2 | trials: [1 | plan.yaml | cannot be parsed",
                "text: {model: bert} | text: {modell: bert} | plan.yaml:11: | 'model' is missing",
                "text: {model: bert} | text: bert | plan.yaml:11: | expected keys with values, found 'bert'",
            })
    void aWrongPartIsNamedWithItsLine(String line, String other, String where, String what) throws IOException {
        Path file = folder.resolve("plan.yaml");
        Files.writeString(
                file,
                SMALL.replace(line.strip(), other.strip().replace("----- ", "").strip()));
        assertThatThrownBy(() -> PlanReader.read(file))
                .isInstanceOf(DataException.class)
                .hasMessageContaining(where)
                .hasMessageContaining(what);
    }

    @Test
    void aPlanThatIsNotThereOrTooLargeIsRefused() throws IOException {
        assertThatThrownBy(() -> PlanReader.read(folder.resolve("no.yaml"))).isInstanceOf(InputNotFoundException.class);
        Path large = folder.resolve("large.yaml");
        Files.write(large, new byte[PlanNode.MAX_BYTES + 1]);
        assertThatThrownBy(() -> PlanReader.read(large)).hasMessageContaining("at most 1048576");
        Path deep = folder.resolve("deep.yaml");
        Files.writeString(deep, "[".repeat(100_000));
        assertThatThrownBy(() -> PlanReader.read(deep)).isInstanceOf(DataException.class);
    }

    @Test
    void distancesAreLevenshteins() {
        assertThat(List.of("kitten", "", "same").stream()
                        .map(s -> PlanFields.distance(s, "sitting"))
                        .toList())
                .containsExactly(3, 7, 6);
    }
}
