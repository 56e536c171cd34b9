package org.telltale.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

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
    void bfloat16IsComparedWithBfloat16() {
        String table = Report.of(json("[" + entry("MatMul", "telltale", "2x3x4", 200) + ","
                        + entry("MatMul", "telltale-bf16", "2x3x4", 400) + ","
                        + entry("MatMul", "libtorch-bf16", "2x3x4", 100) + "]"))
                .table();
        assertThat(table)
                .contains(
                        "| telltale | onnxruntime | ratio | libtorch | ratio | telltale-bf16 | libtorch-bf16 | ratio |")
                .contains("| MatMul 2x3x4 | 2 | 5.000 |  |  |  |  | 2.500 | 10.0 | 4.00 |");
    }

    @Test
    void aDecoderStepIsHeldAgainstTheLimitsOfTheSameRun() {
        String limits = entry("Limit", "machine", "read", 20) + "," + entry("Limit", "machine", "multiplyAdd", 50);
        String steps = entry("DecodeStep", "telltale", "1x20", 40) + "," + entry("DecodeStep", "telltale", "64x20", 10);
        // 2^30 bytes 20 times a second are 21.5 GB/s, and 2 x 2 GFLOP 50 times a second 200 GFLOP/s.
        assertThat(Report.of(json("[" + limits + "," + steps + "]")).table())
                .contains("| 1x20 | 2 | telltale | 25.0 | 537 | 21.5 | 21.5 | 1.00 | 0.27 | 11 | 200 | 0.05 |")
                .doesNotContain("| Limit");
        assertThat(Report.of(json("[" + steps + "]")).table()).doesNotContain("limits");
    }

    /** BLIP-large by hand: 123.1 million weights that are multiplied; 12 layers of 577 places and 20 tokens of 768. */
    @Test
    void aDecoderStepReadsItsWeightsKeysAndValuesOnce() {
        DecodeStepBenchmark step = new DecodeStepBenchmark();
        step.shape = "3x20";
        long weights = 12 * (6 * 768 * 768 + 2 * 768 * 3072) + 768 * 768 + 768 * 30524;
        long slots = 4 + 3 * 16;
        long cached = 2 * 12 * 768 * (577 + slots);
        assertThat(step.bytes(false)).isEqualTo(4 * (weights + cached));
        assertThat(step.bytes(true)).isEqualTo(2 * weights + 4 * cached);
        assertThat(step.gflop()).isCloseTo(3e-9 * (2 * weights + 4.0 * 12 * 768 * (577 + 20)), within(1e-12));
    }

    @Test
    void aFailureIsNamedFromWhatIsSaid() {
        assertThat(Suite.reason("# Warmup Iteration   1: <failure>\n\njava.lang.IllegalStateException: x\n\tat y"))
                .isEqualTo("java.lang.IllegalStateException: x");
        assertThat(Suite.reason("a\n<forked VM failed with exit code 134>\nb"))
                .isEqualTo("<forked VM failed with exit code 134>");
        assertThat(Suite.reason("nothing")).isEqualTo("see jmh.log");
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
        "AuthenticAMD,sse2 avx avx2,AuthenticAMD avx2,false",
        "GenuineIntel,sse2 avx2 avx512f,GenuineIntel avx512,false",
        "AuthenticAMD,avx2 avx512f avx512_bf16,AuthenticAMD avx512,true",
        "GenuineIntel,sse2,GenuineIntel narrow,false"
    })
    void theFamilyIsVendorAndWidestExtension(String vendor, String flags, String family, boolean bf16) {
        List<String> lines = List.of(
                "processor\t: 0",
                "vendor_id\t: " + vendor,
                "model name\t: X",
                "flags\t\t: " + flags,
                "",
                "flags : none");
        assertThat(Processor.of(lines).family()).isEqualTo(family);
        assertThat(Processor.of(lines).bf16()).isEqualTo(bf16);
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
