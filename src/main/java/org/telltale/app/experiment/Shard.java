package org.telltale.app.experiment;

import java.util.List;
import java.util.stream.IntStream;

/**
 * A part of the pictures to be captioned.
 *
 * @param k from 1
 * @param n of so many parts
 */
public record Shard(int k, int n) {
    private static final int MOST = 10_000;

    public Shard {
        if (n < 1 || n > MOST || k < 1 || k > n) {
            throw new IllegalArgumentException("part " + k + " of " + n + ", expected 1/" + n + " to " + n + "/" + n);
        }
    }

    /** Of a text such as {@code 2/8}. */
    public static Shard parse(String text) {
        String[] parts = text.split("/", -1);
        try {
            if (parts.length == 2) {
                return new Shard(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + text + "', expected K/N such as 2/8", e);
        }
        throw new IllegalArgumentException("'" + text + "', expected K/N such as 2/8");
    }

    /** Every n-th of the ids, beginning with the k-th. */
    List<String> of(List<String> ids) {
        return IntStream.range(0, ids.size())
                .filter(i -> i % n == k - 1)
                .mapToObj(ids::get)
                .toList();
    }
}
