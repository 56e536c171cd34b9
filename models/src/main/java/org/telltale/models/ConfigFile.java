package org.telltale.models;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.telltale.engine.Activation;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A JSON object of a model folder, read strictly: a value that is missing or of another kind is an error that names the
 * file and the key; nothing is guessed.
 */
public final class ConfigFile {
    private static final long LIMIT = 16 << 20;
    static final int MOST_LAYERS = 1000;
    static final int MOST_PIXELS = 4096;
    static final int MOST_LABELS = 100_000;

    private final String where;
    private final JsonNode node;

    private ConfigFile(String where, JsonNode node) {
        this.where = where;
        this.node = node;
    }

    /** One that was read and changed. */
    public static ConfigFile of(String where, JsonNode node) {
        return new ConfigFile(where, node);
    }

    /** Reads a file of a model folder. */
    public static ConfigFile read(Path file) {
        try {
            if (!Files.isRegularFile(file)) {
                throw new ConfigException(file + ": not found; a model folder needs it");
            }
            if (Files.size(file) > LIMIT) {
                throw new ConfigException(file + ": " + Files.size(file) + " bytes, more than the limit of " + LIMIT);
            }
            JsonNode node = JsonMapper.shared().readTree(Files.readAllBytes(file));
            if (!node.isObject()) {
                throw new ConfigException(file + ": a JSON object is expected");
            }
            return new ConfigFile(file.toString(), node);
        } catch (JacksonException e) {
            throw new ConfigException(file + ": not valid JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new ConfigException(file + ": cannot be read: " + e.getMessage());
        }
    }

    public JsonNode json() {
        return node;
    }

    public String where() {
        return where;
    }

    public boolean has(String key) {
        return node.hasNonNull(key);
    }

    /** The object under a key. */
    public ConfigFile at(String key) {
        JsonNode child = require(key);
        if (!child.isObject()) {
            throw wrong(key, "an object", child);
        }
        return new ConfigFile(where + ": " + key, child);
    }

    /** The objects of the list under a key. */
    public List<ConfigFile> objects(String key) {
        JsonNode list = require(key);
        List<ConfigFile> out = new ArrayList<>();
        for (JsonNode child : list) {
            if (!child.isObject()) {
                throw wrong(key, "a list of objects", list);
            }
            out.add(new ConfigFile(where + ": " + key + " " + out.size(), child));
        }
        if (!list.isArray()) {
            throw wrong(key, "a list of objects", list);
        }
        return out;
    }

    /** A whole number that counts something: at least 1 and at most 10 million. */
    public int count(String key) {
        return limited(key, 10_000_000);
    }

    /** A number of layers or blocks, each of which costs memory before any weight is read. */
    public int layers(String key) {
        return limited(key, MOST_LAYERS);
    }

    /** The side of a square picture. */
    public int side(String key) {
        return limited(key, MOST_PIXELS);
    }

    private int limited(String key, int most) {
        JsonNode child = require(key);
        if (!child.isInt() || child.intValue() < 1 || child.intValue() > most) {
            throw wrong(key, "a whole number from 1 to " + most, child);
        }
        return child.intValue();
    }

    public int count(String key, int otherwise) {
        return has(key) ? count(key) : otherwise;
    }

    /** A whole number from 0: an id. */
    public int id(String key) {
        JsonNode child = require(key);
        if (!child.isInt() || child.intValue() < 0) {
            throw wrong(key, "a whole number from 0", child);
        }
        return child.intValue();
    }

    public double number(String key) {
        JsonNode child = require(key);
        if (!child.isNumber() || !Double.isFinite(child.doubleValue())) {
            throw wrong(key, "a number", child);
        }
        return child.doubleValue();
    }

    public double number(String key, double otherwise) {
        return has(key) ? number(key) : otherwise;
    }

    public boolean flag(String key, boolean otherwise) {
        if (!has(key)) {
            return otherwise;
        }
        JsonNode child = require(key);
        if (!child.isBoolean()) {
            throw wrong(key, "true or false", child);
        }
        return child.booleanValue();
    }

    public String text(String key) {
        JsonNode child = require(key);
        if (!child.isString()) {
            throw wrong(key, "a string", child);
        }
        return child.stringValue();
    }

    /** A list of counts, each at least 1. */
    public List<Integer> counts(String key) {
        JsonNode child = require(key);
        List<Integer> out = new ArrayList<>();
        for (JsonNode n : child) {
            if (!n.isInt() || n.intValue() < 1) {
                throw wrong(key, "a list of whole numbers from 1", child);
            }
            out.add(n.intValue());
        }
        if (!child.isArray() || out.isEmpty()) {
            throw wrong(key, "a list of whole numbers from 1", child);
        }
        return out;
    }

    /** A Hugging Face activation word. */
    public Activation activation(String key) {
        try {
            return Activation.named(text(key));
        } catch (IllegalArgumentException e) {
            throw e instanceof ConfigException ? e : new ConfigException(where + ": " + key + ": " + e.getMessage());
        }
    }

    /** Refuses a folder of another architecture by name. */
    public void requireType(String type) {
        String found = text("model_type");
        if (!found.equals(type)) {
            throw new ConfigException(where + ": model_type is '" + found + "', expected '" + type + "'");
        }
    }

    /** The labels in the order of their ids, from {@code id2label}. */
    public List<String> labels() {
        JsonNode map = require("id2label");
        List<String> labels = new ArrayList<>();
        if (map.size() > MOST_LABELS) {
            throw new ConfigException(
                    where + ": id2label has " + map.size() + " labels, at most " + MOST_LABELS + " are expected");
        }
        for (int i = 0; i < map.size(); i++) {
            JsonNode label = map.get(Integer.toString(i));
            if (label == null || !label.isString()) {
                throw new ConfigException(where + ": id2label has no text for id " + i + " of " + map.size());
            }
            labels.add(label.stringValue());
        }
        if (labels.isEmpty()) {
            throw new ConfigException(where + ": id2label is empty");
        }
        return labels;
    }

    private JsonNode require(String key) {
        JsonNode child = node.get(key);
        if (child == null || child.isNull()) {
            throw new ConfigException(where + ": '" + key + "' is missing");
        }
        return child;
    }

    private ConfigException wrong(String key, String expected, JsonNode found) {
        String text = found.toString();
        return new ConfigException(where + ": '" + key + "' is "
                + (text.length() > 80 ? text.substring(0, 80) + "..." : text) + ", expected " + expected);
    }
}
