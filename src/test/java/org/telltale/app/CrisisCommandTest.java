package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.StreamSupport;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A small download with the layout of the archive. */
class CrisisCommandTest {
    @TempDir
    private Path root;

    private int drawn;

    @BeforeEach
    void archive() throws IOException {
        String damage = "tasks/damage_severity/";
        for (String split : new String[] {"train", "dev", "test"}) {
            table(damage + "crisismmd/crisismmd_task_damage_" + split, "/export/x/data/crisismmd/" + split, "severe");
            table(damage + "damage_assessment_data/ASONAM17_damage_" + split, "data/dad/" + split, "mild");
            table(damage + "damage_multimodal_data/damage_multimodal_damage_" + split, "data/dmd/" + split, "mild");
            table(damage + "consolidated/consolidated_damage_" + split, "data/all/" + split, "little_or_none");
        }
    }

    /** A table of two pictures, which are drawn. */
    private void table(String name, String prefix, String label) throws IOException {
        StringBuilder text = new StringBuilder("event_name\timage_id\timage_path\tclass_label\n");
        for (int i = 0; i < 2; i++) {
            String path = prefix + "/" + i + (i == 0 ? ".png" : ".jpg");
            String id = prefix.substring(prefix.indexOf("data/") + 5).replace('/', '_') + "_" + i;
            text.append("e\t" + id + "\t" + path + "\t" + label + "\n");
            draw(root.resolve(path.substring(path.indexOf("data/"))));
        }
        write(name, text.toString());
    }

    private void write(String table, String text) throws IOException {
        Path file = root.resolve(table + "_final.tsv");
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void draw(Path file) throws IOException {
        drawn++;
        BufferedImage image = new BufferedImage(20 + drawn, 16, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        g.setColor(new Color(drawn * 37 % 256, 90, 255 - drawn * 5));
        g.fillOval(3, 3, 9, 9);
        g.dispose();
        Files.createDirectories(file.getParent());
        String name = file.toString();
        ImageIO.write(image, name.substring(name.lastIndexOf('.') + 1), file.toFile());
    }

    private Cli run(String... more) {
        String[] command = {"data", "crisisnlp", root.toString(), "--task", "damage_severity"};
        String[] all = Arrays.copyOf(command, command.length + more.length);
        System.arraycopy(more, 0, all, command.length, more.length);
        return Cli.run(all);
    }

    private JsonNode json(int code, String... more) {
        Cli run = run(more);
        assertThat(run.code()).as(run.err()).isEqualTo(code);
        return Cli.json(run.out());
    }

    private static String[] texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::stringValue)
                .toArray(String[]::new);
    }

    @Test
    void aCompleteDownloadEndsWithTheExperiment() {
        Cli run = run("--decode").succeeded();
        assertThat(run.out())
                .containsPattern("severe +2 / 11943 +2 /   927 +2 /  1886")
                .containsPattern("all +6 / 26898 +6 /  2898 +6 /  5100")
                .contains(
                        "6 rows have absolute paths",
                        "18 pictures are named: 18 are there, 0 are missing, 0 cannot be read\n",
                        "same bytes: 0 groups",
                        "in several splits of damage_severity: 0 pictures by their bytes, 0 by their id")
                .endsWith("next: telltale experiment --plan plan.yaml --data " + root + " --out RUN\n");
        assertThat(run.err()).isEmpty();
    }

    @Test
    void theConsolidatedTablesAreOthers() {
        Cli run = run("--split", "consolidated").succeeded();
        assertThat(run.out())
                .contains("6 pictures are named", "headers only")
                .containsPattern("official .* 28319 +2712 +3865");
    }

