package org.telltale.app;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.telltale.api.ModelNotFoundException;
import org.telltale.app.data.DataException;
import org.telltale.app.hub.Bytes;
import org.telltale.app.hub.FileChoice;
import org.telltale.app.hub.FileFetch;
import org.telltale.app.hub.HubSettings;
import org.telltale.app.hub.PaperManifest;
import org.telltale.app.hub.Pull;
import org.telltale.app.hub.RemoteFile;
import org.telltale.app.pipeline.Terminal;

/** {@code telltale pull paper}: says what there is and what it may be used for, asks, and fetches one after the other. */
final class PaperPull {
    private final Terminal terminal;
    private final HubSettings settings;
    private final Pull pull;
    private final FileChoice choice;
    private final Path folder;
    private final PaperManifest manifest;

    /** A part of the manifest that can be had. */
    private interface Part {
        String name();

        String licence();

        long bytes();

        /** Fetches it; where it is then. */
        Path fetch() throws InterruptedException;
    }

    /** Makes a part, or fails. */
    private interface Planning {
        Part plan() throws InterruptedException;
    }

    /**
     * @param choice which parts, by id or path
     * @param folder of files that are not of the hub
     */
    PaperPull(Terminal terminal, HubSettings settings, Pull pull, FileChoice choice, Path folder) {
        this(terminal, settings, pull, choice, folder, PaperManifest.read());
    }

    PaperPull(
            Terminal terminal,
            HubSettings settings,
            Pull pull,
            FileChoice choice,
            Path folder,
            PaperManifest manifest) {
        this.terminal = terminal;
        this.settings = settings;
        this.pull = pull;
        this.choice = choice;
        this.folder = folder;
        this.manifest = manifest;
    }

    Exit run(boolean dryRun, boolean yes) throws InterruptedException {
        int wanted = 0;
        List<Part> parts = new ArrayList<>();
        for (PaperManifest.Model m : manifest.models()) {
            if (choice.takes(m.id().toString())) {
                wanted++;
                plan(() -> model(m), "about " + Bytes.text(m.about())).ifPresent(parts::add);
            }
        }
        for (PaperManifest.Item i : manifest.files()) {
            if (choice.takes(i.path())) {
                wanted++;
                plan(() -> file(i), i.size() < 0 ? "size unknown" : Bytes.text(i.size()))
                        .ifPresent(parts::add);
            }
        }
        for (PaperManifest.ByHand b : manifest.byHand()) {
            terminal.say("not fetched: " + b.what() + ", " + b.size() + ", " + b.url() + " (" + b.licence() + ")");
        }
        if (wanted == 0) {
            throw new Exit.UsageException("--include and --exclude leave nothing of what the paper needs");
        }
        long bytes = parts.stream().mapToLong(Part::bytes).sum();
        Exit exit = parts.size() < wanted ? Exit.SOME_FAILED : Exit.OK;
        terminal.say(parts.size() + " of " + wanted + " parts can be had; " + Bytes.text(bytes) + " to fetch");
        if (dryRun) {
            return exit;
        }
        if (bytes > 0 && !yes && !agreed(bytes)) {
            terminal.say("nothing was fetched");
            return exit;
        }
        for (Part p : parts) {
            try {
                terminal.out().print(p.name() + "\t" + p.fetch() + "\n");
            } catch (ModelNotFoundException | DataException e) {
                terminal.say(String.valueOf(e.getMessage()));
                exit = Exit.SOME_FAILED;
            }
        }
        return exit;
    }

    private Optional<Part> plan(Planning planning, String otherwise) throws InterruptedException {
        try {
            Part p = planning.plan();
            terminal.say(String.format(
                    Locale.ROOT,
                    "%9s  %s (%s)",
                    p.bytes() == 0 ? "there" : Bytes.text(p.bytes()),
                    p.name(),
                    p.licence()));
            return Optional.of(p);
        } catch (ModelNotFoundException | DataException e) {
            terminal.say(e.getMessage() + " (" + otherwise + ")");
            return Optional.empty();
        }
    }

    private Part model(PaperManifest.Model m) throws InterruptedException {
        Pull.Plan plan = pull.plan(m.id(), m.choice());
        for (RemoteFile e : m.expected()) {
            for (RemoteFile f : plan.files()) {
                boolean differs = (e.size() >= 0 && e.size() != f.size())
                        || (!e.hash().isEmpty() && !e.hash().equals(f.hash()));
                if (e.path().equals(f.path()) && differs) {
                    throw new DataException(m.id() + ": " + f.path() + " is another file than the experiment's: "
                            + f.size() + " bytes, hash " + f.hash() + ", expected " + e.size() + " bytes, hash "
                            + (e.hash().isEmpty() ? "unknown" : e.hash()));
                }
            }
        }
        String stated = plan.listing().licence();
        return new Part() {
            @Override
            public String name() {
                return m.id().toString();
            }

            @Override
            public String licence() {
                return (stated.isEmpty() ? m.licence() : stated) + "; " + m.purpose();
            }

            @Override
            public long bytes() {
                return plan.bytes();
            }

            @Override
            public Path fetch() throws InterruptedException {
                return pull.fetch(plan);
            }
        };
    }

    private Part file(PaperManifest.Item i) throws InterruptedException {
        FileFetch plan = pull.plan(i, folder);
        return new Part() {
            @Override
            public String name() {
                return i.path();
            }

            @Override
            public String licence() {
                return i.licence() + "; " + i.purpose();
            }

            @Override
            public long bytes() {
                return plan.bytes();
            }

            @Override
            public Path fetch() throws InterruptedException {
                return pull.fetch(plan);
            }
        };
    }

    private boolean agreed(long bytes) {
        if (!terminal.interactive()) {
            throw new Exit.UsageException(
                    "--yes is needed to fetch " + Bytes.text(bytes) + " where nobody can be asked");
        }
        terminal.err()
                .print("fetch " + Bytes.text(bytes) + " into " + settings.cache() + " and " + folder + "? [y/N] ");
        terminal.err().flush();
        try {
            String answer = new BufferedReader(new InputStreamReader(terminal.in(), StandardCharsets.UTF_8)).readLine();
            return answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes");
        } catch (IOException e) {
            return false;
        }
    }
}
