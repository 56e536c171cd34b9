package org.telltale.models.interrogate;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;

/**
 * Labels and their vectors of unit length, rounded to half precision (SPEC §12.4). Immutable.
 *
 * <p>Long tables are ranked by windows, as the original does: from each window the best few are kept, and the best of
 * those are the result, so that it depends on the order of the labels.
 */
public final class LabelTable {
    private final List<String> labels;
    private final HostTensor vectors;
    private final int window;

    /**
     * A table over memory of the caller's.
     *
     * @param vectors F16 [labels, width]
     * @param window how many labels are ranked at once; the original's chunk size
     */
    public LabelTable(List<String> labels, HostTensor vectors, int window) {
        if (vectors.dtype() != DType.F16
                || vectors.shape().rank() != 2
                || vectors.shape().dim(0) != labels.size()) {
            throw new IllegalArgumentException(
                    "vectors are " + vectors + ", expected F16 with a row for each of " + labels.size() + " labels");
        }
        this.labels = List.copyOf(labels);
        this.vectors = vectors;
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

    /** The cosine of every label with a vector of unit length. */
    float[] similarities(float[] query) {
        float[] out = new float[labels.size()];
        MemorySegment data = vectors.data();
        long at = 0;
        for (int row = 0; row < out.length; row++) {
            double sum = 0;
            for (float q : query) {
                sum += (double) q * Float.float16ToFloat(data.get(ValueLayout.JAVA_SHORT, at));
                at += Short.BYTES;
            }
            out[row] = (float) sum;
        }
        return out;
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
