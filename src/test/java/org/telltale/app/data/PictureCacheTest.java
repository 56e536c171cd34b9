package org.telltale.app.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.data.PictureOptions.Cache;
import org.telltale.app.data.PictureOptions.Levels;
import org.telltale.models.image.Augmentation;
import org.telltale.models.image.Exif;
import org.telltale.models.image.Preprocess;

class PictureCacheTest {
    private static final int COUNT = 9;
    private static final int SIDE = 20;
    private static final long MEMORY = 1 << 20;

    @TempDir
    private Path folder;

    private Path cacheFolder = Path.of("");
    private Dataset<Sample.Picture> data = new Dataset<>(List.of(), Map.of(), List.of());

    @BeforeEach
    void drawPictures() throws IOException {
        cacheFolder = folder.resolve("cache");
        data = DrawnPictures.dataset(folder.resolve("pictures"), COUNT);
    }

    private record Run(List<float[]> batches, List<String> notes) {
        void isEqualTo(Run other) {
            assertThat(Arrays.deepEquals(batches.toArray(), other.batches.toArray()))
                    .isTrue();
        }
    }

    private Run run(Cache cache, int epochs) throws InterruptedException {
        PictureOptions options =
                new PictureOptions(Preprocess.kerasRaw(SIDE), Exif.IGNORE, Augmentation.efficientNet(), cache);
        List<float[]> batches = new ArrayList<>();
        try (BatchLoader loader = BatchLoader.pictures(
                data, Split.TRAIN, options, LoaderOptions.training(4, 3, epochs).threads(3))) {
            for (int i = 0; i < epochs * loader.batches(); i++) {
                batches.add(loader.next().tensor("pictures").toFloats());
            }
            return new Run(batches, loader.notes());
        }
    }

