package org.telltale.app.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Scores;
import org.telltale.app.data.Split;
import org.telltale.app.experiment.Findings;
import org.telltale.engine.testing.Golden;
import org.xml.sax.InputSource;
import tools.jackson.databind.JsonNode;

class ReportTest {
    /** What was planted, in percent: the table that a report must give. */
    private static final List<String> PLANTED = List.of(
            "disaster_types MobNetV2 70.12",
            "disaster_types EffNet B0 77.03",
            "disaster_types EffNet B1 75.80",
            "disaster_types EffNet B2 76.91",
            "disaster_types IV3+RNN 43.11",
            "disaster_types BLIP 70.98",
            "disaster_types CLIP-I 84.67",
            "damage_severity MobNetV2 72.90",
            "damage_severity EffNet B0 76.55",
            "damage_severity EffNet B1 77.02",
            "damage_severity EffNet B2 75.88",
            "damage_severity IV3+RNN 52.04",
            "damage_severity BLIP 72.55",
            "damage_severity CLIP-I 78.01");

    @TempDir
    private static Path shared;

    private static Findings planted = Planted.findings(Path.of("absent"), 0);
    private static Path report = Path.of("");

    @BeforeAll
    static void writeTheReportOfThePlantedExperiment() throws IOException {
        Path pictures = Files.createDirectories(shared.resolve("pictures"));
        Planted.draw(pictures);
        planted = Planted.findings(pictures);
        report = shared.resolve("report");
        Report.of(planted).write(report);
    }

    @Test
    void table2IsThePlantedOneToTheLastDigit() throws IOException {
        List<String> found = new ArrayList<>();
        for (CSVRecord r : csv("table2.csv")) {
            if (!r.get("source").equals("baseline")) {
                assertThat(r.get("mean")).endsWith("00");
                found.add(r.get("task") + " " + r.get("system") + " "
                        + r.get("mean").substring(0, r.get("mean").length() - 2));
            }
        }
        assertThat(found).containsExactlyElementsOf(PLANTED);
    }

    @Test
    void everyTrialIsThePlantedOne() throws IOException {
        for (CSVRecord r : csv("table2.csv")) {
            for (int k = 0; k < Planted.TRIALS && !r.get("source").equals("baseline"); k++) {
                double right = Planted.right(r.get("task"), r.get("system"), k);
                assertThat(Double.parseDouble(r.get("trial_" + (k + 1)))).isEqualTo(100 * right / Planted.PICTURES);
            }
        }
    }

    @Test
    void thePageShowsTable2WithThePapersValuesAndTheDifferences() throws IOException {
        String page = page();
        for (String row : PLANTED) {
            String[] parts = row.split(" (?=[^ ]+$)");
            String system = parts[0].substring(parts[0].indexOf(' ') + 1);
            assertThat(page).contains("<th scope=\"row\">" + system + "</th><td>" + parts[1] + "</td>");
        }
        assertThat(page)
                .containsPattern("EffNet B0</th><td>77\\.03</td><td>0\\.53</td><td>76\\.38 – 77\\.68</td>"
                        + "<td>76\\.48</td><td>\\+0\\.55</td>");
        assertThat(page).containsPattern("CLIP-I</th><td>84\\.67</td>.*<td>85\\.28</td><td>−0\\.61</td>");
    }

    @Test
    void countsAreThoseOfTheDataBesideThePapers() throws IOException {
        List<String> sums = csv("table1.csv").stream()
                .filter(r -> r.get("label").isEmpty())
                .map(CSVRecord::toList)
                .map(l -> String.join(" ", l))
                .toList();
        assertThat(sums)
                .containsExactly(
                        "disaster_types  12724 1574 2000 12724 1574 3213",
                        "damage_severity  26898 2898 2000 26898 2898 5100");
    }

    @Test
    void theMostFrequentLabelIsTheBaseline() throws IOException {
        assertThat(csv("table2.csv").stream()
                        .filter(r -> r.get("source").equals("baseline"))
                        .map(r -> r.get("system") + " " + r.get("mean")))
                .containsExactly(
                        "always not_disaster (most frequent in train) 30.8000",
                        "always severe (most frequent in train) 37.0000",
                        "always little_or_none (most frequent in test) 47.2500");
    }

