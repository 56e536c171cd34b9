package org.telltale.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.engine.testing.Golden;

/** Labelled samples from tables, lists, folders and captions. */
class DatasetTest {
    private static final Optional<List<String>> FROM_TRAIN = Optional.empty();
    private static final Shares SHARES = Shares.of(7);
    private static final String HEADER = "event_name\timage_id\timage_path\tclass_label\n";

    @TempDir
    private Path folder;

    private Path write(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, content);
    }

    private Dataset<Sample.Text> texts(String name, String content) throws IOException {
        return TextData.list(write(name, content), TextData.Columns.PLAIN, SHARES, FROM_TRAIN);
    }

    private static List<String> ids(Dataset<?> data, Split split) {
        return data.samples(split).stream().map(Sample::id).toList();
    }

    @Test
    void aListHasItsSplitsAndTheSortedLabelsOfTrain() throws IOException {
        String csv =
                "text,label,split,id\n\"Fire, \"\"here\"\"\",fire,train,1\nb,earthquake,train,2\nc,fire,dev,3\nd,fire,test,4\n";
        String jsonl = "{\"text\":\"Fire, \\\"here\\\"\",\"label\":\"fire\",\"split\":\"train\",\"id\":\"1\"}\n"
                + "{\"text\":\"b\",\"label\":\"earthquake\",\"split\":\"train\",\"id\":\"2\",\"more\":[1]}\n\n"
                + "{\"text\":\"c\",\"label\":\"fire\",\"split\":\"dev\",\"id\":\"3\"}\n"
                + "{\"text\":\"d\",\"label\":\"fire\",\"split\":\"test\",\"id\":\"4\"}\n";
        Dataset<Sample.Text> data = texts("a.csv", csv);
        assertThat(data.labels()).containsExactly("earthquake", "fire");
        assertThat(data.samples(Split.TRAIN))
                .containsExactly(
                        new Sample.Text("1", "Fire, \"here\"", "fire"), new Sample.Text("2", "b", "earthquake"));
        assertThat(data.labelIds(Split.TRAIN)).containsExactly(1, 0);
        assertThat(data.findings()).isEmpty();
        assertThat(texts("a.jsonl", jsonl)).isEqualTo(data);
    }

    /** Content, the line that is named or 0, and what is said. */
    private record Bad(String name, String content, int line, String message) {}

    @TestFactory
    Stream<DynamicTest> whatIsWrongIsNamedWithFileAndLine() {
        String header = "text,label,split,id\n";
        String good = "x,fire,train,1\ny,flood,train,2\n";
        return Stream.of(
                        new Bad(
                                "a.csv",
                                header + good + "z,storm,dev,3\n",
                                4,
                                "the label \"storm\" of a sample in dev"),
                        new Bad("b.csv", header + good + "z,fire,test,2\n", 4, "\"2\" stands a second time"),
                        new Bad("c.csv", header + good + "z,fire,train,1\n", 4, "\"1\" stands a second time"),
                        new Bad("d.csv", header + good + "z,fire,valid,3\n", 4, "the split \"valid\", expected train"),
                        new Bad("e.csv", header + good + "z,fire,,3\n", 4, "an empty split"),
                        new Bad("f.csv", header + good + ",fire,test,3\n", 4, "an empty text"),
                        new Bad("g.csv", header + "z,fire,test,3\n", 0, "no sample in train"),
                        new Bad("h.csv", header + "z,fire,train,3\n", 0, "1 labels, fire, expected 2"),
                        new Bad(
                                "i.csv",
                                "text,id\na,b\n",
                                1,
                                "no column label; found [text, id], expected text, label"),
                        new Bad("j.csv", header, 0, "a header and no rows"),
                        new Bad("a.jsonl", "", 0, "empty, expected a JSON object on each line"),
                        new Bad("b.jsonl", "{\"text\":\"a\"}\n", 1, "\"label\" is missing, expected a text"),
                        new Bad("c.jsonl", "{\"text\":\"a\",\"label\":1}\n", 1, "\"label\" is 1, expected a text"),
                        new Bad("d.jsonl", "\n{\"text\":\"a\",\n", 2, "not JSON"),
                        new Bad("e.jsonl", "{\"text\":\" \",\"label\":\"a\"}\n", 1, "an empty text"),
                        new Bad(
                                "f.jsonl",
                                "{\"text\":\"a\",\"label\":\"a\",\"split\":\"dev\"}\n{\"text\":\"b\",\"label\":\"a\"}\n",
                                2,
                                "but the first row has"),
                        new Bad("g.jsonl", "{\"text\":\"" + "a".repeat(1 << 20) + "\"}\n", 1, "longer than"))
                .map(b -> dynamicTest(
                        b.name,
                        () -> assertThatThrownBy(() -> texts(b.name, b.content))
                                .isInstanceOf(DataException.class)
                                .hasMessageStartingWith(
                                        folder.resolve(b.name) + (b.line > 0 ? ":" + b.line + ": " : ": "))
                                .hasMessageContaining(b.message)
                                .message()
                                .doesNotContain("\n")));
    }

    @Test
    void aMissingFileIsNotFound() {
        for (String name : List.of("none.csv", "none.jsonl")) {
            assertThatThrownBy(() -> TextData.list(folder.resolve(name), TextData.Columns.PLAIN, SHARES, FROM_TRAIN))
                    .isInstanceOf(InputNotFoundException.class)
                    .hasMessageContaining(name);
        }
    }

    @Test
    void givenLabelsKeepTheirOrderAndThoseThatAreNotTrainedAreTold() throws IOException {
        Path file = write("a.csv", "text,label,split\na,fire,train\nb,flood,train\nc,storm,dev\n");
        Dataset<Sample.Text> data =
                TextData.list(file, TextData.Columns.PLAIN, SHARES, Optional.of(List.of("storm", "flood", "fire")));
        assertThat(data.labels()).containsExactly("storm", "flood", "fire");
        assertThat(data.labelIds(Split.DEV)).containsExactly(0);
        assertThat(data.findings())
                .containsExactly(
                        new Finding(Finding.Kind.EMPTY_SPLIT, file + ": no sample in test"),
                        new Finding(Finding.Kind.UNSEEN_LABEL, file + ": no sample in train has the label storm"));
        assertThatThrownBy(() ->
                        TextData.list(file, TextData.Columns.PLAIN, SHARES, Optional.of(List.of("flood", "fire"))))
                .hasMessageContaining(":4: the label \"storm\" of a sample in dev is none of those that were given");
        assertThatThrownBy(
                        () -> TextData.list(file, TextData.Columns.PLAIN, SHARES, Optional.of(List.of("fire", "fire"))))
                .hasMessageContaining("name one twice");
    }

    @Test
    void withoutSplitsEveryLabelIsDividedAlikeAndAsTheSeedSays() throws IOException {
        StringBuilder csv = new StringBuilder("text,label\n");
        for (int i = 0; i < 130; i++) {
            csv.append("text ").append(i).append(i < 100 ? ",flood\n" : i < 129 ? ",fire\n" : ",rare\n");
        }
        Path file = write("a.csv", csv.toString());
        Dataset<Sample.Text> data = TextData.list(file, TextData.Columns.PLAIN, SHARES, FROM_TRAIN);
        Map<Split, List<Long>> counts = new EnumMap<>(Split.class);
        for (Split split : Split.values()) {
            counts.put(
                    split,
                    data.labels().stream()
                            .map(l -> data.samples(split).stream()
                                    .filter(s -> s.label().equals(l))
                                    .count())
                            .toList());
        }
        assertThat(counts)
                .containsEntry(Split.TRAIN, List.of(20L, 70L, 1L))
                .containsEntry(Split.DEV, List.of(3L, 10L, 0L))
                .containsEntry(Split.TEST, List.of(6L, 20L, 0L));
        Set<String> all = new HashSet<>();
        for (Split split : Split.values()) {
            all.addAll(ids(data, split));
        }
        assertThat(all).hasSize(130);
        assertThat(TextData.list(file, TextData.Columns.PLAIN, Shares.of(7), FROM_TRAIN))
                .isEqualTo(data);
        assertThat(TextData.list(file, TextData.Columns.PLAIN, Shares.of(8), FROM_TRAIN))
                .isNotEqualTo(data);
        assertThatThrownBy(() -> new Shares(0.5, 0.5, 1)).hasMessageContaining("together below 1");
    }

    @Test
    void tablesAreReadSplitBySplit() throws IOException {
        Path train = write("train.tsv", HEADER + "e\t1\tdata/a/1.jpg\tfire\ne\t2\t/x/data/a/2.jpg\tflood\n");
        Path more = write("more.tsv", HEADER + "e\t1\tdata/b/1.jpg\tfire\n");
        Path test = write("test.tsv", HEADER + "e\t9\tdata/a/9.jpg\tflood\n");
        DrawnPictures.draw(folder.resolve("data/a/1.jpg"), 1);
        Dataset<Sample.Picture> data = PictureData.tables(
                Map.of(Split.TRAIN, List.of(train, more), Split.TEST, List.of(test)),
                CrisisTsv.LABEL,
                folder,
                FROM_TRAIN);
        assertThat(ids(data, Split.TRAIN)).containsExactly("data/a/1.jpg", "data/a/2.jpg", "data/b/1.jpg");
        assertThat(data.samples(Split.TEST).getFirst().file()).isEqualTo(folder.resolve("data/a/9.jpg"));
        assertThat(data.findings())
                .extracting(Finding::kind)
                .containsExactly(Finding.Kind.MISSING_FILES, Finding.Kind.EMPTY_SPLIT);
        assertThat(data.findings().getFirst().message()).contains("3 pictures do not exist");
        Path again = write("again.tsv", HEADER + "e\t7\tdata/a/9.jpg\tflood\ne\t8\tdata/a/2.jpg\tflood\n");
        assertThatThrownBy(() -> PictureData.tables(
                        Map.of(Split.TRAIN, List.of(train), Split.TEST, List.of(again)),
                        CrisisTsv.LABEL,
                        folder,
                        FROM_TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith(again + ":3: \"data/a/2.jpg\" stands a second time")
                .hasMessageContaining("first " + train + ":3 in train");
    }

    @Test
    void tablesOfSeveralTasksAreReadByTheColumnOfOne() throws IOException {
        String header =
                "image_id\tevent_name\timage_path\tdamage_severity\tinformative\thumanitarian\tdisaster_types\n";
        Path train = write(
                "train.tsv",
                header
                        + "1\te\tdata/a/1.jpg\tsevere\tinformative\tnot_humanitarian\tflood\n"
                        + "2\te\tdata/a/2.jpg\tmild\tnot_informative\tnot_humanitarian\tnot_disaster\n");
        Map<Split, List<Path>> tables = Map.of(Split.TRAIN, List.of(train));
        assertThat(PictureData.tables(tables, "disaster_types", folder, FROM_TRAIN)
                        .samples(Split.TRAIN))
                .extracting(Sample.Picture::label)
                .containsExactly("flood", "not_disaster");
        assertThat(PictureData.tables(tables, "damage_severity", folder, FROM_TRAIN)
                        .labels())
                .containsExactly("mild", "severe");
        assertThatThrownBy(() -> PictureData.tables(tables, CrisisTsv.LABEL, folder, FROM_TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessage(
                        train + ":1: no column class_label; found [image_id, event_name, image_path, damage_severity,"
                                + " informative, humanitarian, disaster_types], expected image_id, image_path and class_label");
    }

    @Test
    void theTablesOfMedicAreRead() {
        Path folderOfTables = Golden.data("crisisnlp_tsv");
        Map<Split, List<Path>> tables = Map.of(
                Split.TRAIN, List.of(folderOfTables.resolve("MEDIC_dev.tsv")),
                Split.TEST, List.of(folderOfTables.resolve("MEDIC_test.tsv")));
        Dataset<Sample.Picture> pictures =
                PictureData.tables(tables, "humanitarian", Golden.data("disaster_crisisnlp"), FROM_TRAIN);
        assertThat(pictures.samples(Split.TRAIN)).hasSize(6157);
        assertThat(pictures.samples(Split.TEST)).hasSize(15688);
        assertThat(pictures.labels()).hasSize(4).contains("rescue_volunteering_or_donation_effort");
    }

    @Test
    void aPictureListMayNotLeadOutOfItsRoot() throws IOException {
        for (String image : List.of("../a.jpg", "/etc/passwd", "x/../../a.jpg", ".")) {
            Path list = write("list.csv", "image,label\na.jpg,fire\n" + image + ",flood\n");
            assertThatThrownBy(() -> PictureData.list(list, folder, SHARES, FROM_TRAIN))
                    .isInstanceOf(DataException.class)
                    .hasMessageStartingWith(list + ":3: the picture \"" + image + "\" is not below");
        }
        Path list = write("list.jsonl", "{\"image\":\"a\\u0000b\",\"label\":\"fire\"}\n");
        assertThatThrownBy(() -> PictureData.list(list, folder, SHARES, FROM_TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith(list + ":1: ")
                .hasMessageContaining("is not a path");
    }

    @Test
    void aPictureListGivesFilesBelowItsRoot() throws IOException {
        Path list = write("list.jsonl", """
                {"image":"a.jpg","label":"fire","split":"train"}
                {"image":"s/b.jpg","label":"flood","split":"train"}
                """);
        Dataset<Sample.Picture> data = PictureData.list(list, folder, SHARES, FROM_TRAIN);
        assertThat(data.samples(Split.TRAIN))
                .containsExactly(
                        new Sample.Picture("a.jpg", folder.resolve("a.jpg"), "fire"),
                        new Sample.Picture("s/b.jpg", folder.resolve("s/b.jpg"), "flood"));
    }

    @Test
    void foldersNameLabelsAndMaybeSplits() throws IOException {
        Path plain = folder.resolve("plain");
        Path split = folder.resolve("split");
        for (int i = 0; i < 20; i++) {
            DrawnPictures.draw(plain.resolve(i % 2 == 0 ? "fire" : "flood").resolve(i + ".png"), i);
        }
        Files.writeString(plain.resolve("fire/notes.txt"), "x");
        Files.writeString(plain.resolve("readme.md"), "x");
        Dataset<Sample.Picture> data = PictureData.folder(plain, SHARES, FROM_TRAIN);
        assertThat(data.labels()).containsExactly("fire", "flood");
        assertThat(data.samples(Split.TRAIN)).hasSize(14);
        assertThat(data.samples(Split.DEV)).hasSize(2);
        assertThat(data.findings())
                .singleElement()
                .extracting(Finding::message)
                .asString()
                .isEqualTo(plain + ": 2 files or folders are no pictures: fire/notes.txt, readme.md");

        for (String name : List.of("train/fire/a.jpg", "train/flood/b.jpg", "test/fire/c.jpg", "test/fire/a.jpg")) {
            DrawnPictures.draw(split.resolve(name), name.length());
        }
        Dataset<Sample.Picture> divided = PictureData.folder(split, SHARES, FROM_TRAIN);
        assertThat(ids(divided, Split.TRAIN)).containsExactly("train/fire/a.jpg", "train/flood/b.jpg");
        assertThat(ids(divided, Split.TEST)).containsExactly("test/fire/a.jpg", "test/fire/c.jpg");
        assertThat(divided.findings())
                .extracting(Finding::kind)
                .containsExactly(Finding.Kind.SAME_NAME, Finding.Kind.EMPTY_SPLIT);

        DrawnPictures.draw(split.resolve("valid/fire/d.jpg"), 4);
        assertThatThrownBy(() -> PictureData.folder(split, SHARES, FROM_TRAIN))
                .hasMessage(split.resolve("valid") + ": a folder beside train, expected dev or test");
        assertThatThrownBy(() -> PictureData.folder(folder.resolve("none"), SHARES, FROM_TRAIN))
                .isInstanceOf(InputNotFoundException.class);
    }

    @Test
    void captionsGetTheLabelsOfTheirPictures() throws IOException {
        Path train = write("train.tsv", HEADER + "e\t1\tdata/a/1.jpg\tfire\ne\t2\tdata/a/2.jpg\tflood\n");
        Path test = write("test.tsv", HEADER + "e\t9\tdata/a/9.jpg\tflood\n");
        Dataset<Sample.Picture> pictures = PictureData.tables(
                Map.of(Split.TRAIN, List.of(train), Split.TEST, List.of(test)), CrisisTsv.LABEL, folder, FROM_TRAIN);
        List<String> lines = new ArrayList<>(List.of("{\"telltale\":\"captions\"}"));
        for (String id : List.of(folder + "/data/a/1.jpg", "data/a/2.jpg", "/else/data/a/9.jpg", "stranger.jpg")) {
            lines.add("{\"id\":\"" + id + "\",\"text\":\"a fire\",\"logProb\":-1}");
        }
        Path records = write("captions.jsonl", String.join("\n", lines) + "\n");
        Dataset<Sample.Text> texts = TextData.captions(records, pictures);
        assertThat(ids(texts, Split.TRAIN)).containsExactly("data/a/1.jpg", "data/a/2.jpg");
        assertThat(texts.samples(Split.TEST)).containsExactly(new Sample.Text("data/a/9.jpg", "a fire", "flood"));
        assertThat(texts.findings())
                .anySatisfy(f -> assertThat(f.message()).endsWith("1 captions belong to no picture: stranger.jpg"));

        lines.add("{\"id\":\"/more/data/a/2.jpg\",\"text\":\"b\",\"logProb\":-1}");
        Path twice = write("twice.jsonl", String.join("\n", lines) + "\n");
        assertThatThrownBy(() -> TextData.captions(twice, pictures))
                .hasMessageContaining("belong to the same picture data/a/2.jpg");
        Path strange = write("strange.jsonl", lines.getFirst() + "\n" + lines.get(4) + "\n");
        assertThatThrownBy(() -> TextData.captions(strange, pictures))
                .hasMessageContaining("no caption belongs to a picture of the data set, such as stranger.jpg");
    }

    @Test
    void theRealTablesTweetsAndPicturesAreRead() {
        Path root = Golden.data("disaster_crisisnlp");
        Map<Split, List<Path>> tables = new EnumMap<>(Split.class);
        for (Split split : Split.values()) {
            tables.put(
                    split, List.of(root.resolve("consolidated_disaster_types_" + split.word() + "_final.subset.tsv")));
        }
        Dataset<Sample.Picture> pictures = PictureData.tables(
                tables,
                CrisisTsv.LABEL,
                root,
                Optional.of(List.of(
                        "earthquake", "fire", "flood", "hurricane", "landslide", "not_disaster", "other_disaster")));
        assertThat(pictures.samples(Split.TRAIN)).hasSize(1048);
        assertThat(pictures.samples(Split.DEV)).hasSize(107);
        assertThat(pictures.samples(Split.TEST)).hasSize(241);
        assertThat(pictures.findings()).extracting(Finding::kind).doesNotContain(Finding.Kind.MISSING_FILES);

        Path tweets = Golden.data("text/CrisisNLP_crowdflower")
                .resolve("2013_Pakistan_eq/2013_Pakistan_eq_CF_labeled_data.tsv");
        Dataset<Sample.Text> texts = TextData.list(tweets, TextData.Columns.TWEETS, SHARES, FROM_TRAIN);
        assertThat(texts.samples(Split.TRAIN).size()
                        + texts.samples(Split.DEV).size()
                        + texts.samples(Split.TEST).size())
                .isEqualTo(1881);

        Path kaggle = Golden.data("text/nlp-getting-started").resolve("train.csv");
        Dataset<Sample.Text> all =
                TextData.list(kaggle, new TextData.Columns("id", "text", "target"), SHARES, FROM_TRAIN);
        assertThat(all.labels()).containsExactly("0", "1");
    }
}
