package org.telltale.models.interrogate;

import java.util.List;

/** The tables that an interrogation ranks. */
public record LabelTables(
        LabelTable artists,
        LabelTable flavors,
        LabelTable mediums,
        LabelTable movements,
        LabelTable trendings,
        LabelTable negative) {

    /** Those that the fast mode, and the best mode from 0.4 on, take together, in this order. */
    List<LabelTable> merged() {
        return List.of(artists, flavors, mediums, movements, trendings);
    }
}
