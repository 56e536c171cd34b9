package org.telltale.app.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.telltale.app.experiment.Findings;
import org.telltale.app.markup.Markup;
import tools.jackson.databind.JsonNode;

/** What it took, and what everything was made of. */
record ProvenanceSection(Evaluation evaluation, Html html) {
    void write() {
        html.begin("provenance", "Provenance");
        List<Findings.Time> times = evaluation.findings().times();
        if (!times.isEmpty()) {
            Map<List<String>, double[]> sums = new LinkedHashMap<>();
            for (Findings.Time t : times) {
                double[] sum = sums.computeIfAbsent(List.of(t.stage(), t.task(), t.system()), k -> new double[3]);
                sum[0]++;
                sum[1] += t.seconds();
                sum[2] += t.samples();
            }
            html.table(
                    "Time of every stage, all sittings together. Machine: "
                            + Markup.escape(times.stream()
                                    .map(Findings.Time::machine)
                                    .collect(Collectors.toCollection(TreeSet::new))
                                    .stream()
                                    .collect(Collectors.joining("; "))),
                    List.of("Stage", "task", "jobs", "time", "samples", "samples a second"));
            double all = 0;
            for (Map.Entry<List<String>, double[]> e : sums.entrySet()) {
                double[] sum = e.getValue();
                all += sum[1];
                html.row(
                        "",
                        e.getKey().get(0) + " " + e.getKey().get(2),
                        List.of(
                                e.getKey().get(1).isEmpty()
                                        ? "all"
                                        : Words.label(e.getKey().get(1)),
                                Words.count((long) sum[0]),
                                Words.duration(sum[1]),
                                Words.count((long) sum[2]),
                                sum[1] > 0 ? String.format(Locale.ROOT, "%.1f", sum[2] / sum[1]) : "–"));
            }
            html.row("rule", "All", List.of("", Words.count(times.size()), Words.duration(all), "", ""));
            html.endTable();
        }
        html.raw("<dl class=\"facts\">\n");
        facts("", evaluation.findings().provenance());
        html.raw("</dl>\n");
        html.end();
    }

    private void facts(String before, JsonNode node) {
        for (Map.Entry<String, JsonNode> e : node.properties()) {
            String key = before + e.getKey();
            if (e.getValue().isObject()) {
                facts(key + " › ", e.getValue());
            } else {
                html.raw("<div><dt>").text(key).raw("</dt><dd>");
                html.text(
                        e.getValue().isString()
                                ? e.getValue().stringValue()
                                : e.getValue().toString());
                html.raw("</dd></div>\n");
            }
        }
    }
}
