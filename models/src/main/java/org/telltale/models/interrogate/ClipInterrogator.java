package org.telltale.models.interrogate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * The CLIP Interrogator (SPEC §12): a prompt that CLIP finds similar to a picture, from a caption and labels. Logic only:
 * pictures come as vectors, and texts are encoded by whom it is given.
 */
public final class ClipInterrogator {
    private final LabelTables tables;
    private final TextEncoder encoder;
    private final Settings settings;

    /**
     * How it works.
     *
     * @param flavors the most flavors
     * @param leastFlavors how many flavors the best mode of 0.6 appends even if they do not help
     * @param window how many labels are ranked at once where tables are merged for one picture
     * @param pool how many flavors the best and negative modes choose from
     */
    public record Settings(Rules rules, Mode mode, int flavors, int leastFlavors, int window, int pool) {
        private static final int LEAST = 8;

        public Settings {
            if (rules == Rules.V2_2 && mode == Mode.NEGATIVE) {
                throw new IllegalArgumentException("the negative mode does not exist in 2.2, only in 0.6");
            }
            if (flavors < 1 || window < 1 || pool < 1 || leastFlavors < 0) {
                throw new IllegalArgumentException("flavors, window and pool are " + flavors + ", " + window + " and "
                        + pool + ", expected at least 1 each");
            }
        }

        /** With the library's least number of flavors. */
        public static Settings of(Rules rules, Mode mode, int flavors, int window, int pool) {
            return new Settings(rules, mode, flavors, LEAST, window, pool);
        }
    }

    public ClipInterrogator(LabelTables tables, TextEncoder encoder, Settings settings) {
        this.tables = tables;
        this.encoder = encoder;
        this.settings = settings;
    }

    /**
     * Interrogates a picture.
     *
     * @param picture its vector, of unit length
     * @param caption not looked at in the negative mode
     * @param cancelled asked before each step of a chain
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public Interrogation interrogate(float[] picture, String caption, BooleanSupplier cancelled) {
        Similarities similarities = new Similarities(encoder, picture);
        List<Step> steps = new ArrayList<>();
        Picture p = new Picture(caption, similarities, steps, cancelled);
        Ranked prompt = switch (settings.mode) {
            case BEST -> settings.rules == Rules.V2_2 ? best(p) : bestOfModes(p);
            case FAST -> ranked(p, fast(p));
            case CLASSIC -> ranked(p, classic(p));
            case NEGATIVE -> negative(p);
        };
        // A negative chain's own value is negated, and its start's is not.
        return new Interrogation(prompt.text(), similarities.of(prompt.text()), List.copyOf(steps));
    }

    private record Picture(String caption, Similarities similarities, List<Step> steps, BooleanSupplier cancelled) {}

    private static Ranked ranked(Picture p, String prompt) {
        return new Ranked(prompt, p.similarities.of(prompt));
    }

    /** The best mode of 2.2: a caption, the best combination of kinds, and a chain of flavors. */
    private Ranked best(Picture p) {
        List<Ranked> pool = top(p, "flavors", tables.flavors(), settings.pool);
        List<String> options = new ArrayList<>();
        options.add(first(p, "mediums", tables.mediums()));
        options.add(first(p, "artists", tables.artists()));
        options.add(first(p, "trendings", tables.trendings()));
        options.add(first(p, "movements", tables.movements()));
        p.steps.add(new Step.Caption(p.caption, p.similarities.of(p.caption)));
        List<String> prompts = new ArrayList<>();
        for (int i = 0; i < (1 << options.size()); i++) {
            StringBuilder prompt = new StringBuilder(p.caption);
            for (int bit = 0; bit < options.size(); bit++) {
                prompt.append(((i >> bit) & 1) == 1 ? ", " + options.get(bit) : "");
            }
            prompts.add(prompt.toString());
        }
        List<Ranked> order =
                LabelTable.rank(prompts, p.similarities.rounded(prompts), settings.window, prompts.size(), false);
        Ranked chosen = ranked(p, order.getFirst().text());
        p.steps.add(new Step.Combined(order, chosen));
        PromptChain chain = new PromptChain(p.similarities, 0, settings.flavors, false, false, p.cancelled);
        return chain.run(texts(pool), chosen.text(), chosen.similarity(), p.steps);
    }

