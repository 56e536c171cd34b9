/**
 * Measurements: JMH benchmarks, and checkpoints of real size to measure with where no real weights are at hand.
 *
 * <p>{@code mvn -pl bench} without a goal starts the benchmarks, once the other modules are installed ({@code mvn install
 * -DskipTests}). {@code -Dbenchmarks=MatMul} selects by a regular expression; {@code -Djmh="-p threads=1"} passes options
 * on.
 */
@NullMarked
package org.telltale.bench;

import org.jspecify.annotations.NullMarked;
