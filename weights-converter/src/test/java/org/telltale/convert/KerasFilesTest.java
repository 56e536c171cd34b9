package org.telltale.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jhdf.HdfFile;
import io.jhdf.WritableHdfFile;
import io.jhdf.api.WritableGroup;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

/** The same weights in each of the files that Keras writes. */
class KerasFilesTest {
    @TempDir
    Path folder;

    /** A dataset of floats with the shape that it has in another file. */
    private static void put(WritableGroup group, String name, H5Reader from, H5Reader.Entry entry) {
        float[] flat = from.read(entry.path());
        List<Integer> shape = entry.shape();
        if (shape.isEmpty()) {
            group.putDataset(name, flat[0]);
            return;
        }
        Object array = java.lang.reflect.Array.newInstance(
                float.class, shape.stream().mapToInt(i -> i).toArray());
        fill(array, flat, 0);
        group.putDataset(name, array);
    }

    private static int fill(Object array, float[] flat, int at) {
        if (array instanceof float[] row) {
            System.arraycopy(flat, at, row, 0, row.length);
            return at + row.length;
        }
        int next = at;
        for (Object part : (Object[]) array) {
            next = fill(part, flat, next);
        }
        return next;
    }

    /** A whole model in HDF5 as the archive of Keras 3: its layers in a nested model, and groups that say nothing. */
    private Path archive(Path h5, String config, int drop) throws IOException {
        Path weights = folder.resolve("model.weights.h5");
        try (H5Reader from = H5Reader.open(h5);
                WritableHdfFile to = HdfFile.write(weights)) {
            KerasModel model = KerasModel.read(h5, from);
            WritableGroup nested = to.putGroup("layers").putGroup("functional").putGroup("layers");
            int number = 0;
            for (KerasModel.Layer layer : model.layers()) {
                WritableGroup vars = nested.putGroup("layer_" + number++).putGroup("vars");
                vars.putAttribute("name", layer.name());
                List<H5Reader.Entry> variables = List.copyOf(
                        model.variables().getOrDefault(layer.name(), Map.of()).values());
                for (int i = 0; i < variables.size() - (number > 3 ? drop : 0); i++) {
                    put(vars, Integer.toString(i), from, variables.get(i));
                }
            }
        }
        Path archive = folder.resolve("model.keras");
        try (OutputStream out = Files.newOutputStream(archive);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.putNextEntry(new ZipEntry("metadata.json"));
            zip.write("{\"keras_version\": \"3.15.1\"}".getBytes(StandardCharsets.UTF_8));
            if (!config.isEmpty()) {
                zip.putNextEntry(new ZipEntry("config.json"));
                zip.write(config.getBytes(StandardCharsets.UTF_8));
            }
            zip.putNextEntry(new ZipEntry("model.weights.h5"));
            zip.write(Files.readAllBytes(weights));
        }
        return archive;
    }

    private static String config(Path h5) {
        try (H5Reader from = H5Reader.open(h5)) {
            return from.text("", "model_config").orElseThrow();
        }
    }

    private Path labels(Path model) throws IOException {
        return Files.write(
                folder.resolve("labels"),
                Golden.json(model.resolve("config.json"))
                        .get("labels")
                        .valueStream()
                        .map(JsonNode::stringValue)
                        .toList());
    }

    private static void same(Path found, Path wanted) {
        try (SafeTensors a = SafeTensors.open(found);
                SafeTensors b = SafeTensors.open(wanted);
                Arena arena = Arena.ofConfined()) {
            assertThat(a.names()).containsExactlyInAnyOrderElementsOf(b.names());
            for (String name : b.names()) {
                assertThat(a.bytes(name, arena).mismatch(b.bytes(name, arena)))
                        .as(name)
                        .isEqualTo(-1);
            }
        }
    }

    @Test
    void aMobileNetOfAnArchiveIsThatOfTheLegacyFile() throws IOException {
        Path model = Golden.area("cnn").resolve("keras-mobilenetv2");
        Path h5 = model.resolve("model.h5");
        Path archive = archive(h5, config(h5), 0);
        Path out = Convert.run(archive, folder.resolve("out"), new Convert.Options(Optional.of(labels(model)), false));
        same(out, Golden.area("cnn").resolve("tiny-mobilenetv2"));
        Path legacy = Convert.run(
                h5, folder.resolve("legacy"), new Convert.Options(Optional.of(folder.resolve("labels")), false));
        for (String file : List.of("config.json", "preprocessor_config.json")) {
            assertThat(out.resolve(file)).hasSameTextualContentAs(legacy.resolve(file));
        }
    }

