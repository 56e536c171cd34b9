package org.telltale.models.interrogate;

import java.util.List;

/** What the interrogator needs of CLIP's text tower. */
public interface TextEncoder {
    /** A vector of unit length for each text; texts of the same tokens have the same vector. */
    float[][] encode(List<String> texts);

    /** Whether a text's tokens, marks included, fill the context or exceed it. */
    boolean fills(String text);
}
