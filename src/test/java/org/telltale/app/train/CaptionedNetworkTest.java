package org.telltale.app.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.telltale.app.Tiny;
import org.telltale.app.data.CaptionedRows;
import org.telltale.app.data.Minibatch;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.spi.NaiveBackend;
import org.telltale.models.Clip;
import org.telltale.models.ConfigFile;

/** The objectives of BLIP and CLIP on the small checkpoints of the reference values. */
class CaptionedNetworkTest {
    private static final String GOLDEN = "../models/src/test/resources/golden/blip/";
    private static final int LENGTH = 14;

    private static CaptionedNetwork network(String folder) {
        return CaptionedNetwork.of(ConfigFile.read(Path.of(folder).resolve("config.json")));
    }

    /** A graph over a checkpoint whose float parameters are states, and their memory. */
    private static final class Model implements AutoCloseable {
        final Arena arena = Arena.ofConfined();
        final NaiveBackend backend = new NaiveBackend();
        final SafeTensors weights;
        final Params params;
        final Map<String, HostTensor> values = new TreeMap<>();

        Model(String folder) {
            weights = SafeTensors.open(Path.of(folder));
            params = Params.of(folder, weights.names(), weights::shape, weights::dtype)
                    .training(new Params.Training(n -> true, null, null));
        }

        Executable compile(Graph graph) {
            Executable e = backend.compile(graph, weights, CompileOptions.DEFAULT);
            for (Tensor t : graph.nodes()) {
                if (t.op() instanceof Primitive.State s) {
                    e.bind(s.name(), values.computeIfAbsent(s.name(), n -> weights.read(n, arena)));
                }
            }
            return e;
        }

        @Override
        public void close() {
            backend.close();
            weights.close();
            arena.close();
        }
    }

    private static void pictures(HostTensor to, SplittableRandom random) {
        for (long i = 0; i < to.size(); i++) {
            to.set(i, (float) random.nextDouble(-1, 1));
        }
    }

