package org.telltale.models.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;

/** SPEC §10.7 read aloud, with lists and complete sorts: what {@link BeamSearch} is held against. */
final class ReferenceBeamSearch {
    record Sequence(List<Integer> ids, double logProb, double score, boolean finished) {
        int last() {
            return ids.getLast();
        }
    }

    record Settings(int end, int minLength, int maxLength, int beams, double lengthPenalty) {}

    private ReferenceBeamSearch() {}

    private static List<Sequence> candidates(
            Function<int[], float[]> model, List<Sequence> beams, Settings s, int length) {
        List<Sequence> all = new ArrayList<>();
        for (Sequence beam : beams) {
            float[] logits =
                    model.apply(beam.ids().stream().mapToInt(Integer::intValue).toArray());
            double max = Float.NEGATIVE_INFINITY;
            for (float logit : logits) {
                max = Math.max(max, logit);
            }
            double sum = 0;
            for (float logit : logits) {
                sum += Math.exp(logit - max);
            }
            // The same roundings as the code under test, so that equal scores are equal in both.
            double base = beam.logProb() - (max + Math.log(sum));
            for (int t = 0; t < logits.length; t++) {
                double logProb = t == s.end() && length < s.minLength() ? Double.NEGATIVE_INFINITY : base + logits[t];
                all.add(new Sequence(plus(beam.ids(), t), logProb, logProb, false));
            }
        }
        // The sort is stable, so equal ones stay in flat order.
        all.sort(Comparator.comparingDouble(Sequence::logProb).reversed());
        return all.subList(0, 2 * s.beams());
    }

    private static List<Integer> plus(List<Integer> ids, int token) {
        List<Integer> longer = new ArrayList<>(ids);
        longer.add(token);
        return longer;
    }

    private static List<Sequence> start(int[] prompt, int beams) {
        List<Sequence> running = new ArrayList<>();
        for (int b = 0; b < beams; b++) {
            running.add(new Sequence(Arrays.stream(prompt).boxed().toList(), b == 0 ? 0 : -1e9, 0, false));
        }
        return running;
    }

    /** The final heap in ascending order; the last one is the result, without its end token. */
    static List<Sequence> legacy(Function<int[], float[]> model, int[] prompt, Settings s) {
        List<Sequence> running = start(prompt, s.beams());
        List<Sequence> heap = new ArrayList<>();
        boolean done = false;
        int length = prompt.length;
        while (!done && length < s.maxLength()) {
            List<Sequence> candidates = candidates(model, running, s, length);
            List<Sequence> next = new ArrayList<>();
            for (int rank = 0; rank < candidates.size() && next.size() < s.beams(); rank++) {
                Sequence c = candidates.get(rank);
                if (c.last() != s.end()) {
                    next.add(c);
                } else if (rank < s.beams()) {
                    add(heap, c.ids().subList(0, length), c.logProb(), s);
                }
            }
            double best = candidates.getFirst().logProb() / Math.pow(length, s.lengthPenalty());
            done = heap.size() == s.beams()
                    && heap.stream().mapToDouble(Sequence::score).min().orElseThrow() >= best;
            running = next;
            length++;
        }
        if (!done) {
            for (Sequence open : running) {
                add(heap, open.ids(), open.logProb(), s);
            }
        }
        heap.sort(Comparator.comparingDouble(Sequence::score));
        return heap;
    }

    private static void add(List<Sequence> heap, List<Integer> ids, double logProb, Settings s) {
        double score = logProb / Math.pow(ids.size(), s.lengthPenalty());
        double worst = heap.stream().mapToDouble(Sequence::score).min().orElse(Double.POSITIVE_INFINITY);
        if (heap.size() < s.beams() || score > worst) {
            heap.add(new Sequence(List.copyOf(ids), logProb, score, true));
            if (heap.size() > s.beams()) {
                for (int i = 0; i < heap.size(); i++) {
                    if (heap.get(i).score() == worst) {
                        heap.remove(i);
                        break;
                    }
                }
            }
        }
    }

    /** The finished sequences, best first, as the vectorised original computes them with its masks of -1e9. */
    static List<Sequence> modern(Function<int[], float[]> model, int[] prompt, Settings s) {
        List<Sequence> running = start(prompt, s.beams());
        List<Sequence> sequences = new ArrayList<>();
        for (int b = 0; b < s.beams(); b++) {
            sequences.add(new Sequence(List.of(), 0, -1e9, false));
        }
        int length = prompt.length;
        boolean go = true;
        while (go) {
            List<Sequence> candidates = candidates(model, running, s, length);
            List<Sequence> open = new ArrayList<>();
            List<Sequence> merged = new ArrayList<>(sequences);
            boolean allEnded = true;
            for (int rank = 0; rank < candidates.size(); rank++) {
                Sequence c = candidates.get(rank);
                boolean ended = c.last() == s.end() || length + 1 == s.maxLength();
                allEnded &= ended;
                double masked = c.logProb() + (ended ? -1e9 : 0);
                open.add(new Sequence(c.ids(), masked, masked, false));
                boolean counts = ended && rank < s.beams();
                double score = c.logProb() / Math.pow(length + 1 - prompt.length, s.lengthPenalty());
                merged.add(new Sequence(c.ids(), c.logProb(), score + (counts ? 0 : -1e9), counts));
            }
            open.sort(Comparator.comparingDouble(Sequence::score).reversed());
            running = open.subList(0, s.beams());
            merged.sort(Comparator.comparingDouble(Sequence::score).reversed());
            sequences = merged.subList(0, s.beams());
            length++;
            double possible = running.getFirst().logProb() / Math.pow(length - prompt.length, s.lengthPenalty());
            double min = sequences.stream().mapToDouble(Sequence::score).min().orElseThrow();
            boolean improvable = sequences.stream()
                    .mapToDouble(q -> q.finished() ? min : -1e9)
                    .anyMatch(worst -> possible > worst);
            go = improvable && !allEnded;
        }
        return sequences;
    }
}
