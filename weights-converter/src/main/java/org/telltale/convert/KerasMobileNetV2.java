package org.telltale.convert;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.telltale.convert.Converted.Permuted;
import org.telltale.convert.Converted.Tensor;
import org.telltale.convert.KerasModel.Layer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * MobileNetV2 of {@code keras.applications}, alone or inside other models, to the names and layouts of
 * {@code MobileNetV2ForImageClassification} (SPEC §6.3).
 *
 * <p>The layers are checked one by one, so that a network that only shares the names is refused rather than converted
 * into a wrong one. A head that is not one dense layer with bias, as Teachable Machine's, is written as
 * {@code classifier.<i>.weight} and {@code .bias} and described by the key {@code head} of the configuration: a list of
 * {@code {"type": "dense", "units": n, "activation": "relu" or "linear", "bias": true or false}}. A final softmax is
 * left out, as everywhere in this layout: the outputs are logits.
 */
final class KerasMobileNetV2 {
    private static final int BLOCKS = 16;
    private static final Set<Integer> STRIDE_2 = Set.of(1, 3, 6, 13);
    private static final Set<String> IGNORED = Set.of("InputLayer", "Dropout", "Flatten", "GlobalAveragePooling2D");

    private final KerasModel model;
    private final List<Tensor> tensors = new ArrayList<>();
    private final Set<String> used = new HashSet<>();
    private final List<Integer> widths = new ArrayList<>();
    private double epsilon = -1;
    private int size;

    private KerasMobileNetV2(KerasModel model) {
        this.model = model;
    }

    /** Whether a model looks like one of this family. */
    static boolean accepts(KerasModel model) {
        return model.find("expanded_conv_depthwise").isPresent()
                && model.find("block_16_project").isPresent();
    }

    static Converted convert(KerasModel model, Optional<List<String>> labels) {
        return new KerasMobileNetV2(model).run(labels);
    }

    private Converted run(Optional<List<String>> labels) {
        int imageSize = imageSize();
        size = imageSize;
        String base = "mobilenet_v2.";
        widths.add(conv("Conv1", "bn_Conv1", "Conv1_relu", 2, base + "conv_stem.first_conv"));
        depthwise("expanded_conv_", 1, base + "conv_stem.");
        widths.add(project("expanded_conv_", base + "conv_stem."));
        requireAdd("expanded_conv_add", false);
        for (int k = 1; k <= BLOCKS; k++) {
            String from = "block_" + k + "_";
            String to = base + "layer." + (k - 1) + ".";
            int stride = STRIDE_2.contains(k) ? 2 : 1;
            int in = widths.getLast();
            int expanded = conv(from + "expand", from + "expand_BN", from + "expand_relu", 1, to + "expand_1x1");
            depthwise(from, stride, to);
            int out = project(from, to);
            requireAdd(from + "add", stride == 1 && in == out);
            widths.add(expanded);
            widths.add(out);
        }
        widths.add(conv("Conv_1", "Conv_1_bn", "out_relu", 1, base + "conv_1x1"));
        ArrayNode head = head();
        requireAllUsed();
        int classes = head.get(head.size() - 1).get("units").intValue();
        return new Converted(
                List.copyOf(tensors),
                config(imageSize, head, Labels.of(model.file(), labels, classes)),
                preprocessor(imageSize));
    }

    private int imageSize() {
        Layer first = model.layers().getFirst();
        JsonNode shape = first.config().has("batch_shape")
                ? first.config().get("batch_shape")
                : first.config().path("batch_input_shape");
        boolean square = shape.size() == 4
                && shape.get(1).isInt()
                && shape.get(1).equals(shape.get(2))
                && shape.get(3).asInt(0) == 3;
        int extent = square ? shape.get(1).intValue() : 0;
        if (extent < 1 || extent > 4096) {
            throw model.error(
                    "the input of \"" + first.name() + "\" has the shape " + shape + ", expected [null, n, n, 3]");
        }
        return extent;
    }

    /** A convolution with batch norm and, if named, ReLU6; returns its output channels. */
    private int conv(String name, String norm, String relu, int stride, String to) {
        Layer conv = model.layer(name, "Conv2D");
        requireConv(conv, stride);
        requirePadding(conv, name + "_pad", stride);
        return normalised(name, norm, relu, Permuted.HWIO_TO_OIHW, to);
    }

