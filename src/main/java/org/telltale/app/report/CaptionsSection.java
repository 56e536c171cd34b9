package org.telltale.app.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What kind of texts the captioners write. */
record CaptionsSection(Evaluation evaluation, Html html) {
    void write() {
        if (evaluation.texts().isEmpty()) {
            return;
        }
        html.begin("texts", "Captions");
        html.paragraph(
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
        html.end();
    }
}
