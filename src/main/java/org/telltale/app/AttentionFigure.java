package org.telltale.app;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.telltale.api.AttendedCaption;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Reasons;
import org.telltale.app.markup.Markup;
import org.telltale.app.markup.Thumbnail;
import org.telltale.engine.io.WholeFile;
import org.telltale.models.image.Pixels;

/**
 * A picture, and the same once for every word of its caption, dark where the captioner did not look: one SVG that holds
 * all it shows. The place with the most attention is as bright as the picture.
 */
final class AttentionFigure {
    private static final int TILE = 240;
    private static final int GAP = 14;
    private static final int LINE = 24;
    private static final int COLUMNS = 5;
    private static final double DARKEST = 0.8;

    private AttentionFigure() {}

    /**
     * Writes a figure.
     *
     * @param id of the picture, which names the file
     * @throws DataException if the file cannot be written
     */
    static void write(Path folder, String id, Pixels picture, AttendedCaption caption) {
        Path file = folder.resolve(id.replaceAll("[^\\p{L}\\p{N}._-]+", "_") + ".svg");
        try {
            Files.createDirectories(folder);
            WholeFile.write(file, svg(picture, caption).getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new DataException(file + ": cannot be written: " + Reasons.of(e), e);
        }
    }

    static String svg(Pixels picture, AttendedCaption caption) {
        double scale = TILE / (double) Math.max(picture.width(), picture.height());
        int width = (int) Math.max(1, Math.round(picture.width() * scale));
        int height = (int) Math.max(1, Math.round(picture.height() * scale));
        int tiles = caption.words().size() + 1;
        int columns = Math.min(COLUMNS, tiles);
        int rows = Math.ceilDiv(tiles, columns);
        StringBuilder svg = new StringBuilder();
        svg.append(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 %d %d\""
                        + " role=\"img\" font-family=\"sans-serif\" font-size=\"15\"><title>%s</title>%n",
                columns * (width + GAP) + GAP,
                rows * (height + LINE + GAP) + GAP,
                Markup.escape(caption.caption().text())));
        svg.append(String.format(
                Locale.ROOT,
                "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/><defs><image id=\"p\" width=\"%d\" height=\"%d\""
                        + " xlink:href=\"%s\"/></defs>%n",
                width,
                height,
                Thumbnail.png(Thumbnail.reduced(picture, 2 * width, 2 * height))));
        for (int tile = 0; tile < tiles; tile++) {
            int x = GAP + tile % columns * (width + GAP);
            int y = GAP + tile / columns * (height + LINE + GAP);
            svg.append(String.format(Locale.ROOT, "<use xlink:href=\"#p\" x=\"%d\" y=\"%d\"/>", x, y));
            if (tile > 0) {
                AttendedCaption.Word word = caption.words().get(tile - 1);
                svg.append(String.format(
                        Locale.ROOT,
                        "<image x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" preserveAspectRatio=\"none\""
                                + " xlink:href=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>",
                        x,
                        y,
                        width,
                        height,
                        Thumbnail.png(shade(word.attention(), caption.rows(), caption.columns(), width, height)),
                        x,
                        y + height + LINE - 7,
                        Markup.escape(word.text())));
            }
            svg.append('\n');
        }
        return svg.append("</svg>\n").toString();
    }

    /** Black that lets through the attention, blended between the middles of its places. */
    private static BufferedImage shade(List<Float> attention, int rows, int columns, int width, int height) {
        float most = attention.stream().max(Float::compare).orElse(1f);
        BufferedImage to = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
        for (int y = 0; y < height; y++) {
            double v = Math.clamp((y + 0.5) * rows / height - 0.5, 0, rows - 1.0);
            int top = Math.min((int) v, Math.max(rows - 2, 0));
            int bottom = Math.min(top + 1, rows - 1);
            for (int x = 0; x < width; x++) {
                double u = Math.clamp((x + 0.5) * columns / width - 0.5, 0, columns - 1.0);
                int left = Math.min((int) u, Math.max(columns - 2, 0));
                int right = Math.min(left + 1, columns - 1);
                double above =
                        blend(attention.get(top * columns + left), attention.get(top * columns + right), u - left);
                double below = blend(
                        attention.get(bottom * columns + left), attention.get(bottom * columns + right), u - left);
                double seen = blend(above, below, v - top) / most;
                to.setRGB(x, y, (int) Math.round(255 * DARKEST * (1 - seen)) << 24);
            }
        }
        return to;
    }

    private static double blend(double a, double b, double share) {
        return a + share * (b - a);
    }
}
