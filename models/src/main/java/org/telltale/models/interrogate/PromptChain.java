package org.telltale.models.interrogate;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/**
 * Appends phrases to a prompt, each time the one that makes it most similar to the picture (SPEC §12.6 and §12.9).
 *
 * @param least how many phrases are appended even if they make the prompt less similar; 0 in 2.2
 * @param most how many phrases are appended at most
 * @param reverse whether the prompt shall become less similar instead
 * @param startsAlone whether an empty prompt is replaced by the best single phrase; not in 2.2
 */
record PromptChain(
        Similarities similarities,
        int least,
        int most,
        boolean reverse,
        boolean startsAlone,
        BooleanSupplier cancelled) {

    /**
     * The best prompt on the way.
     *
     * @param phrases candidates; repeated ones count once, and of equally good ones the first wins
     * @param similarity the prompt's, which is to be exceeded
     * @param steps is told what was done
     */
    Ranked run(List<String> phrases, String prompt, float similarity, List<Step> steps) {
        Set<String> left = new LinkedHashSet<>(phrases);
        Ranked best = new Ranked(prompt, similarity);
        if (prompt.isEmpty() && startsAlone && !left.isEmpty()) {
            String first = top("", left).text();
            // Not negated in reverse, as in the original: longer prompts then have to exceed it by far.
            best = new Ranked(first, similarities.of(first));
            left.remove(first);
            steps.add(new Step.Start(best));
        }
        Ranked current = best;
        for (int i = 0; i < most && !left.isEmpty(); i++) {
            if (cancelled.getAsBoolean()) {
                throw new CancellationException();
            }
            Ranked phrase = top(current.text() + ", ", left);
            String longer = current.text() + ", " + phrase.text();
            boolean better = phrase.similarity() > best.similarity();
            boolean kept = phrase.similarity() > current.similarity() || i < least;
            float before = current.similarity();
            if (better) {
                best = new Ranked(longer, phrase.similarity());
            }
            if (kept) {
                current = new Ranked(longer, phrase.similarity());
            }
            boolean full = kept && similarities.fills(longer);
            steps.add(new Step.Link(left.size(), phrase, before, better, kept, full));
            if (!kept || full) {
                break;
            }
            left.remove(phrase.text());
        }
        return best;
    }

    /** The phrase that makes the best prompt behind a beginning, and the prompt's similarity, negated in reverse. */
    private Ranked top(String beginning, Set<String> phrases) {
        List<String> order = List.copyOf(phrases);
        List<String> prompts = new ArrayList<>();
        order.forEach(p -> prompts.add(beginning + p));
        float[] values = similarities.of(prompts);
        int best = 0;
        for (int i = 0; i < values.length; i++) {
            values[i] = reverse ? -values[i] : values[i];
            best = values[i] > values[best] ? i : best;
        }
        return new Ranked(order.get(best), values[best]);
    }
}
