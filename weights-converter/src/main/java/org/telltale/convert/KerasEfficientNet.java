package org.telltale.convert;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.telltale.convert.Converted.Permuted;
import org.telltale.convert.Converted.Tensor;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * EfficientNet of {@code keras.applications} with its head, saved as {@code .weights.h5} or {@code .keras} of Keras 3 or in
 * the legacy HDF5 layout, to the names and layouts of {@code EfficientNetForImageClassification} (SPEC §7).
 *
 * <p>Weights say nothing of input size and dropout, so the channel counts must be those of a published variant, B0 to B7.
 */
final class KerasEfficientNet {
    private static final List<Integer> KERNELS = List.of(3, 3, 5, 3, 5, 5, 3);
    private static final List<Integer> STRIDES = List.of(1, 2, 2, 2, 1, 2, 1);
    private static final List<Integer> REPEATS = List.of(1, 2, 2, 3, 3, 4, 1);
    private static final List<Integer> IN = List.of(32, 16, 24, 40, 80, 112, 192);
    private static final List<Integer> OUT = List.of(16, 24, 40, 80, 112, 192, 320);
    private static final List<Integer> EXPANSIONS = List.of(1, 6, 6, 6, 6, 6, 6);
    private static final int DIVISOR = 8;
    private static final String PUBLISHED =
            "weights alone in the legacy layout, taken for those that keras.applications publishes: pictures are divided by"
                    + " the standard deviation twice (include_top in preprocessor_config.json)";

    static final List<Variant> VARIANTS = List.of(
            new Variant(1.0, 1.0, 224, 0.2),
            new Variant(1.0, 1.1, 240, 0.2),
            new Variant(1.1, 1.2, 260, 0.3),
            new Variant(1.2, 1.4, 300, 0.3),
            new Variant(1.4, 1.8, 380, 0.4),
            new Variant(1.6, 2.2, 456, 0.4),
            new Variant(1.8, 2.6, 528, 0.5),
            new Variant(2.0, 3.1, 600, 0.5));

    private final Path file;
    private final Map<String, List<H5Reader.Entry>> layers;
    private final List<Tensor> tensors = new ArrayList<>();
    private final List<Integer> widths = new ArrayList<>();

    /** A network; the size is the side of its input, the divisor what channel counts are divisible by. */
    record Variant(double width, double depth, int size, double dropout, int divisor) {
        /** A published one. */
        Variant(double width, double depth, int size, double dropout) {
            this(width, depth, size, dropout, DIVISOR);
        }

        int channels(int base) {
            double scaled = base * width;
            int rounded = Math.max(divisor, (int) (scaled + divisor / 2.0) / divisor * divisor);
            return rounded < 0.9 * scaled ? rounded + divisor : rounded;
        }

        List<Integer> allRepeats() {
            return IntStream.range(0, REPEATS.size()).map(this::repeats).boxed().toList();
        }

        int repeats(int stage) {
            return (int) Math.ceil(depth * REPEATS.get(stage));
        }

        /** Output channels of the stem, of every block, and of the last convolution. */
        List<Integer> widths() {
            List<Integer> all = new ArrayList<>(List.of(channels(32)));
            for (int stage = 0; stage < OUT.size(); stage++) {
                for (int i = 0; i < repeats(stage); i++) {
                    all.add(channels(OUT.get(stage)));
                }
            }
            all.add(channels(1280));
            return all;
        }

        /** The blocks of stride 2 whose maps have an odd side at the native size; HF pads these symmetrically. */
        List<Integer> oddBlocks() {
            List<Integer> blocks = new ArrayList<>();
            int side = (size + 1) / 2;
            int block = 0;
            for (int stage = 0; stage < OUT.size(); stage++) {
                if (STRIDES.get(stage) == 2) {
                    if (side % 2 == 1) {
                        blocks.add(block);
                    }
                    side = (side + 1) / 2;
                }
                block += repeats(stage);
            }
            return blocks;
        }
    }

    private KerasEfficientNet(Path file, Map<String, List<H5Reader.Entry>> layers) {
        this.file = file;
        this.layers = layers;
    }

    /** Whether a file holds the variables of such a network. */
    static boolean accepts(Path file, H5Reader h5) {
        return layers(file, h5).keySet().containsAll(List.of("stem_conv", "block1a_dwconv", "top_conv"));
    }