    @Test
    void whatIsMissingOrBrokenIsNamedAndHasCode1() throws IOException {
        Files.delete(root.resolve("data/dad/dev/1.jpg"));
        Files.write(root.resolve("data/dmd/test/0.png"), new byte[] {1, 2, 3, 4, 5});
        Files.write(root.resolve("data/crisismmd/train/1.jpg"), new byte[0]);
        JsonNode report = json(1, "--json");
        assertThat(report.path("complete").booleanValue()).isFalse();
        assertThat(texts(report.path("missing"))).containsExactly("data/dad/dev/1.jpg");
        assertThat(report.path("unreadable").toString())
                .contains("data/dmd/test/0.png", "not a picture", "data/crisismmd/train/1.jpg", "ends in its header");
        Cli run = run();
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out())
                .contains(
                        "17 are there, 1 are missing, 2 cannot be read",
                        "missing: data/dad/dev/1.jpg",
                        "https://crisisnlp.qcri.org/crisis-image-datasets-asonam20",
                        "terms-of-use")
                .doesNotContain("telltale experiment");
    }

    @Test
    void onlyDecodingFindsAPictureThatIsCutOff() throws IOException {
        for (String name : new String[] {"0.png", "1.jpg"}) {
            Path picture = root.resolve("data/dad/train").resolve(name);
            byte[] bytes = Files.readAllBytes(picture);
            // the last 20 bytes of a PNG are checksums and an empty chunk: all pixels would still be there
            Files.write(picture, Arrays.copyOf(bytes, bytes.length - 40));
        }
        json(0, "--json");
        JsonNode unreadable = json(1, "--json", "--decode").path("unreadable");
        assertThat(unreadable.size()).isEqualTo(2);
        assertThat(unreadable.toString()).contains("data/dad/train/0.png", "data/dad/train/1.jpg", "truncated");
    }

    @Test
    void theSameBytesInTrainAndTestAreALeak() throws IOException {
        Files.copy(
                root.resolve("data/dad/train/0.png"),
                root.resolve("data/dmd/test/0.png"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        Files.copy(
                root.resolve("data/dad/train/1.jpg"),
                root.resolve("data/dmd/train/1.jpg"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        JsonNode report = json(0, "--json");
        assertThat(report.path("sameBytes").size()).isEqualTo(2);
        assertThat(report.path("inSeveralSplits").size()).isEqualTo(1);
        JsonNode leak = report.path("inSeveralSplits").path(0);
        assertThat(texts(leak.path("splits"))).containsExactly("train", "test");
        assertThat(texts(leak.path("paths"))).containsExactly("data/dad/train/0.png", "data/dmd/test/0.png");
        assertThat(run().out())
                .contains("in several splits: train and test: data/dad/train/0.png = data/dmd/test/0.png");
    }

    @Test
    void theSameIdOrPathInTrainAndTestIsALeak() throws IOException {
        write(
                "tasks/damage_severity/damage_assessment_data/ASONAM17_damage_test",
                "event_name\timage_id\timage_path\tclass_label\n"
                        + "e\tdad_train_0\tdata/dad/test/0.png\tmild\n"
                        + "e\tdad_test_1\tdata/dad/train/1.jpg\tmild\n");
        JsonNode report = json(0, "--json");
        assertThat(texts(report.path("tasks").path("damage_severity").path("idsInSeveralSplits")))
                .containsExactly("dad_train_0");
        assertThat(texts(report.path("inSeveralSplits").path(0).path("paths"))).containsExactly("data/dad/train/1.jpg");
    }

    @Test
    void tablesThatAreNotThereAreNamed() throws IOException {
        Files.delete(root.resolve("tasks/damage_severity/crisismmd/crisismmd_task_damage_dev_final.tsv"));
        Cli run = run();
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out())
                .contains(
                        "missing table: tasks/damage_severity/crisismmd/crisismmd_task_damage_dev_final.tsv",
                        "--split consolidated");
        Path flat = Files.createDirectory(root.resolve("flat"));
        for (String split : new String[] {"train", "dev", "test"}) {
            String name = "consolidated_damage_" + split + "_final.tsv";
            Files.copy(root.resolve("tasks/damage_severity/consolidated").resolve(name), flat.resolve(name));
        }
        run("--tsv", flat.toString(), "--split", "consolidated").succeeded();
        assertThat(run("--tsv", flat.toString()).code()).isEqualTo(1);
        Cli both = Cli.run("data", "crisisnlp", root.toString(), "--split", "consolidated");
        assertThat(both.code()).isEqualTo(1);
        assertThat(both.out()).contains("missing table: tasks/disaster_types/consolidated/");
    }

    @Test
    void badTablesAndFoldersHaveTheirCodes() throws IOException {
        write(
                "tasks/damage_severity/damage_assessment_data/ASONAM17_damage_test",
                "event_name\timage_id\timage_path\tclass_label\ne\t1\tdata/../../secret.jpg\tmild\n");
        run().failed(4, "ASONAM17_damage_test_final.tsv:2", "secret.jpg");
        Cli.run("data", "crisisnlp", root.resolve("none").toString()).failed(3, "none", "https://crisisnlp.qcri.org");
        run("--tsv", root.resolve("none").toString()).failed(3, "none");
        run("--split", "other").failed(2, "--split");
        Cli.run("data").failed(2, "crisisnlp");
        Cli.run("data", "imagenet").failed(2, "imagenet");
        assertThat(Cli.run("data", "crisisnlp", "--help").succeeded().out())
                .contains("Exit codes:", "Examples:", "telltale data crisisnlp");
    }
}
