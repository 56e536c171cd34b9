package org.telltale.convert;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.telltale.convert.Converted.Permuted;
import org.telltale.convert.Converted.Tensor;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * InceptionV3 of {@code keras.applications}, weights or a whole model, to timm's names and layouts (SPEC §9.2). Whatever
 * classifier the file has is left out.
 *
 * <p>Keras numbers its 94 convolutions and their batch norms as they are created, from whatever number its session had
 * come to; nothing else tells them apart, so their order and all shapes are checked. Its norms have no gamma, which becomes
 * 1.
 */
final class KerasInceptionV3 {
    private static final int STEM = 32;
    private static final int SIZE = 299;
    private static final String CONV = "conv2d";
    private static final String NORM = "batch_normalization";

    /** timm's names in the order in which Keras creates the convolutions. */
    static final List<String> NAMES = names();

    private final Path file;
    private final List<Map<String, H5Reader.Entry>> convs;
    private final List<Map<String, H5Reader.Entry>> norms;

    private KerasInceptionV3(Path file, Map<String, Map<String, H5Reader.Entry>> layers) {
        this.file = file;
        convs = numbered(layers, CONV);
        norms = numbered(layers, NORM);
    }

    /** Whether a file has as many numbered convolutions and norms as such a network. */
    static boolean accepts(Path file, H5Reader h5) {
        Map<String, Map<String, H5Reader.Entry>> layers = layers(file, h5);
        return numbered(layers, CONV).size() == NAMES.size()
                && numbered(layers, NORM).size() == NAMES.size();
    }

    static Converted convert(Path file, H5Reader h5) {
        KerasInceptionV3 net = new KerasInceptionV3(file, layers(file, h5));
        List<Tensor> tensors = new ArrayList<>();
        for (int i = 0; i < NAMES.size(); i++) {
            String name = NAMES.get(i);
            H5Reader.Entry kernel = net.variable(net.convs.get(i), "kernel", name, 4);
            net.requireKernel(name, kernel);
            tensors.add(new Permuted(name + ".conv.weight", kernel, Permuted.HWIO_TO_OIHW));
            net.norm(name, net.norms.get(i), kernel.shape().getLast(), tensors);
        }
        int stem =
                net.variable(net.convs.getFirst(), "kernel", "stem", 4).shape().getLast();
        if (STEM % stem != 0) {
            throw new ConvertException(file + ": the first convolution has " + stem + " outputs, expected " + STEM);
        }
        return new Converted(List.copyOf(tensors), config(STEM / stem), preprocessor());
    }

    private void norm(String name, Map<String, H5Reader.Entry> variables, int width, List<Tensor> tensors) {
        String to = name + ".bn.";
        if (variables.containsKey("gamma")) {
            tensors.add(vector(to + "weight", variables, "gamma", width));
        } else {
            tensors.add(new Converted.Ones(to + "weight", width));
        }
        tensors.add(vector(to + "bias", variables, "beta", width));
        tensors.add(vector(to + "running_mean", variables, "moving_mean", width));
        tensors.add(vector(to + "running_var", variables, "moving_variance", width));
    }

    private Tensor vector(String to, Map<String, H5Reader.Entry> variables, String name, int width) {
        H5Reader.Entry entry = variable(variables, name, to, 1);
        if (entry.shape().getFirst() != width) {
            throw new ConvertException(file + ": " + entry + " would be " + to + ", expected " + width + " values");
        }
        return new Permuted(to, entry, Permuted.VECTOR);
    }

    private H5Reader.Entry variable(Map<String, H5Reader.Entry> variables, String name, String of, int rank) {
        H5Reader.Entry entry = variables.get(name);
        if (entry == null || entry.shape().size() != rank) {
            throw new ConvertException(
                    file + ": " + of + " has the variables " + variables + ", expected " + name + " of rank " + rank);
        }
        return entry;
    }

    /** The kernel's extents as the name says them; a wrong order of layers shows here. */
    private void requireKernel(String name, H5Reader.Entry kernel) {
        String branch = name.substring(name.lastIndexOf('.') + 1);
        List<Integer> wanted = extents(branch);
        if (!kernel.shape().subList(0, 2).equals(wanted)) {
            throw new ConvertException(file + ": " + kernel + " would be " + name + ", expected a kernel of "
                    + wanted.get(0) + " by " + wanted.get(1));
        }
    }

