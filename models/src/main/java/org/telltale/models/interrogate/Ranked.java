package org.telltale.models.interrogate;

/** A label or prompt, and the cosine between its vector and the picture's. */
public record Ranked(String text, float similarity) {}
