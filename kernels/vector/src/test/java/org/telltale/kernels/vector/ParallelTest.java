package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class ParallelTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8})
    void everyChunkRunsExactlyOnce(int threads) {
        try (Parallel parallel = new Parallel(threads)) {
            for (int round = 0; round < 3000; round++) {
                int count = round % 37;
                AtomicIntegerArray runs = new AtomicIntegerArray(count);
                parallel.forRange(count, (chunk, worker) -> {
                    assertThat(worker).isBetween(0, threads - 1);
                    runs.incrementAndGet(chunk);
                });
                for (int i = 0; i < count; i++) {
                    assertThat(runs.get(i)).as("round %d, chunk %d", round, i).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void workersThatAreAllThereKeepToRunsOfTheirOwn() {
        try (Parallel parallel = new Parallel(4)) {
            int[] worker = new int[40];
            AtomicInteger arrived = new AtomicInteger();
            parallel.forRange(40, (chunk, w) -> {
                worker[chunk] = w;
                if (chunk % 10 == 0) {
                    // nobody is done before everybody has begun
                    arrived.incrementAndGet();
                    while (arrived.get() < 4) {
                        Thread.onSpinWait();
                    }
                }
            });
            for (int w = 0; w < 4; w++) {
                assertThat(worker[10 * w]).isEqualTo(w);
            }
        }
    }

    @Test
    void whatAWorkerCannotDoOthersDoForIt() {
        try (Parallel parallel = new Parallel(2)) {
            AtomicInteger others = new AtomicInteger();
            parallel.forRange(20, (chunk, worker) -> {
                if (chunk == 0) {
                    while (others.get() < 19) {
                        Thread.onSpinWait();
                    }
                } else {
                    others.incrementAndGet();
                }
            });
            assertThat(others).hasValue(19);
        }
    }

    @Test
    void twoCallersShareACrewWithoutMixingTheirChunks() throws InterruptedException {
        try (Parallel parallel = new Parallel(3)) {
            AtomicInteger sum = new AtomicInteger();
            Runnable caller = () -> {
                for (int round = 0; round < 2000; round++) {
                    parallel.forRange(11, (chunk, worker) -> sum.addAndGet(chunk));
                }
            };
            Thread other = new Thread(caller);
            other.start();
            caller.run();
            other.join();
            assertThat(sum).hasValue(2 * 2000 * 55);
        }
    }

    @Test
    void aNestedLoopRunsInTheThreadThatMeetsIt() {
        try (Parallel parallel = new Parallel(3)) {
            AtomicInteger runs = new AtomicInteger();
            parallel.forRange(5, (chunk, worker) -> parallel.forRange(7, (inner, w) -> runs.incrementAndGet()));
            assertThat(runs).hasValue(35);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void aFailureIsRethrownAndTheCrewGoesOn(int threads) {
        try (Parallel parallel = new Parallel(threads)) {
            for (int round = 0; round < 100; round++) {
                assertThatThrownBy(() -> parallel.forRange(20, (chunk, worker) -> {
                            if (chunk == 13) {
                                throw new IndexOutOfBoundsException("chunk 13");
                            }
                        }))
                        .isInstanceOf(IndexOutOfBoundsException.class)
                        .hasMessage("chunk 13");
                AtomicInteger runs = new AtomicInteger();
                parallel.forRange(20, (chunk, worker) -> runs.incrementAndGet());
                assertThat(runs).hasValue(20);
            }
        }
    }

    @Test
    void closingEndsTheThreads() throws InterruptedException {
        Thread[] seen = new Thread[64];
        try (Parallel parallel = new Parallel(4)) {
            AtomicInteger arrived = new AtomicInteger();
            parallel.forRange(4, (chunk, worker) -> {
                seen[worker] = Thread.currentThread();
                arrived.incrementAndGet();
                while (arrived.get() < 4) {
                    Thread.onSpinWait();
                }
            });
        }
        for (int worker = 1; worker < 4; worker++) {
            seen[worker].join();
            assertThat(seen[worker].isAlive()).isFalse();
        }
    }
}
