package org.telltale.app.fusion;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The paired permutation test of two systems over several trials, computed exactly.
 *
 * <p>The statistic is the difference of the mean accuracies. If the systems did not differ, exchanging what they say of a
 * picture, in all trials at once, would change nothing; so each picture's difference could as well have the other sign.
 * Trials of one picture are never taken for independent: with five trials there are not five times as many samples. The
 * pictures are what is drawn at random; the trainings are those that were run. With one trial this is {@link McNemar}'s test.
 */
public final class PermutationTest {
    private PermutationTest() {}

    /**
     * How probable a difference at least as large is, either way, if the systems did not differ. All sign changes are
     * counted, none is drawn at random.
     *
     * @param differences by sample: in how many trials the first system is right less in how many the second is
     */
    public static double p(List<Integer> differences) {
        int observed = Math.abs(differences.stream().mapToInt(d -> d).sum());
        if (observed == 0) {
            return 1;
        }
        Map<Integer, Integer> sizes = new TreeMap<>();
        differences.stream().filter(d -> d != 0).forEach(d -> sizes.merge(Math.abs(d), 1, Integer::sum));
        // The sum of what keeps its sign: a binomial number of samples of every size.
        double[] sum = {1};
        for (Map.Entry<Integer, Integer> size : sizes.entrySet()) {
            double[] kept = binomial(size.getValue());
            double[] next = new double[sum.length + size.getKey() * size.getValue()];
            for (int k = 0; k < kept.length; k++) {
                int shift = k * size.getKey();
                for (int i = 0; i < sum.length; i++) {
                    next[shift + i] += kept[k] * sum[i];
                }
            }
            sum = next;
        }
        int most = sum.length - 1;
        double tail = 0;
        for (int i = most; 2 * i - most >= observed; i--) {
            tail += sum[i];
        }
        return Math.min(1, 2 * tail);
    }

    /** The probabilities of 0 to n heads. */
    private static double[] binomial(int n) {
        double[] p = new double[n + 1];
        double log = -n * Math.log(2);
        for (int k = 0; k <= n; k++) {
            p[k] = Math.exp(log);
            log += Math.log((n - k) / (k + 1.0));
        }
        return p;
    }

    /**
     * Holm's correction: values of p such that, over all of them together, something is called significant at a level by
     * chance no more often than the level says.
     *
     * @return in the order of the arguments, each at most 1
     */
    public static List<Double> holm(List<Double> p) {
        List<Integer> order = IntStream.range(0, p.size())
                .boxed()
                .sorted(Comparator.comparing(p::get))
                .toList();
        List<Double> adjusted = new ArrayList<>(p);
        double least = 0;
        for (int rank = 0; rank < order.size(); rank++) {
            least = Math.max(least, Math.min(1, (order.size() - rank) * p.get(order.get(rank))));
            adjusted.set(order.get(rank), least);
        }
        return List.copyOf(adjusted);
    }
}
