package org.telltale.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.data.CaptionData;
import org.telltale.app.data.CrisisTsv;
import org.telltale.app.data.Dataset;
import org.telltale.app.data.PictureData;
import org.telltale.app.data.Sample;
import org.telltale.app.data.Shares;
import org.telltale.app.data.Split;
import org.telltale.models.image.Exif;
import org.telltale.models.image.ImageReader;
import org.telltale.models.interrogate.LabelLists;

class ScenesTest {
    private static final Scenes.Counts FEW = new Scenes.Counts(24, 6, 10, 20);

    @TempDir
    Path folder;

    private static Path write(Path to, long seed) {
        new Scenes(seed, FEW).write(to, n -> {}, () -> false);
        return to;
    }

    private static String digest(Path folder) throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path f : files.filter(Files::isRegularFile).sorted().toList()) {
                digest.update(folder.relativize(f).toString().getBytes(StandardCharsets.UTF_8));
                digest.update(Files.readAllBytes(f));
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    @Test
    void theSameSeedGivesTheSameFilesAndAnotherGivesOthers() throws IOException, NoSuchAlgorithmException {
        String first = digest(write(folder.resolve("a"), 7));
        assertThat(digest(write(folder.resolve("b"), 7))).isEqualTo(first);
        assertThat(digest(write(folder.resolve("c"), 8))).isNotEqualTo(first);
    }

    @Test
    void pixelsAreTheSameOnEveryJava() throws NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (int i = 0; i < 60; i++) {
            BufferedImage p = Scene.draw(7, i).picture();
            for (int rgb : p.getRGB(0, 0, p.getWidth(), p.getHeight(), null, 0, p.getWidth())) {
                digest.update((byte) (rgb >> 16));
                digest.update((byte) (rgb >> 8));
                digest.update((byte) rgb);
            }
        }
        assertThat(HexFormat.of().formatHex(digest.digest()))
                .isEqualTo("4f0672581b5415fdee223f4840c45e7d26323fa537fff5906c47a8badf47da3a");
    }

    @Test
    void tablesCaptionsAndListsAreWhatTheReadersRead() throws IOException {
        write(folder, 7);
        for (String task : List.of("disaster_types", "damage_severity")) {
            Map<Split, List<Path>> tables = new EnumMap<>(Split.class);
            for (Split s : Split.values()) {
                tables.put(s, List.of(Scenes.table(folder, task, s)));
            }
            Dataset<Sample.Picture> set = PictureData.tables(tables, CrisisTsv.LABEL, folder, Optional.empty());
            assertThat(set.findings()).isEmpty();
            assertThat(set.samples(Split.TRAIN)).hasSize(24);
            assertThat(set.samples(Split.DEV)).hasSize(6);
            assertThat(set.samples(Split.TEST)).hasSize(10);
            assertThat(set.labels())
                    .isSubsetOf(
                            "earthquake",
                            "fire",
                            "flood",
                            "hurricane",
                            "not_disaster",
                            "little_or_none",
                            "mild",
                            "severe");
            for (Sample.Picture p : set.samples(Split.TEST)) {
                assertThat(ImageReader.read(p.file(), Exif.APPLY).width()).isEqualTo(128);
            }
        }
        Dataset<Sample.Captioned> captions = CaptionData.read(folder.resolve("captions.csv"), Shares.of(0));
        assertThat(captions.findings()).isEmpty();
        assertThat(captions.samples(Split.TRAIN)).hasSizeBetween(44 * 2, 44 * 3);
        assertThat(captions.samples(Split.TEST)).hasSizeBetween(10 * 2, 10 * 3);
        assertThat(LabelLists.read(folder.resolve("lists"), why -> {}).flavors())
                .hasSizeGreaterThan(30);
        assertThat(folder.resolve("README.txt")).content().contains("not photographs", "seed 7");
    }

    @Test
    void thereIsARangeOfPicturesAndNoCaptionHasAWordOutsideOfASmallVocabulary() {
        Map<Scene.Type, Integer> types = new EnumMap<>(Scene.Type.class);
        Map<Scene.Severity, Integer> severities = new EnumMap<>(Scene.Severity.class);
        TreeSet<String> words = new TreeSet<>();
        for (int i = 0; i < 600; i++) {
            Scene s = Scene.draw(3, i).scene();
            types.merge(s.type(), 1, Integer::sum);
            severities.merge(s.severity(), 1, Integer::sum);
            assertThat(s.captions()).hasSizeBetween(2, 3).doesNotHaveDuplicates();
            s.captions().forEach(c -> words.addAll(Arrays.asList(c.split(" ", -1))));
        }
        assertThat(types.keySet()).containsExactly(Scene.Type.values());
        assertThat(types.values()).allMatch(n -> n > 60);
        assertThat(severities.values()).allMatch(n -> n > 100);
        assertThat(words).hasSizeBetween(80, 150).allMatch(w -> w.matches("[a-z]+"));
    }

    @Test
    void aFolderThatIsCompleteIsNotDrawnAgainAndOneThatIsNotIsCompleted() throws IOException, NoSuchAlgorithmException {
        AtomicInteger asked = new AtomicInteger();
        Scenes scenes = new Scenes(7, FEW);
        Assertions.assertThatThrownBy(() -> scenes.write(folder, n -> {}, () -> asked.incrementAndGet() > 20))
                .isInstanceOf(CancellationException.class);
        AtomicInteger drawn = new AtomicInteger();
        scenes.write(folder, drawn::set, () -> false);
        assertThat(drawn).hasValue(60);
        String whole = digest(folder);
        drawn.set(0);
        scenes.write(folder, drawn::set, () -> false);
        assertThat(drawn).hasValue(0);
        assertThat(digest(folder)).isEqualTo(whole);
    }
}
