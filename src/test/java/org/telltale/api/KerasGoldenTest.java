package org.telltale.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.convert.Convert;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Golden;
import org.telltale.models.ConfigFile;
import org.telltale.models.MobileNetV2;
import org.telltale.models.image.Exif;
import tools.jackson.databind.JsonNode;

/** Keras models, converted: their outputs are those that Keras gives. */
class KerasGoldenTest {
    @TempDir
    private static Path temporary;

    @TestFactory
    Stream<DynamicTest> convertedModelsPredictWhatKerasPredicts() throws IOException {
        Path folder = Golden.area("cnn");
        JsonNode files = Golden.json(folder.resolve("tolerances.json")).path("files");
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> list = Files.list(folder)) {
            for (Path model : list.sorted().toList()) {
                String name = model.getFileName().toString();
                Path golden = folder.resolve(name + ".golden.safetensors");
                if (Files.exists(model.resolve("model.h5")) && Files.exists(golden)) {
                    tests.add(dynamicTest(name, () -> predict(model, golden, files.path(name))));
                }
            }
        }
        assumeFalse(tests.isEmpty(), "no model.h5 with its golden file in " + folder);
        return tests.stream();
    }

    private static void predict(Path model, Path goldenFile, JsonNode tolerance) {
        Path converted = Convert.run(
                model.resolve("model.h5"), temporary.resolve(model.getFileName()), Convert.Options.defaults());
        boolean softmax = !Golden.json(model.resolve("config.json"))
                .path("classifier_activation")
                .isNull();
        try (Arena arena = Arena.ofConfined();
                Backend backend = Device.cpu().open(2);
                SafeTensors weights = SafeTensors.open(converted);
                SafeTensors golden = SafeTensors.open(goldenFile)) {
            int cases = 0;
            for (String key : golden.names()) {
                if (key.endsWith("/input_u8")) {
                    cases++;
                    String prefix = key.substring(0, key.length() - "input_u8".length());
                    HostTensor bytes = golden.raw(key, arena);
                    HostTensor wanted = golden.read(prefix + "predictions", arena);
                    float[] found = run(backend, weights, converted, bytes, softmax);
                    Compare.assertCloseToRms(
                            key,
                            found,
                            wanted.toFloats(),
                            wanted.shape().dims(),
                            tolerance.path("atol_rms").doubleValue(),
                            tolerance.path("rtol").doubleValue());
                }
            }
            assertThat(cases).isPositive();
        }
    }

    private static float[] run(Backend backend, SafeTensors weights, Path folder, HostTensor bytes, boolean softmax) {
        Params params = Params.of(folder.toString(), weights.names(), weights::shape, weights::dtype);
        MobileNetV2 net =
                new MobileNetV2(MobileNetV2.Config.of(ConfigFile.read(folder.resolve("config.json"))), params);
        Shape s = bytes.shape();
        Tensor logits =
                net.forward(Tensor.input("pictures", DType.F32, s.dims())).logits();
        params.verify();
        try (Executable e = backend.compile(
                Graph.of("converted", softmax ? logits.softmax(1) : logits), weights, CompileOptions.DEFAULT)) {
            HostTensor in = e.input("pictures");
            for (long i = 0; i < bytes.size(); i++) {
                int value = Byte.toUnsignedInt(bytes.data().get(ValueLayout.JAVA_BYTE, i));
                in.set(i, value / 127.5f - 1);
            }
            e.run();
            return e.output(0).toFloats();
        }
    }

    @TestFactory
    Stream<DynamicTest> realPhotosHaveTheProbabilitiesThatKerasGives() throws IOException {
        Path folder = Golden.area("cnn");
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> list = Files.list(folder)) {
            for (Path file : list.sorted().toList()) {
                String name = file.getFileName().toString();
                if (name.startsWith("real_") && name.endsWith(".json")) {
                    JsonNode golden = Golden.json(file);
                    tests.add(dynamicTest(name, () -> classify(golden)));
                }
            }
        }
        assumeFalse(tests.isEmpty(), "no real_*.json in " + folder);
        return tests.stream();
    }

    private static void classify(JsonNode golden) throws IOException {
        Path source = Golden.data("weights").resolve(golden.path("model").stringValue());
        Path photos = Golden.data("disaster_crisisnlp");
        Path converted = Convert.run(
                source, temporary.resolve("real-" + source.getParent().getFileName()), Convert.Options.defaults());
        double atol = golden.path("tolerance").path("atol").doubleValue();
        double rtol = golden.path("tolerance").path("rtol").doubleValue();
        try (ImageClassifier classifier = ImageClassifier.open(
                converted.toString(),
                ModelOptions.DEFAULT.device(Device.cpu()).threads(2).exif(Exif.IGNORE))) {
            for (JsonNode photo : golden.path("photos")) {
                String name = photo.path("photo").stringValue();
                Classification found = classifier.classify(photos.resolve(name));
                for (int k = 0; k < found.labels().size(); k++) {
                    double wanted = photo.path("pil").path(k).doubleValue();
                    assertThat(found.labels().get(k).probability())
                            .as("%s, class %d", name, k)
                            .isCloseTo(wanted, within(atol + rtol * wanted));
                }
                assertThat(found.labels().indexOf(found.top()))
                        .as(name)
                        .isEqualTo(photo.path("pil_argmax").intValue());
            }
        }
    }
}