    static Converted convert(Path file, H5Reader h5, Optional<List<String>> labels) {
        KerasEfficientNet net = new KerasEfficientNet(file, layers(file, h5));
        net.addAll();
        Variant variant = VARIANTS.stream()
                .filter(v -> v.widths().equals(net.widths))
                .findFirst()
                .orElseThrow(() -> new ConvertException(
                        file + ": the channels " + net.widths + " are those of no published EfficientNet"));
        int classes = net.variables("predictions", 2).getLast().shape().getFirst();
        // Keras adds the second rescaling to its published weights when it loads them; their files do not have it.
        boolean published = !h5.texts("", "layer_names").isEmpty();
        Converted converted = new Converted(
                List.copyOf(net.tensors),
                config(variant, Labels.of(file, labels, classes)),
                preprocessor(
                        variant,
                        h5,
                        net.variables(net.normalization(), 3),
                        published || net.named("rescaling").size() > 1));
        return published ? converted.with(PUBLISHED) : converted;
    }

    /** The tensors under their new names, whatever the channel counts are. */
    static List<Tensor> tensors(Path file, H5Reader h5) {
        KerasEfficientNet net = new KerasEfficientNet(file, layers(file, h5));
        net.addAll();
        return net.tensors;
    }

    /** The variables of every layer in any of the layouts that Keras writes, by the layer's name. */
    private static Map<String, List<H5Reader.Entry>> layers(Path file, H5Reader h5) {
        Map<String, List<H5Reader.Entry>> all = KerasModel.groups(h5);
        if (all.isEmpty()) {
            String root = root(h5);
            h5.texts(root, "layer_names").forEach(name -> all.put(name, List.of()));
            KerasModel.variables(file, h5, root)
                    .forEach((name, variables) -> all.put(name, List.copyOf(variables.values())));
        }
        return all;
    }

    private static String root(H5Reader h5) {
        return h5.texts("", "layer_names").isEmpty() ? KerasModel.ROOT : "";
    }

    /** The layers with the name that Keras makes up from a class, with or without the number of its instance. */
    private List<String> named(String name) {
        return layers.keySet().stream()
                .filter(l -> l.matches(name + "(_[0-9]+)?"))
                .toList();
    }

    private String normalization() {
        List<String> found = named("normalization");
        if (found.size() != 1) {
            throw new ConvertException(file + ": " + found.size() + " layers named normalization, expected one");
        }
        return found.getFirst();
    }

    private void addAll() {
        String base = "efficientnet.";
        widths.add(conv("stem_conv", base + "embeddings.convolution"));
        norm("stem_bn", base + "embeddings.batchnorm");
        int block = 0;
        for (int stage = 1; stage <= OUT.size(); stage++) {
            for (char letter = 'a'; layers.containsKey("block" + stage + letter + "_dwconv"); letter++) {
                block("block" + stage + letter + "_", stage, base + "encoder.blocks." + block++ + ".");
            }
        }
        widths.add(conv("top_conv", base + "encoder.top_conv"));
        norm("top_bn", base + "encoder.top_bn");
        if (!layers.containsKey("predictions")) {
            throw new ConvertException(file + ": no layer \"predictions\": an EfficientNet with its own classifier is"
                    + " expected (include_top=True), not its features alone");
        }
        List<H5Reader.Entry> dense = variables("predictions", 2);
        add("classifier.weight", dense.get(0), Permuted.TRANSPOSED);
        add("classifier.bias", dense.get(1), Permuted.VECTOR);
        long used = tensors.stream().filter(Permuted.class::isInstance).count();
        long found = layers.values().stream().mapToLong(List::size).sum()
                - variables(normalization(), 3).size();
        if (used != found) {
            throw new ConvertException(
                    file + ": " + found + " variables, an EfficientNet of " + block + " blocks has " + used);
        }
    }

    private void block(String from, int stage, String to) {
        int expansion = EXPANSIONS.get(stage - 1);
        int expanded = widths.getLast() * expansion;
        if (expansion != 1) {
            require(from + "expand_conv", conv(from + "expand_conv", to + "expansion.expand_conv"), expanded);
            norm(from + "expand_bn", to + "expansion.expand_bn");
        }
        H5Reader.Entry depthwise = variables(from + "dwconv", 1).getFirst();
        add(to + "depthwise_conv.depthwise_conv.weight", depthwise, Permuted.HWCM_TO_CMHW);
        require(from + "dwconv (kernel)", depthwise.shape().getFirst(), KERNELS.get(stage - 1));
        require(from + "dwconv", depthwise.shape().get(2), expanded);
        norm(from + "bn", to + "depthwise_conv.depthwise_norm");
        for (String part : List.of("reduce", "expand")) {
            List<H5Reader.Entry> se = variables(from + "se_" + part, 2);
            add(to + "squeeze_excite." + part + ".weight", se.get(0), Permuted.HWIO_TO_OIHW);
            add(to + "squeeze_excite." + part + ".bias", se.get(1), Permuted.VECTOR);
        }
        int out = conv(from + "project_conv", to + "projection.project_conv");
        norm(from + "project_bn", to + "projection.project_bn");
        widths.add(out);
    }

