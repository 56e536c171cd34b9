package org.telltale.models.decode;

/** The model's side of decoding: one conversation at a time, so an instance serves one caller. */
public interface StepFunction {
    /** Feeds the prompt as one row and returns the logits of the token after it: row 0. */
    Logits start(int[] prompt);

    /**
     * Row i of the new step continues row {@code parents[i]} of the previous one with {@code tokens[i]}; returns
     * {@code tokens.length} rows. Valid until the next call.
     */
    Logits step(int[] parents, int[] tokens);
}
