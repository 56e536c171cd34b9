package org.telltale.engine.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The folders of reference values ({@code telltale.golden}) and of real data ({@code telltale.data}).
 *
 * <p>They are not part of the repository: where one is absent, the tests that need it are reported as skipped, by name.
 */
public final class Golden {
    private static final JsonMapper JSON = new JsonMapper();

    private Golden() {}

    /** How far an actual value may be from a reference: {@code |a - b| <= atol + rtol * |b|}. */
    public record Tolerance(double atol, double rtol) {}

    /** The folder of reference values. */
    public static Optional<Path> folder() {
        return Optional.ofNullable(System.getProperty("telltale.golden"))
                .map(Path::of)
                .filter(Files::isDirectory);
    }

    /** A folder of reference values, such as {@code formats}; the test is skipped where it is absent. */
    public static Path area(String name) {
        return existing("golden", "telltale.golden", name);
    }

    /** A file or folder of real data; the test is skipped where it is absent. */
    public static Path data(String name) {
        return existing("data", "telltale.data", name);
    }

    /** The content of a JSON file. */
    public static JsonNode json(Path file) {
        return JSON.readTree(file);
    }

    /** The numbers of a JSON array as float32. */
    public static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) array.get(i).asDouble();
        }
        return values;
    }

    /** The numbers of a JSON array. */
    public static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).intValue();
        }
        return values;
    }

    /**
     * The first entry of a tolerance table whose pattern matches a key; {@code *} stands for any text and {@code |}
     * separates alternatives, as in {@code cache.*key|cache.*value}.
     *
     * @throws IllegalArgumentException if no pattern matches
     */
    public static JsonNode lookUp(JsonNode table, String key) {
        for (Map.Entry<String, JsonNode> e : table.properties()) {
            if (matches(e.getKey(), key)) {
                return e.getValue();
            }
        }
        throw new IllegalArgumentException("no pattern of the tolerances matches \"" + key + "\": "
                + table.propertyNames().stream().toList());
    }

    /** The tolerance of a key: an entry {@code [atol, rtol]} or {@code {"atol": a, "rtol": r}} of a table. */
    public static Tolerance tolerance(JsonNode table, String key) {
        JsonNode t = lookUp(table, key);
        if (t.isArray() && t.size() == 2) {
            return new Tolerance(t.get(0).doubleValue(), t.get(1).doubleValue());
        }
        if (t.isObject() && t.has("atol") && t.has("rtol")) {
            return new Tolerance(t.get("atol").doubleValue(), t.get("rtol").doubleValue());
        }
        throw new IllegalArgumentException("the tolerance of \"" + key + "\" is not [atol, rtol]: " + t);
    }

    /** Whether a pattern of a tolerance table matches a key. */
    static boolean matches(String pattern, String key) {
        String regex = List.of(pattern.split("\\|", -1)).stream()
                .map(p ->
                        List.of(p.split("\\*", -1)).stream().map(Pattern::quote).collect(Collectors.joining(".*")))
                .collect(Collectors.joining("|"));
        return Pattern.matches(regex, key);
    }

    private static Path existing(String kind, String property, String name) {
        String root = System.getProperty(property);
        if (root == null) {
            return Assumptions.abort("no " + kind + " folder: the system property " + property + " is not set");
        }
        Path path = Path.of(root, name).normalize();
        if (!Files.exists(path)) {
            return Assumptions.abort("no " + kind + " folder: " + path);
        }
        return path;
    }
}
