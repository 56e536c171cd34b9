package org.telltale.app.experiment;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.telltale.api.ModelFolder;
import org.telltale.app.data.Fingerprint;
import tools.jackson.databind.node.ObjectNode;

/** SHA-256 of model folders, each computed once. */
final class Hashes {
    private final Map<Path, ObjectNode> known = new HashMap<>();

    ObjectNode model(String model) {
        return folder(ModelFolder.find(model));
    }

    ObjectNode folder(Path folder) {
        return known.computeIfAbsent(folder, Fingerprint::of).deepCopy();
    }
}
