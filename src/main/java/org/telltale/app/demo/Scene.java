package org.telltale.app.demo;

import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;

/**
 * What one drawn picture shows. Some kinds look alike and are told alike only in part: a sunset has the sky of a
 * forest fire and a construction site the heaps of a collapsed building, but other words belong to them; a cracked house
 * and an old one, or calm trees and flooded ones, get the same words now and then, but look different.
 *
 * @param index of the picture; all of it is a pure function of the seed and this number
 * @param captions two or three
 */
record Scene(int index, Type type, Severity severity, List<String> captions) {
    private static final int CAPTIONS = 3;

    /** The disaster, as CrisisNLP names it. */
    enum Type {
        EARTHQUAKE,
        FIRE,
        FLOOD,
        HURRICANE,
        NOT_DISASTER;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** How much is damaged, as CrisisNLP names it. */
    enum Severity {
        LITTLE_OR_NONE,
        MILD,
        SEVERE;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What is drawn, and how many of 100 pictures show it. */
    enum Kind {
        RUBBLE(Type.EARTHQUAKE, 9),
        CRACKED_HOUSE(Type.EARTHQUAKE, 8),
        BURNING_HOUSE(Type.FIRE, 9),
        FOREST_FIRE(Type.FIRE, 8),
        FLOODED_STREET(Type.FLOOD, 9),
        FLOODED_FIELD(Type.FLOOD, 9),
        STORM(Type.HURRICANE, 9),
        WRECKED_HOUSE(Type.HURRICANE, 7),
        LAKE(Type.NOT_DISASTER, 7),
        SUNSET(Type.NOT_DISASTER, 5),
        CONSTRUCTION(Type.NOT_DISASTER, 4),
        STREET(Type.NOT_DISASTER, 3),
        BEACH(Type.NOT_DISASTER, 5),
        CAMP(Type.NOT_DISASTER, 2),
        OLD_HOUSE(Type.NOT_DISASTER, 6);

        final Type type;
        private final int share;

        Kind(Type type, int share) {
            this.type = type;
            this.share = share;
        }

        /** The kind of a number from 0 to 99. */
        static Kind of(int percent) {
            int left = percent;
            for (Kind k : values()) {
                left -= k.share;
                if (left < 0) {
                    return k;
                }
            }
            throw new IllegalArgumentException(percent + " of 100");
        }
    }

    Scene {
        captions = List.copyOf(captions);
    }

    record Drawn(Scene scene, BufferedImage picture) {}

    static Drawn draw(long seed, int index) {
        Dice look = new Dice(seed, 2L * index);
        Dice words = new Dice(seed, 2L * index + 1);
        ScenePainter painter = new ScenePainter(look);
        ScenePainter.Painted painted = painter.paint(Kind.of(look.below(100)));
        Scene scene =
                new Scene(index, painted.kind().type, painted.severity(), words.some(CAPTIONS, painted.captions()));
        return new Drawn(scene, painter.image());
    }

    /** The name of its file, without a folder. */
    String file() {
        return String.format(Locale.ROOT, "%04d.png", index);
    }
}
