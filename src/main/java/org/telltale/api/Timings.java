package org.telltale.api;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Where the wall time goes: a clock that begins when it is made, in {@link Stage#OTHER}, and is always in exactly one
 * stage, so that the stages add up to the whole. Stages nest: while an inner one lasts, the outer one's clock stands.
 *
 * <p>The stages belong to one caller at a time, as the calls of a handle do. What other threads do meanwhile is counted
 * {@linkplain #aside aside}, beyond the sum.
 */
public final class Timings {
    /** What the time is spent on. */
    public enum Stage {
        ARGUMENTS("reading the command line"),
        MODEL("model: files, configuration, checks"),
        COMPILE("model: compiling, packing weights"),
        PICTURES("pictures: waiting for the reader"),
        PREPARE("preparing inputs"),
        RUN("running the model"),
        VISION("vision"),
        TEXTS("encoding texts"),
        LABELS("labels: tables and ranking"),
        PROMPT("decoding: prompt"),
        STEP("decoding: steps"),
        CHOICE("decoding: choosing tokens"),
        WRITE("writing results"),
        HASH("waiting for SHA-256"),
        /** Everything that no other stage names. */
        OTHER("other");

        private final String title;

        Stage(String title) {
            this.title = title;
        }

        /** What people read. */
        public String title() {
            return title;
        }
    }

    /** Work of other threads, at the same time as the stages. */
    public enum Aside {
        READ("reading and decoding pictures"),
        HASH("SHA-256 of the model's files");

        private final String title;

        Aside(String title) {
            this.title = title;
        }

        /** What people read. */
        public String title() {
            return title;
        }
    }

    /** How often something was done, and its time in nanoseconds. */
    public record Sum(int count, long nanos) {
        private Sum plus(Sum more) {
            return new Sum(count + more.count, nanos + more.nanos);
        }
    }

    private final Map<Stage, Sum> stages = new EnumMap<>(Stage.class);
    private final Map<Aside, Sum> asides = new EnumMap<>(Aside.class);
    private long deviceMemory;
    private Stage current = Stage.OTHER;
    private long since = System.nanoTime();

    /** Goes on in another stage, which counts once more; the stage so far, to {@linkplain #leave go back} to. */
    public synchronized Stage enter(Stage stage) {
        Stage outer = current;
        change(stage);
        stages.merge(stage, new Sum(1, 0), Sum::plus);
        return outer;
    }

    /** Goes back to the stage that {@link #enter} returned. */
    public synchronized void leave(Stage outer) {
        change(outer);
    }

    private void change(Stage stage) {
        long now = System.nanoTime();
        stages.merge(current, new Sum(0, now - since), Sum::plus);
        since = now;
        current = stage;
    }

    /** Makes something within a stage. */
    public <T> T in(Stage stage, Supplier<T> maker) {
        Stage outer = enter(stage);
        try {
            return maker.get();
        } finally {
            leave(outer);
        }
    }

    /** Does something within a stage. */
    public void in(Stage stage, Runnable work) {
        in(stage, () -> {
            work.run();
            return 0;
        });
    }

    /** Counts work of another thread that began at a {@link System#nanoTime()} and ends now. */
    public synchronized void aside(Aside kind, long began) {
        asides.merge(kind, new Sum(1, System.nanoTime() - began), Sum::plus);
    }

    /** The sums up to now of the stages that there were, in the order of {@link Stage}. */
    public synchronized Map<Stage, Sum> stages() {
        change(current);
        return new EnumMap<>(stages);
    }

    /** The sums up to now of the work of other threads. */
    public synchronized Map<Aside, Sum> asides() {
        return new EnumMap<>(asides);
    }

    /** Notes how many bytes were held at once on a device with memory of its own. */
    public synchronized void deviceMemory(long bytes) {
        deviceMemory = Math.max(deviceMemory, bytes);
    }

    /** The most of these, 0 without such a device. */
    public synchronized long deviceMemory() {
        return deviceMemory;
    }
}
