package org.telltale.models.interrogate;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Params;

/**
 * Labels, and the cosines of their vectors with others. The vectors are of unit length and rounded to half precision; the
 * product with a picture's is F32, as the original's on a CPU (SPEC §11.7 and §12.4).
 *
 * <p>Long tables are ranked by windows, as the original does: from each window the best few are kept, and the best of
 * those are the result, so that it depends on the order of the labels.
 */
public final class LabelTable {
    /** The input of {@link #product}: a vector of unit length [1, width]. */
    public static final String QUERY = "query";

    private final List<String> labels;
    private final Cosines cosines;
    private final int window;

    /** The cosine of each label with a vector of unit length, in the order of the labels. */
    @FunctionalInterface
    public interface Cosines {
        float[] of(float[] query);
    }

    /**
     * A table whose cosines somebody else computes, by {@link #product} or otherwise.
     *
     * @param window how many labels are ranked at once; the original's chunk size
     */
    public LabelTable(List<String> labels, Cosines cosines, int window) {
        this.labels = List.copyOf(labels);
        this.cosines = cosines;
        this.window = window;
        kept(labels.size(), window);
    }

    /** The hexadecimal SHA-256 of labels joined by commas, which names the table they make. */
    public static String hash(List<String> labels) {
        try {
            byte[] text = String.join(",", labels).getBytes(StandardCharsets.UTF_8);
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    public List<String> labels() {
        return labels;
    }

    /**
     * All cosines of a table as one product [1, labels].
     *
     * @param name of the tensor [labels, width] that holds the vectors
     */
    public static Graph product(Params params, String name, int labels, int width) {
        Tensor query = Tensor.input(QUERY, DType.F32, 1, width);
        return Graph.of("cosines of " + name, query.matmul(params.f32(name, labels, width), false, true));
    }

    /** The cosine of every label with a vector of unit length. */
    float[] similarities(float[] query) {
        float[] values = cosines.of(query);
        if (values.length != labels.size()) {
            throw new IllegalStateException(values.length + " cosines of " + labels.size() + " labels");
        }
        return values;
    }

    /** The labels most similar to a vector of unit length, the best first. */
    public List<Ranked> rank(float[] query, int count) {
        return rank(labels, similarities(query), window, count, false);
    }

    /** As {@link #rank} with similarities that are known; reversed windows keep the least similar labels. */
    List<Ranked> rank(float[] similarities, int count, boolean reverse) {
        return rank(labels, similarities, window, count, reverse);
    }

    /** The best labels of a table whose similarities are known. */
    static List<Ranked> rank(List<String> labels, float[] similarities, int window, int count, boolean reverse) {
        List<Ranked> out = new ArrayList<>();
        for (int i : rank(similarities, window, count, reverse)) {
            out.add(new Ranked(labels.get(i), similarities[i]));
        }
        return out;
    }

    /**
     * The places of the best values, the best first and of equal ones the first. Values that exceed the window are ranked
     * by windows; then only the windows rank in reverse, not their result, as in the original.
     *
     * @throws IllegalArgumentException if a window is so small that nothing of it would be kept
     */
    public static int[] rank(float[] values, int window, int count, boolean reverse) {
        int[] all = IntStream.range(0, values.length).toArray();
        if (values.length <= window) {
            return top(values, all, count, reverse);
        }
        int kept = kept(values.length, window);
        int[] pool = new int[0];
        for (int from = 0; from < values.length; from += window) {
            int[] part = Arrays.copyOfRange(all, from, Math.min(from + window, values.length));
            int[] best = top(values, part, kept, reverse);
            int[] longer = Arrays.copyOf(pool, pool.length + best.length);
            System.arraycopy(best, 0, longer, pool.length, best.length);
            pool = longer;
        }
        return top(values, pool, count, false);
    }

    /** How many labels of each window stay. */
    private static int kept(int labels, int window) {
        int windows = (labels + window - 1) / window;
        if (window < windows) {
            throw new IllegalArgumentException(labels + " labels in " + windows + " windows of " + window
                    + ": of each window no label would be kept; a window of at least "
                    + (int) Math.ceil(Math.sqrt(labels)) + " is needed");
        }
        return window / windows;
    }

    private static int[] top(float[] values, int[] places, int count, boolean reverse) {
        long[] keys = new long[places.length];
        for (int i = 0; i < keys.length; i++) {
            float value = reverse ? -values[places[i]] : values[places[i]];
            int bits = Float.floatToIntBits(value + 0f);
            // An integer that falls as the value rises, and then the place.
            keys[i] = ((long) ~(bits ^ ((bits >> 31) & Integer.MAX_VALUE)) << 32) | i;
        }
        Arrays.sort(keys);
        int[] best = new int[Math.min(count, keys.length)];
        for (int i = 0; i < best.length; i++) {
            best[i] = places[(int) keys[i]];
        }
        return best;
    }
}