    /** The best mode from 0.4.3 on: a chain of labels of all kinds, unless another mode's prompt is more similar. */
    private Ranked bestOfModes(Picture p) {
        List<Ranked> pool = mergedTop(p, settings.pool);
        float similarity = p.similarities.of(p.caption);
        p.steps.add(new Step.Caption(p.caption, similarity));
        PromptChain chain =
                new PromptChain(p.similarities, settings.leastFlavors, settings.flavors, false, true, p.cancelled);
        Ranked chained = chain.run(texts(pool), p.caption, similarity, p.steps);
        String fast = fast(p);
        String classic = classic(p);
        List<String> prompts = List.of(p.caption, classic, fast, chained.text());
        float[] values = p.similarities.of(prompts);
        int best = LabelTable.rank(values, values.length, 1, false)[0];
        List<Ranked> candidates = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            candidates.add(new Ranked(prompts.get(i), values[i]));
        }
        p.steps.add(new Step.Choice(List.copyOf(candidates), best));
        return candidates.get(best);
    }

    private String fast(Picture p) {
        return fitted(p, p.caption + ", " + String.join(", ", texts(mergedTop(p, settings.flavors))));
    }

    private String classic(Picture p) {
        String medium = first(p, "mediums", tables.mediums());
        String artist = first(p, "artists", tables.artists());
        String trending = first(p, "trendings", tables.trendings());
        String movement = first(p, "movements", tables.movements());
        String flavors = String.join(", ", texts(top(p, "flavors", tables.flavors(), settings.flavors)));
        String rest = " " + artist + ", " + trending + ", " + movement + ", " + flavors;
        return fitted(p, p.caption + (p.caption.startsWith(medium) ? "" : ", " + medium) + rest);
    }

    private Ranked negative(Picture p) {
        float[] similarities = tables.flavors().similarities(p.similarities.picture());
        List<Ranked> least = tables.flavors().rank(similarities, settings.pool, true);
        p.steps.add(new Step.Best("flavors", least));
        List<String> phrases = new ArrayList<>(texts(least));
        phrases.addAll(tables.negative().labels());
        // The library's least number holds here too, since its call leaves it out.
        PromptChain chain =
                new PromptChain(p.similarities, settings.leastFlavors, settings.flavors, true, true, p.cancelled);
        return chain.run(phrases, "", 0, p.steps);
    }

    private List<Ranked> mergedTop(Picture p, int count) {
        List<String> labels = new ArrayList<>();
        float[] similarities = new float[0];
        for (LabelTable table : tables.merged()) {
            float[] part = table.similarities(p.similarities.picture());
            similarities = Arrays.copyOf(similarities, labels.size() + part.length);
            System.arraycopy(part, 0, similarities, labels.size(), part.length);
            labels.addAll(table.labels());
        }
        List<Ranked> top = LabelTable.rank(labels, similarities, settings.window, count, false);
        p.steps.add(new Step.Best("all", top));
        return top;
    }

    private static String first(Picture p, String name, LabelTable table) {
        return top(p, name, table, 1).getFirst().text();
    }

    private static List<Ranked> top(Picture p, String name, LabelTable table, int count) {
        List<Ranked> top = table.rank(p.similarities.picture(), count);
        p.steps.add(new Step.Best(name, top));
        return top;
    }

    private static List<String> texts(List<Ranked> ranked) {
        return ranked.stream().map(Ranked::text).toList();
    }

    private static String fitted(Picture p, String whole) {
        String prompt = fit(whole, p.similarities::fills);
        p.steps.add(new Step.Fitted(whole, prompt));
        return prompt;
    }

    /** Whether a text fills the context. */
    interface Fills {
        boolean test(String text);
    }

    /** The first parts of a text that fit the context; whether one fits is asked without the comma before it. */
    static String fit(String text, Fills fills) {
        String[] parts = text.split(", ", -1);
        StringBuilder out = new StringBuilder(parts[0]);
        for (int i = 1; i < parts.length && !fills.test(out + parts[i]); i++) {
            out.append(", ").append(parts[i]);
        }
        return out.toString();
    }
}
