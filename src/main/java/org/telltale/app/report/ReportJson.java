package org.telltale.app.report;

import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.Split;
import org.telltale.app.fusion.Confusion;
import org.telltale.app.fusion.McNemar;
import org.telltale.app.fusion.Trials;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** All numbers as JSON, accuracies from 0 to 1. It tells no times, so that it is the same after a run that was continued. */
final class ReportJson {
    private ReportJson() {}

    static ObjectNode of(Evaluation evaluation) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("telltale", "report");
        node.put("trials", evaluation.findings().trials());
        ArrayNode weights = node.putArray("weights");
        evaluation.findings().weights().forEach(weights::add);
        node.set("provenance", evaluation.findings().provenance());
        node.put("paper", Paper.TITLE);
        ArrayNode tasks = node.putArray("tasks");
        for (int i = 0; i < evaluation.tasks().size(); i++) {
            task(
                    tasks.addObject(),
                    evaluation.tasks().get(i),
                    evaluation.examples().get(i));
        }
        ArrayNode texts = node.putArray("texts");
        evaluation.texts().forEach(t -> text(texts.addObject(), t));
        return node;
    }

    private static void task(ObjectNode node, TaskResult result, Examples examples) {
        node.put("name", result.task().name());
        strings(node.putArray("labels"), result.task().labels());
        ObjectNode counts = node.putObject("counts");
        result.task().counts().forEach((split, n) -> integers(counts.putArray(split.word()), n));
        ObjectNode paper = node.putObject("paperCounts");
        for (Split split : Split.values()) {
            Paper.count(result.task().name(), split).ifPresent(n -> paper.put(split.word(), n));
        }
        ArrayNode baselines = node.putArray("baselines");
        for (TaskResult.Baseline b : result.baselines()) {
            ObjectNode one = baselines.addObject();
            one.put("label", b.label());
            one.put("mostFrequentIn", b.split().word());
            one.put("accuracy", b.accuracy());
        }
        ArrayNode systems = node.putArray("systems");
        result.systems().forEach(s -> system(systems.addObject(), result, s));
        ArrayNode pairs = node.putArray("pairs");
        result.pairs().forEach(p -> pair(pairs.addObject(), p));
        ObjectNode shown = node.putObject("examples");
        examples(shown.putArray("disagreements"), examples.disagreements());
        shown.put("classifier", examples.classifier());
        shown.put("captioner", examples.captioner());
        examples(shown.putArray("onlyText"), examples.text());
        examples(shown.putArray("onlyImage"), examples.image());
    }

    private static void system(ObjectNode node, TaskResult result, SystemResult s) {
        node.put("name", s.name());
        node.put("source", s.source().name().toLowerCase(Locale.ROOT));
        node.set("accuracy", trials(s.accuracy()));
        OptionalDouble paper = Paper.accuracy(result.task().name(), s.name());
        paper.ifPresent(v -> {
            node.put("paper", v);
            s.accuracy().mean().ifPresent(mean -> node.put("difference", mean - v));
        });
        node.set("macroF1", trials(s.trials(Confusion::macroF1)));
        node.set("weightedF1", trials(s.trials(Confusion::weightedF1)));
        ArrayNode classes = node.putArray("classes");
        for (int i = 0; i < result.task().labels().size() && s.trials() > 0; i++) {
            int label = i;
            ObjectNode one = classes.addObject();
            one.put("label", result.task().labels().get(i));
            one.put("support", s.confusions().getFirst().support(i));
            one.set("precision", trials(s.trials(c -> c.precision(label))));
            one.set("recall", trials(s.trials(c -> c.recall(label))));
            one.set("f1", trials(s.trials(c -> c.f1(label))));
        }
        ArrayNode confusions = node.putArray("confusions");
        for (Confusion c : s.confusions()) {
            ArrayNode rows = confusions.addArray();
            c.counts().forEach(row -> integers(rows.addArray(), row));
        }
    }

    private static void pair(ObjectNode node, PairResult p) {
        node.put("classifier", p.classifier());
        node.put("captioner", p.captioner());
        node.set("image", trials(p.image()));
        node.set("text", trials(p.text()));
        ArrayNode curve = node.putArray("curve");
        for (PairResult.Point point : p.curve()) {
            ObjectNode one = curve.addObject();
            one.put("weight", point.weight());
            one.set("accuracy", trials(point.accuracy()));
        }
        comparison(node, "equalWeights", p.half());
        comparison(node, "bestOfGrid", p.best());
        ObjectNode tells = node.putObject("tells");
        tells.put("onlyText", p.tells().text());
        tells.put("onlyImage", p.tells().image());
        tells.put("both", p.tells().both());
        tells.put("neither", p.tells().neither());
    }

    private static void comparison(ObjectNode node, String key, PairResult.@Nullable Comparison c) {
        if (c == null) {
            return;
        }
        ObjectNode one = node.putObject(key);
        one.put("weight", c.weight());
        one.set("fused", trials(c.fused()));
        one.put("better", c.better().name().toLowerCase(Locale.ROOT));
        one.set("single", trials(c.single()));
        one.set("gain", trials(c.gain()));
        ArrayNode perTrial = one.putArray("mcNemar");
        for (McNemar m : c.perTrial()) {
            ObjectNode trial = perTrial.addObject();
            trial.put("onlyFused", m.first());
            trial.put("onlySingle", m.second());
            trial.put("p", m.p());
        }
        one.put("p", c.p());
        one.put("corrected", c.corrected());
    }

    private static ObjectNode trials(Trials t) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        t.mean().ifPresent(v -> node.put("mean", v));
        t.deviation().ifPresent(v -> node.put("deviation", v));
        t.margin().ifPresent(v -> node.put("margin", v));
        ArrayNode values = node.putArray("trials");
        t.values().forEach(values::add);
        return node;
    }

    private static void examples(ArrayNode array, List<Examples.Example> examples) {
        for (Examples.Example e : examples) {
            ObjectNode node = array.addObject();
            node.put("id", e.picture().id());
            node.put("label", e.picture().label());
            ArrayNode decisions = node.putArray("decisions");
            for (Examples.Decision d : e.decisions()) {
                ObjectNode one = decisions.addObject();
                one.put("system", d.system());
                one.put("source", d.source().name().toLowerCase(Locale.ROOT));
                one.put("label", d.label());
                one.put("votes", d.votes());
                one.put("trials", d.trials());
                one.put("caption", d.caption());
            }
        }
    }

    private static void text(ObjectNode node, TextStatistics t) {
        node.put("captioner", t.captioner());
        node.put("captions", t.captions());
        node.put("words", t.words());
        node.put("meanWords", t.meanWords());
        node.put("distinctWords", t.distinct());
        node.put("typeTokenRatio", t.typeTokenRatio());
        node.put("distinctCaptions", t.texts());
        node.put("sharedCaptions", t.shared());
        node.put("sharedRatio", t.sharedRatio());
        ObjectNode frequent = node.putObject("frequentWords");
        t.frequent().forEach(w -> frequent.put(w.word(), w.count()));
    }

    private static void strings(ArrayNode array, List<String> values) {
        values.forEach(array::add);
    }

    private static void integers(ArrayNode array, List<Integer> values) {
        values.forEach(array::add);
    }
}
