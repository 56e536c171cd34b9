package org.telltale.app.demo;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.telltale.app.demo.Scene.Kind;
import org.telltale.app.demo.Scene.Severity;

/** Paints one scene, and says what there is to tell about it. */
final class ScenePainter {
    private static final Map<String, Integer> WALLS =
            Map.of("white", 0xE9E4D8, "yellow", 0xDDB865, "red", 0xA9543F, "blue", 0x7C9DB8);
    private static final Map<String, Integer> COATS =
            Map.of("red", 0xB8281E, "white", 0xE6E6E2, "blue", 0x2E57A0, "black", 0x26282C);
    private static final List<String> WALL_WORDS = List.of("white", "yellow", "red", "blue");
    private static final List<String> COAT_WORDS = List.of("red", "white", "blue", "black");
    private static final int[] ROOFS = {0x8A3B2C, 0x5A4A42, 0x6E6A66, 0x7A5638};
    private static final int[] LEAVES = {0x3F7D34, 0x567F2E, 0x2F6A3C};

    private final Dice dice;
    private final Canvas canvas;
    private final Things things;

    ScenePainter(Dice dice) {
        this.dice = dice;
        this.canvas = new Canvas(dice);
        this.things = new Things(canvas, dice);
    }

    /** @param captions that fit, more than a picture gets */
    record Painted(Kind kind, Severity severity, List<String> captions) {}

    Painted paint(Kind kind) {
        boolean severe = dice.chance(0.55);
        List<String> told = new ArrayList<>();
        Severity severity = switch (kind) {
            case RUBBLE -> rubble(told);
            case CRACKED_HOUSE -> crackedHouse(told);
            case BURNING_HOUSE -> burningHouse(severe, told);
            case FOREST_FIRE -> forestFire(severe, told);
            case FLOODED_STREET -> floodedStreet(severe, told);
            case FLOODED_FIELD -> floodedField(told);
            case STORM -> storm(told);
            case WRECKED_HOUSE -> wreckedHouse(told);
            case LAKE -> lake(told);
            case SUNSET -> sunset(told);
            case CONSTRUCTION -> construction(told);
            case STREET -> street(told);
            case BEACH -> beach(told);
            case CAMP -> camp(told);
            case OLD_HOUSE -> oldHouse(told);
        };
        double bright = dice.between(0.86, 1.1);
        double warm = dice.between(-0.05, 0.05);
        canvas.light(bright * (1 + warm), bright, bright * (1 - warm));
        canvas.grain(5);
        return new Painted(kind, severity, told);
    }

    BufferedImage image() {
        return canvas.image();
    }

    private String wall() {
        return WALL_WORDS.get(dice.below(WALL_WORDS.size()));
    }

    private String coat() {
        return COAT_WORDS.get(dice.below(COAT_WORDS.size()));
    }

    private int wall(String word) {
        return Canvas.darker(WALLS.getOrDefault(word, 0), dice.between(0, 0.12));
    }

    private int coat(String word) {
        return COATS.getOrDefault(word, 0);
    }

    private int roof() {
        return ROOFS[dice.below(ROOFS.length)];
    }

    private int leaf() {
        return LEAVES[dice.below(LEAVES.length)];
    }

    private static String a(String noun) {
        return ("aeiou".indexOf(noun.charAt(0)) >= 0 ? "an " : "a ") + noun;
    }

    private void daySky() {
        if (dice.chance(0.65)) {
            canvas.rows(0, 90, 0x7FB4E6, 0xDCEBF7);
            things.clouds(0xFFFFFF, dice.below(3));
        } else {
            greySky();
        }
    }

    private void greySky() {
        canvas.rows(0, 90, 0x8B949C, 0xC9CDD0);
        things.clouds(0xDADDE0, 3);
    }

    private void stormSky() {
        canvas.rows(0, 96, 0x4A545E, 0x929BA1);
        things.clouds(0x3C444C, 5);
    }

    private void orangeSky() {
        canvas.rows(0, 92, Canvas.mix(0x54323C, 0x8A4A3A, dice.next()), Canvas.mix(0xF2A13A, 0xF08030, dice.next()));
    }

