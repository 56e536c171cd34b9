package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.telltale.app.data.StandardOutput;
import org.telltale.app.pipeline.Terminal;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One run of a command in this process. */
record Cli(int code, String out, String err) {
    static final String BLIP = "../models/src/test/resources/golden/blip/tiny-blip";
    static final String BERT = "../models/src/test/resources/golden/bert/tiny-bert";
    static final String MOBILENET = "../models/src/test/resources/golden/cnn/tiny-mobilenetv2";
    static final String PICTURES = "../models/src/test/resources/golden/blip/pictures";
    static final String PICTURE = PICTURES + "/0-gradient-64x48-rgb.png";
    static final String OTHER = PICTURES + "/1-shapes-50x75-rgb.png";

    static Cli run(String... args) {
        return run("", () -> false, args);
    }

    static Cli run(String in, BooleanSupplier cancelled, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Terminal terminal = new Terminal(
                new ByteArrayInputStream(in.getBytes(StandardCharsets.UTF_8)),
                new StandardOutput(out),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                false,
                cancelled);
        int code = Main.run(terminal, args);
        return new Cli(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** That the run failed with a code and one line that names what is wrong, and wrote no data. */
    Cli failed(int wanted, String... mentions) {
        assertThat(code).as(err).isEqualTo(wanted);
        assertThat(err.lines().toList()).as(err).hasSize(1);
        assertThat(err).startsWith("telltale: ");
        for (String mention : mentions) {
            assertThat(err).contains(mention);
        }
        assertThat(out).isEmpty();
        return this;
    }

    Cli succeeded() {
        assertThat(code).as(err).isZero();
        return this;
    }

    List<String> lines() {
        return out.lines().toList();
    }

    /** Count, total and mean by name of the table that --timings shows. */
    static Map<String, double[]> timings(String err) {
        Map<String, double[]> rows = new LinkedHashMap<>();
        Matcher row = Pattern.compile("^(\\S.*?) +(\\d+) +([0-9.]+) +([0-9.]+)$", Pattern.MULTILINE)
                .matcher(err);
        while (row.find()) {
            rows.put(row.group(1), new double[] {
                Double.parseDouble(row.group(2)), Double.parseDouble(row.group(3)), Double.parseDouble(row.group(4))
            });
        }
        return rows;
    }

    static JsonNode json(String line) {
        return JsonMapper.shared().readTree(line);
    }
}
