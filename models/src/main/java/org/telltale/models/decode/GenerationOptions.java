package org.telltale.models.decode;

import java.util.function.BooleanSupplier;

/**
 * How a sequence is generated. Immutable: the named methods start from the defaults, the others return a changed copy.
 *
 * <p>Lengths count the prompt, as in the original BLIP (SPEC §10.6): with a prompt of four tokens a maximum of 32 leaves
 * 28 new ones, and a minimum of 5 forbids the end token for the first new one only. A minimum that the maximum does not
 * reach keeps the end token away altogether. The defaults are the original's 20 and 5.
 *
 * @param strategy greedy, beam search or sampling
 * @param minLength the end token is impossible while the sequence is shorter
 * @param limit the most tokens, see {@code limitCountsPrompt}
 * @param limitCountsPrompt whether the limit is on the whole sequence, or on the tokens after the prompt
 */
public record GenerationOptions(Strategy strategy, int minLength, int limit, boolean limitCountsPrompt) {
    public GenerationOptions {
        if (minLength < 0 || limit < 1) {
            throw new IllegalArgumentException(
                    "a minimum length of at least 0 and a maximum of at least 1 are wanted, not " + minLength + " and "
                            + limit);
        }
    }

    public static GenerationOptions of(Strategy strategy) {
        return new GenerationOptions(strategy, 5, 20, true);
    }

    /** The likeliest token at each step. */
    public static GenerationOptions greedy() {
        return of(new Greedy());
    }

    /** Beam search by the legacy rule with length penalty 1; one beam is greedy search, as in the original library. */
    public static GenerationOptions beams(int beams) {
        return beams == 1 ? greedy() : of(BeamSearch.of(beams));
    }

    /** Sampling as the original BLIP does: repetition penalty 1.1, the likeliest 50 tokens, 0.9 of their probability. */
    public static GenerationOptions sampling(long seed) {
        return of(Sampling.of(seed));
    }

    /** The paper's setting, that of the CLIP Interrogator 2.2 notebook: 64 beams, at most 32 tokens, at least 5. */
    public static GenerationOptions paper() {
        return beams(64).minLength(5).maxLength(32);
    }

    public GenerationOptions minLength(int tokens) {
        return new GenerationOptions(strategy, tokens, limit, limitCountsPrompt);
    }

    /** Limits the whole sequence, prompt and end token included. */
    public GenerationOptions maxLength(int tokens) {
        return new GenerationOptions(strategy, minLength, tokens, true);
    }

    /** Limits the tokens after the prompt, the end token included. */
    public GenerationOptions maxNewTokens(int tokens) {
        return new GenerationOptions(strategy, minLength, tokens, false);
    }

    /** The longest sequence that may follow a prompt of this length, prompt included. */
    public int longest(int promptLength) {
        return limitCountsPrompt ? limit : Math.addExact(promptLength, limit);
    }

    /**
     * Generates a sequence.
     *
     * @param prompt the ids to begin with, at least one
     * @param end the id that ends a sequence; BLIP's is [SEP], whatever its configuration says
     * @param cancelled asked before each step
     * @throws IllegalArgumentException if the prompt leaves no room for a token
     * @throws IllegalStateException if the model returns logits that are no distribution
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public Generation generate(StepFunction model, int[] prompt, int end, BooleanSupplier cancelled) {
        int longest = longest(prompt.length);
        if (prompt.length == 0 || prompt.length >= longest || end < 0) {
            throw new IllegalArgumentException("a prompt of " + prompt.length + " tokens, at most " + longest
                    + " tokens in all and the end token " + end + ": nothing can be generated");
        }
        Limits limits = new Limits(end, minLength, longest, cancelled);
        return switch (strategy) {
            case Greedy greedy -> greedy.generate(model, prompt, limits);
            case BeamSearch beams -> beams.generate(model, prompt, limits);
            case Sampling sampling -> sampling.generate(model, prompt, limits);
        };
    }

    /** As the other {@code generate}, until the end. */
    public Generation generate(StepFunction model, int[] prompt, int end) {
        return generate(model, prompt, end, () -> false);
    }
}