    /** PyTorch's cross-entropy with label smoothing, of the logits that the original class gives for the same ids. */
    private static double expected(float[] logits, int[] targets, int classes, double smoothing) {
        double sum = 0;
        int counted = 0;
        for (int row = 0; row < targets.length; row++) {
            if (targets[row] == Minibatch.NO_LABEL) {
                continue;
            }
            double all = 0;
            double mean = 0;
            for (int c = 0; c < classes; c++) {
                all += Math.exp(logits[row * classes + c]);
                mean += logits[row * classes + c] / (double) classes;
            }
            double log = Math.log(all);
            sum += (1 - smoothing) * (log - logits[row * classes + targets[row]]) + smoothing * (log - mean);
            counted++;
        }
        return sum / counted;
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 0.1f})
    void theLossOfBlipIsThatOfTheReferenceLogits(float smoothing) {
        CaptionedNetwork network = network(Tiny.BLIP);
        try (Model m = new Model(Tiny.BLIP);
                SafeTensors golden = SafeTensors.open(Path.of(GOLDEN + "golden-tiny-blip.safetensors"));
                SafeTensors pixels = SafeTensors.open(Path.of(GOLDEN + "pixels.safetensors"))) {
            Map<String, Tensor> in = network.inputs(2, 32, LENGTH);
            Learner.Scores scores = network.scores(m.params, in, Tensor.fill(1, 2), smoothing);
            Graph graph = Graph.of("loss", scores.objective(), scores.reported(), scores.losses(), scores.counted());
            try (Executable e = m.compile(graph)) {
                float[] channelsFirst = pixels.read("pixel_values", m.arena).toFloats();
                HostTensor pictures = e.input(Network.PICTURES);
                int plane = 32 * 32;
                for (int i = 0; i < 2 * plane * 3; i++) {
                    int at = i / 3 % plane;
                    pictures.set(i, channelsFirst[i / 3 / plane * 3 * plane + i % 3 * plane + at]);
                }
                HostTensor ids = golden.read("decoder.text14.input_ids", m.arena);
                int[] targets = new int[2 * LENGTH];
                for (int i = 0; i < targets.length; i++) {
                    long id = ids.data().get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * i);
                    e.input(CaptionedRows.IDS).setInt(i, (int) id);
                    // Nothing is to be told within a prompt of three, nor behind the end of the second text.
                    boolean ignored = i % LENGTH < 3 || i > 22;
                    targets[i] = ignored ? Minibatch.NO_LABEL : (i * 37 + 5) % 271;
                }
                e.input(CaptionedRows.TARGETS).setInts(targets);
                e.run();
                float[] logits = golden.read("decoder.text14.logits", m.arena).toFloats();
                assertThat((double) e.output(0).get(0))
                        .isCloseTo(expected(logits, targets, 271, smoothing), within(2e-5));
                assertThat((double) e.output(1).get(0)).isCloseTo(expected(logits, targets, 271, 0), within(2e-5));
                assertThat(e.output(3).get(0)).isEqualTo(11);
                assertThat(e.output(3).get(1)).isEqualTo(6);
                assertThat((e.output(2).get(0) + e.output(2).get(1)) / 17)
                        .isCloseTo(e.output(1).get(0), within(1e-5f));
            }
        }
    }

    /** The loss of CLIP in plain loops, from the features that the model gives. */
    @Test
    void theLossOfClipIsTheMeanOfBothDirectionsOverTheRowsThatHoldASample() {
        CaptionedNetwork network = network(Tiny.CLIP);
        int batch = 5;
        try (Model m = new Model(Tiny.CLIP)) {
            Map<String, Tensor> in = network.inputs(batch, 28, 6);
            Tensor present = Tensor.input("present", DType.F32, batch);
            Learner.Scores scores = network.scores(m.params, in, present, 0);
            Clip clip = new Clip(((CaptionedNetwork.Matching) network).config(), m.params);
            Tensor seen = clip.see(Learner.input(in, Network.PICTURES)).features();
            Tensor read = clip.read(Learner.input(in, CaptionedRows.IDS), Learner.input(in, CaptionedRows.ENDS))
                    .features();
            try (Executable e = m.compile(Graph.of("loss", scores.objective(), scores.correct(), seen, read))) {
                fill(e, batch, 6);
                // The last row holds no sample.
                e.input("present").set(new float[] {1, 1, 1, 1, 0});
                e.run();
                int width = seen.dim(1);
                double scale = Math.exp(m.weights.read("logit_scale", m.arena).get(0));
                double[][] logits = new double[4][4];
                for (int i = 0; i < 4; i++) {
                    for (int j = 0; j < 4; j++) {
                        logits[i][j] = scale * cosine(e.output(2), i, e.output(3), j, width);
                    }
                }
                double sum = 0;
                int correct = 0;
                for (int i = 0; i < 4; i++) {
                    double row = 0;
                    double column = 0;
                    boolean best = true;
                    for (int j = 0; j < 4; j++) {
                        row += Math.exp(logits[i][j]);
                        column += Math.exp(logits[j][i]);
                        best &= logits[i][i] >= logits[i][j];
                    }
                    sum += (Math.log(row) + Math.log(column)) / 2 - logits[i][i];
                    correct += best ? 1 : 0;
                }
                assertThat((double) e.output(0).get(0)).isCloseTo(sum / 4, within(1e-4));
                assertThat(e.output(1).get(0)
                                + e.output(1).get(1)
                                + e.output(1).get(2)
                                + e.output(1).get(3))
                        .isEqualTo(correct);
                assertThat(e.output(1).get(4)).isZero();
            }
        }
    }

    private static double cosine(HostTensor a, int i, HostTensor b, int j, int width) {
        double dot = 0;
        double x = 0;
        double y = 0;
        for (int k = 0; k < width; k++) {
            double p = a.get((long) i * width + k);
            double q = b.get((long) j * width + k);
            dot += p * q;
            x += p * p;
            y += q * q;
        }
        return dot / Math.sqrt(x * y);
    }

    private static void fill(Executable e, int batch, int length) {
        SplittableRandom random = new SplittableRandom(9);
        pictures(e.input(Network.PICTURES), random);
        for (int i = 0; i < batch * length; i++) {
            e.input(CaptionedRows.IDS).setInt(i, random.nextInt(200));
        }
        for (int i = 0; i < batch; i++) {
            e.input(CaptionedRows.ENDS).setInt(i, i * length + 2 + i % (length - 2));
        }
    }

    /** Along the gradient and along a random direction, for parameters of both towers. */
    @ParameterizedTest
    @ValueSource(strings = {Tiny.BLIP, Tiny.CLIP})
    void gradientsAreThoseOfCentralDifferences(String folder) {
        CaptionedNetwork network = network(folder);
        boolean blip = network instanceof CaptionedNetwork.Telling;
        int length = 6;
        try (Model m = new Model(folder)) {
            Map<String, Tensor> in = network.inputs(3, blip ? 32 : 28, length);
            Learner.Scores scores = network.scores(m.params, in, Tensor.fill(1, 3), 0.1f);
            List<String> names = blip
                    ? List.of(
                            "vision_model.embeddings.patch_embedding.weight",
                            "vision_model.encoder.layers.1.self_attn.qkv.weight",
                            "text_decoder.bert.encoder.layer.1.crossattention.self.key.weight",
                            "text_decoder.bert.encoder.layer.0.attention.self.value.weight",
                            "text_decoder.bert.embeddings.word_embeddings.weight")
                    : List.of(
                            "logit_scale",
                            "visual_projection.weight",
                            "vision_model.embeddings.class_embedding",
                            "text_model.encoder.layers.0.mlp.fc1.weight",
                            "text_model.embeddings.token_embedding.weight");
            Map<String, Tensor> found = new LinkedHashMap<>();
            for (Tensor t : Graph.order(List.of(scores.objective()))) {
                if (t.op() instanceof Primitive.State s && names.contains(s.name())) {
                    found.put(s.name(), t);
                }
            }
            assertThat(found.keySet()).containsExactlyInAnyOrderElementsOf(names);
            List<Tensor> outputs = new ArrayList<>(List.of(scores.objective()));
            outputs.addAll(Autograd.gradients(scores.objective(), List.copyOf(found.values())));
            try (Executable e = m.compile(Graph.of("gradients", outputs, Map.of()))) {
                if (blip) {
                    SplittableRandom random = new SplittableRandom(9);
                    pictures(e.input(Network.PICTURES), random);
                    for (int i = 0; i < 3 * length; i++) {
                        e.input(CaptionedRows.IDS).setInt(i, random.nextInt(200));
                        e.input(CaptionedRows.TARGETS)
                                .setInt(i, i % length < 2 ? Minibatch.NO_LABEL : random.nextInt(200));
                    }
                } else {
                    fill(e, 3, length);
                }
                e.run();
                List<float[]> gradients = new ArrayList<>();
                for (int i = 0; i < found.size(); i++) {
                    gradients.add(e.output(1 + i).toFloats());
                }
                List<String> order = List.copyOf(found.keySet());
                SplittableRandom random = new SplittableRandom(4);
                for (int i = 0; i < order.size(); i++) {
                    HostTensor value = m.values.get(order.get(i));
                    float[] g = gradients.get(i);
                    double[] r = new double[g.length];
                    for (int k = 0; k < r.length; k++) {
                        // Towards the gradient's sign, by a random amount: far from zero, unlike a direction of any
                        // sign.
                        r[k] = Math.signum(g[k]) * random.nextDouble();
                    }
                    check(order.get(i), e, value, g, r);
                }
            }
        }
    }

    private static void check(String name, Executable e, HostTensor value, float[] gradient, double[] direction) {
        float[] start = value.toFloats();
        double norm = 0;
        double slope = 0;
        for (int k = 0; k < direction.length; k++) {
            norm += direction[k] * direction[k];
            slope += direction[k] * gradient[k];
        }
        double h = 5e-3 / Math.sqrt(norm);
        double[] f = new double[2];
        for (int side = 0; side < 2; side++) {
            for (int k = 0; k < start.length; k++) {
                value.set(k, (float) (start[k] + (side == 0 ? -h : h) * direction[k]));
            }
            e.run();
            f[side] = e.output(0).get(0);
        }
        value.set(start);
        double measured = (f[1] - f[0]) / (2 * h);
        assertThat(measured / Math.sqrt(norm))
                .as(name)
                .isCloseTo(slope / Math.sqrt(norm), within(5e-4 + 0.02 * Math.abs(slope) / Math.sqrt(norm)));
        assertThat(slope).as(name + " has a gradient").isPositive();
    }
}
