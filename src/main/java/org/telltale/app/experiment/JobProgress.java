package org.telltale.app.experiment;

import java.util.Locale;
import org.telltale.app.pipeline.StatusLine;
import org.telltale.app.pipeline.Terminal;
import org.telltale.app.train.EpochRecord;
import org.telltale.app.train.TrainingListener;

/** A trial on standard error: a status line on a terminal, and what the user should know. */
final class JobProgress implements TrainingListener {
    private final Terminal terminal;
    private final StatusLine status;
    private final String job;

    JobProgress(Terminal terminal, String job) {
        this.terminal = terminal;
        this.job = job;
        status = new StatusLine(terminal);
    }

    @Override
    public void step(Step s) {
        if (status.due()) {
            status.show(String.format(
                    Locale.ROOT,
                    "%s: epoch %d  %d/%d  loss %.4f  %s left",
                    job,
                    s.epoch(),
                    s.batch(),
                    s.batches(),
                    s.running().loss(),
                    StatusLine.time(s.left())));
        }
    }

    @Override
    public void epoch(EpochRecord record, Time time) {
        status.clear();
    }

    @Override
    public void note(String line) {
        status.clear();
        terminal.say(job + ": " + line);
    }
}
