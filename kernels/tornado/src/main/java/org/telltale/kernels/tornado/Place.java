package org.telltale.kernels.tornado;

/** Where a tensor begins: an area and an offset in elements. */
record Place(Area area, int offset) {
    Place plus(int elements) {
        return new Place(area, offset + elements);
    }
}
