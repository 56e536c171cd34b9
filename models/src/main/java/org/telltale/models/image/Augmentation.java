package org.telltale.models.image;

import java.util.List;

/**
 * A chain of random changes of training pictures, those of Keras' preprocessing layers (SPEC 13.1, 13.2 and 21). They act
 * on the resized picture with levels from 0 to 255, before anything is normalised. {@link Augmenter} applies them.
 *
 * @param transforms in the order in which they are applied
 */
public record Augmentation(List<Transform> transforms) {
    /** One change with its range. */
    public sealed interface Transform {}

    /** Keras' {@code RandomFlip}: each direction that is allowed is flipped with probability 1/2. */
    public record Flip(boolean horizontal, boolean vertical) implements Transform {}

    /**
     * Keras' {@code RandomRotation}: about the centre, filled by reflection, bilinear.
     *
     * @param factor the largest angle either way, as a part of a full turn
     */
    public record Rotation(double factor) implements Transform {
        public Rotation {
            check("rotation", factor, 1);
        }
    }

    /**
     * Keras' {@code RandomTranslation}: filled by reflection, bilinear.
     *
     * @param height the largest shift up or down as a part of the height
     * @param width the largest shift left or right as a part of the width
     */
    public record Translation(double height, double width) implements Transform {
        public Translation {
            check("vertical translation", height, 1);
            check("horizontal translation", width, 1);
        }
    }

    /** Who shares a random factor of contrast. */
    public enum Sharing {
        /** Each picture draws its own, as in Keras 3. */
        PER_PICTURE,
        /** All pictures of a batch have the same, as in Keras 2. */
        PER_BATCH
    }

    /**
     * Keras' {@code RandomContrast}: the distance to the channel's mean is multiplied, and the result clipped to 0..255.
     *
     * @param factor the multiplier is drawn from 1 - factor to 1 + factor
     */
    public record Contrast(double factor, Sharing sharing) implements Transform {
        public Contrast {
            check("contrast", factor, 1);
        }
    }

    public Augmentation {
        transforms = List.copyOf(transforms);
    }

    /** Pictures stay as they are. */
    public static Augmentation none() {
        return new Augmentation(List.of());
    }

    /** The recipe of MobileNetV2, SPEC 13.1. */
    public static Augmentation mobileNet() {
        return new Augmentation(List.of(new Flip(true, false), new Rotation(0.2)));
    }

    /** The recipe of EfficientNet, SPEC 13.2, with the contrast of Keras 3. */
    public static Augmentation efficientNet() {
        return efficientNet(Sharing.PER_PICTURE);
    }

    /** The recipe of EfficientNet, SPEC 13.2. */
    public static Augmentation efficientNet(Sharing contrast) {
        return new Augmentation(List.of(
                new Rotation(0.15), new Translation(0.1, 0.1), new Flip(true, true), new Contrast(0.1, contrast)));
    }

    private static void check(String what, double factor, double most) {
        if (!(factor >= 0 && factor <= most)) {
            throw new IllegalArgumentException("a " + what + " of " + factor + ", expected 0 to " + most);
        }
    }
}
