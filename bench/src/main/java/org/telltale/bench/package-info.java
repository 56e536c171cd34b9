/** Measurements: JMH benchmarks, and checkpoints of real size to measure with where no real weights are at hand. */
@NullMarked
package org.telltale.bench;

import org.jspecify.annotations.NullMarked;
