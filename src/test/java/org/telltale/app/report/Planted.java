package org.telltale.app.report;

import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.telltale.app.data.Scores;
import org.telltale.app.data.Split;
import org.telltale.app.experiment.Findings;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * An experiment that never was: two tasks with 2,000 test pictures each, four classifiers, three captioners, five trials, and
 * accuracies that are known to the picture. With these numbers every mean of two decimals in percent is exact.
 */
final class Planted {
    static final int PICTURES = 2000;
    static final int TRIALS = 5;
    static final String DISASTER = "disaster_types";
    static final String DAMAGE = "damage_severity";

    static final List<String> CLASSIFIERS = List.of("MobNetV2", "EffNet B0", "EffNet B1", "EffNet B2");
    static final List<String> CAPTIONERS = List.of("IV3+RNN", "BLIP", "CLIP-I");

    /** How many pictures are told right in all five trials together, which is 100 times the mean accuracy in percent. */
    static final Map<String, Map<String, Integer>> RIGHT = Map.of(
            DISASTER,
            Map.of(
                    "MobNetV2", 7012,
                    "EffNet B0", 7703,
                    "EffNet B1", 7580,
                    "EffNet B2", 7691,
                    "IV3+RNN", 4311,
                    "BLIP", 7098,
                    "CLIP-I", 8467),
            DAMAGE,
            Map.of(
                    "MobNetV2", 7290,
                    "EffNet B0", 7655,
                    "EffNet B1", 7702,
                    "EffNet B2", 7588,
                    "IV3+RNN", 5204,
                    "BLIP", 7255,
                    "CLIP-I", 7801));

    /** What a trial has more than the mean of all, in pictures; the rest of the division goes to the last. */
    private static final List<Integer> MORE = List.of(-14, 9, 3, -6, 8);

    private static final Map<String, List<String>> LABELS = Map.of(
            DISASTER,
            List.of("earthquake", "fire", "flood", "hurricane", "landslide", "not_disaster", "other_disaster"),
            DAMAGE,
            List.of("little_or_none", "mild", "severe"));

    private static final Map<String, List<Integer>> TEST =
            Map.of(DISASTER, List.of(256, 177, 375, 219, 167, 616, 190), DAMAGE, List.of(945, 315, 740));

    private static final Map<String, List<Integer>> TRAIN =
            Map.of(DISASTER, List.of(2040, 1245, 2322, 1441, 939, 3615, 1122), DAMAGE, List.of(11_072, 3883, 11_943));

    private static final Map<String, List<Integer>> DEV =
            Map.of(DISASTER, List.of(218, 141, 276, 178, 124, 486, 151), DAMAGE, List.of(1467, 504, 927));

    private Planted() {}

    /** The experiment when all its trials are done. */
    static Findings findings(Path pictures) {
        return findings(pictures, TRIALS);
    }

    /** The same when fewer are, of every system. */
    static Findings findings(Path pictures, int trials) {
        List<Findings.Task> tasks = List.of(task(DISASTER, pictures, trials), task(DAMAGE, pictures, trials));
        return new Findings(
                tasks,
                TRIALS,
                captions(tasks),
                List.of("MobNetV2", "EffNet B0"),
                IntStream.rangeClosed(0, 10).mapToObj(i -> i / 10.0).toList(),
                provenance(),
                times());
    }

    private static Findings.Task task(String name, Path pictures, int trials) {
        Random random = new Random(name.hashCode());
        List<String> truth = new ArrayList<>();
        for (int l = 0; l < LABELS.get(name).size(); l++) {
            truth.addAll(
                    Collections.nCopies(TEST.get(name).get(l), LABELS.get(name).get(l)));
        }
        Collections.shuffle(truth, random);
        List<Findings.Picture> test = new ArrayList<>();
        for (int i = 0; i < PICTURES; i++) {
            test.add(new Findings.Picture(
                    "data/" + name + "/" + i + ".jpg",
                    pictures.resolve(truth.get(i) + "-" + i % 8 + ".png"),
                    truth.get(i)));
        }
        double[] hard = random.doubles(PICTURES).toArray();
        Map<String, List<List<Scores>>> images = new LinkedHashMap<>();
        double[] seen = random.doubles(PICTURES).toArray();
        CLASSIFIERS.forEach(c -> images.put(c, scores(name, c, Scores.Source.IMAGE, test, hard, seen, trials)));
        Map<String, List<List<Scores>>> texts = new LinkedHashMap<>();
        double[] told = random.doubles(PICTURES).toArray();
        CAPTIONERS.forEach(c -> texts.put(c, scores(name, c, Scores.Source.TEXT, test, hard, told, trials)));
        Map<Split, List<Integer>> counts = new LinkedHashMap<>();
        counts.put(Split.TRAIN, TRAIN.get(name));
        counts.put(Split.DEV, DEV.get(name));
        counts.put(Split.TEST, TEST.get(name));
        return new Findings.Task(name, LABELS.get(name), counts, test, images, texts);
    }

