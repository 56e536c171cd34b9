package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code telltale experiment}, as its user meets it. */
class ExperimentCommandTest {
    @TempDir
    Path folder;

    private Path plan;

    @BeforeEach
    void write() throws IOException {
        plan = SmallExperiment.plan(folder, 4, 1, 1, 2, 1);
    }

    private String out() {
        return folder.resolve("run").toString();
    }

    @Test
    void itEndsWithAReportAndTellsHowFarItIs() {
        Cli ended = Cli.run("experiment", "--plan", plan.toString(), "--out", out(), "--threads", "2")
                .succeeded();
        assertThat(folder.resolve("run/report/report.html")).content().contains("shape", "CNN", "BLIP");
        assertThat(ended.out())
                .contains("shape:", "  CNN ", "  CNN with BLIP", "report: " + out() + "/report/report.html");
        assertThat(folder.resolve("run/report/table2.csv")).content().contains("shape,image,CNN,2,2,");
        assertThat(folder.resolve("run/captions/BLIP.jsonl")).content().contains("\"exif\":\"ignore\"");
        Cli status = Cli.run("experiment", "status", out()).succeeded();
        assertThat(status.lines()).hasSize(6).last().asString().startsWith("5 of 5 jobs are done");
        assertThat(status.out()).contains("image shape, CNN, trial 2");
        Cli again =
                Cli.run("experiment", "--plan", plan.toString(), "--out", out()).succeeded();
        assertThat(again.err()).contains("captions of BLIP: done").doesNotContain("accuracy");
        Cli.run("experiment", "--plan", plan.toString(), "--out", out(), "--exif", "apply")
                .failed(4, "run: holds another experiment: exif is ", "ignore", "apply");
    }

    @Test
    void aModelOfTheLastStageThatIsNotThereIsNamedBeforeAnyWork() throws IOException {
        String text = Files.readString(plan);
        Path wrong = Files.writeString(
                folder.resolve("wrong.yaml"),
                text.substring(0, text.indexOf("text:")) + "text: {model: my/own/bert}\n");
        Cli.run("experiment", "--plan", wrong.toString(), "--out", out())
                .failed(3, folder.resolve("my/own/bert") + ": no such folder");
        assertThat(folder.resolve("run")).doesNotExist();
    }

    @Test
    void aDryRunCountsAndMeasuresWithoutDoing() {
        Cli counted =
                Cli.run("experiment", "--plan", plan.toString(), "--dry-run").succeeded();
        assertThat(counted.out())
                .contains("shape: 8 train, 2 dev, 2 test", "12 pictures to be captioned", "2 trials", "?");
        Cli measured = Cli.run("experiment", "--plan", plan.toString(), "--dry-run", "--measure")
                .succeeded();
        assertThat(measured.out())
                .contains("captions of BLIP")
                .doesNotContain("?")
                .doesNotContain("at least");
        assertThat(folder.resolve("run")).doesNotExist();
    }

    @Test
    void thePapersPlanIsCountedWithoutItsData() {
        Cli dry = Cli.run(
                        "experiment",
                        "--dry-run",
                        "--data",
                        folder.resolve("none").toString())
                .succeeded();
        assertThat(dry.out())
                .contains("disaster_types: 12724 train, 1574 dev, 3213 test")
                .contains("damage_severity: 26898 train, 2898 dev, 5100 test")
                .contains("46620 pictures to be captioned")
                .contains("counted as in the paper's Table 1");
    }

    @Test
    void thePlanThatIsPrintedCanBeGiven() throws IOException {
        Path printed = Files.writeString(
                folder.resolve("paper.yaml"),
                Cli.run("experiment", "plan").succeeded().out());
        Cli.run("experiment", "--plan", printed.toString(), "--dry-run").succeeded();
    }

    @Test
    void whatIsWrongIsNamed() throws IOException {
        Path typo = Files.writeString(
                folder.resolve("typo.yaml"), Files.readString(plan).replace("trials: 2", "trails: 2"));
        Cli.run("experiment", "--plan", typo.toString(), "--out", out()).failed(4, "typo.yaml:2", "'trials'");
        Cli.run("experiment", "--plan", folder.resolve("no.yaml").toString(), "--out", out())
                .failed(3, "no.yaml: no such file");
        Cli.run("experiment", "--plan", plan.toString()).failed(2, "--out");
        Cli.run("experiment", "--plan", plan.toString(), "--out", out(), "--task", "colour")
                .failed(2, "--task is 'colour'", "shape");
        Cli.run("experiment", "--plan", plan.toString(), "--out", out(), "--shard", "1/2")
                .failed(2, "--shard goes with --stage captions");
        Cli.run("experiment", "--plan", plan.toString(), "--out", out(), "--stage", "captions", "--shard", "3/2")
                .failed(2, "part 3 of 2");
        Cli.run("experiment", "--plan", plan.toString(), "--out", out(), "--measure")
                .failed(2, "--measure goes with --dry-run");
        Cli.run("experiment", "status", folder.toString()).failed(3, "expected the folder of an experiment");
        Cli.run("experiment", "merge", "--out", out(), folder.toString()).failed(3, "no experiment.json");
    }
}