    /** Houses side by side; the colour of one of them. */
    private String houses(double y, double h) {
        String word = wall();
        double x = dice.between(8, 24);
        int count = 0;
        while (x < 128) {
            double w = dice.between(26, 36);
            int paint = count == 1 ? wall(word) : wall(wall());
            things.house(x, y, w, h * dice.between(0.85, 1.15), paint, roof(), 0, true);
            x += w + dice.between(3, 12);
            count++;
        }
        return word;
    }

    private Severity floodedStreet(boolean severe, List<String> told) {
        daySky();
        things.hills(74, 18, 0x6E8A62);
        double depth = severe ? dice.between(13, 18) : dice.between(2, 5);
        double shore = 78;
        String house = houses(shore + depth, 30);
        if (dice.chance(0.5)) {
            things.tree(dice.between(4, 124), shore + depth * 0.5, 40, leaf());
        }
        int water = dice.one(0x8A7350, 0x7D7460, 0x77705C, 0x6F7C84);
        things.water(shore, water, 0.3);
        String car = coat();
        double x = dice.between(24, 104);
        double y = dice.between(98, 112);
        double under = severe ? dice.between(8.5, 11) : dice.between(3, 5);
        canvas.clip(y - under);
        things.car(x, y, 1.5, coat(car));
        canvas.unclip();
        canvas.ellipse(x, y - under + 0.6, 22, 1.2, Canvas.lighter(water, 0.35), 0.8);
        boolean two = dice.chance(0.4);
        if (two) {
            double other = x < 64 ? x + 46 : x - 46;
            canvas.clip(y - 14 - under * 0.6);
            things.car(other, y - 14, 1.0, coat(coat()));
            canvas.unclip();
        }
        told.add("a flooded street with " + (two ? "two cars" : a(car + " car")));
        told.add(severe ? a(car + " car under deep water") : a(car + " car stands in shallow water"));
        told.add("water covers the street between the houses");
        told.add((severe ? "deep" : "brown") + " water in front of " + a(house + " house"));
        return severe ? Severity.SEVERE : Severity.MILD;
    }

    private Severity floodedField(List<String> told) {
        boolean grey = dice.chance(0.7);
        if (grey) {
            greySky();
        } else {
            daySky();
        }
        things.hills(72, 20, 0x66805C);
        int water = dice.one(0x8A7350, 0x7F7560, 0x8C7C62);
        things.water(70, water, 0.22);
        for (int i = 0; i < 6; i++) {
            double px = 8 + i * 20 + dice.between(-4, 4);
            canvas.rectangle(px, 92, px + 2, 101, 0x5B4632);
        }
        for (int i = 0; i < 3; i++) {
            double x = 18 + 40 * i + dice.between(-10, 10);
            double y = dice.between(84, 118);
            canvas.clip(y - 5);
            things.tree(x, y, dice.between(34, 46), leaf());
            canvas.unclip();
            canvas.ellipse(x, y - 4.5, 8, 1, Canvas.lighter(water, 0.3), 0.8);
        }
        told.add("trees stand in brown water");
        told.add("a flooded field with trees and a fence");
        told.add("trees and water under a " + (grey ? "grey" : "blue") + " sky");
        told.add("trees and water in front of a hill");
        return Severity.MILD;
    }

    private Severity burningHouse(boolean severe, List<String> told) {
        daySky();
        things.hills(80, 14, 0x6E8A62);
        things.grass(84, 0x6B8B46);
        String house = wall();
        double x = dice.between(44, 84);
        double y = 104;
        double w = dice.between(44, 56);
        double h = dice.between(32, 38);
        if (severe) {
            things.smoke(x, y - h, 16, 70, dice.between(-30, 30), 0x3A3635, 0.6);
        }
        things.house(x, y, w, h, Canvas.darker(wall(house), severe ? 0.25 : 0.05), roof(), 0, true);
        if (severe) {
            things.flames(x, y - h + 2, w * 0.95, 38);
            things.flames(x - w * 0.28, y - h * 0.42, 9, 15);
            things.flames(x + w * 0.26, y - h * 0.42, 9, 15);
            told.add("a burning " + house + " house with big flames");
            told.add("a " + house + " house on fire with black smoke");
            told.add("big flames come out of the roof of a house");
        } else {
            double wx = x + w * dice.one(-0.28, 0.26);
            things.smoke(wx, y - h * 0.8, 7, 50, dice.between(-20, 20), 0x7A7672, 0.45);
            things.flames(wx, y - h * 0.45, 8, 13);
            told.add("a small fire in " + a(house + " house"));
            told.add("smoke comes out of a window of " + a(house + " house"));
            told.add("a " + house + " house with grey smoke");
        }
        if (dice.chance(0.4)) {
            things.person(x + w * 0.8, 116, 0xD8B020);
            told.add("a man in front of a burning house");
        }
        return severe ? Severity.SEVERE : Severity.MILD;
    }

