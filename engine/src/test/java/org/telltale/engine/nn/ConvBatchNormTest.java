package org.telltale.engine.nn;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Eval;

/** A norm by stored statistics inside a convolution is the convolution, then the norm: in value and in all gradients. */
class ConvBatchNormTest {
    private static final int CHANNELS = 6;

    private static Tensor weight(String name, int... dims) {
        return Tensor.of(new Primitive.Weight(name, Shape.of(dims)));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, CHANNELS})
    void storedStatisticsGiveTheSameValuesAndGradients(int groups) {
        Window window = Window.same(3, 2, 7, 8);
        Map<String, Shape> stored = Map.of(
                "conv.weight", Shape.of(CHANNELS, CHANNELS / groups, 3, 3),
                "norm.weight", Shape.of(CHANNELS),
                "norm.bias", Shape.of(CHANNELS),
                "norm.running_mean", Shape.of(CHANNELS),
                "norm.running_var", Shape.of(CHANNELS));
        Params params = Params.of("made up", stored.keySet(), stored::get, n -> DType.F32);
        Tensor x = Tensor.input("x", DType.F32, 2, 7, 8, CHANNELS);
        Tensor w = params.f32("conv.weight", CHANNELS, CHANNELS / groups, 3, 3);
        Tensor scale = params.f32("norm.weight", CHANNELS);
        Tensor shift = params.f32("norm.bias", CHANNELS);
        Tensor actual = ConvBatchNorm.of(
                params.at("conv"), params.at("norm"), x, CHANNELS, window, groups, 1e-3f, Activation.RELU6);
        Tensor convolved = Tensor.of(new Fused.Conv2d(window, groups, Activation.NONE), x, w);
        Tensor expected = Tensor.of(
                        new Fused.BatchNorm(1e-3f),
                        convolved,
                        scale,
                        shift,
                        params.f32("norm.running_mean", CHANNELS),
                        params.f32("norm.running_var", CHANNELS))
                .activate(Activation.RELU6);
        Tensor dy = weight("dy", actual.shape().dims());
        Map<String, float[]> values = values(stored, x.shape(), actual.shape());
        List<float[]> found = Eval.run(graph(actual, dy, List.of(x, w, scale, shift)), values);
        List<float[]> right = Eval.run(graph(expected, dy, List.of(x, w, scale, shift)), values);
        for (int i = 0; i < right.size(); i++) {
            Compare.assertClose("output " + i, found.get(i), right.get(i), new int[] {right.get(i).length}, 2e-5, 2e-5);
        }
    }

    private static Graph graph(Tensor y, Tensor dy, List<Tensor> wanted) {
        List<Tensor> gradients = Autograd.gradients(List.of(y), List.of(dy), wanted);
        return Graph.of("test", y, gradients.get(0), gradients.get(1), gradients.get(2), gradients.get(3));
    }

    private static Map<String, float[]> values(Map<String, Shape> stored, Shape x, Shape y) {
        Map<String, Shape> shapes = new HashMap<>(stored);
        shapes.put("x", x);
        shapes.put("dy", y);
        Map<String, float[]> values = new HashMap<>();
        shapes.forEach((name, shape) -> {
            Random random = new Random(name.hashCode());
            float[] v = new float[(int) shape.size()];
            for (int i = 0; i < v.length; i++) {
                v[i] = name.equals("norm.running_var") ? 0.5f + random.nextFloat() : random.nextFloat() * 2 - 1;
            }
            values.put(name, v);
        });
        return values;
    }
}
