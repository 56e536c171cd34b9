package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** {@code telltale classify}, {@code convert} and {@code info} with tiny models. */
class ClassifyTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"tiny-mobilenetv2", "tiny-efficientnet"})
    void picturesGetProbabilitiesThatSumToOne(String model) {
        Cli run = Cli.run("classify", "-m", "../models/src/test/resources/golden/cnn/" + model, "--jsonl", Cli.PICTURES)
                .succeeded();
        assertThat(run.lines()).hasSize(9);
        assertThat(Cli.json(run.lines().getFirst()).path("telltale").stringValue())
                .isEqualTo("scores");
        run.lines().stream().skip(1).map(Cli::json).forEach(r -> scores(r, "image"));
    }

    private static void scores(JsonNode record, String source) {
        assertThat(record.path("source").stringValue()).isEqualTo(source);
        double sum = record.path("probabilities")
                .valueStream()
                .mapToDouble(JsonNode::doubleValue)
                .sum();
        assertThat(sum).isCloseTo(1, within(1e-5));
        double top = record.path("probabilities")
                .path(record.path("top").stringValue())
                .doubleValue();
        assertThat(record.path("probabilities").valueStream()).allMatch(p -> p.doubleValue() <= top);
    }

    @Test
    void peopleSeeTheLikeliestLabels() {
        assertThat(Cli.run("classify", "-m", Cli.MOBILENET, "--top", "2", Cli.PICTURE)
                        .succeeded()
                        .out())
                .matches("../models/src/test/resources/golden/blip/pictures/[^:]+: \\w+ 0\\.\\d\\d, \\w+ 0\\.\\d\\d\n");
    }

    @Test
    void textsAreTheirOwnIds() {
        Cli run = Cli.run("classify", "-m", Cli.BERT, "--text", "a flood", "--text", "burning building", "--jsonl")
                .succeeded();
        Stream.of(1, 2).map(i -> Cli.json(run.lines().get(i))).forEach(r -> scores(r, "text"));
        assertThat(Cli.json(run.lines().get(2)).path("id").stringValue()).isEqualTo("burning building");
    }

    @Test
    void captionsKeepTheIdsOfTheirPictures() {
        String captions = folder.resolve("captions.jsonl").toString();
        Cli.run("caption", "-m", Cli.BLIP, "-o", captions, Cli.PICTURES).succeeded();
        Cli run = Cli.run("classify", "-m", Cli.BERT, "--captions", captions, "--jsonl")
                .succeeded();
        assertThat(run.lines()).hasSize(9);
        assertThat(Cli.json(run.lines().get(1)).path("id").stringValue()).isEqualTo(Cli.PICTURE);
        scores(Cli.json(run.lines().get(1)), "text");
    }

    @Test
    void aConvertedKerasModelClassifies() {
        String out = folder.resolve("converted").toString();
        assertThat(Cli.run("convert", "test/resources/keras/model.h5", out)
                        .succeeded()
                        .out())
                .isEqualTo(out + "\n");
        Cli run = Cli.run("classify", "-m", out, "--jsonl", Cli.PICTURE).succeeded();
        scores(Cli.json(run.lines().get(1)), "image");
        Cli.run("convert", "test/resources/keras/model.h5", out).failed(4, out, "not empty");
        Cli.run("convert", "--force", "test/resources/keras/model.h5", out).succeeded();
    }

    @Test
    void infoTellsOfTheMachineAndOfAModel() {
        assertThat(Cli.run("info").succeeded().out()).contains("telltale ", "java", "processor", "device cpu");
        assertThat(Cli.run("info", "-m", Cli.BERT).succeeded().out())
                .contains("bert", "labels", "earthquake", "tensors");
    }

    @Test
    void timingsNameTheRunAndComeOnlyWhenAskedFor() {
        Cli pictures = Cli.run("classify", "-m", Cli.MOBILENET, "--timings", Cli.PICTURE, Cli.OTHER)
                .succeeded();
        assertThat(Cli.timings(pictures.err()).get("running the model")[0]).isEqualTo(2);
        Cli texts = Cli.run("classify", "-m", Cli.BERT, "--timings", "--text", "water in the street")
                .succeeded();
        assertThat(Cli.timings(texts.err()).get("running the model")[0]).isEqualTo(1);
        assertThat(Cli.timings(texts.err())).doesNotContainKey("vision").doesNotContainKey("waiting for SHA-256");
        assertThat(Cli.run("classify", "-m", Cli.MOBILENET, Cli.PICTURE)
                        .succeeded()
                        .err())
                .isEmpty();
    }
}
