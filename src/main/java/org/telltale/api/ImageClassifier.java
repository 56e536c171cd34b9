package org.telltale.api;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Executable;
import org.telltale.models.ConfigException;
import org.telltale.models.EfficientNet;
import org.telltale.models.MobileNetV2;
import org.telltale.models.image.ImageReader;
import org.telltale.models.image.Pixels;
import org.telltale.models.image.Preprocess;

/** Classifies pictures with MobileNetV2 or EfficientNet. Thread-safe: calls from several threads take turns. */
public final class ImageClassifier implements AutoCloseable {
    private static final String PICTURES = "pictures";

    private final Checkpoint checkpoint;
    private final ModelOptions options;
    private final Preprocess preprocess;
    private final List<String> labels;
    private final Executable executable;

    private ImageClassifier(Checkpoint checkpoint, ModelOptions options) {
        this.checkpoint = checkpoint;
        this.options = options;
        Network network = network(checkpoint);
        labels = network.labels;
        preprocess = Preprocess.fromJson(
                checkpoint.folder.resolve("preprocessor_config.json").toString(),
                checkpoint.file("preprocessor_config.json").json(),
                network.imageSize);
        Tensor pictures = Tensor.input(PICTURES, DType.F32, 1, preprocess.height(), preprocess.width(), 3);
        Tensor probabilities = network.forward.logits(pictures).softmax(1);
        checkpoint.params.verify();
        executable = checkpoint.compile(Graph.of(checkpoint.folder.toString(), probabilities));
    }

    /** Opens a model folder, or an id of the local Hugging Face cache. */
    public static ImageClassifier open(String model, ModelOptions options) {
        return open(model, options, new Timings());
    }

    /** As the other {@code open}, and tells a clock what the time goes to. */
    public static ImageClassifier open(String model, ModelOptions options, Timings timings) {
        return timings.in(Timings.Stage.MODEL, () -> {
            Checkpoint checkpoint = new Checkpoint(model, options, timings);
            return checkpoint.orClose(() -> new ImageClassifier(checkpoint, options));
        });
    }

    private interface Forward {
        Tensor logits(Tensor pictures);
    }

    private record Network(int imageSize, List<String> labels, Forward forward) {}

    private static Network network(Checkpoint c) {
        String type = c.config.has("architecture") ? "efficientnet" : c.config.text("model_type");
        return switch (type) {
            case "mobilenet_v2" -> {
                MobileNetV2.Config config = MobileNetV2.Config.of(c.config);
                MobileNetV2 net = new MobileNetV2(config, c.params);
                yield new Network(
                        config.imageSize(), config.labels(), x -> net.forward(x).logits());
            }
            case "efficientnet" -> {
                EfficientNet.Config config = EfficientNet.Config.of(c.config);
                EfficientNet net = new EfficientNet(config, c.params);
                yield new Network(
                        config.imageSize(), config.labels(), x -> net.forward(x).logits());
            }
            default ->
                throw new ConfigException(c.config.where() + ": model_type is '" + type
                        + "', expected an image classifier: mobilenet_v2 or efficientnet");
        };
    }

    /** The labels in the order of their ids. */
    public List<String> labels() {
        return labels;
    }

    public Classification classify(Path picture) throws IOException {
        return classify(ImageReader.read(picture, options.exif()));
    }

    public synchronized Classification classify(Pixels picture) {
        HostTensor input = executable.input(PICTURES);
        checkpoint.timings.in(Timings.Stage.PREPARE, () -> preprocess.into(picture, input.data(), 0));
        checkpoint.timings.in(Timings.Stage.RUN, executable::run);
        return Classification.of(labels, executable.output(0).toFloats(), 0);
    }

    /** What computes: device, kernels in use, threads. */
    public String device() {
        return checkpoint.backend.description();
    }

    @Override
    public synchronized void close() {
        executable.close();
        checkpoint.close();
    }
}
