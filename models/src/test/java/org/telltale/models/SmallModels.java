package org.telltale.models;

import java.nio.file.Path;
import java.util.List;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Params;

/** Graphs of the small models of the reference values, each with inputs of two, for tests of whole models. */
public final class SmallModels {
    /** Names, which are folders of the reference values as well. */
    public static final List<String> NAMES =
            List.of("bert/tiny-bert", "blip/tiny-blip", "cnn/tiny-mobilenetv2", "cnn/tiny-efficientnet");

    private SmallModels() {}

    /** A model's logits, and of BLIP the encoded pictures as a second output. */
    public static Graph graph(String model, Path folder, Params params) {
        ConfigFile config = ConfigFile.read(folder.resolve("config.json"));
        return switch (model) {
            case "bert/tiny-bert" -> {
                Tensor ids = Tensor.input("ids", DType.I32, 2, 17);
                Tensor mask = Tensor.input("mask", DType.I32, 2, 17);
                Tensor types = Tensor.input("types", DType.I32, 2, 17);
                yield Graph.of(
                        model,
                        new Bert(Bert.Config.of(config), params)
                                .forward(ids, mask, types)
                                .logits());
            }
            case "blip/tiny-blip" -> {
                Blip blip = new Blip(Blip.Config.of(config), params);
                Tensor pictures = Tensor.input("pictures", DType.F32, 2, 32, 32, 3);
                Tensor seen = blip.see(pictures).last();
                Tensor ids = Tensor.input("ids", DType.I32, 2, 11);
                yield Graph.of(model, blip.tell(ids, blip.remember(seen)).logits(), seen);
            }
            case "cnn/tiny-mobilenetv2" ->
                Graph.of(
                        model,
                        new MobileNetV2(MobileNetV2.Config.of(config), params)
                                .forward(Tensor.input("pictures", DType.F32, 2, 48, 48, 3))
                                .logits());
            case "cnn/tiny-efficientnet" ->
                Graph.of(
                        model,
                        new EfficientNet(EfficientNet.Config.of(config), params)
                                .forward(Tensor.input("pictures", DType.F32, 2, 60, 60, 3))
                                .logits());
            default -> throw new IllegalArgumentException("'" + model + "' is not one of " + NAMES);
        };
    }

    /** Fills an input. */
    public static void fill(String input, HostTensor values) {
        for (long i = 0; i < values.size(); i++) {
            switch (input) {
                case "ids" -> values.setInt(i, (int) (i * 7 % 200));
                // The second text is shorter.
                case "mask" -> values.setInt(i, i < 28 ? 1 : 0);
                case "types" -> values.setInt(i, i % 17 > 8 ? 1 : 0);
                default -> values.set(i, (float) Math.sin(i * 0.37));
            }
        }
    }
}
