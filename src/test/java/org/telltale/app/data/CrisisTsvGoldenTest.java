package org.telltale.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

/** Sound and faulty tables. Where the format leaves the verdict open, either is right here, but nothing may crash. */
class CrisisTsvGoldenTest {
    @TestFactory
    Stream<DynamicTest> tablesAreReadOrRefusedAtTheirLine() {
        Path folder = Golden.area("experiment");
        JsonNode verdicts = Golden.json(folder.resolve("tsv_verdicts.json"));
        Set<String> classes = new LinkedHashSet<>(texts(verdicts.path("classes")));
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode v : verdicts.path("files")) {
            Path file = folder.resolve("tsv").resolve(v.path("file").stringValue());
            tests.add(dynamicTest(v.path("file").stringValue(), () -> check(file, classes, v)));
        }
        assertThat(tests).isNotEmpty();
        return tests.stream();
    }

    private static void check(Path file, Set<String> classes, JsonNode verdict) {
        boolean open = verdict.path("choice").asBoolean(false);
        String wanted = verdict.path("verdict").stringValue();
        List<CrisisTsv.Row> rows;
        try {
            rows = CrisisTsv.read(file, classes);
        } catch (DataException e) {
            assertThat(open || wanted.equals("reject")).as(e.getMessage()).isTrue();
            assertThat(e.getMessage()).startsWith(file.toString()).doesNotContain("\n");
            if (verdict.has("line")) {
                assertThat(e.getMessage())
                        .startsWith(file + ":" + verdict.path("line").intValue() + ":");
            }
            texts(verdict.path("mustMention"))
                    .forEach(mention -> assertThat(e.getMessage()).contains(mention));
            return;
        }
        assertThat(open || wanted.equals("accept"))
                .as("refused by the golden verdict")
                .isTrue();
        assertThat(rows).hasSize(verdict.path("rows").asInt(rows.size()));
        JsonNode parsed = verdict.has("parsed") ? verdict.path("parsed") : verdict;
        if (parsed.has("ids")) {
            assertThat(rows).extracting(CrisisTsv.Row::id).isEqualTo(texts(parsed.path("ids")));
        }
        if (parsed.has("paths")) {
            assertThat(rows).extracting(CrisisTsv.Row::path).isEqualTo(texts(parsed.path("paths")));
        }
        if (parsed.has("labels")) {
            assertThat(rows).extracting(CrisisTsv.Row::label).isEqualTo(texts(parsed.path("labels")));
        }
    }

    @TestFactory
    Stream<DynamicTest> whatTheFormatLeavesOpenIsDecided() {
        Path folder = Golden.area("experiment").resolve("tsv");
        Set<String> classes = new LinkedHashSet<>(
                texts(Golden.json(folder.resolveSibling("tsv_verdicts.json")).path("classes")));
        return Stream.of("duplicate_row.tsv", "label_with_blank.tsv", "path_backslash.tsv", "header_only.tsv")
                .map(name -> dynamicTest(
                        name + " is refused",
                        () -> assertThatThrownBy(() -> CrisisTsv.read(folder.resolve(name), classes))
                                .isInstanceOf(DataException.class)));
    }

    private static List<String> texts(JsonNode array) {
        return array.valueStream().map(JsonNode::stringValue).toList();
    }
}
