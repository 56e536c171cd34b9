package org.telltale.models.image;

/** What to do with the orientation that a camera wrote into a picture's EXIF data. */
public enum Exif {
    /** Turn and mirror the picture so that it stands upright: what a user sees. */
    APPLY,
    /** Leave the pixels as they are stored, as Pillow's and TensorFlow's decoders and the paper's experiment do. */
    IGNORE
}
