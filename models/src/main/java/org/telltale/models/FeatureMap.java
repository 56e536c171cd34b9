package org.telltale.models;

import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Params;

/** The last map of a network for pictures, which a captioner looks at place by place. */
public sealed interface FeatureMap {
    /** The side of the pictures that the network was made for. */
    int imageSize();

    /** The map of pictures [N, H, W, 3]: [N, rows, columns, channels]. */
    Tensor of(Params params, Tensor pictures);

    /** A map row by row of its places: [N, positions, channels]. */
    static Tensor places(Tensor map) {
        return map.reshape(map.dim(0), map.dim(1) * map.dim(2), map.dim(3));
    }

    /** InceptionV3's, 64 places of 2048 channels at 299 pixels: what the tutorial uses (SPEC §9.2). */
    record Inception(InceptionV3.Config config) implements FeatureMap {
        @Override
        public int imageSize() {
            return config.imageSize();
        }

        @Override
        public Tensor of(Params params, Tensor pictures) {
            return new InceptionV3(config, params).forward(pictures).last();
        }
    }

    /** MobileNetV2's, smaller and faster: 49 places of 1280 channels at 224 pixels. */
    record MobileNet(MobileNetV2.Config config) implements FeatureMap {
        @Override
        public int imageSize() {
            return config.imageSize();
        }

        @Override
        public Tensor of(Params params, Tensor pictures) {
            return new MobileNetV2(config, params).forward(pictures).last();
        }
    }

    /** The network of a model folder's configuration. */
    static FeatureMap of(ConfigFile file) {
        if (file.has("architecture")) {
            return new Inception(InceptionV3.Config.of(file));
        }
        String type = file.text("model_type");
        if (!type.equals("mobilenet_v2")) {
            throw new ConfigException(file.where() + ": model_type is '" + type
                    + "', expected features of InceptionV3 (architecture inception_v3) or mobilenet_v2");
        }
        return new MobileNet(MobileNetV2.Config.of(file));
    }
}
