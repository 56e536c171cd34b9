package org.telltale.app.report;

import java.util.ArrayList;
import java.util.List;
import org.telltale.app.data.Split;
import org.telltale.app.markup.Markup;

/** The report as one page that holds all it shows, without scripts. */
final class Page {
    private final Evaluation evaluation;
    private final Html html = new Html();

    private Page(Evaluation evaluation) {
        this.evaluation = evaluation;
    }

    static String of(Evaluation evaluation, List<Figure> figures) {
        Page page = new Page(evaluation);
        page.html.raw("<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                + "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                + "<meta name=\"color-scheme\" content=\"light dark\">"
                + "<title>What captions tell of pictures</title>\n<style>");
        page.html.raw(PageStyle.CSS).raw(Svg.style()).raw("</style></head>\n<body>\n");
        page.head();
        page.html.raw("<main>\n");
        page.summary();
        page.data();
        ExamplesSection examples = new ExamplesSection(evaluation, page.html);
        new SystemsSection(evaluation, figures, page.html).write();
        examples.disagreements();
        new FusionSection(evaluation, figures, page.html).write();
        examples.contrast();
        new LabelsSection(evaluation, figures, page.html).write();
        new CaptionsSection(evaluation, page.html).write();
        new ProvenanceSection(evaluation, page.html).write();
        return page.html.raw("</main>\n</body></html>\n").toString();
    }

    private void head() {
        html.raw(
                "<header><p class=\"kicker\">Telltale experiment</p><h1>What captions tell of pictures</h1><p class=\"lead\">"
                        + "Pictures are classified from the picture, from the text that a captioner makes of it, and from both, as in"
                        + " <cite>Image Captioners Sometimes Tell More Than Images They See</cite> (Udo and Koshinaka). ");
        html.text(Summary.progress(evaluation));
        html.raw("</p><nav aria-label=\"Sections\"><a href=\"#data\">Data</a><a href=\"#systems\">Single systems</a>"
                + "<a href=\"#examples\">Examples</a><a href=\"#fusion\">Fusion</a><a href=\"#contrast\">Text or picture</a>"
                + "<a href=\"#labels\">Labels</a><a href=\"#texts\">Captions</a><a href=\"#provenance\">Provenance</a></nav>"
                + "</header>\n");
    }

    private void summary() {
        html.raw("<section id=\"summary\" class=\"cards\">\n");
        for (TaskResult r : evaluation.tasks()) {
            html.raw("<article class=\"card\">")
                    .element("h2", Words.title(r.task().name()));
            html.raw("<ul>");
            Summary.of(r).forEach(s -> html.raw("<li>" + s + "</li>\n"));
            html.raw("</ul></article>\n");
        }
        html.end();
    }

    private void data() {
        html.begin("data", "Data");
        List<String> columns = new ArrayList<>(List.of("Pictures"));
        for (TaskResult r : evaluation.tasks()) {
            columns.add(Words.title(r.task().name()));
            columns.add("paper");
        }
        html.table("<b>Table 1.</b> Pictures and classes of every task.", columns);
        for (Split split : Split.values()) {
            List<String> cells = new ArrayList<>();
            for (TaskResult r : evaluation.tasks()) {
                cells.add(Words.count(total(r, split)));
                cells.add(Paper.count(r.task().name(), split).map(Words::count).orElse("–"));
            }
            html.row("", Words.title(split.word()), cells);
        }
        List<String> classes = new ArrayList<>();
        for (TaskResult r : evaluation.tasks()) {
            classes.add(Words.count(r.task().labels().size()));
            classes.add(Paper.classes(r.task().name()).map(Words::count).orElse("–"));
        }
        html.row("rule", "Classes", classes).endTable();
        html.raw("<div class=\"pair\">");
        for (TaskResult r : evaluation.tasks()) {
            html.table(
                    "Labels of " + Markup.escape(Words.label(r.task().name())),
                    List.of("Label", "train", "dev", "test"));
            for (int i = 0; i < r.task().labels().size(); i++) {
                List<String> cells = new ArrayList<>();
                for (Split split : Split.values()) {
                    List<Integer> counts = r.task().counts().getOrDefault(split, List.of());
                    cells.add(i < counts.size() ? Words.count(counts.get(i)) : "–");
                }
                html.row("", Words.label(r.task().labels().get(i)), cells);
            }
            html.endTable();
        }
        html.raw("</div>");
        html.end();
    }

    private static int total(TaskResult r, Split split) {
        return r.task().counts().getOrDefault(split, List.of()).stream()
                .mapToInt(n -> n)
                .sum();
    }
}
