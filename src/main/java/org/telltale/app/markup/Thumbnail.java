package org.telltale.app.markup;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.telltale.models.image.Exif;
import org.telltale.models.image.ImageException;
import org.telltale.models.image.ImageReader;
import org.telltale.models.image.Pixels;

/** Small pictures as {@code data:} addresses, so that a document holds all it shows. */
public final class Thumbnail {
    private Thumbnail() {}

    /**
     * A picture as JPEG that fits into a box; it is not enlarged, and not turned by EXIF, as models do not turn it either.
     *
     * @return empty where there is no file, or none that can be read as a picture
     */
    public static Optional<String> jpeg(Path file, int mostWidth, int mostHeight) {
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            Pixels p = ImageReader.read(file, Exif.IGNORE);
            double scale = Math.min(1, Math.min(mostWidth / (double) p.width(), mostHeight / (double) p.height()));
            BufferedImage small = reduced(p, (int) Math.max(1, Math.round(p.width() * scale)), (int)
                    Math.max(1, Math.round(p.height() * scale)));
            return Optional.of(address(small, "jpeg"));
        } catch (ImageException e) {
            return Optional.empty();
        }
    }

    /** A picture as PNG. */
    public static String png(BufferedImage image) {
        return address(image, "png");
    }

    private static String address(BufferedImage image, String format) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, format, out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return "data:image/" + format + ";base64," + Base64.getEncoder().encodeToString(out.toByteArray());
    }

    /** The mean of the pixels that fall on each of the smaller picture; a picture is not enlarged. */
    public static BufferedImage reduced(Pixels p, int mostWidth, int mostHeight) {
        int w = Math.min(p.width(), mostWidth);
        int h = Math.min(p.height(), mostHeight);
        BufferedImage to = new BufferedImage(w, h, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < h; y++) {
            int top = (int) ((long) y * p.height() / h);
            int bottom = Math.max(top + 1, (int) ((y + 1L) * p.height() / h));
            for (int x = 0; x < w; x++) {
                int left = (int) ((long) x * p.width() / w);
                int right = Math.max(left + 1, (int) ((x + 1L) * p.width() / w));
                int rgb = 0;
                for (int c = 0; c < 3; c++) {
                    long sum = 0;
                    for (int v = top; v < bottom; v++) {
                        for (int u = left; u < right; u++) {
                            sum += p.get(u, v, c);
                        }
                    }
                    rgb = rgb << 8 | (int) (sum / ((long) (bottom - top) * (right - left)));
                }
                to.setRGB(x, y, rgb);
            }
        }
        return to;
    }
}
