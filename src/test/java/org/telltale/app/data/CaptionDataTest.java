package org.telltale.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Captions in the formats of Flickr8k and of COCO. */
class CaptionDataTest {
    private static final Shares ALL = new Shares(0, 0, 1);
    private static final String IMAGES =
            "\"images\": [{\"id\": 7, \"file_name\": \"a.png\", \"width\": 3}, {\"id\": 9, \"file_name\": \"b.png\"}]";

    @TempDir
    private Path folder;

    private Path write(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, content);
    }

    private static List<String> captions(Dataset<Sample.Captioned> data, Split split) {
        return data.samples(split).stream()
                .map(s -> s.file().getParent().getFileName() + "/" + s.id() + " " + s.caption())
                .toList();
    }

    private String name() {
        return folder.getFileName() + "/";
    }

    @Test
    void linesOfFlickr8kNumberTheCaptionsOfAPicture() throws IOException {
        Path file = write(
                "Flickr8k.token.txt", "a.png#0\tA dog , running .\r\na.png#1\tSays \"woof\" # 1\n\nb.png.1#0\tA cat\n");
        String[] expected = {"a.png#0 A dog , running .", "a.png#1 Says \"woof\" # 1", "b.png.1#0 A cat"};
        Dataset<Sample.Captioned> data = CaptionData.read(file, ALL);
        assertThat(captions(data, Split.TRAIN))
                .containsExactly(Stream.of(expected).map(e -> name() + e).toArray(String[]::new));
        assertThat(data.findings())
                .singleElement()
                .satisfies(f -> assertThat(f.message()).contains("2 pictures do not exist"));
        Path other = write("results.token", Files.readString(file));
        assertThat(captions(CaptionData.read(other, ALL), Split.TRAIN)).isEqualTo(captions(data, Split.TRAIN));
        write("Flicker8k_Dataset/a.png", "");
        write("Flicker8k_Dataset/b.png.1", "");
        Dataset<Sample.Captioned> beside = CaptionData.read(folder, ALL);
        assertThat(captions(beside, Split.TRAIN))
                .containsExactly(
                        Stream.of(expected).map(e -> "Flicker8k_Dataset/" + e).toArray(String[]::new));
        assertThat(beside.findings()).isEmpty();
    }

    @Test
    void annotationsOfCocoAreJoinedWithTheirImagesInEitherOrder() throws IOException {
        String annotations = "\"annotations\": [{\"image_id\": 9, \"id\": 1, \"caption\": \"two \\n\"},"
                + "{\"image_id\": 7, \"id\": 2, \"caption\": \"one\"}, {\"image_id\": 9, \"id\": 3, \"caption\": \"three\"}]";
        String info = "\"info\": {\"images\": [1], \"year\": 2014}";
        Path file = write("x.json", "{" + info + ", " + IMAGES + ", \"licenses\": [{}], " + annotations + "}");
        assertThat(captions(CaptionData.read(file, ALL), Split.TRAIN))
                .containsExactly(name() + "b.png#0 two", name() + "b.png#1 three", name() + "a.png#0 one");
        Path turned = write("y.json", "{" + annotations + ", " + IMAGES + ", " + info + "}");
        assertThat(CaptionData.read(turned, ALL).splits())
                .isEqualTo(CaptionData.read(file, ALL).splits());
    }

    @Test
    void aFolderOfCocoHasItsPicturesBesideTheAnnotationsAndValForDev() throws IOException {
        String annotations = "\"annotations\": [{\"image_id\": 7, \"caption\": \"one\"}]";
        Path train = write("annotations/captions_train2014.json", "{" + IMAGES + ", " + annotations + "}");
        write("annotations/instances_train2014.json", "{}");
        write("train2014/a.png", "");
        assertThat(captions(CaptionData.read(folder, ALL), Split.TRAIN)).containsExactly("train2014/a.png#0 one");
        assertThat(captions(CaptionData.read(train, ALL), Split.TRAIN)).containsExactly("train2014/a.png#0 one");
        write("annotations/captions_val2014.json", "{" + IMAGES + ", " + annotations + "}");
        write("val2014/a.png", "");
        Dataset<Sample.Captioned> both = CaptionData.read(folder, Shares.of(1));
        assertThat(captions(both, Split.TRAIN)).containsExactly("train2014/a.png#0 one");
        assertThat(captions(both, Split.DEV)).containsExactly("val2014/a.png#0 one");
        assertThat(both.findings()).isEmpty();
        write("annotations/captions_train2017.json", "{}");
        assertThatThrownBy(() -> CaptionData.read(folder, ALL))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("2 files captions_train*.json, expected one");
    }

    @Test
    void aListAndAFolderWithoutCaptionsAreToldApart() throws IOException {
        Path list = write("sub/list.tsv", "image\tcaption\tsplit\na.png\tone\ttrain\n./a.png\ttwo\ttrain\n");
        assertThat(captions(CaptionData.read(list, ALL), Split.TRAIN))
                .containsExactly("sub/a.png#0 one", "sub/./a.png#1 two");
        assertThatThrownBy(() -> CaptionData.read(folder, ALL))
                .isInstanceOf(InputNotFoundException.class)
                .hasMessageContaining("no captions.txt, no Flickr8k.token.txt and no annotations/captions_train*.json");
        assertThatThrownBy(() -> CaptionData.read(folder.resolve("x.json"), ALL))
                .isInstanceOf(InputNotFoundException.class)
                .hasMessageContaining("x.json: no such file");
    }

    private record Bad(String name, String content, String where, String message) {}

    @TestFactory
    Stream<DynamicTest> whatIsWrongIsNamedWithFileAndLineOrEntry() {
        String good = "a.png#0\tone\n";
        String start = "{" + IMAGES + ", \"annotations\": [{\"image_id\": 7, \"caption\": \"one\"}, ";
        return Stream.of(
                        new Bad("a.token", good + "b.png\ttwo\n", ":2", "expected a picture, # and a number"),
                        new Bad("b.token", good + "b.png#x\ttwo\n", ":2", "expected a picture, # and a number"),
                        new Bad("c.token", good + "b.png#1\t \n", ":2", "an empty caption"),
                        new Bad("d.token", good + "../b.png#1\ttwo\n", ":2", "is not below"),
                        new Bad("e.token", good + "/etc/passwd#1\ttwo\n", ":2", "is not below"),
                        new Bad("a.json", start + "{\"image_id\": 7}]}", ": annotations[1]", "\"caption\" is missing"),
                        new Bad(
                                "b.json",
                                start + "{\"image_id\": \"7\", \"caption\": \"x\"}]}",
                                ": annotations[1]",
                                "\"image_id\" is no whole number"),
                        new Bad(
                                "c.json",
                                start + "{\"image_id\": 8, \"caption\": \"x\"}]}",
                                ": annotations[1]",
                                "the image_id 8, but no image has this id"),
                        new Bad(
                                "d.json",
                                start + "{\"image_id\": 9, \"caption\": \" \\n\"}]}",
                                ": annotations[1]",
                                "an empty caption"),
                        new Bad("e.json", start + "3]}", ": annotations[1]", "\"image_id\" is missing"),
                        new Bad("f.json", start + "\n{\"image_id\": 9, \"caption\": ", ":2", "not JSON"),
                        new Bad("g.json", start + "{\"image_id\": 9, \"caption\": \"x\"}]}\n{}", "", "more than one"),
                        new Bad("h.json", "{" + IMAGES + "}", "", "2 images and 0 annotations"),
                        new Bad("i.json", "{\"images\": 3}", "", "\"images\" is no list"),
                        new Bad("j.json", "[]", "", "expected a JSON object with images and annotations"),
                        new Bad(
                                "k.json",
                                "{\"images\": [{\"id\": 7, \"file_name\": \"a\"}, {\"id\": 7, \"file_name\": \"b\"}]}",
                                ": images[1]",
                                "the id 7 is that of \"a\" already"),
                        new Bad(
                                "l.json",
                                "{\"images\": [{\"id\": 7, \"file_name\": \"../a\"}],"
                                        + " \"annotations\": [{\"image_id\": 7, \"caption\": \"x\"}]}",
                                ": annotations[0]",
                                "is not below"))
                .map(bad -> dynamicTest(bad.name + ": " + bad.message, () -> {
                    Path file = write(bad.name, bad.content);
                    assertThatThrownBy(() -> CaptionData.read(file, ALL))
                            .isInstanceOf(DataException.class)
                            .hasMessageStartingWith(file + bad.where + ": ")
                            .hasMessageContaining(bad.message);
                }));
    }

    @Test
    void aFileBeyondTheLimitIsNotRead() throws IOException {
        for (String name : List.of("big.json", "big.token")) {
            Path file = folder.resolve(name);
            try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
                sparse.setLength((256L << 20) + 1);
            }
            assertThatThrownBy(() -> CaptionData.read(file, ALL))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("expected at most");
        }
    }

    @Test
    void listsNestedTooDeeplyAreRefused() throws IOException {
        Path file = write("deep.json", "{\"info\": " + "[".repeat(100_000) + "]".repeat(100_000) + "}");
        assertThatThrownBy(() -> CaptionData.read(file, ALL))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("deep.json:1: not JSON: Document nesting depth");
    }
}
