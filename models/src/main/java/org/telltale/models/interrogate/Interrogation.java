package org.telltale.models.interrogate;

import java.util.List;

/**
 * What an interrogation found.
 *
 * @param similarity the cosine between the prompt's vector and the picture's
 */
public record Interrogation(String prompt, float similarity, List<Step> steps) {}
