package org.telltale.app;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.telltale.models.decode.BeamSearch;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.decode.Greedy;
import org.telltale.models.decode.Sampling;
import org.telltale.models.decode.Strategy;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** The options that say how a caption is generated. */
final class GenerationArguments {
    @Option(names = "--beams", paramLabel = "N", description = "Beam search; 1 is greedy search (default: 1).")
    private @Nullable Integer beams;

    @Option(
            names = "--max-length",
            paramLabel = "N",
            description = "Most tokens, prompt and end mark included (default: 20).")
    private @Nullable Integer maxLength;

    @Option(
            names = "--max-new-tokens",
            paramLabel = "N",
            description = "Most tokens after the prompt, instead of --max-length.")
    private @Nullable Integer maxNewTokens;

    @Option(
            names = "--min-length",
            paramLabel = "N",
            description = "Fewest tokens before the end mark, prompt included (default: 5).")
    private @Nullable Integer minLength;

    @Option(
            names = "--rule",
            paramLabel = "legacy|modern",
            description = "Whose beam search: transformers 4.15 to 4.26, or 5 (default: legacy).")
    private BeamSearch.@Nullable Rule rule;

    @Option(
            names = "--length-penalty",
            paramLabel = "P",
            description = "The power of the length that a beam's score is divided by (default: 1).")
    private @Nullable Double lengthPenalty;

    @Option(names = "--paper", description = "The paper's setting: 64 beams, at most 32 tokens, at least 5.")
    private boolean paper;

    @Option(names = "--sample", description = "Draw each token at random: nucleus sampling.")
    private boolean sample;

    @Option(names = "--seed", paramLabel = "N", description = "With --sample: what the draws depend on (default: 0).")
    private @Nullable Long seed;

    @Option(
            names = "--top-k",
            paramLabel = "K",
            description = "With --sample: of the likeliest K tokens, 0 for all (default: 50).")
    private @Nullable Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "With --sample: of the likeliest tokens that together have probability P (default: 0.9).")
    private @Nullable Double topP;

    @Option(names = "--temperature", paramLabel = "T", description = "With --sample (default: 1).")
    private @Nullable Double temperature;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "P",
            description = "With --sample: against tokens that are there already (default: 1.1).")
    private @Nullable Double repetitionPenalty;

    /** What the options say; those that do not go together are refused. */
    GenerationOptions options() {
        try {
            return checked();
        } catch (IllegalArgumentException e) {
            throw new Exit.UsageException(String.valueOf(e.getMessage()));
        }
    }

    private GenerationOptions checked() {
        List<String> lengths = new ArrayList<>();
        given(lengths, "--max-length", maxLength);
        given(lengths, "--max-new-tokens", maxNewTokens);
        List<String> beamed = new ArrayList<>();
        given(beamed, "--rule", rule);
        given(beamed, "--length-penalty", lengthPenalty);
        List<String> sampled = new ArrayList<>();
        given(sampled, "--seed", seed);
        given(sampled, "--top-k", topK);
        given(sampled, "--top-p", topP);
        given(sampled, "--temperature", temperature);
        given(sampled, "--repetition-penalty", repetitionPenalty);
        if (lengths.size() > 1) {
            throw new Exit.UsageException("--max-length and --max-new-tokens exclude each other");
        }
        if (!sample && !sampled.isEmpty()) {
            throw new Exit.UsageException(sampled.getFirst() + " needs --sample");
        }
        if (sample && (beams != null || paper)) {
            throw new Exit.UsageException("--sample excludes --beams and --paper");
        }
        if (paper && (beams != null || minLength != null || !lengths.isEmpty())) {
            throw new Exit.UsageException("--paper sets beams and lengths itself");
        }
        if (!beamed.isEmpty() && !paper && (beams == null || beams < 2)) {
            throw new Exit.UsageException(beamed.getFirst() + " needs --beams of at least 2");
        }
        return lengths(strategy());
    }

    private static void given(List<String> names, String name, @Nullable Object value) {
        if (value != null) {
            names.add(name);
        }
    }

    private GenerationOptions strategy() {
        if (sample) {
            Sampling s = Sampling.of(seed == null ? 0 : seed);
            s = topK == null ? s : s.topK(topK);
            s = topP == null ? s : s.topP(topP);
            s = temperature == null ? s : s.temperature(temperature);
            return GenerationOptions.of(repetitionPenalty == null ? s : s.repetitionPenalty(repetitionPenalty));
        }
        GenerationOptions options =
                paper ? GenerationOptions.paper() : GenerationOptions.beams(beams == null ? 1 : beams);
        if (options.strategy() instanceof BeamSearch b) {
            b = rule == null ? b : b.rule(rule);
            b = lengthPenalty == null ? b : b.lengthPenalty(lengthPenalty);
            return new GenerationOptions(b, options.minLength(), options.limit(), options.limitCountsPrompt());
        }
        return options;
    }

    /**
     * The same for a captioner without beams, whose own settings these options change: all words and no penalty where
     * tokens are drawn, and no minimum.
     *
     * @param longest caption, its end mark included
     */
    GenerationOptions withoutBeams(int longest) {
        options();
        if (beams != null || paper) {
            throw new Exit.UsageException(
                    "an attention and GRU captioner has greedy search and --sample, no --beams and" + " no --paper");
        }
        try {
            Strategy strategy = sample
                    ? new Sampling(
                            seed == null ? 0 : seed,
                            topK == null ? 0 : topK,
                            topP == null ? 1 : topP,
                            repetitionPenalty == null ? 1 : repetitionPenalty,
                            temperature == null ? 1 : temperature)
                    : new Greedy();
            GenerationOptions o = GenerationOptions.of(strategy).minLength(0).maxNewTokens(longest);
            return lengths(o);
        } catch (IllegalArgumentException e) {
            throw new Exit.UsageException(String.valueOf(e.getMessage()));
        }
    }

    private GenerationOptions lengths(GenerationOptions options) {
        GenerationOptions o = minLength == null ? options : options.minLength(minLength);
        o = maxLength == null ? o : o.maxLength(maxLength);
        return maxNewTokens == null ? o : o.maxNewTokens(maxNewTokens);
    }

    /** The options as part of a header. */
    static void describe(GenerationOptions o, ObjectNode node) {
        switch (o.strategy()) {
            case Greedy g -> node.put("strategy", "greedy");
            case BeamSearch b ->
                node.put("strategy", "beams")
                        .put("beams", b.beams())
                        .put("rule", b.rule().name().toLowerCase(java.util.Locale.ROOT))
                        .put("lengthPenalty", b.lengthPenalty());
            case Sampling s ->
                node.put("strategy", "sampling")
                        .put("seed", s.seed())
                        .put("topK", s.topK())
                        .put("topP", s.topP())
                        .put("temperature", s.temperature())
                        .put("repetitionPenalty", s.repetitionPenalty());
        }
        node.put("minLength", o.minLength());
        node.put(o.limitCountsPrompt() ? "maxLength" : "maxNewTokens", o.limit());
    }
}
