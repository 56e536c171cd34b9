package org.telltale.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jhdf.HdfFile;
import io.jhdf.WritableHdfFile;
import io.jhdf.api.WritableGroup;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.engine.HostTensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

/** InceptionV3 of Keras, written here in Keras' layout from the small network of the reference values. */
class KerasInceptionV3Test {
    @TempDir
    Path folder;

    @Test
    void namesAreInTheOrderInWhichKerasCreatesItsLayers() {
        JsonNode order =
                Golden.json(Golden.area("cnn").resolve("full-inceptionv3.json")).get("keras_order");
        assertThat(order.valueStream().map(row -> row.get(0).stringValue()))
                .containsExactlyElementsOf(KerasInceptionV3.NAMES);
    }

    /** What Keras 2 writes with {@code save_weights}; numbers begin at 1, and groups are in another order. */
    private Path write(SafeTensors weights, boolean gamma, int swapped) {
        Path file = folder.resolve("weights.h5");
        try (WritableHdfFile h5 = HdfFile.write(file);
                Arena arena = Arena.ofConfined()) {
            List<String> groups = new ArrayList<>();
            for (int i = 93; i >= 0; i--) {
                int number = 1 + (i == swapped ? i + 1 : i == swapped + 1 ? i - 1 : i);
                String name = KerasInceptionV3.NAMES.get(i);
                WritableGroup conv = layer(h5, "conv2d_" + number, groups, List.of("kernel"));
                conv.putDataset("kernel:0", hwio(weights.read(name + ".conv.weight", arena)));
                WritableGroup norm = layer(
                        h5,
                        "batch_normalization_" + number,
                        groups,
                        gamma
                                ? List.of("gamma", "beta", "moving_mean", "moving_variance")
                                : List.of("beta", "moving_mean", "moving_variance"));
                if (gamma) {
                    norm.putDataset(
                            "gamma:0", weights.read(name + ".bn.weight", arena).toFloats());
                }
                norm.putDataset("beta:0", weights.read(name + ".bn.bias", arena).toFloats());
                norm.putDataset(
                        "moving_mean:0",
                        weights.read(name + ".bn.running_mean", arena).toFloats());
                norm.putDataset(
                        "moving_variance:0",
                        weights.read(name + ".bn.running_var", arena).toFloats());
            }
            h5.putAttribute("layer_names", groups.toArray(String[]::new));
        }
        return file;
    }

    private static WritableGroup layer(WritableHdfFile h5, String name, List<String> groups, List<String> variables) {
        groups.add(name);
        WritableGroup outer = h5.putGroup(name);
        outer.putAttribute(
                "weight_names",
                variables.stream().map(v -> name + "/" + v + ":0").toArray(String[]::new));
        return outer.putGroup(name);
    }

    private static float[][][][] hwio(HostTensor w) {
        int[] d = w.shape().dims();
        float[][][][] out = new float[d[2]][d[3]][d[1]][d[0]];
        int k = 0;
        for (int o = 0; o < d[0]; o++) {
            for (int i = 0; i < d[1]; i++) {
                for (int y = 0; y < d[2]; y++) {
                    for (int x = 0; x < d[3]; x++) {
                        out[y][x][i][o] = w.get(k++);
                    }
                }
            }
        }
        return out;
    }

    @Test
    void aFileOfWeightsGivesTheTensorsThatItWasWrittenFrom() {
        try (SafeTensors expected = SafeTensors.open(Golden.area("cnn").resolve("tiny-inceptionv3-timm"));
                Arena arena = Arena.ofConfined()) {
            Path out = Convert.run(write(expected, true, -5), folder.resolve("out"), Convert.Options.defaults());
            try (SafeTensors actual = SafeTensors.open(out)) {
                assertThat(actual.names()).hasSize(94 * 5);
                for (String name : actual.names()) {
                    assertThat(actual.bytes(name, arena).mismatch(expected.bytes(name, arena)))
                            .as(name)
                            .isEqualTo(-1);
                }
            }
            JsonNode config = Golden.json(out.resolve("config.json"));
            assertThat(config.get("width_divisor").intValue()).isEqualTo(16);
            assertThat(config.get("average_pool_padding").stringValue()).isEqualTo("excluded");
        }
    }

    @Test
    void aNormWithoutGammaGetsOnes() {
        try (SafeTensors weights = SafeTensors.open(Golden.area("cnn").resolve("tiny-inceptionv3-timm"));
                Arena arena = Arena.ofConfined()) {
            Path out = Convert.run(write(weights, false, -5), folder.resolve("out"), Convert.Options.defaults());
            try (SafeTensors actual = SafeTensors.open(out)) {
                assertThat(actual.read("Mixed_7c.branch_pool.bn.weight", arena).toFloats())
                        .containsOnly(1f)
                        .hasSize(12);
                assertThat(actual.names()).hasSize(94 * 5);
            }
        }
    }

    @Test
    void layersInAnotherOrderAreRefusedByTheExtentsOfTheirKernels() {
        try (SafeTensors weights = SafeTensors.open(Golden.area("cnn").resolve("tiny-inceptionv3-timm"))) {
            int second = KerasInceptionV3.NAMES.indexOf("Mixed_6b.branch7x7_2");
            Path file = write(weights, true, second);
            assertThatThrownBy(() -> Convert.run(file, folder.resolve("out"), Convert.Options.defaults()))
                    .isInstanceOf(ConvertException.class)
                    .hasMessageContaining("would be Mixed_6b.branch7x7_2, expected a kernel of 1 by 7");
        }
    }
}
