package org.telltale.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

/** The official tables read as expected, and the counts that the check shows beside them are the paper's. */
class CrisisNlpGoldenTest {
    private static final IntConsumer NOBODY = count -> {};

    private static JsonNode expectations() {
        return Golden.json(Golden.area("experiment").resolve("crisisnlp_expectations.json"));
    }

    private static CrisisTask task(String file) {
        return file.contains("disaster_types") ? CrisisTask.DISASTER_TYPES : CrisisTask.DAMAGE_SEVERITY;
    }

    @TestFactory
    Stream<DynamicTest> everyTableReadsAsExpected() {
        JsonNode all = expectations();
        Map<String, Path> folders = Map.of(
                "consolidated", Golden.data("crisisnlp_tsv"),
                "subset", Golden.data("disaster_crisisnlp"),
                "perSource", Golden.data("crisisnlp_tsv"));
        List<DynamicTest> tests = new ArrayList<>();
        for (String group : List.of("consolidated", "subset", "perSource")) {
            Path folder = folders.get(group);
            for (Map.Entry<String, JsonNode> e : all.path(group).properties()) {
                Path table = folder.resolve(e.getKey());
                tests.add(dynamicTest(group + "/" + e.getKey(), () -> {
                    Assumptions.assumeTrue(Files.exists(table), "no such table in the data folder: " + table);
                    check(table, e.getValue());
                }));
            }
        }
        assertThat(tests).hasSizeGreaterThan(20);
        return tests.stream();
    }

    private static void check(Path table, JsonNode expected) throws NoSuchAlgorithmException {
        CrisisTask task = task(table.getFileName().toString());
        List<CrisisTsv.Row> rows = CrisisTsv.read(table, Set.copyOf(task.classes()));
        assertThat(rows).hasSize(expected.path("rows").intValue());
        Map<String, Integer> counts = new HashMap<>();
        Map<String, Integer> extensions = new TreeMap<>();
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (CrisisTsv.Row r : rows) {
            counts.merge(r.label(), 1, Integer::sum);
            extensions.merge(r.path().substring(r.path().lastIndexOf('.') + 1), 1, Integer::sum);
            digest.update((r.id() + "\t" + r.path() + "\t" + r.label() + "\n").getBytes(StandardCharsets.UTF_8));
        }
        task.classes()
                .forEach(c -> assertThat(counts.getOrDefault(c, 0))
                        .as(c)
                        .isEqualTo(expected.path("classCounts").path(c).intValue(0)));
        expected.path("extensions")
                .properties()
                .forEach(x -> assertThat(extensions)
                        .containsEntry(x.getKey(), x.getValue().intValue()));
        assertThat(rows.stream().filter(CrisisTsv.Row::cut).count())
                .isEqualTo(expected.path("absolutePaths").intValue());
        assertThat(rows.getFirst().id()).isEqualTo(expected.path("firstId").stringValue());
        assertThat(rows.getLast().id()).isEqualTo(expected.path("lastId").stringValue());
        assertThat(HexFormat.of().formatHex(digest.digest()))
                .isEqualTo(expected.path("sha256OfIdPathLabelLines").stringValue());
    }

    @TestFactory
    Stream<DynamicTest> theCountsOfTable1AreThoseOfTheUnion() {
        JsonNode all = expectations();
        List<DynamicTest> tests = new ArrayList<>();
        for (CrisisTask task : CrisisTask.values()) {
            for (Split split : Split.values()) {
                JsonNode union = all.path("union").path(task.word()).path(split.word());
                tests.add(dynamicTest(task.word() + " " + split.word(), () -> {
                    for (String c : task.classes()) {
                        assertThat(task.table1(split, c))
                                .as(c)
                                .isEqualTo(union.path("classCounts").path(c).intValue());
                    }
                    assertThat(task.table1(split)).isEqualTo(union.path("rows").intValue());
                    int official = task.tables(CrisisTask.Division.CONSOLIDATED, split).stream()
                            .mapToInt(t -> all.path("consolidated")
                                    .path(t.name() + ".tsv")
                                    .path("rows")
                                    .intValue())
                            .sum();
                    assertThat(task.consolidated(split)).isEqualTo(official);
                    int sum = task.tables(CrisisTask.Division.UNION, split).stream()
                            .mapToInt(t -> all.path("perSource")
                                    .path(task.word() + "/" + t.folder() + "/" + t.name() + ".tsv")
                                    .path("rows")
                                    .intValue())
                            .sum();
                    assertThat(sum).isEqualTo(task.table1(split));
                }));
            }
            tests.add(dynamicTest(
                    task.word() + " classes",
                    () -> assertThat(task.classes())
                            .isEqualTo(all.path("classes")
                                    .path(task.word())
                                    .valueStream()
                                    .map(JsonNode::stringValue)
                                    .toList())));
        }
        return tests.stream();
    }

