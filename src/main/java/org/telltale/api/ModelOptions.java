package org.telltale.api;

import org.telltale.engine.spi.CompileOptions.Precision;
import org.telltale.models.image.Exif;

/**
 * What every handle can be told.
 *
 * @param device where to compute
 * @param threads how many threads compute, the caller's included
 * @param precision of the weights of products; in training of their operands
 * @param exif whether a picture's EXIF orientation is applied
 */
public record ModelOptions(Device device, int threads, Precision precision, Exif exif) {
    public static final ModelOptions DEFAULT =
            new ModelOptions(Device.auto(), Device.defaultThreads(), Precision.F32, Exif.APPLY);

    public ModelOptions device(Device value) {
        return new ModelOptions(value, threads, precision, exif);
    }

    public ModelOptions threads(int value) {
        if (value < 1) {
            throw new IllegalArgumentException("at least one thread is needed, not " + value);
        }
        return new ModelOptions(device, value, precision, exif);
    }

    public ModelOptions precision(Precision value) {
        return new ModelOptions(device, threads, value, exif);
    }

    public ModelOptions exif(Exif value) {
        return new ModelOptions(device, threads, precision, value);
    }
}
