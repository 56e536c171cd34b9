package org.telltale.models.interrogate;

import java.util.List;

/** What an interrogation did, step by step. */
public sealed interface Step {
    /** The caption that all begins with. */
    record Caption(String text, float similarity) implements Step {}

    /** The best labels of a table, the best first. */
    record Best(String table, List<Ranked> labels) implements Step {}

    /**
     * Every combination of a medium, an artist, a site and a movement behind the caption, the best first by half-precision
     * vectors; and the one that the chain begins with, with its exact similarity.
     */
    record Combined(List<Ranked> prompts, Ranked chosen) implements Step {}

    /** A chain without a caption begins with the best single phrase. */
    record Start(Ranked phrase) implements Step {}

    /**
     * The best phrase to append.
     *
     * @param candidates how many there were
     * @param phrase the phrase, and the similarity of the prompt with it; negated in a negative chain
     * @param before the similarity to be exceeded
     * @param best whether the prompt is the best so far
     * @param kept whether the chain goes on with it
     * @param full whether the prompt now fills the context, which ends the chain
     */
    record Link(int candidates, Ranked phrase, float before, boolean best, boolean kept, boolean full)
            implements Step {}

    /** A prompt cut to the parts that fit the context. */
    record Fitted(String whole, String prompt) implements Step {}

    /** Prompts of several modes; the most similar one is the result. */
    record Choice(List<Ranked> prompts, int chosen) implements Step {}
}
