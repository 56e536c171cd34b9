package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Adam;
import org.telltale.engine.autograd.ClipByGlobalNorm;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.autograd.RmsProp;
import org.telltale.engine.autograd.Schedule;
import org.telltale.engine.autograd.Sgd;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

/** Every rule on every backend against ten steps of the original libraries. */
class OptimizersGoldenTest {
    private static Optimizer rule(String name) {
        return switch (name) {
            case "keras_adam" -> Adam.keras();
            case "torch_adam" -> Adam.torch();
            case "torch_adamw" -> Adam.torchDecayed();
            case "garden_adamw", "garden_adamw_long_warmup" -> Adam.gardenDecayed();
            case "keras_rmsprop" -> RmsProp.keras(RmsProp.Place.INSIDE_ROOT);
            case "legacy_rmsprop" -> RmsProp.keras(RmsProp.Place.OUTSIDE_ROOT);
            case "sgd" -> new Sgd(0, false);
            case "sgd_momentum" -> new Sgd(0.9, false);
            case "sgd_nesterov" -> new Sgd(0.9, true);
            default -> throw new IllegalArgumentException("no rule for " + name);
        };
    }

    @TestFactory
    Stream<DynamicTest> rulesFollowTheOriginals() {
        JsonNode all = Golden.json(Golden.area("training").resolve("optimizers.json"));
        JsonNode tolerances =
                Golden.json(Golden.area("training").resolve("tolerances.json")).get("optimizers");
        List<DynamicTest> tests = new ArrayList<>();
        for (Map.Entry<String, JsonNode> e : all.get("optimizers").properties()) {
            Backends.all()
                    .forEach((name, backend) -> tests.add(DynamicTest.dynamicTest(
                            e.getKey() + " on " + name,
                            () -> follow(
                                    e.getKey(),
                                    e.getValue(),
                                    all.get("parameters"),
                                    tolerances.get(e.getKey()),
                                    backend))));
        }
        return tests.stream();
    }

    private static void follow(
            String name, JsonNode setting, JsonNode parameters, JsonNode tolerance, Backend backend) {
        Optimizer rule = rule(name);
        boolean clips = setting.has("clipNorm");
        Map<String, Tensor> states = new LinkedHashMap<>();
        List<Tensor> gradients = new ArrayList<>();
        for (Map.Entry<String, JsonNode> p : parameters.properties()) {
            int[] dims = Golden.ints(p.getValue());
            states.put(p.getKey(), Tensor.state(p.getKey(), dims));
            gradients.add(Tensor.input("gradient/" + p.getKey(), DType.F32, dims));
        }
        ClipByGlobalNorm clipped = ClipByGlobalNorm.of(gradients, 1);
        Tensor numbers = Tensor.input("numbers", DType.F32, Optimizer.NUMBERS);
        Map<Tensor, Tensor> updates = new LinkedHashMap<>();
        int at = 0;
        for (Map.Entry<String, Tensor> s : states.entrySet()) {
            Tensor g = clips ? clipped.gradients().get(at) : gradients.get(at);
            updates.putAll(rule.update(s.getKey(), s.getValue(), g, numbers));
            at++;
        }
        Graph step = Graph.of(name, List.of(clipped.norm()), updates);
        try (SafeTensors golden = SafeTensors.open(Golden.area("training").resolve("optimizers.safetensors"));
                Arena arena = Arena.ofShared();
                Executable e = backend.compile(step, new NoWeights(), CompileOptions.DEFAULT)) {
            for (String p : states.keySet()) {
                e.state(p).copyFrom(golden.read("initial/" + p, arena));
            }
            for (int t = 0; t < 10; t++) {
                double rate = rate(setting, t);
                assertThat(rate)
                        .as("learning rate")
                        .isCloseTo(setting.get("learningRates").get(t).asDouble(), within(1e-9));
                e.input("numbers").set(rule.numbers(t, rate));
                for (String p : states.keySet()) {
                    e.input("gradient/" + p)
                            .set(row(golden.read("gradient/" + p, arena).toFloats(), t));
                }
                e.run();
                if (clips) {
                    double norm = setting.get("globalNorms").get(t).asDouble();
                    assertThat((double) e.output(0).get(0)).as("norm").isCloseTo(norm, within(1e-6 * norm));
                }
                for (String p : states.keySet()) {
                    Shape shape = e.state(p).shape();
                    Compare.assertClose(
                            name + " " + p + " after step " + t,
                            e.state(p).toFloats(),
                            row(golden.read(name + "/trajectory/" + p, arena).toFloats(), t),
                            shape.dims(),
                            tolerance.get("atol").asDouble(),
                            tolerance.get("rtol").asDouble());
                }
            }
        }
    }

    private static double rate(JsonNode setting, int step) {
        if (setting.has("totalSteps")) {
            return new Schedule.WarmUpThenLinear(
                            setting.get("initialLr").asDouble(),
                            setting.get("warmupSteps").asLong(),
                            setting.get("totalSteps").asLong())
                    .at(step);
        }
        return new Schedule.Constant(setting.get("lr").asDouble()).at(step);
    }

    private static float[] row(float[] all, int t) {
        int size = all.length / 10;
        return Arrays.copyOfRange(all, t * size, (t + 1) * size);
    }

    @TestFactory
    Stream<DynamicTest> schedulesFollowTheModelGarden() {
        JsonNode all = Golden.json(Golden.area("training").resolve("schedules.json"));
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode s : all.get("schedules")) {
            tests.add(DynamicTest.dynamicTest(s.get("samples") + " samples, " + s.get("epochs") + " epochs", () -> {
                Schedule schedule = new Schedule.WarmUpThenLinear(
                        s.get("initialLr").asDouble(),
                        s.get("warmupSteps").asLong(),
                        s.get("totalSteps").asLong());
                for (int i = 0; i < s.get("steps").size(); i++) {
                    double expected = s.get("learningRates").get(i).asDouble();
                    assertThat(schedule.at(s.get("steps").get(i).asLong()))
                            .isCloseTo(expected, within(1e-6 * expected));
                }
            }));
        }
        return tests.stream();
    }
}