    private void depthwise(String from, int stride, String to) {
        Layer conv = model.layer(from + "depthwise", "DepthwiseConv2D");
        requireConv(conv, stride);
        requirePadding(conv, from + "pad", stride);
        normalised(conv.name(), from + "depthwise_BN", from + "depthwise_relu", Permuted.HWCM_TO_CMHW, to + "conv_3x3");
    }

    private int project(String from, String to) {
        return conv(from + "project", from + "project_BN", "", 1, to + "reduce_1x1");
    }

    private int normalised(String conv, String norm, String relu, List<Integer> axes, String to) {
        H5Reader.Entry kernel = model.variable(conv, "kernel", 4);
        tensors.add(new Permuted(to + ".convolution.weight", kernel, axes));
        Layer bn = model.layer(norm, "BatchNormalization");
        double eps = bn.config().path("epsilon").asDouble(-1);
        if (epsilon >= 0 && eps != epsilon) {
            throw model.error("\"" + norm + "\" has the epsilon " + eps + ", the layers before it " + epsilon);
        }
        epsilon = eps;
        tensors.addAll(Converted.batchNorm(
                to + ".normalization",
                List.of(
                        model.variable(norm, "gamma", 1),
                        model.variable(norm, "beta", 1),
                        model.variable(norm, "moving_mean", 1),
                        model.variable(norm, "moving_variance", 1))));
        int channels = kernel.shape().get(axes.getFirst());
        tensors.forEach(t -> requireChannels(t, to + ".", channels));
        used.add(conv);
        used.add(norm);
        if (!relu.isEmpty()) {
            Layer activation = model.layer(relu, "ReLU");
            if (activation.config().path("max_value").asDouble(0) != 6) {
                throw model.error("\"" + relu + "\" is not a ReLU6");
            }
            used.add(relu);
        }
        return channels;
    }

    private void requireChannels(Tensor t, String prefix, int channels) {
        if (t instanceof Permuted p
                && p.name().startsWith(prefix)
                && p.entry().shape().dim(0) != channels) {
            throw model.error(p.source() + " does not fit the " + channels + " channels of its convolution");
        }
    }

    private void requireConv(Layer conv, int stride) {
        JsonNode c = conv.config();
        boolean plain = !c.path("use_bias").asBoolean(true)
                && c.path("activation").asString("linear").equals("linear")
                && isPair(c.path("strides"), stride)
                && (c.path("dilation_rate").isMissingNode() || isPair(c.path("dilation_rate"), 1))
                && c.path("data_format").asString("channels_last").equals("channels_last");
        if (!plain) {
            throw model.error("\"" + conv.name() + "\" is not a convolution of stride " + stride
                    + " without bias, activation and dilation");
        }
    }

    private static boolean isPair(JsonNode pair, int value) {
        return pair.size() == 2 && pair.get(0).asInt(0) == value && pair.get(1).asInt(0) == value;
    }

    /** Padding must be TensorFlow's SAME for the size at hand, be it called so or written out as a layer of zeros. */
    private void requirePadding(Layer conv, String padName, int stride) {
        String padding = conv.config().path("padding").asString("");
        Optional<Layer> pad = model.find(padName);
        boolean pointwise = isPair(conv.config().path("kernel_size"), 1);
        if (pad.isPresent()) {
            int before = size % 2 == 0 ? 0 : 1;
            String written = pad.get().config().path("padding").toString();
            String same = "[[" + before + ",1],[" + before + ",1]]";
            if (stride != 2 || !padding.equals("valid") || !written.equals(same)) {
                throw model.error("\"" + padName + "\" pads " + written + ", expected " + same + " for maps of " + size
                        + " x " + size);
            }
            used.add(padName);
        } else if (!padding.equals("same") && !pointwise) {
            throw model.error("\"" + conv.name() + "\" has the padding \"" + padding + "\", expected \"same\"");
        }
        size = (size + stride - 1) / stride;
    }

    private void requireAdd(String name, boolean expected) {
        boolean present = model.find(name).filter(l -> l.type().equals("Add")).isPresent();
        if (present != expected) {
            throw model.error((present ? "a" : "no") + " residual connection \"" + name + "\", which MobileNetV2 has "
                    + (expected ? "here" : "not here"));
        }
        used.add(name);
    }

