package org.telltale.app.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.telltale.app.data.Scores;
import org.telltale.app.data.Split;
import org.telltale.app.experiment.Findings;
import org.telltale.app.fusion.Confusion;
import org.telltale.app.fusion.McNemar;
import org.telltale.app.fusion.Trials;
import org.telltale.app.markup.Markup;
import org.telltale.app.markup.Thumbnail;
import tools.jackson.databind.JsonNode;

/** The report as one page that holds all it shows, without scripts. */
final class Page {
    private static final int LARGE = 420;
    private static final int SMALL = 260;

    private final Evaluation evaluation;
    private final List<Figure> figures;
    private final Html html = new Html();

    private Page(Evaluation evaluation, List<Figure> figures) {
        this.evaluation = evaluation;
        this.figures = figures;
    }

    static String of(Evaluation evaluation, List<Figure> figures) {
        Page page = new Page(evaluation, figures);
        page.html.raw("<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                + "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                + "<meta name=\"color-scheme\" content=\"light dark\">"
                + "<title>What captions tell of pictures</title>\n<style>");
        page.html.raw(PageStyle.CSS).raw(Svg.style()).raw("</style></head>\n<body>\n");
        page.head();
        page.html.raw("<main>\n");
        page.summary();
        page.data();
        page.systems();
        page.disagreements();
        page.fusion();
        page.contrast();
        page.labels();
        page.texts();
        page.provenance();
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

    private void begin(String id, String title) {
        html.raw("<section id=\"" + id + "\"><h2>" + title + "</h2>\n");
    }

    private void end() {
        html.raw("</section>\n");
    }

    private void paragraph(String markup) {
        html.raw("<p>" + markup + "</p>\n");
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
        end();
    }

    private void data() {
        begin("data", "Data");
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
        end();
    }

    private static int total(TaskResult r, Split split) {
        return r.task().counts().getOrDefault(split, List.of()).stream()
                .mapToInt(n -> n)
                .sum();
    }

    private void systems() {
        begin("systems", "Single systems");
        paragraph(
                "Accuracy on the test split in percent: the mean over the trials, their standard deviation (sd), and the 95 %"
                        + " interval of the mean by Student’s t, which tells what another round of trainings on the same data might"
                        + " give. The paper’s value is its mean of " + Paper.TRIALS
                        + " trials; the difference is in percentage points. Bold is the best of its kind.");
        html.raw("<div class=\"pair\">");
        for (TaskResult r : evaluation.tasks()) {
            table2(r);
        }
        html.raw("</div>");
        figures(
                Figure.Kind.SYSTEMS,
                "",
                "<b>Table 2 as a figure.</b> Discs are means, thick lines their 95 % intervals, thin strokes single trials, and"
                        + " open diamonds the paper’s values. Blue systems see the picture, orange ones read its caption.");
        end();
    }

    private void table2(TaskResult r) {
        html.table(
                "<b>Table 2.</b> " + Markup.escape(Words.title(r.task().name())),
                List.of("System", "mean", "sd", "95 % interval", "paper", "difference"));
        for (Scores.Source source : List.of(Scores.Source.IMAGE, Scores.Source.TEXT)) {
            if (r.systems(source).findAny().isEmpty()) {
                continue;
            }
            html.raw("<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"6\">"
                    + (source == Scores.Source.IMAGE ? "From the picture" : "From the caption") + "</th></tr>\n");
            String best = r.best(source).map(SystemResult::name).orElse("");
            r.systems(source).forEach(s -> {
                Trials a = s.accuracy();
                OptionalDouble paper = Paper.accuracy(r.task().name(), s.name());
                html.raw(s.trials() > 0 && s.name().equals(best) ? "<tr class=\"best\">" : "<tr>");
                html.raw("<th scope=\"row\">").text(s.name());
                if (s.trials() < evaluation.findings().trials()) {
                    html.raw(" <small>" + s.trials() + " of "
                            + Words.count(evaluation.findings().trials(), "trial", "trials") + "</small>");
                }
                html.raw("</th>");
                List<String> cells = new ArrayList<>(List.of(
                        Words.percent(a.mean()), Words.percent(a.deviation()), interval(a), Words.percent(paper)));
                cells.add(
                        paper.isEmpty() || a.mean().isEmpty()
                                ? "–"
                                : Words.points(a.mean().getAsDouble() - paper.getAsDouble()));
                cells.forEach(c -> html.element("td", c));
                html.raw("</tr>\n");
            });
        }
        html.raw("<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"6\">From nothing</th></tr>\n");
        for (TaskResult.Baseline b : r.baselines()) {
            html.row(
                    "",
                    "Always “" + Words.label(b.label()) + "”, most frequent in "
                            + b.split().word(),
                    List.of(Words.percent(b.accuracy()), "–", "–", "–", "–"));
        }
        html.endTable();
    }

    private static String interval(Trials a) {
        if (a.margin().isEmpty()) {
            return "–";
        }
        double mean = a.mean().orElseThrow();
        double margin = a.margin().getAsDouble();
        return Words.percent(mean - margin) + " – " + Words.percent(mean + margin);
    }

    /** The figures of a kind beside each other, and what they show. */
    private void figures(Figure.Kind kind, String classifier, String caption) {
        List<Figure> shown = figures.stream()
                .filter(f -> f.kind() == kind && f.classifier().equals(classifier))
                .toList();
        if (shown.isEmpty()) {
            return;
        }
        html.raw("<figure><div class=\"pair\">\n");
        shown.forEach(f -> html.raw("<div>" + f.svg().inline() + "</div>\n"));
        html.raw("</div><figcaption>" + caption + "</figcaption></figure>\n");
    }

    private void disagreements() {
        if (evaluation.examples().stream().allMatch(e -> e.disagreements().isEmpty())) {
            return;
        }
        begin("examples", "Examples");
        paragraph(
                "Pictures on which about as many systems are right as wrong. A decision is that of most trials of a system; how"
                        + " many is said where not all agree.");
        html.raw("<figure>\n");
        for (int t = 0; t < evaluation.tasks().size(); t++) {
            for (Examples.Example e : evaluation.examples().get(t).disagreements()) {
                example(evaluation.tasks().get(t), e);
            }
        }
        html.raw("<figcaption><b>Figure 3.</b> What the systems say of single pictures, and the texts that they read."
                + "</figcaption></figure>\n");
        end();
    }

    private void example(TaskResult r, Examples.Example e) {
        html.raw("<article class=\"example\"><div class=\"picture\">");
        picture(e.picture(), LARGE);
        html.raw("<p><b>").text(Words.label(e.picture().label())).raw("</b> <small>");
        html.text(Words.label(r.task().name()))
                .raw("<br>")
                .text(e.picture().id())
                .raw("</small></p></div><dl>\n");
        for (Examples.Decision d : e.decisions()) {
            html.raw("<div><dt>").text(d.system()).raw("</dt><dd>");
            if (!d.caption().isEmpty()) {
                html.raw("<q>").text(d.caption()).raw("</q> ");
            }
            decision(e, d);
            html.raw("</dd></div>\n");
        }
        html.raw("</dl></article>\n");
    }

    private void decision(Examples.Example e, Examples.Decision d) {
        boolean right = d.label().equals(e.picture().label());
        html.raw("<span class=\"" + (right ? "right" : "wrong") + "\">" + (right ? "✓ " : "✗ "));
        html.text(Words.label(d.label())).raw("</span>");
        if (d.votes() < d.trials()) {
            html.raw(" <small>" + d.votes() + " of " + d.trials() + "</small>");
        }
    }

    private void picture(Findings.Picture p, int side) {
        Optional<String> image = Thumbnail.jpeg(p.file(), side, side);
        if (image.isPresent()) {
            html.raw("<img src=\"" + image.get() + "\" alt=\"").text(p.id()).raw("\">");
        } else {
            html.raw("<div class=\"none\">The picture is not on this machine.</div>");
        }
    }

    private void fusion() {
        if (evaluation.tasks().stream().allMatch(t -> t.bestHalf().isEmpty())) {
            return;
        }
        begin("fusion", "Fusion");
        paragraph(
                "The probabilities of both sides are averaged, <i>y</i> = (1 − <i>w</i>) <i>y</i><sub>picture</sub> + <i>w</i>"
                        + " <i>y</i><sub>text</sub>, trial <i>k</i> with trial <i>k</i>; an accuracy is the mean over the trials.");
        for (String classifier : evaluation.findings().figures()) {
            String number = Paper.figure(classifier)
                    .map(n -> "<b>Figure " + n + ".</b> ")
                    .orElse("");
            figures(
                    Figure.Kind.WEIGHTS,
                    classifier,
                    number + "Accuracy of " + Markup.escape(classifier)
                            + " fused with each captioner, against the weight <i>w</i> of the text. Bands are one standard"
                            + " deviation over the trials to both sides; a number is the highest point where it lies between the"
                            + " ends; at the right are the accuracies of the text alone, and, dashed, of the picture alone.");
        }
        html.raw("<h3>Does fusion help?</h3>\n");
        paragraph(
                "Fused scores beside the better of the two systems that they are made of. Which of them is the better is read"
                        + " off the test split, which works against fusion. The paper says of no weight how it was chosen; equal weights"
                        + " (<i>w</i> = 0.5) are chosen by nobody and are what is tested. <i>p</i> comes from the exact paired permutation"
                        + " test on the mean over the trials: if two systems did not differ, what they say of a picture could be exchanged,"
                        + " in all trials at once, so that trials of one picture never count as independent. It takes the pictures for what"
                        + " is drawn at random and the trainings as they were run; the interval of the gain, by Student’s t over the"
                        + " trials, is the other way round. Corrected is <i>p</i> after Holm for all the pairs of a task.");
        for (TaskResult r : evaluation.tasks()) {
            comparisons(r);
        }
        html.raw("<h3>The best weight of the grid</h3>\n");
        paragraph(
                "The weight with the highest accuracy <em>on the test split itself</em>: an optimistic figure, which a weight chosen"
                        + " on other pictures would not reach. Here <i>p</i> is multiplied by the number of inner weights (Bonferroni)"
                        + " before Holm’s correction.");
        for (TaskResult r : evaluation.tasks()) {
            chosen(r);
        }
        end();
    }

    private void comparisons(TaskResult r) {
        html.table(
                "Equal weights, " + Markup.escape(Words.label(r.task().name())),
                List.of("Pair", "picture", "text", "fused", "gain", "95 % interval", "p", "corrected"));
        for (PairResult p : r.pairs()) {
            PairResult.Comparison c = p.half();
            if (c == null) {
                html.row("", name(p), List.of("–", "–", "–", "–", "–", "–", "–"));
                continue;
            }
            html.row(
                    c.verdict() > 0 ? "best" : "",
                    name(p) + incomplete(p),
                    List.of(
                            Words.percent(p.image().mean()),
                            Words.percent(p.text().mean()),
                            Words.percent(c.fused().mean()),
                            Words.points(c.meanGain()),
                            gain(c.gain()),
                            Words.p(c.p()),
                            Words.p(c.corrected())));
        }
        html.endTable();
        html.raw("<details><summary>McNemar’s exact test of every trial, ")
                .text(Words.label(r.task().name()))
                .raw("</summary>\n");
        int most = r.pairs().stream().mapToInt(p -> p.image().count()).max().orElse(0);
        List<String> columns = new ArrayList<>(List.of("Pair"));
        for (int k = 1; k <= most; k++) {
            columns.add("trial " + k);
        }
        html.table(
                "Pictures that only the fused scores have right : those that only the better single system has, and"
                        + " <i>p</i> of the trial by itself",
                columns);
        for (PairResult p : r.pairs()) {
            PairResult.Comparison c = p.half();
            if (c != null) {
                html.raw("<tr><th scope=\"row\">").text(name(p)).raw("</th>");
                for (int k = 0; k < most; k++) {
                    html.raw("<td>");
                    if (k < c.perTrial().size()) {
                        McNemar m = c.perTrial().get(k);
                        html.raw(m.first() + " : " + m.second() + "<br><small>").text("p " + Words.p(m.p()));
                        html.raw("</small>");
                    }
                    html.raw("</td>");
                }
                html.raw("</tr>\n");
            }
        }
        html.endTable().raw("</details>\n");
    }

    private void chosen(TaskResult r) {
        html.table(
                "Best of the grid, " + Markup.escape(Words.label(r.task().name()))
                        + ": chosen on the test split, optimistic",
                List.of("Pair", "w", "fused", "gain", "p, corrected", "w = 0.5"));
        for (PairResult p : r.pairs()) {
            PairResult.Comparison best = p.best();
            PairResult.Comparison half = p.half();
            if (best != null && half != null) {
                html.row(
                        best.verdict() > 0 ? "best" : "",
                        name(p) + incomplete(p),
                        List.of(
                                Words.weight(best.weight()),
                                Words.percent(best.fused().mean()),
                                Words.points(best.meanGain()),
                                Words.p(best.corrected()),
                                Words.percent(half.fused().mean())));
            }
        }
        html.endTable();
    }

    private String incomplete(PairResult p) {
        return p.image().count() < evaluation.findings().trials()
                ? " (" + p.image().count() + " of " + evaluation.findings().trials() + ")"
                : "";
    }

    private static String name(PairResult p) {
        return p.classifier() + " + " + p.captioner();
    }

    private static String gain(Trials gain) {
        if (gain.margin().isEmpty()) {
            return "–";
        }
        double mean = gain.mean().orElseThrow();
        double margin = gain.margin().getAsDouble();
        return Words.points(mean - margin) + " to " + Words.points(mean + margin);
    }

    private void contrast() {
        if (evaluation.tasks().stream().allMatch(t -> t.bestHalf().isEmpty())) {
            return;
        }
        begin("contrast", "Where the text tells more than the picture");
        paragraph(
                "Test pictures that one side has right in more than half of its trials, and the other wrong in more than half of its"
                        + " own. The difference is the accuracy of the text less that of the picture, in points; <i>p</i> is the permutation"
                        + " test’s, not corrected.");
        for (int t = 0; t < evaluation.tasks().size(); t++) {
            TaskResult r = evaluation.tasks().get(t);
            Examples e = evaluation.examples().get(t);
            html.table(
                    Markup.escape(Words.title(r.task().name())) + ", "
                            + Words.count(r.task().test().size()) + " test pictures",
                    List.of("Pair", "only text", "only picture", "both", "neither", "undecided", "difference", "p"));
            for (PairResult p : r.pairs()) {
                if (p.half() != null) {
                    PairResult.Contrast c = p.tells();
                    html.row(
                            p.classifier().equals(e.classifier())
                                            && p.captioner().equals(e.captioner())
                                    ? "best"
                                    : "",
                            name(p),
                            List.of(
                                    Words.count(c.text()),
                                    Words.count(c.image()),
                                    Words.count(c.both()),
                                    Words.count(c.neither()),
                                    Words.count(c.undecided(r.task().test().size())),
                                    Words.points(p.text().mean().orElseThrow()
                                            - p.image().mean().orElseThrow()),
                                    Words.p(p.direct())));
                }
            }
            html.endTable();
            strip(
                    e,
                    e.text(),
                    "Only the caption of " + e.captioner() + " is told right, not the picture by " + e.classifier());
            strip(
                    e,
                    e.image(),
                    "Only the picture is told right by " + e.classifier() + ", not the caption of " + e.captioner());
        }
        end();
    }

    private void strip(Examples all, List<Examples.Example> examples, String title) {
        if (examples.isEmpty()) {
            return;
        }
        html.element("h3", title).raw("<div class=\"strip\">\n");
        for (Examples.Example e : examples) {
            html.raw("<article>");
            picture(e.picture(), SMALL);
            html.raw("<p><b>").text(Words.label(e.picture().label())).raw("</b></p>");
            e.of(all.captioner(), Scores.Source.TEXT).ifPresent(d -> {
                html.raw("<p>");
                if (!d.caption().isEmpty()) {
                    html.raw("<q>").text(d.caption()).raw("</q><br>");
                }
                html.raw("text: ");
                decision(e, d);
                html.raw("</p>");
            });
            e.of(all.classifier(), Scores.Source.IMAGE).ifPresent(d -> {
                html.raw("<p>picture: ");
                decision(e, d);
                html.raw("</p>");
            });
            html.raw("</article>\n");
        }
        html.raw("</div>\n");
    }

    private void labels() {
        if (evaluation.tasks().stream().allMatch(t -> t.best().isEmpty())) {
            return;
        }
        begin("labels", "Label by label");
        for (int t = 0; t < evaluation.tasks().size(); t++) {
            int task = t;
            TaskResult r = evaluation.tasks().get(t);
            html.raw("<figure><div class=\"maps\">\n");
            figures.stream()
                    .filter(f -> f.kind() == Figure.Kind.CONFUSION && f.task() == task)
                    .forEach(f -> html.raw("<div>" + f.svg().inline() + "</div>\n"));
            html.raw("</div><figcaption><b>Confusion matrices, ")
                    .text(Words.label(r.task().name()));
            html.raw(
                    ".</b> All trials together; a row adds up to 100 %, its diagonal is the recall of its label. The last is the"
                            + " best pair fused with equal weights.</figcaption></figure>\n");
            classes(r);
        }
        end();
    }

    private void classes(TaskResult r) {
        List<String> columns = new ArrayList<>(List.of("System"));
        r.task().labels().forEach(l -> columns.add(Words.label(l)));
        columns.add("macro F1");
        columns.add("weighted F1");
        html.table(
                "<b>" + Markup.escape(Words.title(r.task().name()))
                        + ":</b> precision / recall of every label and F1 over all, in percent, means over the trials",
                columns);
        for (SystemResult s : r.systems()) {
            classes(r, s.name(), s.confusions());
        }
        r.bestHalf().ifPresent(p -> classes(r, name(p), p.halfConfusions()));
        html.endTable();
    }

    private void classes(TaskResult r, String system, List<Confusion> trials) {
        if (trials.isEmpty()) {
            return;
        }
        List<String> cells = new ArrayList<>();
        for (int i = 0; i < r.task().labels().size(); i++) {
            int label = i;
            cells.add(Words.percent1(mean(trials.stream().mapToDouble(c -> c.precision(label))))
                    + " / "
                    + Words.percent1(mean(trials.stream().mapToDouble(c -> c.recall(label)))));
        }
        cells.add(Words.percent1(mean(trials.stream().mapToDouble(Confusion::macroF1))));
        cells.add(Words.percent1(mean(trials.stream().mapToDouble(Confusion::weightedF1))));
        html.row("", system, cells);
    }

    private static double mean(java.util.stream.DoubleStream values) {
        return values.average().orElse(0);
    }

    private void texts() {
        if (evaluation.texts().isEmpty()) {
            return;
        }
        begin("texts", "Captions");
        paragraph(
                "All captions of an experiment, of all splits and tasks. Distinct words by words (type-token ratio) falls with the"
                        + " amount of text, so it compares captioners only where they caption about as much. Frequent words are those that"
                        + " are no function words.");
        html.table(
                "Statistics of the captions",
                List.of(
                        "Captioner",
                        "captions",
                        "words each",
                        "distinct words",
                        "type-token ratio",
                        "distinct captions",
                        "shared by pictures, %",
                        "most frequent words"));
        for (TextStatistics s : evaluation.texts()) {
            html.row(
                    "wide",
                    s.captioner(),
                    List.of(
                            Words.count(s.captions()),
                            String.format(Locale.ROOT, "%.1f", s.meanWords()),
                            Words.count(s.distinct()),
                            String.format(Locale.ROOT, "%.4f", s.typeTokenRatio()),
                            Words.count(s.texts()),
                            Words.percent1(s.sharedRatio()),
                            s.frequent().stream()
                                    .map(w -> w.word() + " " + Words.count(w.count()))
                                    .collect(Collectors.joining(", "))));
        }
        html.endTable();
        end();
    }

    private void provenance() {
        begin("provenance", "Provenance");
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
        end();
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
