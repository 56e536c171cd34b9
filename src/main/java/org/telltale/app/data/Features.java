package org.telltale.app.data;

import java.util.Map;
import org.telltale.engine.HostTensor;

/**
 * What a model's base makes of the samples of a split.
 *
 * @param values F32 [samples, width], or [pictures, positions, channels] of pictures with captions
 * @param missing why a sample has none, by its number
 */
public record Features(HostTensor values, Map<Integer, String> missing) {
    /** The tensor's name in a batch. */
    public static final String NAME = "features";

    public Features {
        missing = Map.copyOf(missing);
    }
}
