package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.train.Parent;
import org.telltale.app.train.Recipe;
import org.telltale.app.train.SmallRun;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

/**
 * A folder that {@code telltale train} wrote holds what Hugging Face's class saves: the tensors of checkpoints that the
 * class itself saved, by name, shape and type, but for the rows of the classifier.
 */
class TrainedFolderGoldenTest {
    private static final String RESOURCES = "../models/src/test/resources/golden/";

    @TempDir
    Path folder;

    /** Where the checkpoint is, which sizes its run has, and what its class is called. */
    private record Case(String name, Path folder, int size, String epochs, String architecture, String prefix) {}

    @TestFactory
    Stream<DynamicTest> theTensorsAreThoseOfTheClass() {
        String mobile = "MobileNetV2ForImageClassification";
        String efficient = "EfficientNetForImageClassification";
        String bert = "BertForSequenceClassification";
        return Stream.of(
                        new Case(
                                "mobile",
                                Path.of(RESOURCES, "cnn/tiny-mobilenetv2"),
                                48,
                                "1,1",
                                mobile,
                                "mobilenet_v2."),
                        new Case(
                                "eff",
                                Path.of(RESOURCES, "cnn/tiny-efficientnet"),
                                60,
                                "1,1",
                                efficient,
                                "efficientnet."),
                        new Case("bert", Path.of(RESOURCES, "bert/tiny-bert"), 12, "1", bert, "bert."),
                        new Case("training mobile", Path.of("tiny-mobilenet-v2"), 64, "1,1", mobile, "mobilenet_v2."),
                        new Case("training eff", Path.of("tiny-efficientnet"), 64, "1,1", efficient, "efficientnet."),
                        new Case("training bert", Path.of("tiny-bert-classifier"), 12, "1", bert, "bert."))
                .map(p -> DynamicTest.dynamicTest(p.name, () -> check(located(p))));
    }

    /** With its folder among the reference values, where it is not one of the project's own. */
    private static Case located(Case p) {
        return p.folder.getNameCount() > 1
                ? p
                : new Case(
                        p.name, Golden.area("training").resolve(p.folder), p.size, p.epochs, p.architecture, p.prefix);
    }

    private void check(Case of) throws IOException {
        boolean texts = of.prefix.equals("bert.");
        Path data = texts ? texts(folder.resolve("texts.csv")) : SmallRun.pictures(folder.resolve("pictures"), 8);
        Path out = folder.resolve(of.name);
        Cli.run(
                        "train",
                        "--model",
                        of.folder.toString(),
                        "--data",
                        data.toString(),
                        "--out",
                        out.toString(),
                        "--size",
                        Integer.toString(of.size),
                        "--batch",
                        "4",
                        "--epochs",
                        of.epochs)
                .succeeded();
        Path model = out.resolve("model");
        try (SafeTensors before = SafeTensors.open(of.folder);
                SafeTensors after = SafeTensors.open(model)) {
            Map<String, String> expected = new TreeMap<>();
            String added = before.names().stream().anyMatch(n -> n.startsWith(of.prefix)) ? "" : of.prefix;
            before.names().forEach(n -> expected.put(added + n, before.typeName(n) + " " + before.shape(n)));
            int width = after.shape("classifier.weight").dim(1);
            expected.put("classifier.weight", "F32 " + Shape.of(2, width));
            expected.put("classifier.bias", "F32 " + Shape.of(2));
            Map<String, String> actual = new TreeMap<>();
            after.names().forEach(n -> actual.put(n, after.typeName(n) + " " + after.shape(n)));
            assertThat(actual).isEqualTo(expected);
            assertThat(after.metadata()).containsEntry("format", "pt");
            assertThat(changed(of, before, after, added))
                    .as("tensors that no phase trains")
                    .isEmpty();
        }
        JsonNode config = Golden.json(model.resolve("config.json"));
        assertThat(config.path("architectures").path(0).stringValue()).isEqualTo(of.architecture);
        assertThat(config.path("id2label").size()).isEqualTo(2);
        readBack(model, data, texts);
    }

    /** Those that changed although no phase of the recipe names them. */
    private static List<String> changed(Case of, SafeTensors before, SafeTensors after, String added) {
        List<Recipe.Phase> phases = Parent.open(of.folder.toString(), List.of("disc", "square"), false)
                .recipe()
                .phases();
        List<String> wrong = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            for (String name : before.names()) {
                String now = added + name;
                boolean fixed =
                        phases.stream().noneMatch(p -> p.trained().matcher(now).find());
                if (fixed && before.bytes(name, arena).mismatch(after.bytes(now, arena)) >= 0) {
                    wrong.add(now);
                }
            }
        }
        return wrong;
    }

    private static Path texts(Path file) throws IOException {
        StringBuilder csv = new StringBuilder("id,text,label\n");
        for (int i = 0; i < 16; i++) {
            csv.append(i).append(i % 2 == 0 ? ",a flood,disc\n" : ",burning building,square\n");
        }
        return Files.writeString(file, csv);
    }

    private static void readBack(Path model, Path data, boolean texts) {
        List<String> arguments = new ArrayList<>(List.of("classify", "--model", model.toString(), "--jsonl"));
        arguments.addAll(
                texts
                        ? List.of("--text", "a flood", "--text", "burning building")
                        : List.of(
                                data.resolve("disc/0.png").toString(),
                                data.resolve("square/0.png").toString()));
        List<JsonNode> records = Cli.run(arguments.toArray(String[]::new)).succeeded().lines().stream()
                .skip(1)
                .map(Cli::json)
                .toList();
        assertThat(records).hasSize(2);
        assertThat(records)
                .allSatisfy(r -> assertThat(r.path("probabilities").propertyNames())
                        .containsExactlyInAnyOrder("disc", "square"));
    }
}
