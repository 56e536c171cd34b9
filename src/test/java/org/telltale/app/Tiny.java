package org.telltale.app;

/** The small checkpoints, pictures and lists that tests of the interrogator share. */
public final class Tiny {
    private static final String GOLDEN = "../models/src/test/resources/golden/";

    public static final String BLIP = GOLDEN + "blip/tiny-blip";
    public static final String CLIP = GOLDEN + "clip/tiny-clip-hf";
    public static final String OPEN_CLIP = GOLDEN + "clip/tiny-clip-openai-names";
    public static final String LISTS = GOLDEN + "interrogator/data";
    public static final String PICTURES = GOLDEN + "blip/pictures";
    public static final String PICTURE = PICTURES + "/0-gradient-64x48-rgb.png";

    private Tiny() {}
}