    /** The dense layers after the pooling, in order. */
    private ArrayNode head() {
        ArrayNode head = new JsonMapper().createArrayNode();
        List<Layer> dense =
                model.layers().stream().filter(l -> l.type().equals("Dense")).toList();
        if (dense.isEmpty()) {
            throw model.error("no dense layer after MobileNetV2: a classifier is expected");
        }
        int in = widths.getLast();
        boolean plain =
                dense.size() == 1 && dense.getFirst().config().path("use_bias").asBoolean(true);
        for (int i = 0; i < dense.size(); i++) {
            Layer d = dense.get(i);
            boolean last = i == dense.size() - 1;
            String activation = d.config().path("activation").asString("");
            if (last && activation.equals("softmax")) {
                activation = "linear";
            }
            if (!activation.equals("linear") && (last || !activation.equals("relu"))) {
                throw model.error("dense layer \"" + d.name() + "\" has the activation \"" + activation
                        + "\", expected " + (last ? "softmax or linear" : "relu or linear"));
            }
            H5Reader.Entry kernel = model.variable(d.name(), "kernel", 2);
            if (kernel.shape().getFirst() != in) {
                throw model.error("dense layer \"" + d.name() + "\" takes "
                        + kernel.shape().getFirst() + " values, the layer before it gives " + in);
            }
            in = kernel.shape().getLast();
            boolean bias = d.config().path("use_bias").asBoolean(true);
            String to = plain ? "classifier." : "classifier." + i + ".";
            tensors.add(new Permuted(to + "weight", kernel, Permuted.TRANSPOSED));
            if (bias) {
                tensors.add(new Permuted(to + "bias", model.variable(d.name(), "bias", 1), Permuted.VECTOR));
                requireChannels(tensors.getLast(), to, in);
            }
            head.addObject()
                    .put("type", "dense")
                    .put("units", in)
                    .put("activation", activation)
                    .put("bias", bias);
            used.add(d.name());
        }
        return head;
    }

    private void requireAllUsed() {
        long pools = model.layers().stream()
                .filter(l -> l.type().equals("GlobalAveragePooling2D"))
                .count();
        if (pools != 1) {
            throw model.error(pools + " layers GlobalAveragePooling2D, expected one");
        }
        for (Layer l : model.layers()) {
            if (!used.contains(l.name()) && !IGNORED.contains(l.type())) {
                throw model.error("layer \"" + l.name() + "\" of class " + l.type() + " is not part of MobileNetV2");
            }
        }
        for (String layer : model.variables().keySet()) {
            if (!used.contains(layer)) {
                throw model.error("layer \"" + layer + "\" has variables and is not part of MobileNetV2");
            }
        }
    }

    private ObjectNode config(int imageSize, ArrayNode head, Labels labels) {
        MobileNetV2Widths rule = MobileNetV2Widths.find(widths)
                .orElseThrow(() -> model.error("no depth multiplier gives the channels " + widths));
        ObjectNode config = rule.config(imageSize, epsilon, true, dropout());
        boolean plain = head.size() == 1 && head.get(0).get("bias").booleanValue();
        if (!plain) {
            config.set("head", head);
        }
        labels.addTo(config);
        return config;
    }

    private double dropout() {
        return model.layers().stream()
                .filter(l -> l.type().equals("Dropout"))
                .mapToDouble(l -> l.config().path("rate").asDouble(0))
                .findFirst()
                .orElse(0);
    }

    /** Squashed to the input's size with Pillow's bilinear filter, then to [-1, 1]. */
    private static ObjectNode preprocessor(int imageSize) {
        ObjectNode p = new JsonMapper().createObjectNode();
        p.put("image_processor_type", "MobileNetV2ImageProcessor")
                .put("do_resize", true)
                .put("resample", 2)
                .put("do_center_crop", false)
                .put("do_rescale", true)
                .put("rescale_factor", 1 / 255.0)
                .put("do_normalize", true);
        p.putObject("size").put("height", imageSize).put("width", imageSize);
        p.putArray("image_mean").add(0.5).add(0.5).add(0.5);
        p.putArray("image_std").add(0.5).add(0.5).add(0.5);
        return p;
    }
}
