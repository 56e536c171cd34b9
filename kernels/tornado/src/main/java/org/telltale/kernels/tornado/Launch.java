package org.telltale.kernels.tornado;

import java.util.List;

/**
 * One kernel over its grid.
 *
 * @param areas of the kernel's array arguments, the result last
 * @param groups of items across, down and deep
 * @param at what the kernel reads of offsets and extents
 * @param what it computes, for messages
 */
record Launch(GpuKernel kernel, List<Area> areas, Groups groups, List<Integer> at, String what) {
    Launch {
        areas = List.copyOf(areas);
        at = List.copyOf(at);
    }

    /** How many groups of items there are along each axis. */
    record Groups(int across, int down, int deep) {
        /** Groups of 64 for one item each. */
        static Groups elements(int count) {
            return new Groups(Math.ceilDiv(count, 64), 1, 1);
        }

        /** Groups of a tile each. */
        static Groups tiles(int rows, int columns, int batches) {
            return new Groups(Math.ceilDiv(columns, 64), Math.ceilDiv(rows, 64), batches);
        }
    }
}
