package org.telltale.kernels.tornado;

import java.util.EnumMap;
import java.util.Map;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** The arrays of a program by their areas. */
final class Arrays {
    private final Map<Area, FloatArray> arrays = new EnumMap<>(Area.class);

    /** @param sizes elements of each area */
    Arrays(Map<Area, Integer> sizes) {
        sizes.forEach((area, size) -> arrays.put(area, new FloatArray(size)));
    }

    FloatArray of(Area area) {
        FloatArray array = arrays.get(area);
        if (array == null) {
            throw new IllegalStateException("no array for " + area);
        }
        return array;
    }

    /** The arguments of a launch. */
    FloatArray[] of(Launch launch) {
        return launch.areas().stream().map(this::of).toArray(FloatArray[]::new);
    }
}