    private Severity forestFire(boolean severe, List<String> told) {
        if (severe) {
            orangeSky();
            things.smoke(dice.between(30, 98), 60, 22, 44, dice.between(-40, 40), 0x4A3A38, 0.55);
            things.clouds(0x6A4A44, 3);
        } else {
            daySky();
            things.smoke(dice.between(36, 92), 66, 9, 56, dice.between(-30, 30), 0x8C8884, 0.5);
        }
        things.hills(86, 26, severe ? 0x2E2A22 : 0x4E6E40);
        int flames = severe ? 5 : 1;
        for (int i = 0; i < flames; i++) {
            things.flames(
                    severe ? 12 + 26 * i + dice.between(-6, 6) : dice.between(40, 88),
                    dice.between(76, 84),
                    severe ? 16 : 7,
                    severe ? 24 : 9);
        }
        firs(severe ? 0x1E221A : 0x2F5230);
        if (severe) {
            told.add("a forest fire with flames and smoke on a hill");
            told.add("trees burn under an orange sky");
            told.add("big flames behind a dark forest");
            told.add("an orange sky over a dark forest");
        } else {
            told.add("smoke rises behind a green forest");
            told.add("grey smoke over a hill with trees");
            told.add("a small fire in a forest");
        }
        return severe ? Severity.SEVERE : Severity.MILD;
    }

    private void firs(int color) {
        canvas.rectangle(0, 112, 128, 128, color);
        for (int i = 0; i < 16; i++) {
            things.fir(
                    4 + 8 * i + dice.between(-3, 3),
                    118 + dice.between(-4, 8),
                    dice.between(18, 36),
                    Canvas.darker(color, dice.between(0, 0.2)));
        }
    }

    private Severity rubble(List<String> told) {
        daySky();
        boolean wall = dice.chance(0.6);
        things.hills(84, 12, 0x8A8A80);
        canvas.rows(88, 128, 0x9A9084, 0x857B70);
        if (dice.chance(0.5)) {
            things.block(dice.one(14.0, 114.0), 90, 30, 54, 0xA9A49C, false);
        }
        double x = dice.between(52, 76);
        if (wall) {
            things.block(x, 100, 58, dice.between(52, 66), dice.one(0xB5AC9E, 0xA8A6A2, 0xB89A80), true);
        }
        things.rubble(x, 112, dice.between(92, 112), dice.between(30, 42), 110);
        boolean people = dice.chance(0.45);
        if (people) {
            things.person(dice.between(20, 50), 122, 0xE07B1A);
            things.person(dice.between(70, 110), 124, 0xD8D020);
        }
        told.add("a collapsed building");
        told.add("a pile of rubble and broken walls");
        told.add(people ? "people in front of a collapsed building" : "a collapsed building beside a street");
        told.add("a heap of stones beside a building");
        return Severity.SEVERE;
    }

    private Severity crackedHouse(List<String> told) {
        daySky();
        things.hills(80, 12, 0x738F62);
        things.grass(90, 0x7C8F52);
        String house = wall();
        double x = dice.between(48, 80);
        double w = dice.between(46, 56);
        double h = dice.between(38, 46);
        boolean tree = tree(x);
        things.house(
                x, 108, w, h, Canvas.darker(wall(house), 0.12), roof(), dice.one(-1, 1) * dice.between(6, 10), true);
        things.cracks(x, 106, w, h * 0.9, 5);
        things.rubble(x + dice.one(-1, 1) * w * 0.45, 112, 26, 7, 22);
        told.add("an old " + house + " house with cracks in the wall");
        told.add("a leaning house");
        told.add(tree ? "an old house beside a tree" : "an old house with stones in front of it");
        told.add("an old " + house + " house on a field");
        return Severity.MILD;
    }

