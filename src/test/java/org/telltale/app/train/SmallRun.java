package org.telltale.app.train;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import javax.imageio.ImageIO;

/** A model folder and pictures that are small enough to be learned within seconds. */
public final class SmallRun {
    private SmallRun() {}

    /** The configuration of a narrow MobileNetV2 without weights. */
    public static Path model(Path folder) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("config.json"), """
                {"model_type": "mobilenet_v2", "image_size": 32, "depth_multiplier": 0.1, "depth_divisible_by": 8,
                 "min_depth": 8, "expand_ratio": 6, "output_stride": 32, "first_layer_is_expansion": true,
                 "finegrained_output": true, "tf_padding": true, "hidden_act": "relu6", "layer_norm_eps": 0.001,
                 "id2label": {"0": "a", "1": "b"}}
                """);
        Files.writeString(folder.resolve("preprocessor_config.json"), """
                {"image_processor_type": "TelltaleImageProcessor", "size": {"height": 32, "width": 32},
                 "resample": "bilinear", "do_rescale": true, "rescale_factor": 0.00392156862745098,
                 "do_normalize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
                """);
        return folder;
    }

    /** Pictures of red discs and blue squares on grey, in folders of their names. */
    public static Path pictures(Path folder, int each) throws IOException {
        SplittableRandom random = new SplittableRandom(3);
        for (String label : new String[] {"disc", "square"}) {
            Path of = Files.createDirectories(folder.resolve(label));
            for (int i = 0; i < each; i++) {
                BufferedImage image = new BufferedImage(40, 40, BufferedImage.TYPE_INT_RGB);
                Graphics2D g = image.createGraphics();
                int grey = 60 + random.nextInt(120);
                g.setColor(new Color(grey, grey, grey));
                g.fillRect(0, 0, 40, 40);
                int at = random.nextInt(15);
                if (label.equals("disc")) {
                    g.setColor(Color.RED);
                    g.fillOval(at, at, 24, 24);
                } else {
                    g.setColor(Color.BLUE);
                    g.fillRect(at, at, 22, 22);
                }
                g.dispose();
                ImageIO.write(image, "png", of.resolve(i + ".png").toFile());
            }
        }
        return folder;
    }

    /** The arguments of a run over both phases. */
    public static String[] arguments(Path model, Path pictures, Path out, String epochs) {
        return new String[] {
            "train",
            "--model",
            model.toString(),
            "--from-scratch",
            "--data",
            pictures.toString(),
            "--out",
            out.toString(),
            "--size",
            "32",
            "--batch",
            "4",
            "--epochs",
            epochs,
            "--rate",
            "1e-2,1e-3",
            "--save-every",
            "1",
            "--threads",
            "2"
        };
    }
}
