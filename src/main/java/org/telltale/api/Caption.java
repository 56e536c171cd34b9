package org.telltale.api;

import java.util.List;

/**
 * What a captioner tells of a picture.
 *
 * @param text without the prompt
 * @param logProb the sum of the log-probabilities of the tokens after the prompt
 * @param ids all tokens, the prompt's and the end mark included
 */
public record Caption(String text, double logProb, List<Integer> ids) {}
