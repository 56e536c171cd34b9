package org.telltale.app;

import java.nio.file.Path;
import org.telltale.api.ModelFolder;
import org.telltale.api.Timings;
import org.telltale.app.data.Fingerprint;
import org.telltale.app.data.Header;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The header of a command that runs a model. Begun before the model is opened, as the files' SHA-256 takes a while. */
final class Headers {
    private final String kind;
    private final String command;
    private final ModelArguments model;
    private final Fingerprint fingerprint;
    private final Timings timings;

    /** What the command was told, beyond the model. */
    final ObjectNode configuration = JsonNodeFactory.instance.objectNode();

    private Headers(String kind, String command, ModelArguments model, Fingerprint fingerprint, Timings timings) {
        this.kind = kind;
        this.command = command;
        this.model = model;
        this.fingerprint = fingerprint;
        this.timings = timings;
    }

    static Headers begin(String kind, String command, ModelArguments model, Timings timings) {
        Path folder = ModelFolder.find(model.model);
        return new Headers(kind, command, model, Fingerprint.begin(folder, timings), timings);
    }

    /** @param device what the opened model says it computes with */
    ObjectNode complete(String device) throws InterruptedException {
        Build build = Build.current();
        ObjectNode node = Header.of(kind, command);
        node.put("version", build.version());
        node.put("commit", build.commit());
        node.put("model", model.model);
        Timings.Stage outer = timings.enter(Timings.Stage.HASH);
        try {
            node.set("sha256", fingerprint.get());
        } finally {
            timings.leave(outer);
        }
        node.put("backend", device);
        node.put("precision", model.precision);
        node.set("configuration", configuration);
        return node;
    }
}
