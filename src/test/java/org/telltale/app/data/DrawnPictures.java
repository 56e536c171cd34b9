package org.telltale.app.data;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.imageio.ImageIO;

/** Small pictures, drawn. */
final class DrawnPictures {
    private DrawnPictures() {}

    /** A picture that differs from all others in colours and size. */
    static Path draw(Path file, int number) throws IOException {
        BufferedImage image = new BufferedImage(30 + number % 7, 25 + number % 5, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        g.setColor(new Color(number * 37 % 256, number * 91 % 256, 255 - number * 13 % 256));
        g.fillRect(0, 0, 40, 40);
        g.setColor(new Color(255 - number * 29 % 256, number * 7 % 256, number * 53 % 256));
        g.fillOval(number % 11, 3, 14, 12);
        g.dispose();
        Files.createDirectories(file.getParent());
        String name = file.getFileName().toString();
        if (!ImageIO.write(image, name.substring(name.lastIndexOf('.') + 1), file.toFile())) {
            throw new IOException("not written: " + file);
        }
        return file;
    }

    /** So many pictures of two labels, all in train. */
    static Dataset<Sample.Picture> dataset(Path folder, int count) throws IOException {
        List<Sample.Picture> samples = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Path file = draw(folder.resolve(i + (i % 2 == 0 ? ".jpg" : ".png")), i);
            samples.add(new Sample.Picture("p" + i, file, i % 3 == 0 ? "fire" : "flood"));
        }
        return new Dataset<>(List.of("fire", "flood"), Map.of(Split.TRAIN, samples), List.of());
    }

    static PictureOptions.Cache cache(Optional<Path> folder, long memory, PictureOptions.Levels levels) {
        return new PictureOptions.Cache(folder, 1 << 30, memory, levels);
    }
}