    private int conv(String from, String to) {
        H5Reader.Entry kernel = variables(from, 1).getFirst();
        add(to + ".weight", kernel, Permuted.HWIO_TO_OIHW);
        return kernel.shape().getLast();
    }

    private void norm(String from, String to) {
        List<H5Reader.Entry> variables = variables(from, 4);
        variables.forEach(v -> requireRank(v, 1));
        tensors.addAll(Converted.batchNorm(to, variables));
    }

    private void add(String name, H5Reader.Entry source, List<Integer> axes) {
        requireRank(source, axes.size());
        tensors.add(new Permuted(name, source, axes));
    }

    private void requireRank(H5Reader.Entry e, int rank) {
        if (e.shape().size() != rank) {
            throw new ConvertException(file + ": " + e + ", expected rank " + rank);
        }
    }

    private void require(String what, int found, int expected) {
        if (found != expected) {
            throw new ConvertException(file + ": " + what + " has the extent " + found + ", expected " + expected);
        }
    }

    private List<H5Reader.Entry> variables(String layer, int count) {
        List<H5Reader.Entry> found = layers.getOrDefault(layer, List.of());
        if (found.size() != count) {
            throw new ConvertException(
                    file + ": layer \"" + layer + "\" has " + found.size() + " variables, expected " + count);
        }
        return found;
    }

    static ObjectNode config(Variant v, Labels labels) {
        JsonMapper json = new JsonMapper();
        ObjectNode config = json.createObjectNode();
        config.putArray("architectures").add("EfficientNetForImageClassification");
        config.put("model_type", "efficientnet")
                .put("dtype", "float32")
                .put("num_channels", 3)
                .put("image_size", v.size)
                .put("width_coefficient", v.width)
                .put("depth_coefficient", v.depth)
                .put("depth_divisor", v.divisor);
        config.set("kernel_sizes", json.valueToTree(KERNELS));
        config.set("in_channels", json.valueToTree(IN));
        config.set("out_channels", json.valueToTree(OUT));
        config.set("depthwise_padding", json.valueToTree(v.oddBlocks()));
        config.set("strides", json.valueToTree(STRIDES));
        config.set("num_block_repeats", json.valueToTree(REPEATS));
        config.set("expand_ratios", json.valueToTree(EXPANSIONS));
        config.put("squeeze_expansion_ratio", 0.25)
                .put("hidden_act", "swish")
                .put("hidden_dim", v.channels(1280))
                .put("pooling_type", "mean")
                .put("initializer_range", 0.02)
                .put("batch_norm_eps", 0.001)
                .put("batch_norm_momentum", 0.99)
                .put("dropout_rate", v.dropout)
                .put("drop_connect_rate", 0.2);
        labels.addTo(config);
        return config;
    }

    /**
     * Squashed with Pillow's bilinear filter, then normalised by the mean and variance in the file, a second time by the
     * standard deviation if the network has a second rescaling (Keras adds it to its ImageNet weights, SPEC §7.2).
     */
    private static ObjectNode preprocessor(Variant v, H5Reader h5, List<H5Reader.Entry> normalization, boolean twice) {
        ObjectNode p = new JsonMapper().createObjectNode();
        p.put("image_processor_type", "EfficientNetImageProcessor")
                .put("do_resize", true)
                .put("resample", 2)
                .put("do_center_crop", false)
                .put("do_rescale", true)
                .put("rescale_factor", 1 / 255.0)
                .put("rescale_offset", false)
                .put("do_normalize", true)
                .put("include_top", twice);
        p.putObject("size").put("height", v.size).put("width", v.size);
        for (float mean : h5.read(normalization.get(0).path())) {
            p.withArray("image_mean").add(mean);
        }
        for (float variance : h5.read(normalization.get(1).path())) {
            p.withArray("image_std").add((float) Math.sqrt(variance));
        }
        return p;
    }
}
