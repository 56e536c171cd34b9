package org.telltale.engine.nn;

import java.util.List;

/** A checkpoint whose tensors do not fit the model; the message has a line for every one of them. */
public final class CheckpointException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    CheckpointException(String source, List<String> problems) {
        super(source + ": " + problems.size() + (problems.size() == 1 ? " tensor does" : " tensors do")
                + " not fit the model\n  " + String.join("\n  ", problems));
    }
}