    /** How many pictures a trial of a system has right. */
    static int right(String task, String system, int trial) {
        int all = RIGHT.get(task).get(system);
        return all / TRIALS + MORE.get(trial) + (trial == TRIALS - 1 ? all % TRIALS : 0);
    }

    /** The pictures that are easiest by what all, one side, and this trial alone see are right; the nearer to the edge, the less sure. */
    private static List<List<Scores>> scores(
            String task,
            String system,
            Scores.Source source,
            List<Findings.Picture> test,
            double[] hard,
            double[] side,
            int trials) {
        Random own = new Random(31L * task.hashCode() + system.hashCode());
        double[] systemic = own.doubles(PICTURES).toArray();
        List<List<Scores>> all = new ArrayList<>();
        for (int k = 0; k < trials; k++) {
            double[] ease = new double[PICTURES];
            for (int i = 0; i < PICTURES; i++) {
                ease[i] = 0.8 * hard[i] + 0.7 * side[i] + 0.5 * systemic[i] + 0.35 * own.nextDouble();
            }
            List<Integer> order = IntStream.range(0, PICTURES)
                    .boxed()
                    .sorted(Comparator.comparingDouble(i -> -ease[i]))
                    .toList();
            int right = right(task, system, k);
            List<Scores> scores = new ArrayList<>();
            for (int rank = 0; rank < PICTURES; rank++) {
                int i = order.get(rank);
                double edge = (right - 0.5 - rank) / PICTURES;
                scores.add(score(task, source, test.get(i), edge, own));
            }
            all.add(scores);
        }
        return all;
    }

    private static Scores score(
            String task, Scores.Source source, Findings.Picture picture, double edge, Random random) {
        List<String> labels = LABELS.get(task);
        int truth = labels.indexOf(picture.label());
        int other = (truth + 1 + (random.nextInt(3) == 0 ? 1 : 0)) % labels.size();
        double lead = Math.min(0.97, 0.01 + 1.6 * Math.abs(edge));
        double rest = 0.06 * (1 - lead);
        Map<String, Double> p = new LinkedHashMap<>();
        for (String l : labels) {
            p.put(l, rest / labels.size());
        }
        double high = (1 - rest) * (0.5 + lead / 2);
        p.merge(labels.get(edge > 0 ? truth : other), high, Double::sum);
        p.merge(labels.get(edge > 0 ? other : truth), 1 - rest - high, Double::sum);
        return new Scores(picture.id(), source, p);
    }

    private static final Map<String, List<String>> SCENES = Map.of(
            "earthquake", List.of("a pile of rubble next to a building", "a group of people standing on top of rubble"),
            "fire", List.of("a large fire burning in a forest", "a fire truck next to a burning house"),
            "flood", List.of("a flooded street with cars in the water", "a man walking through a flooded street"),
            "hurricane", List.of("a palm tree in a storm", "a damaged house after a storm"),
            "landslide", List.of("a road covered with mud and rocks", "a hill with fallen trees"),
            "not_disaster",
                    List.of(
                            "a group of people posing for a picture",
                            "a man in a suit and tie",
                            "a red car parked in a lot"),
            "other_disaster", List.of("a train that has fallen off its tracks", "a car crashed on a road"),
            "little_or_none", List.of("a group of people posing for a picture", "a street with houses"),
            "mild", List.of("a house with a damaged roof", "a broken window"),
            "severe", List.of("a building that has collapsed", "a pile of rubble next to a building"));

