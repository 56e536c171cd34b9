/**
 * Measurements: JMH benchmarks of Telltale beside ONNX Runtime and libtorch, and checkpoints of real size to measure with
 * where no real weights are at hand.
 *
 * <p>{@code mvn -pl bench -am} without a goal runs a short suite (about ten minutes) and prints one table of times and
 * ratios; {@code -pl bench} alone does once the other modules are installed. A suite that was killed or ran out of its time
 * is continued by the same command, as long as the commit is the same and no file differs from it. With
 *
 * <ul>
 *   <li>{@code -Dbench.full}: all cases; {@code -Dbench.minutes=30} says after how many minutes no further one begins,
 *       and {@code -Dbench.cases='clip|inception'}, a regular expression, which cases of the suite are measured;
 *   <li>{@code -Dguard}: hot cases beside a peer; fails where a ratio is below its floor in {@code floors.json}. {@code
 *       -Dguard.handicap=2} makes Telltale run twice, to see it fail;
 *   <li>{@code -Dbench.crowded}: a photo and a decoder step, quiet and beside as many busy processes as processors;
 *   <li>{@code -Dbench.models='clip|inception'}: the largest models, all engines in one process;
 *   <li>{@code -Dbench.train}: training steps on Telltale and libtorch, time and memory; {@code
 *       -Dbench.train=bert-base:32x128} measures one;
 *   <li>{@code -Dbench.bf16=CHECKPOINT}: greedy captions in F32 and BF16 over {@code -Dbench.count=50} photos of {@code
 *       -Dbench.photos=FOLDER}: how many are the same, errors of log-probabilities, ratios of times;
 *   <li>{@code -Dbench.labels=CLIP}: ranking and encoding of the interrogator's labels, {@code -Dbench.count=500} of those in
 *       {@code -Dbench.lists=FOLDER}; {@code -Dbench.labels=none} ranks alone;
 *   <li>{@code -Ptornado -Dbench.gpu}: graphs on a GPU beside all processors, {@code -Dbench.gpu='bert|MatMul'} some of them;
 *       {@code -Dbench.device=gpu:1} another one;
 *   <li>{@code -Dbench.tables}: puts the tables of the latest suite into {@code docs/performance.md};
 *   <li>{@code -Dbenchmarks=MatMul}, {@code -Djmh="-p threads=1 -p engine=telltale"}: JMH itself, benchmarks selected by a
 *       regular expression and its own options; {@code -Djmh=-h} lists them.
 * </ul>
 */
@NullMarked
package org.telltale.bench;

import org.jspecify.annotations.NullMarked;
