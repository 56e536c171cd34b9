package org.telltale.app.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.telltale.engine.DType;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Params;
import org.telltale.models.Bert;
import org.telltale.models.ConfigException;
import org.telltale.models.ConfigFile;
import org.telltale.models.EfficientNet;
import org.telltale.models.MobileNetV2;

/** A model without its head: what a batch becomes before it is classified. */
sealed interface Network {
    /** The inputs of a batch, by the names that batches use. */
    Map<String, Tensor> inputs(int batch, int size);

    /** Features [batch, width]. */
    Tensor pooled(Params params, Map<String, Tensor> inputs);

    /** The recipe that this kind of model is trained by when none is named. */
    Recipe recipe();

    /** The class of Hugging Face that a finished folder names. */
    String architecture();

    record MobileNet(MobileNetV2.Config config) implements Network {
        @Override
        public Map<String, Tensor> inputs(int batch, int size) {
            return pictures(batch, size);
        }

        @Override
        public Tensor pooled(Params params, Map<String, Tensor> inputs) {
            return new MobileNetV2(config, params)
                    .forward(input(inputs, PICTURES))
                    .pooled();
        }

        @Override
        public Recipe recipe() {
            return Recipe.mobileNet();
        }

        @Override
        public String architecture() {
            return "MobileNetV2ForImageClassification";
        }
    }

    record Efficient(EfficientNet.Config config) implements Network {
        @Override
        public Map<String, Tensor> inputs(int batch, int size) {
            return pictures(batch, size);
        }

        @Override
        public Tensor pooled(Params params, Map<String, Tensor> inputs) {
            return new EfficientNet(config, params)
                    .forward(input(inputs, PICTURES))
                    .pooled();
        }

        @Override
        public Recipe recipe() {
            int blocks = config.repeats().stream()
                    .mapToInt(r -> (int) Math.ceil(config.depth() * r))
                    .sum();
            boolean single = Math.ceil(config.depth() * config.repeats().getLast()) == 1;
            return Recipe.efficientNet(config.imageSize(), blocks, single);
        }

        @Override
        public String architecture() {
            return "EfficientNetForImageClassification";
        }
    }

    record Text(Bert.Config config) implements Network {
        @Override
        public Map<String, Tensor> inputs(int batch, int size) {
            Map<String, Tensor> in = new LinkedHashMap<>();
            for (String name : new String[] {"ids", "mask", "types"}) {
                in.put(name, Tensor.input(name, DType.I32, batch, size));
            }
            return in;
        }

        @Override
        public Tensor pooled(Params params, Map<String, Tensor> inputs) {
            return new Bert(config, params)
                    .forward(input(inputs, "ids"), input(inputs, "mask"), input(inputs, "types"))
                    .pooled();
        }

        @Override
        public Recipe recipe() {
            return Recipe.bert();
        }

        @Override
        public String architecture() {
            return "BertForSequenceClassification";
        }
    }

    String PICTURES = "pictures";

    /** The network that a configuration, with the labels to learn in it, describes. */
    static Network of(ConfigFile config) {
        if (config.has("architecture")) {
            throw new ConfigException(config.where() + ": a checkpoint with timm's names cannot be trained,"
                    + " as the finished folder would have them too; start from one with Hugging Face's names");
        }
        String type = config.text("model_type");
        return switch (type) {
            case "mobilenet_v2" -> new MobileNet(MobileNetV2.Config.of(config));
            case "efficientnet" -> new Efficient(EfficientNet.Config.of(config));
            case "bert" -> new Text(Bert.Config.of(config));
            default ->
                throw new ConfigException(
                        config.where() + ": model_type is '" + type + "', expected mobilenet_v2, efficientnet or bert");
        };
    }

    private static Map<String, Tensor> pictures(int batch, int size) {
        return Map.of(PICTURES, Tensor.input(PICTURES, DType.F32, batch, size, size, 3));
    }

    private static Tensor input(Map<String, Tensor> inputs, String name) {
        Tensor t = inputs.get(name);
        if (t == null) {
            throw new IllegalArgumentException("no input '" + name + "' but " + inputs.keySet());
        }
        return t;
    }
}