    private static Map<String, Map<String, String>> captions(List<Findings.Task> tasks) {
        List<String> flavours = List.of(
                "collapsed building",
                "photo-realistic",
                "akira movie style",
                "videogame still",
                "unreal engine",
                "burning building",
                "flooded old ruins",
                "news photo",
                "test",
                "trending on flickr",
                "wide shot",
                "damaged buildings");
        List<String> odd =
                List.of("a man riding a wave", "a cat sitting", "people at a table", "a kitchen with a stove");
        Map<String, Map<String, String>> all = new LinkedHashMap<>();
        for (String captioner : CAPTIONERS) {
            Random random = new Random(captioner.length());
            Map<String, String> captions = new LinkedHashMap<>();
            for (Findings.Task task : tasks) {
                for (Findings.Picture p : task.test()) {
                    List<String> scenes = SCENES.get(p.label());
                    String scene = scenes.get(random.nextInt(scenes.size()));
                    captions.put(
                            p.id(),
                            switch (captioner) {
                                case "IV3+RNN" ->
                                    odd.get(random.nextInt(odd.size())) + " and " + odd.get(random.nextInt(odd.size()));
                                case "BLIP" -> scene;
                                default -> {
                                    StringBuilder b = new StringBuilder(scene);
                                    for (int i = 0; i < 9; i++) {
                                        b.append(", ").append(flavours.get(random.nextInt(flavours.size())));
                                    }
                                    yield b.toString();
                                }
                            });
                }
            }
            all.put(captioner, captions);
        }
        return all;
    }

    private static ObjectNode provenance() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("version", "0.1.0");
        node.put("commit", "98e9bee");
        node.put("backend", "vector avx512");
        node.put("precision", "f32");
        ObjectNode configuration = node.putObject("configuration");
        configuration.put("split", "union");
        configuration.put("trials", TRIALS);
        configuration.put("seed", 1);
        ObjectNode sha256 = node.putObject("sha256");
        sha256.put("mobilenet/model.safetensors", "a".repeat(64));
        sha256.put("bert/model.safetensors", "b".repeat(64));
        return node;
    }

    private static List<Findings.Time> times() {
        String machine = "AMD EPYC, 2 threads, avx512";
        List<Findings.Time> times = new ArrayList<>();
        for (String c : CAPTIONERS) {
            times.add(new Findings.Time("captions", "", c, 0, c.equals("CLIP-I") ? 41_000 : 7300.5, 52_407, machine));
        }
        for (String task : List.of(DISASTER, DAMAGE)) {
            for (int k = 1; k <= TRIALS; k++) {
                for (String c : CLASSIFIERS) {
                    times.add(new Findings.Time("image", task, c, k, 812.25 + k, 17_511, machine));
                }
                for (String c : CAPTIONERS) {
                    times.add(new Findings.Time("text", task, c, k, 1310 + k, 17_511, machine));
                }
            }
        }
        return times;
    }

    /** Draws the pictures that the test pictures name. */
    static void draw(Path folder) throws IOException {
        List<String> labels = new ArrayList<>(LABELS.get(DISASTER));
        labels.addAll(LABELS.get(DAMAGE));
        for (String label : labels) {
            for (int i = 0; i < 8; i++) {
                Random random = new Random(label.hashCode() + 7L * i);
                boolean tall = i % 4 == 3;
                BufferedImage image = new BufferedImage(tall ? 360 : 480, tall ? 480 : 320, BufferedImage.TYPE_INT_RGB);
                Graphics2D g = image.createGraphics();
                float hue = labels.indexOf(label) / (float) labels.size();
                g.setPaint(new GradientPaint(
                        0,
                        0,
                        Color.getHSBColor(hue, 0.25f, 0.95f),
                        0,
                        image.getHeight(),
                        Color.getHSBColor(hue, 0.6f, 0.55f)));
                g.fillRect(0, 0, image.getWidth(), image.getHeight());
                for (int k = 0; k < 24; k++) {
                    g.setColor(Color.getHSBColor(
                            hue + random.nextFloat() * 0.12f, 0.4f, 0.3f + random.nextFloat() * 0.6f));
                    int w = 20 + random.nextInt(70);
                    g.fillRect(
                            random.nextInt(image.getWidth()),
                            image.getHeight() - random.nextInt(200),
                            w,
                            30 + random.nextInt(160));
                }
                g.dispose();
                ImageIO.write(
                        image, "png", folder.resolve(label + "-" + i + ".png").toFile());
            }
        }
    }
}