    private boolean tree(double house) {
        boolean tree = dice.chance(0.6);
        if (tree) {
            things.tree(house < 64 ? dice.between(104, 118) : dice.between(10, 24), 106, 52, leaf());
        }
        return tree;
    }

    private Severity oldHouse(List<String> told) {
        daySky();
        things.hills(80, 12, 0x738F62);
        things.grass(90, 0x6F9448);
        String house = wall();
        double x = dice.between(48, 80);
        boolean tree = tree(x);
        things.house(
                x, 108, dice.between(46, 56), dice.between(38, 46), Canvas.darker(wall(house), 0.1), roof(), 0, true);
        told.add("an old " + house + " house on a field");
        told.add(tree ? "an old house beside a tree" : "an old house on green grass");
        told.add("a " + house + " house on green grass");
        return Severity.LITTLE_OR_NONE;
    }

    private Severity storm(List<String> told) {
        stormSky();
        canvas.rows(80, 100, 0x5E6D74, 0x75858A);
        for (int i = 0; i < 14; i++) {
            canvas.ellipse(dice.between(0, 128), dice.between(82, 98), dice.between(4, 12), 1, 0xD5DCDE, 0.8);
        }
        canvas.rows(100, 128, 0xA59678, 0x8E8168);
        double wind = dice.one(-1, 1) * dice.between(0.45, 0.65);
        int count = 2 + dice.below(2);
        for (int i = 0; i < count; i++) {
            things.palm(
                    20 + 44 * i + dice.between(-8, 8) - 20 * Math.signum(wind),
                    112 + dice.between(-4, 8),
                    dice.between(56, 74),
                    wind);
        }
        things.debris(104, 6);
        things.rain(130, 3 * Math.signum(wind) + wind * 3);
        told.add("palm trees bend in strong wind");
        told.add("a storm with rain over the sea");
        told.add("palm trees in heavy rain");
        told.add("palm trees on a beach");
        return Severity.MILD;
    }

    private Severity wreckedHouse(List<String> told) {
        if (dice.chance(0.6)) {
            stormSky();
        } else {
            greySky();
        }
        things.hills(82, 12, 0x6C7A64);
        things.grass(88, 0x77804F);
        String house = wall();
        double x = dice.between(46, 82);
        things.house(
                x, 106, dice.between(46, 58), dice.between(30, 38), wall(house), roof(), dice.between(-3, 3), false);
        things.debris(100, 46);
        double fallen = x < 64 ? 108 : 20;
        canvas.line(fallen - 18, 116, fallen + 16, 108, 3.4, 0x5E4630);
        for (int i = 0; i < 5; i++) {
            canvas.ellipse(fallen + 14 + dice.between(-6, 6), 106 + dice.between(-6, 6), 6, 5, leaf());
        }
        if (dice.chance(0.3)) {
            things.rain(60, 3);
        }
        told.add("a house without a roof after a storm");
        told.add("a destroyed " + house + " house");
        told.add("wood and debris around " + a(house + " house"));
        told.add("a fallen tree beside a destroyed house");
        return Severity.SEVERE;
    }

    private Severity lake(List<String> told) {
        boolean grey = dice.chance(0.5);
        if (grey) {
            greySky();
        } else {
            daySky();
        }
        things.hills(74, 22, 0x66805C);
        boolean near = dice.chance(0.5);
        String house = near ? houses(78, 24) : "";
        if (!near) {
            for (int i = 0; i < 6; i++) {
                things.tree(10 + 22 * i + dice.between(-6, 6), 80, dice.between(24, 36), leaf());
            }
        }
        things.water(80, dice.one(0x5F86A0, 0x6F7C84, 0x7D7A66), 0.3);
        canvas.rectangle(0, 78, 128, 81, 0x7C9A52);
        boolean boat = dice.chance(0.7);
        String sail = dice.one("white", "red");
        if (boat) {
            things.boat(dice.between(30, 98), dice.between(98, 114), dice.between(0.9, 1.3), coat(sail));
        }
        told.add(boat ? a(sail + " boat on a lake") : "a calm lake");
        told.add(near ? "a lake in front of " + a(house + " house") : "a lake with trees");
        told.add(near ? "houses beside a lake" : "trees and water under a " + (grey ? "grey" : "blue") + " sky");
        told.add(near ? "water in front of " + a(house + " house") : "trees and water in front of a hill");
        return Severity.LITTLE_OR_NONE;
    }

