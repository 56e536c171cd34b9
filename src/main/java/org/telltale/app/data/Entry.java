package org.telltale.app.data;

import tools.jackson.databind.node.ObjectNode;

/** One record of results: a line of a JSONL file, or a line for people. */
public sealed interface Entry permits CaptionRecord, Scores, EmbeddingRecord, PromptRecord {
    /** What the record is about; joins records of different files. */
    String id();

    ObjectNode json();
}
