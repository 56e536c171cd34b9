package org.telltale.app.experiment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.telltale.app.data.DataException;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.app.data.Reasons;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.dataformat.yaml.YAMLFactory;

/** What a YAML or JSON file holds, with the line of each part, so that errors can name it. */
sealed interface PlanNode {
    int MAX_BYTES = 1 << 20;

    /** File and line. */
    String where();

    /** Named parts. */
    record Mapping(String where, Map<String, PlanNode> parts) implements PlanNode {}

    /** Parts in order. */
    record Sequence(String where, List<PlanNode> parts) implements PlanNode {}

    /** A text, a number or true and false, as it is written; empty where nothing is. */
    record Scalar(String where, String text) implements PlanNode {}

    /** Reads a file: JSON where its name ends so, else YAML. */
    static PlanNode read(Path file) {
        if (!Files.exists(file)) {
            throw new InputNotFoundException(file + ": no such file");
        }
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new DataException(file + ": " + size + " bytes, expected a plan of at most " + MAX_BYTES);
            }
            return parse(Files.readAllBytes(file), file.toString());
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + Reasons.of(e), e);
        }
    }

    /**
     * Reads what a file holds.
     *
     * @param name of the file, for the messages and to tell JSON from YAML
     */
    static PlanNode parse(byte[] content, String name) {
        TokenStreamFactory factory = name.toLowerCase(Locale.ROOT).endsWith(".json")
                ? JsonFactory.builder().build()
                : new YAMLFactory();
        try (JsonParser in = factory.createParser(ObjectReadContext.empty(), content)) {
            JsonToken first = in.nextToken();
            if (first == null) {
                throw new DataException(name + ": empty, expected a plan");
            }
            PlanNode node = node(in, name);
            if (in.nextToken() != null) {
                throw new DataException(where(in, name) + ": a second document, expected one plan");
            }
            return node;
        } catch (JacksonException e) {
            String line = e.getLocation() == null ? "" : ":" + e.getLocation().getLineNr();
            String what =
                    String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("");
            throw new DataException(name + line + ": cannot be parsed: " + what, e);
        }
    }

    private static PlanNode node(JsonParser in, String name) {
        String where = where(in, name);
        if (in.hasToken(JsonToken.START_OBJECT)) {
            Map<String, PlanNode> parts = new LinkedHashMap<>();
            while (in.nextToken() != JsonToken.END_OBJECT) {
                String key = in.currentName();
                String at = where(in, name);
                in.nextToken();
                if (parts.put(key, node(in, name)) != null) {
                    throw new DataException(at + ": '" + key + "' stands twice");
                }
            }
            return new Mapping(where, parts);
        }
        if (in.hasToken(JsonToken.START_ARRAY)) {
            List<PlanNode> parts = new ArrayList<>();
            while (in.nextToken() != JsonToken.END_ARRAY) {
                parts.add(node(in, name));
            }
            return new Sequence(where, parts);
        }
        return new Scalar(where, in.hasToken(JsonToken.VALUE_NULL) ? "" : in.getString());
    }

    private static String where(JsonParser in, String name) {
        return name + ":" + in.currentTokenLocation().getLineNr();
    }
}
