package org.telltale.app;

import java.util.List;
import java.util.Locale;
import org.telltale.app.data.Split;
import org.telltale.app.pipeline.StatusLine;
import org.telltale.app.pipeline.Terminal;
import org.telltale.app.train.EpochRecord;
import org.telltale.app.train.TrainingListener;

/** A run of training on standard error: a line for each epoch, and on a terminal a status line in between. */
final class TrainingProgress implements TrainingListener {
    private final Terminal terminal;
    private final StatusLine status;

    TrainingProgress(Terminal terminal) {
        this.terminal = terminal;
        this.status = new StatusLine(terminal);
    }

    @Override
    public void step(Step s) {
        if (!status.due()) {
            return;
        }
        status.show(String.format(
                Locale.ROOT,
                "epoch %d (%s) %d/%d  loss %.4f  accuracy %.1f %%  %.2f s a step  %s left",
                s.epoch(),
                s.phase(),
                s.batch(),
                s.batches(),
                s.running().loss(),
                100 * s.running().accuracy(),
                s.pace(),
                StatusLine.time(s.left())));
    }

    @Override
    public void epoch(EpochRecord r, Time time) {
        status.clear();
        StringBuilder line = new StringBuilder(String.format(
                Locale.ROOT,
                "epoch %d (%s): train loss %.4f, accuracy %.2f %%",
                r.epoch(),
                r.phase(),
                r.train().loss(),
                100 * r.train().accuracy()));
        for (Split split : List.of(Split.DEV, Split.TEST)) {
            EpochRecord.Score s = r.measured().get(split);
            if (s != null) {
                line.append(String.format(
                        Locale.ROOT, "; %s loss %.4f, accuracy %.2f %%", split.word(), s.loss(), 100 * s.accuracy()));
            }
        }
        line.append(String.format(
                Locale.ROOT,
                "; %.1f s, %.1f samples/s, waiting for data %.1f %%",
                time.seconds(),
                time.samples() / Math.max(time.seconds(), 1e-9),
                100 * time.waiting()));
        terminal.say(line.toString());
    }

    @Override
    public void note(String line) {
        status.clear();
        terminal.say(line);
    }
}
