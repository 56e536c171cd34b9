/** Machine code emitted at start-up: an assembler, what the CPU can do, and the generator of the products. */
@NullMarked
package org.telltale.kernels.vector.jit;

import org.jspecify.annotations.NullMarked;
