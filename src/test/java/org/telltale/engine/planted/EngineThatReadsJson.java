package org.telltale.engine.planted;

import tools.jackson.databind.JsonNode;

/** A broken rule for ArchitectureTest to find. */
final class EngineThatReadsJson {
    private EngineThatReadsJson() {}

    static boolean empty(JsonNode node) {
        return node.isEmpty();
    }
}