    private Cache file(Levels levels) {
        return DrawnPictures.cache(Optional.of(cacheFolder), 0, levels);
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(cacheFolder)) {
            return all.sorted().toList();
        }
    }

    /** Makes the pictures themselves useless without the cache noticing. */
    private void spoilPictures() throws IOException {
        for (Sample.Picture p : data.samples(Split.TRAIN)) {
            FileTime time = Files.getLastModifiedTime(p.file());
            Files.write(p.file(), new byte[(int) Files.size(p.file())]);
            Files.setLastModifiedTime(p.file(), time);
        }
    }

    @Test
    void exactLevelsGiveTheSameBatchesWithFileMemoryOrNone() throws Exception {
        Run none = run(Cache.NONE, 3);
        run(file(Levels.EXACT), 3).isEqualTo(none);
        run(DrawnPictures.cache(Optional.empty(), MEMORY, Levels.EXACT), 3).isEqualTo(none);
        spoilPictures();
        Run hits = run(DrawnPictures.cache(Optional.of(cacheFolder), MEMORY, Levels.EXACT), 3);
        hits.isEqualTo(none);
        assertThat(hits.notes).isEmpty();
    }

    @Test
    void roundedLevelsAreTheSameWhetherHitOrMissed() throws Exception {
        Run memory = run(DrawnPictures.cache(Optional.empty(), MEMORY, Levels.ROUNDED), 3);
        Run part = run(DrawnPictures.cache(Optional.empty(), 4 * SIDE * SIDE * 3, Levels.ROUNDED), 3);
        part.isEqualTo(memory);
        run(file(Levels.ROUNDED), 3).isEqualTo(memory);
        assertThat(files()).singleElement().satisfies(f -> assertThat(f).hasSize(48 + COUNT * (8 + 1200)));
        assertThat(memory.batches.getFirst())
                .isNotEqualTo(run(Cache.NONE, 1).batches.getFirst());
        spoilPictures();
        run(file(Levels.ROUNDED), 3).isEqualTo(memory);
    }

    @Test
    void aDamagedPictureIsMadeAgain() throws Exception {
        Run sound = run(file(Levels.ROUNDED), 2);
        Path file = files().getFirst();
        byte[] before = Files.readAllBytes(file);
        for (int at : new int[] {before.length - 1, before.length / 2, 48, 48 + 4}) {
            byte[] damaged = before.clone();
            damaged[at] ^= 0x10;
            Files.write(file, damaged);
            Run again = run(file(Levels.ROUNDED), 2);
            again.isEqualTo(sound);
            assertThat(again.notes)
                    .as("byte %d", at)
                    .containsExactly("damaged pictures of the cache that were made again: 1");
            assertThat(Files.readAllBytes(file)).isEqualTo(before);
        }
    }

    @Test
    void aFileThatIsNoCacheOrIsCutOffIsMadeAgain() throws Exception {
        Run sound = run(file(Levels.ROUNDED), 2);
        Path file = files().getFirst();
        byte[] before = Files.readAllBytes(file);
        byte[] otherKey = before.clone();
        otherKey[20] ^= 1;
        for (byte[] content : List.of(new byte[0], new byte[100], Arrays.copyOf(before, before.length - 1), otherKey)) {
            Files.write(file, content);
            Run again = run(file(Levels.ROUNDED), 2);
            again.isEqualTo(sound);
            assertThat(again.notes).singleElement().asString().contains("not a whole cache of these pictures");
            assertThat(Files.readAllBytes(file)).isEqualTo(before);
        }
    }

    @Test
    void anUnfinishedFileIsContinued() throws Exception {
        Run sound = run(file(Levels.ROUNDED), 1);
        Path file = files().getFirst();
        byte[] before = Files.readAllBytes(file);
        byte[] cutOff = Arrays.copyOf(before, 48 + 3 * (8 + 1200) + 100);
        cutOff[48 + 1208 + 3] = 0;
        Files.delete(file);
        Files.write(file.resolveSibling(file.getFileName() + ".part"), cutOff);
        Run again = run(file(Levels.ROUNDED), 1);
        again.isEqualTo(sound);
        assertThat(files()).containsExactly(file);
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    @Test
    void twoRunsAtATimeDoNotSpoilEachOther() throws Exception {
        Run sound = run(Cache.NONE, 1);
        PictureOptions options =
                new PictureOptions(Preprocess.kerasRaw(SIDE), Exif.IGNORE, Augmentation.none(), file(Levels.EXACT));
        try (BatchLoader first = BatchLoader.pictures(data, Split.TRAIN, options, LoaderOptions.training(1, 3, 1))) {
            first.next();
            Run second = run(file(Levels.EXACT), 1);
            second.isEqualTo(sound);
            assertThat(second.notes).singleElement().asString().contains("another run is writing it");
        }
    }

    @Test
    void aPictureThatChangedHasAnotherFileAndOldFilesMakeRoom() throws Exception {
        run(file(Levels.ROUNDED), 1);
        Path old = files().getFirst();
        DrawnPictures.draw(data.samples(Split.TRAIN).get(2).file(), 90);
        Run fresh = run(Cache.NONE, 1);
        long both = 2 * Files.size(old) + 10;
        run(new Cache(Optional.of(cacheFolder), both, 0, Levels.ROUNDED), 1);
        assertThat(files()).hasSize(2).contains(old);
        Files.setLastModifiedTime(old, FileTime.fromMillis(1_000));
        long wanted = 48 + COUNT * (8L + 4 * 1200);
        run(new Cache(Optional.of(cacheFolder), Files.size(old) + wanted, 0, Levels.EXACT), 1)
                .isEqualTo(fresh);
        assertThat(files()).hasSize(2).doesNotContain(old);
    }

    @Test
    void onlyTheFirstPicturesAreKeptWhereTheSizeIsBounded() throws Exception {
        Run none = run(Cache.NONE, 3);
        long four = 48 + 4 * (8L + 4 * 1200);
        run(new Cache(Optional.of(cacheFolder), four + 7, 0, Levels.EXACT), 3).isEqualTo(none);
        assertThat(files()).singleElement().satisfies(f -> assertThat(f).hasSize(four));
        run(new Cache(Optional.of(cacheFolder), 20, 0, Levels.EXACT), 1);
        assertThat(files()).hasSize(1);
    }

    @Test
    void aFolderThatCannotBeMadeIsNotedAndTheRunGoesOn() throws Exception {
        Path blocked = Files.writeString(folder.resolve("file"), "x").resolve("cache");
        Run run = run(DrawnPictures.cache(Optional.of(blocked), 0, Levels.EXACT), 2);
        run.isEqualTo(run(Cache.NONE, 2));
        assertThat(run.notes).singleElement().asString().startsWith(blocked + ": no cache of pictures there");
    }
}
