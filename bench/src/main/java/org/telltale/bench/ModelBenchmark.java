package org.telltale.bench;

import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.openjdk.jmh.annotations.Param;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Params;
import org.telltale.models.Bert;
import org.telltale.models.Blip;
import org.telltale.models.Clip;
import org.telltale.models.EfficientNet;
import org.telltale.models.InceptionV3;
import org.telltale.models.MobileNetV2;

/** Whole models of real size with made-up weights: model:batch x extent of a picture, or batch x tokens. */
public class ModelBenchmark extends PeerBenchmark {
    /** CLIP's texts fill the context. */
    private static final String ENDS = "ends";

    @Param({
        "mobilenetv2:1x224",
        "mobilenetv2:16x224",
        "efficientnet-b0:1x224",
        "efficientnet-b0:16x224",
        "efficientnet-b2:1x260",
        "efficientnet-b2:16x260",
        "bert-base:1x128",
        "bert-base:8x128",
        "blip-large-vision:1x384",
        "clip-vit-l-14-vision:1x224",
        "clip-vit-l-14-vision:8x224",
        "clip-vit-l-14-text:32x77",
        "inception-v3:1x299",
        "inception-v3:16x299"
    })
    public String shape = "";

    @Override
    Graph graph() {
        String[] parts = shape.split(":", 2);
        int[] s = Workload.extents(parts[1]);
        return Graph.of(shape, output(parts[0], anyWeights(), s[0], s[1]));
    }

    /** What a model computes: logits, what BLIP sees, CLIP's features, or InceptionV3's last map. */
    static Tensor output(String model, Params params, int batch, int extent) {
        Tensor pictures = Workload.input("pictures", batch, extent, extent, 3);
        return switch (model) {
            case "mobilenetv2" ->
                new MobileNetV2(mobileNet(), params).forward(pictures).logits();
            case "efficientnet-b0" ->
                new EfficientNet(efficientNet(extent, 1, 1), params)
                        .forward(pictures)
                        .logits();
            case "efficientnet-b2" ->
                new EfficientNet(efficientNet(extent, 1.1, 1.2), params)
                        .forward(pictures)
                        .logits();
            case "bert-base" -> bert(params, 768, 12, batch, extent);
            case "bert-small" -> bert(params, 64, 2, batch, extent);
            case "blip-large-vision" ->
                new Blip(blip(extent), params).see(pictures).last();
            case "clip-vit-l-14-vision" ->
                new Clip(clip(extent, 64, 24, 12), params).see(pictures).features();
            case "clip-small-vision" ->
                new Clip(clip(extent, 4, 2, 2), params).see(pictures).features();
            case "clip-vit-l-14-text" -> texts(new Clip(clip(extent, 64, 24, 12), params), batch, extent);
            case "clip-small-text" -> texts(new Clip(clip(extent, 4, 2, 2), params), batch, extent);
            case "inception-v3" ->
                new InceptionV3(new InceptionV3.Config(extent, 1, Fused.PoolKind.MEAN_OF_REAL), params)
                        .forward(pictures)
                        .last();
            default -> throw new IllegalArgumentException("unknown model '" + model + "'");
        };
    }

    /** Any name is there with any shape: the weights are made by name. */
    static Params anyWeights() {
        return Params.of("made-up weights", Set.of(), n -> Shape.of(), n -> DType.F32);
    }

    @Override
    Operands operands(Graph graph) {
        int tokens = Workload.extents(shape.substring(shape.indexOf(':') + 1))[1];
        return made(graph).integers(ENDS, i -> (int) i * tokens + tokens - 1);
    }

    /** Weights, pictures and texts. */
    static Operands made(Graph graph) {
        return new Operands(graph)
                .integers("ids", i -> (int) (i * 7919 % 30000))
                .integers("mask", i -> 1)
                .integers("types", i -> 0);
    }

    /** Heads are 64 wide. */
    private static Tensor bert(Params params, int width, int layers, int batch, int tokens) {
        Bert.Config config = new Bert.Config(
                30522, width, layers, width / 64, 4 * width, 512, 2, Activation.GELU_ERF, 1e-12f, 0, 0, labels(7));
        return new Bert(config, params)
                .forward(
                        Tensor.input("ids", DType.I32, batch, tokens),
                        Tensor.input("mask", DType.I32, batch, tokens),
                        Tensor.input("types", DType.I32, batch, tokens))
                .logits();
    }

    private static MobileNetV2.Config mobileNet() {
        return new MobileNetV2.Config(
                224, 1, 8, 8, 6, true, true, true, Activation.RELU6, 1e-3f, List.of(), labels(1000));
    }

    private static EfficientNet.Config efficientNet(int extent, double width, double depth) {
        return new EfficientNet.Config(
                extent,
                width,
                depth,
                8,
                List.of(3, 3, 5, 3, 5, 5, 3),
                List.of(1, 2, 2, 3, 3, 4, 1),
                List.of(32, 16, 24, 40, 80, 112, 192),
                List.of(16, 24, 40, 80, 112, 192, 320),
                List.of(1, 6, 6, 6, 6, 6, 6),
                List.of(1, 2, 2, 2, 1, 2, 1),
                0.25,
                Activation.SILU,
                1e-3f,
                0,
                labels(1000));
    }

    /** BLIP-large, for pictures of this extent. */
    static Blip.Config blip(int extent) {
        return new Blip.Config(
                new Blip.Vision(1024, 24, 16, 4096, extent, 16, Activation.GELU_ERF, 1e-5f),
                new Blip.Text(30524, 768, 12, 12, 3072, 512, Activation.GELU_ERF, 1e-12f, 30522, 102));
    }

    private static Tensor texts(Clip clip, int batch, int tokens) {
        return clip.read(Tensor.input("ids", DType.I32, batch, tokens), Tensor.input(ENDS, DType.I32, batch))
                .features();
    }

    /**
     * ViT-L/14 or something smaller.
     *
     * @param extent of pictures, whose number of patches is all that depends on it
     * @param head the width of each of the 16 and 12 heads, 64 in ViT-L/14
     */
    private static Clip.Config clip(int extent, int head, int visionLayers, int textLayers) {
        return new Clip.Config(
                new Clip.Tower(16 * head, visionLayers, 16, 64 * head, Activation.QUICK_GELU, 1e-5f),
                extent,
                14,
                new Clip.Tower(12 * head, textLayers, 12, 48 * head, Activation.QUICK_GELU, 1e-5f),
                49408,
                77,
                12 * head);
    }

    private static List<String> labels(int count) {
        return Collections.nCopies(count, "label");
    }
}
