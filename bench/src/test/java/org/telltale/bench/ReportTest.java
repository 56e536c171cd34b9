package org.telltale.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Tables, floors and the name of the CPU, from texts. */
class ReportTest {
    private static JsonNode json(String text) {
        return JsonMapper.builder().build().readTree(text.replace('\'', '"'));
    }

    private static String entry(String benchmark, String engine, String shape, double perSecond) {
        return "{'benchmark':'org.telltale.bench." + benchmark + "Benchmark.run','params':{'engine':'" + engine
                + "','shape':'" + shape + "','threads':'2'},'primaryMetric':{'rawData':[[1," + perSecond + "]]}}";
    }

    @Test
    void ratiosAreTimesOfPeersOverOurs() {
        String table = Report.of(json("[" + entry("MatMul", "telltale", "2x3x4", 200) + ","
                        + entry("MatMul", "onnxruntime", "2x3x4", 100) + ","
                        + entry("MatMul", "libtorch", "2x3x4", 50) + ","
                        + entry("MatMul", "telltale", "5x6x7", 10) + ","
                        + entry("MatMul", "onnxruntime", "5x6x7", 80) + "]"))
                .table();
        assertThat(table)
                .contains("| MatMul 2x3x4 | 2 | 5.000 | 10.0 | 2.00 | 20.0 | 4.00 |")
                .contains("| MatMul 5x6x7 | 2 | 100.0 | 12.5 | 0.13 |  |  |")
                .contains("| MatMul | 2 | 2 | 0.50 | 4.00 |");
    }

    @Test
    void aResultWithoutAnEngineIsNamed() {
        assertThatThrownBy(() -> Report.of(json("[{'benchmark':'B','params':{'shape':'1'}}]")))
                .hasMessageContaining("lacks one of the parameters engine, shape, threads");
    }

    @Test
    void tablesStandBetweenTheMarks() {
        String once = Report.replaced(document("old"), "new\n");
        assertThat(once)
                .startsWith("by hand")
                .endsWith("by hand too\n")
                .contains("new")
                .doesNotContain("old");
        assertThat(Report.replaced(once, "new\n")).isEqualTo(once);
        assertThatThrownBy(() -> Report.replaced("no marks", "new")).hasMessageContaining("lacks the marks");
    }

    private static String document(String tables) {
        return "by hand\n<!-- The tables below are made by: mvn -pl bench -am -Dbench.tables -->\n" + tables
                + "\n<!-- End of the tables that are made. -->\nby hand too\n";
    }

    @ParameterizedTest
    @CsvSource({
        "AuthenticAMD,sse2 avx avx2,AuthenticAMD avx2",
        "GenuineIntel,sse2 avx2 avx512f,GenuineIntel avx512",
        "GenuineIntel,sse2,GenuineIntel narrow"
    })
    void theFamilyIsVendorAndWidestExtension(String vendor, String flags, String family) {
        List<String> lines = List.of(
                "processor\t: 0",
                "vendor_id\t: " + vendor,
                "model name\t: X",
                "flags\t\t: " + flags,
                "",
                "flags : none");
        assertThat(Processor.of(lines).family()).isEqualTo(family);
    }

    @Test
    void anUnknownCpuTakesTheDefaultFloors() {
        JsonNode floors =
                json("{'A avx2':{'MatMul 1x2x3 1 libtorch':0.9},'default':{'MatMul 1x2x3 2 onnxruntime':0.5}}");
        assertThat(Guard.floors(floors, "A avx2"))
                .containsExactly(new Guard.Floor("MatMul", "1x2x3", 1, "libtorch", 0.9));
        assertThat(Guard.floors(floors, "B"))
                .containsExactly(new Guard.Floor("MatMul", "1x2x3", 2, "onnxruntime", 0.5));
    }

    @Test
    void aFloorThatIsNoFloorIsNamed() {
        assertThatThrownBy(() -> Guard.floors(json("{'default':{'MatMul 1x2x3':0.9}}"), "A"))
                .hasMessageContaining("floor 'MatMul 1x2x3': 0.9, expected 'BENCHMARK SHAPE THREADS PEER'");
    }

    @Test
    void theFileOfFloorsIsWellFormed() {
        JsonNode file = JsonMapper.builder().build().readTree(Path.of("floors.json"));
        for (String section : file.propertyNames()) {
            assertThat(Guard.floors(file, section)).as(section).isNotEmpty();
        }
        assertThat(file.has("default")).isTrue();
    }
}