    private static List<Integer> extents(String branch) {
        return switch (branch) {
            case "branch5x5_2" -> List.of(5, 5);
            case "Conv2d_1a_3x3",
                    "Conv2d_2a_3x3",
                    "Conv2d_2b_3x3",
                    "Conv2d_4a_3x3",
                    "branch3x3",
                    "branch3x3_2",
                    "branch3x3dbl_2",
                    "branch3x3dbl_3",
                    "branch7x7x3_4" -> List.of(3, 3);
            case "branch7x7_2", "branch7x7dbl_3", "branch7x7dbl_5", "branch7x7x3_2" -> List.of(1, 7);
            case "branch7x7_3", "branch7x7dbl_2", "branch7x7dbl_4", "branch7x7x3_3" -> List.of(7, 1);
            case "branch3x3_2a", "branch3x3dbl_3a" -> List.of(1, 3);
            case "branch3x3_2b", "branch3x3dbl_3b" -> List.of(3, 1);
            default -> List.of(1, 1);
        };
    }

    /** The layers that Keras named from a class, in the order of their numbers. */
    private static List<Map<String, H5Reader.Entry>> numbered(
            Map<String, Map<String, H5Reader.Entry>> layers, String word) {
        Map<Integer, Map<String, H5Reader.Entry>> sorted = new TreeMap<>();
        layers.forEach((name, variables) -> {
            if (name.matches(word + "(_[0-9]{1,6})?") && !variables.isEmpty()) {
                int number = name.equals(word) ? 0 : Integer.parseInt(name.substring(word.length() + 1));
                sorted.put(number, variables);
            }
        });
        return List.copyOf(sorted.values());
    }

    /** The variables of every layer by Keras' names, in any of the layouts that Keras writes. */
    private static Map<String, Map<String, H5Reader.Entry>> layers(Path file, H5Reader h5) {
        Map<String, Map<String, H5Reader.Entry>> all = new LinkedHashMap<>();
        KerasModel.groups(h5).forEach((name, variables) -> {
            List<String> words = name.startsWith(NORM)
                    ? variables.size() == 3
                            ? List.of("beta", "moving_mean", "moving_variance")
                            : List.of("gamma", "beta", "moving_mean", "moving_variance")
                    : List.of("kernel");
            Map<String, H5Reader.Entry> named = new LinkedHashMap<>();
            for (int i = 0; i < Math.min(words.size(), variables.size()); i++) {
                named.put(words.get(i), variables.get(i));
            }
            all.put(name, named);
        });
        if (all.isEmpty()) {
            String root = h5.texts("", "layer_names").isEmpty() ? KerasModel.ROOT : "";
            all.putAll(KerasModel.variables(file, h5, root));
        }
        return all;
    }

    private static List<String> names() {
        List<String> all = new ArrayList<>(
                List.of("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"));
        for (String block : List.of("5b", "5c", "5d")) {
            add(all, block, "1x1", "5x5_1", "5x5_2", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3", "_pool");
        }
        add(all, "6a", "3x3", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3");
        for (String block : List.of("6b", "6c", "6d", "6e")) {
            add(all, block, "1x1", "7x7_1", "7x7_2", "7x7_3");
            add(all, block, "7x7dbl_1", "7x7dbl_2", "7x7dbl_3", "7x7dbl_4", "7x7dbl_5", "_pool");
        }
        add(all, "7a", "3x3_1", "3x3_2", "7x7x3_1", "7x7x3_2", "7x7x3_3", "7x7x3_4");
        for (String block : List.of("7b", "7c")) {
            add(all, block, "1x1", "3x3_1", "3x3_2a", "3x3_2b");
            add(all, block, "3x3dbl_1", "3x3dbl_2", "3x3dbl_3a", "3x3dbl_3b", "_pool");
        }
        return List.copyOf(all);
    }

    private static void add(List<String> all, String block, String... branches) {
        for (String branch : branches) {
            all.add("Mixed_" + block + ".branch" + branch);
        }
    }

    static ObjectNode config(int divisor) {
        ObjectNode config = new JsonMapper().createObjectNode();
        config.put("architecture", "inception_v3").put("num_classes", 0).put("num_features", 2048 / divisor);
        if (divisor > 1) {
            config.put("width_divisor", divisor);
        }
        config.put("average_pool_padding", "excluded");
        ObjectNode trained = config.putObject("pretrained_cfg");
        trained.putArray("input_size").add(3).add(SIZE).add(SIZE);
        trained.putArray("mean").add(0.5).add(0.5).add(0.5);
        trained.putArray("std").add(0.5).add(0.5).add(0.5);
        return config;
    }

    /** Squashed by TensorFlow's bilinear rule, then to [-1, 1]. */
    static ObjectNode preprocessor() {
        ObjectNode p = new JsonMapper().createObjectNode();
        p.put("image_processor_type", "TelltaleImageProcessor")
                .put("do_resize", true)
                .put("resample", "tf_bilinear")
                .put("do_center_crop", false)
                .put("do_rescale", true)
                .put("rescale_factor", 1 / 255.0)
                .put("do_normalize", true);
        p.putObject("size").put("height", SIZE).put("width", SIZE);
        p.putArray("image_mean").add(0.5).add(0.5).add(0.5);
        p.putArray("image_std").add(0.5).add(0.5).add(0.5);
        return p;
    }
}