    private Severity sunset(List<String> told) {
        orangeSky();
        things.clouds(0x7A4A48, 2 + dice.below(4));
        double x = dice.between(24, 104);
        things.sun(x, dice.between(56, 70), 9, 0xFFC860);
        things.hills(88, 24, 0x2E2A26);
        firs(0x1E201C);
        told.add("a sunset over a dark forest");
        told.add("the sun sets behind a hill with trees");
        told.add("an orange sky over a dark forest");
        return Severity.LITTLE_OR_NONE;
    }

    private Severity construction(List<String> told) {
        daySky();
        things.hills(84, 12, 0x8A8A80);
        canvas.rows(88, 128, 0xA2937E, 0x8C7E6C);
        int side = dice.one(-1, 1);
        double x = 64 + side * dice.between(6, 16);
        things.crane(64 - side * 40, 104, dice.between(74, 88), side);
        things.skeleton(x, 104, dice.between(52, 64), 2 + dice.below(3));
        things.rubble(64 - side * dice.between(20, 34), 116, dice.between(44, 60), dice.between(14, 22), 50);
        if (dice.chance(0.6)) {
            things.person(dice.between(30, 100), 122, 0xE07B1A);
        }
        told.add("a yellow crane at a construction site");
        told.add("a new building and a yellow crane");
        told.add("a construction site");
        told.add("a heap of stones beside a building");
        return Severity.LITTLE_OR_NONE;
    }

    private Severity street(List<String> told) {
        daySky();
        things.hills(74, 16, 0x6E8A62);
        String house = houses(82, 32);
        things.road(82);
        if (dice.chance(0.5)) {
            things.tree(dice.between(8, 120), 86, 42, leaf());
        }
        String car = coat();
        things.car(dice.between(28, 100), dice.between(100, 112), 1.5, coat(car));
        told.add("a street with " + a(car + " car"));
        told.add("a " + car + " car on a dry street");
        told.add("a street in front of " + a(house + " house"));
        return Severity.LITTLE_OR_NONE;
    }

    private Severity beach(List<String> told) {
        if (dice.chance(0.75)) {
            canvas.rows(0, 90, 0x6FB0EA, 0xE2F0FA);
        } else {
            greySky();
        }
        things.water(80, 0x3F93B5, 0.3);
        canvas.rows(100, 128, 0xE6D3A0, 0xD2BC86);
        int count = 1 + dice.below(3);
        for (int i = 0; i < count; i++) {
            things.palm(
                    22 + 42 * i + dice.between(-8, 8),
                    112 + dice.between(-4, 8),
                    dice.between(56, 74),
                    dice.between(-0.15, 0.15));
        }
        if (dice.chance(0.4)) {
            things.person(dice.between(20, 108), 120, coat(coat()));
        }
        told.add("palm trees on a beach");
        told.add("a sunny beach with palm trees");
        told.add("palm trees beside the blue sea");
        return Severity.LITTLE_OR_NONE;
    }

    private Severity camp(List<String> told) {
        if (dice.chance(0.5)) {
            orangeSky();
        } else {
            daySky();
        }
        things.hills(84, 18, 0x3F5A3A);
        for (int i = 0; i < 9; i++) {
            things.fir(6 + 15 * i + dice.between(-4, 4), 94, dice.between(24, 40), 0x2C4A2C);
        }
        things.grass(92, 0x5F7F3C);
        String tent = dice.one("red", "blue");
        double x = dice.between(30, 50);
        boolean left = dice.chance(0.5);
        things.tent(left ? x : 128 - x, 112, coat(tent));
        double fire = left ? dice.between(84, 108) : dice.between(20, 44);
        canvas.line(fire - 8, 117, fire + 8, 114, 2.4, 0x4A3020);
        canvas.line(fire - 8, 114, fire + 8, 117, 2.4, 0x4A3020);
        things.smoke(fire, 100, 4, 40, dice.between(-10, 10), 0x9A9692, 0.3);
        things.flames(fire, 115, 12, 17);
        told.add("a campfire beside a " + tent + " tent");
        told.add("a " + tent + " tent in a forest");
        told.add("a small fire in front of a tent");
        return Severity.LITTLE_OR_NONE;
    }
}