    @TestFactory
    Stream<DynamicTest> whatConsolidationMovedToTrainIsInNoOtherSplit() {
        JsonNode moved = Golden.json(Golden.area("experiment").resolve("crisisnlp_moved_ids.json"));
        Path folder = Golden.data("crisisnlp_tsv");
        return Stream.of(CrisisTask.values())
                .map(task -> dynamicTest(task.word(), () -> {
                    Map<Split, Set<String>> ids = new HashMap<>();
                    for (Split split : Split.values()) {
                        for (CrisisTask.TableName t : task.tables(CrisisTask.Division.CONSOLIDATED, split)) {
                            CrisisTsv.read(folder.resolve(t.name() + ".tsv"), Set.copyOf(task.classes()))
                                    .forEach(r -> ids.computeIfAbsent(split, s -> new HashSet<>())
                                            .add(r.id()));
                        }
                    }
                    for (String way : List.of("dev->train", "test->train")) {
                        JsonNode list = moved.path(task.word()).path(way);
                        assertThat(list.size()).isPositive();
                        for (JsonNode id : list) {
                            assertThat(ids.get(Split.TRAIN)).contains(id.stringValue());
                            assertThat(ids.get(Split.DEV)).doesNotContain(id.stringValue());
                            assertThat(ids.get(Split.TEST)).doesNotContain(id.stringValue());
                        }
                    }
                }));
    }

    @Test
    void thePhotosThatAreHereAreCompleteButForSixThatAreThereTwice() throws IOException {
        Path root = Golden.data("disaster_crisisnlp");
        CrisisCheck check = new CrisisCheck(root, root, CrisisTask.Division.CONSOLIDATED);
        check.read(CrisisTask.DISASTER_TYPES);
        check.read(CrisisTask.DAMAGE_SEVERITY);
        CrisisCheck.Report report = check.run(false, NOBODY, () -> false);
        assertThat(report.complete()).isTrue();
        assertThat(report.duplicates().stream().mapToInt(g -> g.size() - 1).sum())
                .isEqualTo(6);
        assertThat(report.tasks()).allMatch(t -> t.idsInSeveralSplits().isEmpty());
        assertThat(report.tasks().getFirst().rows(Split.TRAIN)).isEqualTo(1048);
        for (CrisisCheck.Leak leak : report.leaks()) {
            byte[] first = Files.readAllBytes(root.resolve(leak.paths().getFirst()));
            assertThat(leak.paths()).allMatch(p -> java.util.Arrays.equals(first, read(root.resolve(p))));
        }
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void mostOfTheOfficialPicturesAreMissingHere() {
        Path root = Golden.data("disaster_crisisnlp");
        CrisisCheck check = new CrisisCheck(root, Golden.data("crisisnlp_tsv"), CrisisTask.Division.CONSOLIDATED);
        check.read(CrisisTask.DISASTER_TYPES);
        CrisisCheck.Report report = check.run(false, NOBODY, () -> false);
        assertThat(report.complete()).isFalse();
        assertThat(report.named()).isEqualTo(17_511);
        assertThat(report.missing()).hasSize(17_511 - (1048 + 107 + 241));
    }
}
