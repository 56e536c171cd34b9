package org.telltale.models.interrogate;

/** How a prompt is made of a caption and labels. */
public enum Mode {
    /** The labels that raise the similarity most, one after the other. */
    BEST(16),
    /** The labels that are most similar by themselves. */
    FAST(32),
    /** A medium, an artist, a site, a movement and some flavors. */
    CLASSIC(3),
    /** What the picture is least like; not in 2.2. */
    NEGATIVE(32);

    private final int flavors;

    Mode(int flavors) {
        this.flavors = flavors;
    }

    /** The most flavors when none is asked for: as the notebook for the best mode, as the library for the others. */
    public int defaultFlavors() {
        return flavors;
    }
}