    @Test
    void theEndsOfAFusionAreTheSingleSystems() throws IOException {
        Map<String, String> single = new TreeMap<>();
        csv("table2.csv").forEach(r -> single.put(r.get("task") + r.get("system"), r.get("mean")));
        int ends = 0;
        for (CSVRecord r : csv("fusion.csv")) {
            if (r.get("weight").equals("0.0") || r.get("weight").equals("1.0")) {
                String system = r.get(r.get("weight").equals("0.0") ? "classifier" : "captioner");
                assertThat(r.get("mean")).isEqualTo(single.get(r.get("task") + system));
                ends++;
            }
        }
        assertThat(ends).isEqualTo(2 * 2 * 4 * 3);
        assertThat(csv("fusion.csv")).hasSize(2 * 4 * 3 * 11);
    }

    @Test
    void twoSidesThatSeeDifferentThingsAreFoundToHelpEachOther() {
        JsonNode json = Golden.json(report.resolve("report.json"));
        JsonNode pair = json.path("tasks").path(0).path("pairs").path(2);
        assertThat(pair.path("captioner").stringValue()).isEqualTo("CLIP-I");
        assertThat(pair.path("equalWeights").path("gain").path("mean").doubleValue())
                .isPositive();
        assertThat(pair.path("equalWeights").path("corrected").doubleValue()).isLessThan(0.05);
        assertThat(pair.path("bestOfGrid").path("p").doubleValue())
                .isLessThan(pair.path("bestOfGrid").path("corrected").doubleValue());
    }

    @Test
    void theSameFindingsGiveTheSameBytesWheneverTheyAreWritten() throws IOException {
        Path again = shared.resolve("again");
        Findings later = new Findings(
                planted.tasks(),
                planted.trials(),
                planted.captions(),
                planted.figures(),
                planted.weights(),
                planted.provenance(),
                List.of(new Findings.Time("captions", "", "BLIP", 0, 1, 1, "another machine")));
        Report.of(later).write(again);
        Map<String, String> first = contents(report);
        Map<String, String> second = contents(again);
        assertThat(second.keySet())
                .isEqualTo(first.keySet())
                .contains("report.html", "figures/figure4-disaster_types.svg");
        first.remove("report.html");
        second.remove("report.html");
        assertThat(second).isEqualTo(first);
    }

    @Test
    void anExperimentThatGoesOnSaysHowFarItIs() throws IOException {
        Path folder = shared.resolve("three");
        Report.of(few(Planted.findings(Path.of("absent"), 3))).write(folder);
        String page = Files.readString(folder.resolve("report.html"));
        assertThat(page).contains("3 of 5 trials").contains("not complete").contains("not on this machine");
    }

    @Test
    void aSystemWithoutATrialHasARowWithoutANumber() throws IOException {
        Path folder = shared.resolve("none");
        Report.of(Planted.findings(Path.of("absent"), 0)).write(folder);
        assertThat(Files.readString(folder.resolve("table2.csv")))
                .contains("disaster_types,image,MobNetV2,0,5,,,,,69.7900,,,,,,,,\n");
        assertThat(Files.readString(folder.resolve("report.html")))
                .contains("No trial is done yet")
                .contains("MobNetV2 <small>0 of 5 trials</small></th><td>–</td>");
        assertThat(folder.resolve("figures")).doesNotExist();
    }

    @Test
    void thePageNeedsNothingFromElsewhere() throws IOException {
        String page = page();
        assertThat(page)
                .doesNotContainIgnoringCase("<script")
                .doesNotContain("@import")
                .doesNotContain("url(");
        Matcher addresses = Pattern.compile("(?:src|href)=\"([^\"]{0,40})").matcher(page);
        int pictures = 0;
        while (addresses.find()) {
            assertThat(addresses.group(1)).matches("#[a-z]+|data:image/jpeg;base64,.*");
            pictures += addresses.group(1).startsWith("data:") ? 1 : 0;
        }
        assertThat(pictures).isGreaterThan(10);
        assertThat(page.replace("http://www.w3.org/2000/svg", "")).doesNotContain("http");
    }

    @Test
    void everyFigureIsWellFormed() throws Exception {
        try (Stream<Path> files = Files.list(report.resolve("figures"))) {
            List<Path> figures = files.toList();
            assertThat(figures).hasSize(2 + 4 + 2 * 8);
            for (Path f : figures) {
                parse(Files.readString(f));
            }
        }
    }

