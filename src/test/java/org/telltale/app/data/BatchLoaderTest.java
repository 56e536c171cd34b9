package org.telltale.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.data.LoaderOptions.Unreadable;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.models.image.Augmentation;
import org.telltale.models.image.Exif;
import org.telltale.models.image.ImageReader;
import org.telltale.models.image.Preprocess;
import org.telltale.models.text.WordPiece;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BatchLoaderTest {
    private static final Preprocess PREPROCESS = Preprocess.kerasMinusOneToOne(20);
    private static final PictureOptions AUGMENTED =
            new PictureOptions(PREPROCESS, Exif.IGNORE, Augmentation.efficientNet(Augmentation.Sharing.PER_BATCH));
    private static final PictureOptions PLAIN = new PictureOptions(PREPROCESS, Exif.IGNORE, Augmentation.none());

    @TempDir
    private Path folder;

    /** A copy of a batch. */
    private record Copy(long epoch, int index, List<Integer> samples, List<Float> values, List<Integer> labels) {
        static Copy of(Minibatch b) {
            List<Integer> samples = new ArrayList<>();
            for (int i = 0; i < b.size(); i++) {
                samples.add(b.sample(i));
            }
            List<Float> values = new ArrayList<>();
            for (float v : b.tensor("pictures").toFloats()) {
                values.add(v);
            }
            return new Copy(b.epoch(), b.index(), samples, values, labelsOf(b));
        }
    }

    private static List<Integer> labelsOf(Minibatch b) {
        return Arrays.stream(b.tensor(Minibatch.LABELS).toInts()).boxed().toList();
    }

    private static List<Copy> all(BatchLoader loader, int batches) throws InterruptedException {
        List<Copy> copies = new ArrayList<>();
        for (int i = 0; i < batches; i++) {
            copies.add(Copy.of(loader.next()));
        }
        return copies;
    }

    private static List<Thread> loaders() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().startsWith("load-"))
                .toList();
    }

    @Test
    void batchesAreTheSameForAnyNumberOfThreadsAndAfterSkipping() throws Exception {
        Dataset<Sample.Picture> data = DrawnPictures.dataset(folder, 23);
        LoaderOptions options = LoaderOptions.training(4, 11, 3);
        List<Copy> expected;
        try (BatchLoader loader = BatchLoader.pictures(
                data, Split.TRAIN, AUGMENTED, options.threads(1).ahead(1))) {
            assertThat(loader.batches()).isEqualTo(6);
            expected = all(loader, 18);
            assertThatThrownBy(loader::next).isInstanceOf(NoSuchElementException.class);
        }
        for (int threads : new int[] {2, 5}) {
            try (BatchLoader loader = BatchLoader.pictures(
                    data, Split.TRAIN, AUGMENTED, options.threads(threads).ahead(3))) {
                assertThat(all(loader, 18)).as("%d threads", threads).isEqualTo(expected);
                loader.skipTo(1, 4);
                assertThat(all(loader, 8)).isEqualTo(expected.subList(10, 18));
                loader.skipTo(0, 2);
                assertThat(all(loader, 3)).isEqualTo(expected.subList(2, 5));
            }
        }
        try (BatchLoader loader = BatchLoader.pictures(data, Split.TRAIN, AUGMENTED, options)) {
            loader.skipTo(2, 1);
            assertThat(all(loader, 5)).isEqualTo(expected.subList(13, 18));
        }
    }

    @Test
    void anEpochHasEverySampleOnceInAnOrderOfItsOwn() throws Exception {
        Dataset<Sample.Picture> data = DrawnPictures.dataset(folder, 23);
        int[] labels = data.labelIds(Split.TRAIN);
        List<List<Integer>> orders = new ArrayList<>();
        try (BatchLoader loader = BatchLoader.pictures(data, Split.TRAIN, PLAIN, LoaderOptions.training(4, 11, 2))) {
            for (int epoch = 0; epoch < 2; epoch++) {
                List<Integer> order = new ArrayList<>();
                for (Copy c : all(loader, 6)) {
                    for (int row = 0; row < 4; row++) {
                        boolean filled = row < c.samples.size();
                        assertThat(c.labels.get(row))
                                .isEqualTo(filled ? labels[c.samples.get(row)] : Minibatch.NO_LABEL);
                    }
                    order.addAll(c.samples);
                }
                assertThat(order).hasSize(23).doesNotHaveDuplicates();
                orders.add(order);
            }
            assertThat(orders.get(0))
                    .isNotEqualTo(orders.get(1))
                    .isNotEqualTo(Arrays.stream(Shuffle.identity(23)).boxed().toList());
        }
    }

    @Test
    void withoutAugmentationARowIsWhatTheClassifierSees() throws Exception {
        Dataset<Sample.Picture> data = DrawnPictures.dataset(folder, 7);
        int values = 20 * 20 * 3;
        try (BatchLoader loader = BatchLoader.pictures(data, Split.TRAIN, PLAIN, LoaderOptions.measuring(5, 1));
                Arena arena = Arena.ofConfined()) {
            for (Copy c : all(loader, 2)) {
                for (int row = 0; row < 5; row++) {
                    HostTensor expected = HostTensor.allocate(arena, DType.F32, Shape.of(values));
                    if (row < c.samples.size()) {
                        Path file = data.samples(Split.TRAIN)
                                .get(c.samples.get(row))
                                .file();
                        PREPROCESS.into(ImageReader.read(file, Exif.IGNORE), expected.data(), 0);
                    }
                    for (int i = 0; i < values; i++) {
                        assertThat(c.values.get(row * values + i)).isEqualTo(expected.get(i));
                    }
                }
            }
        }
    }

    @Test
    void aRemainderIsDroppedOnRequest() throws Exception {
        Dataset<Sample.Picture> data = DrawnPictures.dataset(folder, 7);
        LoaderOptions options = LoaderOptions.measuring(3, 1).dropRemainder(true);
        try (BatchLoader loader = BatchLoader.pictures(data, Split.TRAIN, PLAIN, options)) {
            assertThat(loader.batches()).isEqualTo(2);
            assertThat(all(loader, 2)).flatExtracting(Copy::samples).containsExactly(0, 1, 2, 3, 4, 5);
            assertThatThrownBy(loader::next).isInstanceOf(NoSuchElementException.class);
        }
        LoaderOptions tooLarge = LoaderOptions.measuring(8, 1).dropRemainder(true);
        assertThatThrownBy(() -> BatchLoader.pictures(data, Split.TRAIN, PLAIN, tooLarge))
                .isInstanceOf(DataException.class)
                .hasMessage("7 samples, expected at least a batch of 8");
        assertThatThrownBy(() -> BatchLoader.pictures(data, Split.DEV, PLAIN, LoaderOptions.measuring(8, 1)))
                .isInstanceOf(DataException.class)
                .hasMessage("0 samples, expected at least one");
    }

    private Dataset<Sample.Picture> withABrokenAndAMissingPicture() throws IOException {
        Dataset<Sample.Picture> data = DrawnPictures.dataset(folder, 9);
        Files.write(data.samples(Split.TRAIN).get(3).file(), new byte[] {1, 2, 3});
        Files.delete(data.samples(Split.TRAIN).get(4).file());
        return data;
    }

    @Test
    void theNextSampleTakesThePlaceOfOneThatCannotBeRead() throws Exception {
        Dataset<Sample.Picture> data = withABrokenAndAMissingPicture();
        LoaderOptions options = LoaderOptions.measuring(4, 2).unreadable(Unreadable.NEXT);
        for (int threads : new int[] {1, 3}) {
            try (BatchLoader loader = BatchLoader.pictures(data, Split.TRAIN, PLAIN, options.threads(threads))) {
                assertThat(Copy.of(loader.next()).samples).containsExactly(0, 1, 2, 5);
                assertThat(loader.unreadable()).hasSize(2);
                Minibatch second = loader.next();
                assertThat(Copy.of(second).samples).containsExactly(5, 5, 6, 7);
                assertThat(second.unreadable()).singleElement().asString().contains("4.jpg: no such file");
                assertThat(all(loader, 4)).flatExtracting(Copy::samples).hasSize(10);
                assertThat(loader.unreadable())
                        .satisfiesExactly(
                                m -> assertThat(m).contains("3.png: not a picture"),
                                m -> assertThat(m).contains("4.jpg: no such file"));
            }
        }
    }

    @Test
    void aSampleThatCannotBeReadIsLeftOutWhereNothingMayCountTwice() throws Exception {
        Dataset<Sample.Picture> data = withABrokenAndAMissingPicture();
        int[] labels = data.labelIds(Split.TRAIN);
        List<Copy> whole;
        try (BatchLoader loader = BatchLoader.pictures(data, Split.TRAIN, PLAIN, LoaderOptions.measuring(5, 1))) {
            whole = all(loader, 2);
        }
        assertThat(whole.get(0).samples).containsExactly(0, 1, 2);
        assertThat(whole.get(1).samples).containsExactly(5, 6, 7, 8);
        assertThat(whole.get(1).labels).containsExactly(labels[5], labels[6], labels[7], labels[8], Minibatch.NO_LABEL);
        LoaderOptions shifted = LoaderOptions.measuring(6, 1);
        try (BatchLoader loader = BatchLoader.pictures(data, Split.TRAIN, PLAIN, shifted)) {
            List<Float> rows = Copy.of(loader.next()).values;
            assertThat(rows.subList(3 * 1200, 4 * 1200))
                    .isEqualTo(whole.get(1).values.subList(0, 1200));
            assertThat(rows.subList(4 * 1200, 6 * 1200)).containsOnly(0f);
        }
    }

    @Test
    void aSampleThatCannotBeReadIsRefusedByName() throws Exception {
        Dataset<Sample.Picture> data = withABrokenAndAMissingPicture();
        LoaderOptions options = LoaderOptions.measuring(3, 1).unreadable(Unreadable.REFUSE);
        try (BatchLoader loader = BatchLoader.pictures(data, Split.TRAIN, PLAIN, options)) {
            assertThat(loader.next().size()).isEqualTo(3);
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(loader::next)
                        .isInstanceOf(DataException.class)
                        .hasMessageContaining("3.png: not a picture");
            }
        }
        assertThat(loaders()).isEmpty();
    }

    @Test
    void noneThatCanBeReadIsAnError() throws Exception {
        Dataset<Sample.Picture> data = DrawnPictures.dataset(folder, 3);
        for (Sample.Picture p : data.samples(Split.TRAIN)) {
            Files.delete(p.file());
        }
        try (BatchLoader loader = BatchLoader.pictures(data, Split.TRAIN, PLAIN, LoaderOptions.training(2, 1, 1))) {
            assertThatThrownBy(loader::next)
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("none of the 3 samples can be read");
        }
    }

    /** Rows that hold their sample's number, and that wait when told to. */
    private static final class Numbers implements BatchRows {
        final AtomicInteger written = new AtomicInteger();
        final AtomicInteger closed = new AtomicInteger();
        final CountDownLatch arrived = new CountDownLatch(1);
        final CountDownLatch gate;
        final int count;

        Numbers(int count, boolean held) {
            this.count = count;
            gate = new CountDownLatch(held ? 1 : 0);
        }

        @Override
        public int count() {
            return count;
        }

        @Override
        public int label(int sample) {
            return 0;
        }

        @Override
        public Map<String, HostTensor> allocate(Arena arena, int batch) {
            return Map.of("pictures", HostTensor.allocate(arena, DType.F32, Shape.of(batch, 1)));
        }

        @Override
        public Writer writer() {
            return (tensors, row, sample, epoch, batch) -> {
                arrived.countDown();
                try {
                    gate.await();
                } catch (InterruptedException e) {
                    throw new AssertionError("a loading thread was interrupted", e);
                }
                if (sample == 1_000) {
                    throw new ArithmeticException("planted");
                }
                tensors.get("pictures").set(row, sample);
                written.incrementAndGet();
            };
        }

        @Override
        public void blank(Map<String, HostTensor> tensors, int row) {
            tensors.get("pictures").set(row, -1);
        }

        @Override
        public List<String> notes() {
            return List.of();
        }

        @Override
        public void close() {
            closed.incrementAndGet();
        }
    }

    @Test
    void epochsShorterThanTheRingHaveOrdersOfTheirOwn() throws Exception {
        LoaderOptions options = LoaderOptions.training(32, 4, 8).threads(3).ahead(4);
        try (BatchLoader loader = new BatchLoader(new Numbers(10, false), options)) {
            for (int epoch = 0; epoch < 8; epoch++) {
                Minibatch b = loader.next();
                float[] expected = new float[32];
                Arrays.fill(expected, -1);
                int[] order = Shuffle.permutation(10, 4, epoch);
                for (int row = 0; row < 10; row++) {
                    expected[row] = order[row];
                }
                assertThat(b.epoch()).isEqualTo(epoch);
                assertThat(b.tensor("pictures").toFloats()).isEqualTo(expected);
            }
        }
    }

    @Test
    void threadsWaitWhileTheRingIsFull() throws Exception {
        Numbers rows = new Numbers(1_000, false);
        try (BatchLoader loader =
                new BatchLoader(rows, LoaderOptions.measuring(10, 1).threads(3).ahead(2))) {
            loader.next();
            List<Thread> threads = loaders();
            assertThat(threads).hasSize(3);
            for (Thread t : threads) {
                while (t.getState() != Thread.State.WAITING) {
                    Thread.onSpinWait();
                }
            }
            assertThat(rows.written).hasValue(30);
            loader.next();
            while (rows.written.get() < 40) {
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void closingInTheMiddleLeavesNoThreadAndClosesOnce() throws Exception {
        for (int i = 0; i < 50; i++) {
            Numbers rows = new Numbers(1_000, false);
            BatchLoader loader =
                    new BatchLoader(rows, LoaderOptions.training(10, i, 9).threads(5));
            Minibatch batch = loader.next();
            loader.close();
            loader.close();
            assertThat(loaders()).isEmpty();
            assertThat(rows.closed).hasValue(1);
            assertThatThrownBy(() -> batch.tensor("pictures").get(0)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(loader::next).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void anInterruptedConsumerStopsWaitingAndClosesCleanly() throws Exception {
        Numbers rows = new Numbers(100, true);
        AtomicReference<Throwable> seen = new AtomicReference<>();
        AtomicReference<Boolean> flag = new AtomicReference<>();
        Thread consumer = new Thread(() -> {
            try (BatchLoader loader =
                    new BatchLoader(rows, LoaderOptions.measuring(10, 1).threads(2))) {
                try {
                    loader.next();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    seen.set(e);
                }
            }
            flag.set(Thread.currentThread().isInterrupted());
        });
        consumer.start();
        rows.arrived.await();
        consumer.interrupt();
        // The threads are in the middle of a row, which closing waits for.
        while (seen.get() == null && consumer.isAlive()) {
            Thread.onSpinWait();
        }
        rows.gate.countDown();
        assertThat(consumer.join(Duration.ofSeconds(60))).isTrue();
        assertThat(seen.get()).isInstanceOf(InterruptedException.class);
        assertThat(flag.get()).isTrue();
        assertThat(loaders()).isEmpty();
    }

    @Test
    void aFaultOfTheLoadingReachesTheConsumer() throws Exception {
        try (BatchLoader loader = new BatchLoader(new Numbers(1_001, false), LoaderOptions.measuring(1_000, 1))) {
            assertThat(loader.next().size()).isEqualTo(1_000);
            assertThatThrownBy(loader::next)
                    .isInstanceOf(IllegalStateException.class)
                    .hasRootCauseMessage("planted");
        }
    }

    @Test
    void waitingIsMeasured() throws Exception {
        Numbers rows = new Numbers(100, true);
        try (BatchLoader loader =
                new BatchLoader(rows, LoaderOptions.measuring(10, 1).threads(1))) {
            assertThat(loader.waited()).isZero();
            Thread opener = new Thread(() -> {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(30));
                rows.gate.countDown();
            });
            long began = System.nanoTime();
            opener.start();
            loader.next();
            assertThat(loader.waited()).isBetween(1L, System.nanoTime() - began);
            opener.join();
        }
    }

    @Test
    void textsArePaddedAndCutToOneLength() throws Exception {
        Files.writeString(folder.resolve("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nflood\nin\ntown\n");
        WordPiece tokenizer = WordPiece.read(folder);
        List<Sample.Text> samples = List.of(
                new Sample.Text("a", "Flood in town", "fire"),
                new Sample.Text("b", "flood flood flood flood flood town", "flood"),
                new Sample.Text("c", "", "flood"));
        Dataset<Sample.Text> data = new Dataset<>(List.of("fire", "flood"), Map.of(Split.TEST, samples), List.of());
        try (BatchLoader loader = BatchLoader.texts(data, Split.TEST, tokenizer, 6, LoaderOptions.measuring(2, 1))) {
            Minibatch b = loader.next();
            assertThat(b.tensor("ids").toInts()).containsExactly(2, 5, 6, 7, 3, 0, 2, 5, 5, 5, 5, 3);
            assertThat(b.tensor("mask").toInts()).containsExactly(1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1);
            assertThat(b.tensor("types").toInts()).containsOnly(0).hasSize(12);
            assertThat(labelsOf(b)).containsExactly(0, 1);
            b = loader.next();
            assertThat(b.tensor("ids").toInts()).containsExactly(2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
            assertThat(b.tensor("mask").toInts()).containsExactly(1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0);
            assertThat(labelsOf(b)).containsExactly(1, Minibatch.NO_LABEL);
        }
    }

    @Test
    void aPlaceBeyondTheEndIsRefused() throws Exception {
        try (BatchLoader loader = new BatchLoader(new Numbers(10, false), LoaderOptions.measuring(5, 2))) {
            assertThatThrownBy(() -> loader.skipTo(0, 3)).hasMessage("batch 3 of epoch 0, expected 0 to 2 and 0 to 2");
            loader.skipTo(1, 2);
            assertThatThrownBy(loader::next).isInstanceOf(NoSuchElementException.class);
            loader.skipTo(0, 0);
            assertThat(loader.next().sample(0)).isZero();
        }
    }
}