    @Test
    void anArchiveThatLacksVariablesOrItsDescriptionIsRefused() throws IOException {
        Path h5 = Golden.area("cnn").resolve("keras-mobilenetv2/model.h5");
        Path archive = archive(h5, config(h5), 1);
        assertThatThrownBy(() -> Convert.run(archive, folder.resolve("out"), Convert.Options.defaults()))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("layer \"expanded_conv_depthwise\" has 0 variables, expected [kernel]");
        archive(h5, "{\"config\": ", 0);
        assertThatThrownBy(() -> Convert.run(archive, folder.resolve("out"), Convert.Options.defaults()))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("config.json is not valid JSON");
        archive(h5, "", 0);
        assertThatThrownBy(() -> Convert.run(archive, folder.resolve("out"), Convert.Options.defaults()))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("a whole model is needed");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    /** The file of Keras 3 in the legacy layout, whose groups have the layers' names. */
    private Path legacy(Path weights, boolean whole) throws IOException {
        Path file = folder.resolve(whole ? "whole.h5" : "weights.h5");
        try (H5Reader from = H5Reader.open(weights);
                WritableHdfFile to = HdfFile.write(file)) {
            Map<String, List<H5Reader.Entry>> layers = KerasModel.groups(from);
            WritableGroup root = whole ? to.putGroup(KerasModel.ROOT) : to;
            Map<String, List<String>> names = new LinkedHashMap<>();
            layers.forEach((layer, variables) -> {
                WritableGroup group = root.putGroup(layer);
                WritableGroup below = variables.isEmpty() ? group : group.putGroup(layer);
                List<String> weightNames = new ArrayList<>();
                for (int i = 0; i < variables.size(); i++) {
                    put(below, "v" + i + ":0", from, variables.get(i));
                    weightNames.add(layer + "/v" + i + ":0");
                }
                names.put(layer, weightNames);
                if (!weightNames.isEmpty()) {
                    group.putAttribute("weight_names", weightNames.toArray(String[]::new));
                }
            });
            root.putAttribute("layer_names", names.keySet().toArray(String[]::new));
        }
        return file;
    }

    @Test
    void anEfficientNetOfTheLegacyLayoutHasTheTensorsOfItsTwin() throws IOException {
        Path weights = Golden.area("cnn").resolve("keras-efficientnet/model.weights.h5");
        for (boolean whole : new boolean[] {true, false}) {
            Path file = legacy(weights, whole);
            try (H5Reader a = H5Reader.open(file);
                    H5Reader b = H5Reader.open(weights);
                    Arena arena = Arena.ofConfined()) {
                assertThat(KerasEfficientNet.accepts(file, a)).isTrue();
                List<Converted.Tensor> found = KerasEfficientNet.tensors(file, a);
                List<Converted.Tensor> wanted = KerasEfficientNet.tensors(weights, b);
                assertThat(found).hasSameSizeAs(wanted);
                for (int i = 0; i < found.size(); i++) {
                    assertThat(found.get(i).name()).isEqualTo(wanted.get(i).name());
                    assertThat(found.get(i)
                                    .values(a, arena)
                                    .data()
                                    .mismatch(wanted.get(i).values(b, arena).data()))
                            .as(found.get(i).name())
                            .isEqualTo(-1);
                }
            }
        }
    }

    @Test
    void aTorchScriptArchiveIsRefusedWithWhatToDo() throws IOException {
        Path file = folder.resolve("script.pt");
        try (OutputStream out = Files.newOutputStream(file);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            for (String entry : List.of("data.pkl", "constants.pkl", "version", "code/__torch__.py")) {
                zip.putNextEntry(new ZipEntry("script/" + entry));
                zip.write("x".getBytes(StandardCharsets.UTF_8));
            }
        }
        assertThatThrownBy(() -> Convert.run(file, folder.resolve("out"), Convert.Options.defaults()))
                .isInstanceOf(ConvertException.class)
                .hasMessageContainingAll(file.toString(), "TorchScript", "torch.jit.load(FILE).state_dict()");
    }
}
