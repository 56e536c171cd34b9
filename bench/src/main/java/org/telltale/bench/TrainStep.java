package org.telltale.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Adam;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.autograd.ClipByGlobalNorm;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.autograd.RmsProp;
import org.telltale.engine.nn.Losses;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.CompileOptions;

/**
 * One step of an optimizer on a classifier of real size with made-up weights: loss, gradients, their global norm, update of
 * the parameters. Built as the application builds it, without dropout, so that every engine computes the same, and with
 * the stored statistics of batch normalisation. The number of the step stays 0.
 *
 * <p>The optimizers do the work of the recipes, Adam with its epsilon where PyTorch has it, so that libtorch can use its own.
 *
 * @param graph the step; outputs are the loss and the norm
 * @param loss the loss alone, as a function of the parameters
 * @param parameters the states that are trained
 * @param optimizer {@link Adam}, or {@link RmsProp} with epsilon inside the root
 * @param clip the most that the norm may be, {@link Float#MAX_VALUE} for no limit
 * @param operands weights, inputs and the first values of the states
 * @param recompute whether Telltale computes values of the forward pass again
 */
record TrainStep(
        Graph graph,
        Graph loss,
        List<Tensor> parameters,
        Optimizer optimizer,
        float clip,
        Operands operands,
        boolean recompute) {
    static final double RATE = 1e-5;
    private static final String RECOMPUTE = "-recompute";

    /** Words that both captioners have. */
    private static final int SMALL = 1000;

    private static final String HEAD = "^classifier\\.";

    /** The optimizer of a model, its limit of the norm, and which parameters it trains. */
    private record Recipe(String model, Optimizer optimizer, float clip, String trained) {}

    /** The recipe of a case, model or model-part. */
    private static Recipe recipe(String name) {
        return switch (name) {
            case "bert-base", "bert-small" -> new Recipe(name, Adam.torchDecayed(), 1, "");
            case "captioner", "captioner-small" -> new Recipe(name, Adam.torch(), Float.MAX_VALUE, "");
            case "mobilenetv2-late" ->
                new Recipe(
                        "mobilenetv2",
                        RmsProp.keras(RmsProp.Place.INSIDE_ROOT),
                        Float.MAX_VALUE,
                        HEAD + "|layer\\.10\\.(conv_3x3|reduce_1x1)|layer\\.1[1-5]\\.|mobilenet_v2\\.conv_1x1");
            case "efficientnet-b0-head" -> new Recipe("efficientnet-b0", Adam.torch(), Float.MAX_VALUE, HEAD);
            case "efficientnet-b0-late" ->
                new Recipe(
                        "efficientnet-b0",
                        Adam.torch(),
                        Float.MAX_VALUE,
                        HEAD + "|blocks\\.15\\.(expansion\\.expand_conv|depthwise_conv\\.depthwise_conv|squeeze_excite"
                                + "|projection\\.project_conv)|top_conv");
            default ->
                throw new IllegalArgumentException(
                        "training step '" + name + "', expected bert-base, bert-small,"
                                + " captioner, captioner-small, mobilenetv2-late, efficientnet-b0-head or efficientnet-b0-late");
        };
    }

    /**
     * The step of a case.
     *
     * @param shape such as {@code bert-base:32x128}: model and trained part, {@code -recompute} where Telltale computes
     *     values of the forward pass again, then batch x tokens or extent of a picture
     */
    static TrainStep of(String shape) {
        String[] parts = shape.split(":", 2);
        int[] s = Workload.extents(parts[1]);
        boolean recompute = parts[0].endsWith(RECOMPUTE);
        Recipe recipe = recipe(recompute ? parts[0].substring(0, parts[0].length() - RECOMPUTE.length()) : parts[0]);
        Predicate<String> trained = Pattern.compile(recipe.trained).asPredicate();
        Params params = ModelBenchmark.anyWeights()
                .training(new Params.Training(n -> !n.contains(".running_") && trained.test(n), null, null));
        Tensor loss = switch (recipe.model) {
            case "captioner" -> captions(params, s[0], s[1], 256, 512, 5000, 64, 2048);
            case "captioner-small" -> captions(params, s[0], s[1], 8, 12, SMALL, 5, 16);
            default ->
                Losses.maskedCrossEntropy(
                        ModelBenchmark.output(recipe.model, params, s[0], s[1]),
                        Tensor.input("labels", DType.I32, s[0]),
                        -1,
                        Losses.Divisor.COUNTED_ROWS);
        };
        Graph forward = Graph.of(shape + " loss", loss);
        List<Tensor> parameters = forward.nodes().stream()
                .filter(t -> t.op() instanceof Primitive.State)
                .toList();
        ClipByGlobalNorm clipped = ClipByGlobalNorm.of(Autograd.gradients(loss, parameters), recipe.clip);
        Tensor numbers = Workload.input("numbers", Optimizer.NUMBERS);
        Map<Tensor, Tensor> updates = new LinkedHashMap<>();
        for (int i = 0; i < parameters.size(); i++) {
            Tensor p = parameters.get(i);
            updates.putAll(
                    recipe.optimizer.update(name(p), p, clipped.gradients().get(i), numbers));
        }
        Graph graph = Graph.of(shape, List.of(loss, clipped.norm()), updates);
        Operands operands = ModelBenchmark.made(graph)
                .integers("labels", i -> (int) (i * 31 % 7))
                .integers("words", i -> (int) (i * 7919 % SMALL))
                .integers("next", i -> (int) ((i + 1) * 7919 % SMALL))
                .with("numbers", (n, memory) -> memory.set(recipe.optimizer.numbers(0, RATE)));
        for (Tensor state : updates.keySet()) {
            if (parameters.contains(state)) {
                operands.with(name(state), (n, memory) -> Operands.weight(n, memory));
            } else {
                operands.with(name(state), (n, memory) -> memory.data().fill((byte) 0));
            }
        }
        return new TrainStep(graph, forward, parameters, recipe.optimizer, recipe.clip, operands, recompute);
    }

    /** The attention and GRU captioner's loss: the sum over words of the mean over captions. */
    private static Tensor captions(
            Params params,
            int batch,
            int words,
            int embedding,
            int units,
            int vocabulary,
            int positions,
            int channels) {
        Tensor logits = GreedyCaptionBenchmark.captioner(embedding, units, vocabulary, channels, positions, params)
                .teach(
                        Tensor.input("words", DType.I32, batch, words),
                        Workload.input("features", batch, positions, channels))
                .logits();
        return Losses.maskedCrossEntropy(
                        logits, Tensor.input("next", DType.I32, batch, words), 0, Losses.Divisor.ALL_ROWS)
                .mul(words);
    }

    static String name(Tensor state) {
        return ((Primitive.State) state.op()).name();
    }

    /** The step on Telltale or libtorch; outputs of the latest run are the loss and the norm. */
    Workload open(String engine, int threads) {
        return switch (engine) {
            case Workload.TELLTALE -> telltale(threads, CompileOptions.Precision.F32);
            case Workload.TELLTALE_BF16 -> telltale(threads, CompileOptions.Precision.BF16);
            case Workload.LIBTORCH -> new LibtorchTraining(threads, this);
            default ->
                throw new IllegalArgumentException(
                        "engine '" + engine + "' of a training step, expected telltale, telltale-bf16 or libtorch");
        };
    }

    private Workload telltale(int threads, CompileOptions.Precision precision) {
        return new TelltaleWorkload(threads, graph, operands, new CompileOptions(precision, recompute));
    }

    /** The places of the parameters among the operands of a function. */
    int[] places(List<Tensor> among) {
        List<String> names = new ArrayList<>();
        for (Tensor t : among) {
            names.add(t.op() instanceof Primitive.State s ? s.name() : "");
        }
        return parameters.stream().mapToInt(p -> names.indexOf(name(p))).toArray();
    }
}