    @Test
    void textFromElsewhereNeverBecomesMarkupFormulaOrPath() throws Exception {
        Path folder = Files.createDirectories(shared.resolve("x/y")).resolve("hostile");
        Report.of(hostile()).write(folder);
        Map<String, String> files = contents(shared.resolve("x"));
        assertThat(files.keySet()).allMatch(f -> f.startsWith("y/hostile/"));
        for (Map.Entry<String, String> f : files.entrySet()) {
            if (f.getKey().endsWith(".html") || f.getKey().endsWith(".svg")) {
                assertThat(f.getValue())
                        .as(f.getKey())
                        .doesNotContain("<script")
                        .doesNotContain("<img src=x")
                        .doesNotContain("\" onload=")
                        .doesNotContain("' onload=")
                        .doesNotContain("\u0001");
            }
            if (f.getKey().endsWith(".svg")) {
                parse(f.getValue());
            }
            if (f.getKey().endsWith(".csv")) {
                try (StringReader in = new StringReader(f.getValue())) {
                    CSVFormat.RFC4180
                            .parse(in)
                            .forEach(r -> r.forEach(
                                    v -> assertThat(v).matches(Pattern.compile("(?s)[^=+@\t-].*|-[0-9.]+|"))));
                }
            }
        }
        assertThat(files.get("y/hostile/report.html")).contains("&lt;script&gt;alert(1)&lt;/script&gt;");
    }

    @Test
    void scoresThatAreNotThoseOfTheTestPicturesAreRefusedByName() {
        Findings.Task task = planted.tasks().getFirst();
        Map<String, List<List<Scores>>> images = new LinkedHashMap<>(task.images());
        List<Scores> fewer = task.images().get("EffNet B0").get(1);
        images.put("EffNet B0", List.of(task.images().get("EffNet B0").get(0), fewer.subList(1, fewer.size())));
        assertThatThrownBy(() -> Report.of(with(images)).write(shared.resolve("refused")))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("disaster_types, EffNet B0, trial 2")
                .hasMessageContaining(fewer.getFirst().id());
        assertThat(shared.resolve("refused")).doesNotExist();
    }

    private static Findings with(Map<String, List<List<Scores>>> images) {
        Findings.Task t = planted.tasks().getFirst();
        return new Findings(
                List.of(new Findings.Task(t.name(), t.labels(), t.counts(), t.test(), images, t.texts())),
                5,
                planted.captions(),
                planted.figures(),
                planted.weights(),
                planted.provenance(),
                List.of());
    }

    /** With one system only that has fewer trials than planned. */
    private static Findings few(Findings f) {
        return new Findings(
                f.tasks().subList(0, 1), 5, f.captions(), f.figures(), f.weights(), f.provenance(), f.times());
    }

    private static Findings hostile() {
        String evil = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>";
        List<String> labels = List.of("=1+1", "</text></svg><script>alert(1)</script>\u0001", "@" + evil);
        List<Findings.Picture> test = new ArrayList<>();
        List<Scores> right = new ArrayList<>();
        List<Scores> wrong = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            String id = "+" + i + evil;
            test.add(new Findings.Picture(id, Path.of("absent"), labels.get(i % 3)));
            right.add(scores(id, labels, i % 3));
            wrong.add(scores(id, labels, i % 2));
        }
        Map<String, String> captions =
                test.stream().collect(Collectors.toMap(Findings.Picture::id, p -> "=cmd " + evil + " \" onload=\"x"));
        Findings.Task task = new Findings.Task(
                "../../" + evil,
                labels,
                Map.of(Split.TRAIN, List.of(3, 3, 3)),
                test,
                Map.of("-" + evil, List.of(right, wrong)),
                Map.of("=" + evil, List.of(wrong, right)));
        return new Findings(
                List.of(task, task),
                2,
                Map.of("=" + evil, captions),
                List.of("-" + evil),
                List.of(0.0, 0.5, 1.0),
                planted.provenance().deepCopy().put(evil, evil),
                List.of(new Findings.Time(evil, evil, evil, 1, 2, 3, evil)));
    }

    private static Scores scores(String id, List<String> labels, int top) {
        Map<String, Double> p = new LinkedHashMap<>();
        labels.forEach(l -> p.put(l, l.equals(labels.get(top)) ? 0.6 : 0.2));
        return new Scores(id, Scores.Source.IMAGE, p);
    }

    private static void parse(String xml) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        factory.newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
    }

    private static String page() throws IOException {
        return Files.readString(report.resolve("report.html"));
    }

    private static List<CSVRecord> csv(String name) throws IOException {
        try (StringReader in = new StringReader(Files.readString(report.resolve(name)))) {
            return CSVFormat.RFC4180
                    .builder()
                    .setHeader()
                    .setSkipHeaderRecord(true)
                    .get()
                    .parse(in)
                    .getRecords();
        }
    }

    private static Map<String, String> contents(Path folder) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path f : files.filter(Files::isRegularFile).toList()) {
                contents.put(folder.relativize(f).toString().replace('\\', '/'), Files.readString(f));
            }
        }
        return contents;
    }
}
