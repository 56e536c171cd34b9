package org.telltale.app.train;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.Split;
import org.telltale.app.markup.Markup;

/** The report of a run as one page without scripts or anything from elsewhere. */
final class TrainingReport {
    private static final String STYLE = """
            :root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
            table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #8884}
            td:first-child,th:first-child{text-align:left}pre{overflow:auto;background:#8881;padding:1rem}
            """;

    private TrainingReport() {}

    static String html(
            Origin parent,
            TrainingData data,
            Recipe recipe,
            TrainingOptions options,
            List<EpochRecord> history,
            EpochRecord kept,
            EpochRecord.@Nullable Score test) {
        StringBuilder b =
                new StringBuilder("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Training of ");
        b.append(Markup.escape(parent.model()))
                .append("</title><style>")
                .append(STYLE)
                .append("</style><h1>Training of ");
        b.append(Markup.escape(parent.model())).append("</h1><p>Recipe ").append(Markup.escape(recipe.name()));
        b.append(", seed ")
                .append(options.seed())
                .append(". ")
                .append(Markup.escape(data.product()))
                .append(data.labels().isEmpty() ? "" : ": " + Markup.escape(String.join(", ", data.labels())))
                .append(". Kept: epoch ")
                .append(kept.epoch())
                .append('.');
        if (test != null) {
            b.append(String.format(
                    Locale.ROOT,
                    " On the test split: %d %s, loss %.4f, accuracy <b>%.2f %%</b>.",
                    test.samples(),
                    data.counted(),
                    test.loss(),
                    100 * test.accuracy()));
        }
        b.append("</p>").append(LossCurve.svg(history));
        b.append("<table><tr><th>epoch<th>phase<th>steps<th>learning rate<th>train loss<th>train<th>dev loss<th>dev"
                + "<th>test loss<th>test</tr>\n");
        for (EpochRecord r : history) {
            b.append(String.format(
                    Locale.ROOT,
                    "<tr><td>%d<td>%s<td>%d<td>%.3g",
                    r.epoch(),
                    Markup.escape(r.phase()),
                    r.step(),
                    r.rate()));
            cells(b, r.train());
            cells(b, r.measured().get(Split.DEV));
            cells(b, r.measured().get(Split.TEST));
            b.append("</tr>\n");
        }
        b.append("</table><h2>Recipe</h2><pre>")
                .append(Markup.escape(RecipeJson.of(recipe).toPrettyString()));
        b.append("</pre><h2>Started from</h2><ul>");
        parent.sha256()
                .forEach((name, hash) -> b.append("<li><code>")
                        .append(Markup.escape(name))
                        .append("</code> SHA-256 <code>")
                        .append(hash)
                        .append("</code>"));
        return b.append("</ul><p>")
                .append(Markup.escape(options.producer()))
                .append("</p></html>\n")
                .toString();
    }

    private static void cells(StringBuilder b, EpochRecord.@Nullable Score s) {
        b.append(
                s == null
                        ? "<td><td>"
                        : String.format(Locale.ROOT, "<td>%.4f<td>%.2f %%", s.loss(), 100 * s.accuracy()));
    }
}
