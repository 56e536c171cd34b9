package org.telltale.app.experiment;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Entry;
import org.telltale.app.data.Header;
import org.telltale.app.data.Reasons;
import org.telltale.app.data.Records;
import org.telltale.engine.io.WholeFile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Captions that were made in parts. */
final class ShardFiles {
    private ShardFiles() {}

    /**
     * Makes one file of the parts, once all are there.
     *
     * @param header that the parts' headers must equal in what matters
     * @param ids of all pictures, in the order of the file
     * @return whether the file is there now
     * @throws DataException if some parts are there but not all of one division
     */
    static boolean join(ExperimentFolder folder, String captioner, ObjectNode header, List<String> ids) {
        Path whole = folder.captions(captioner);
        if (Files.exists(whole)) {
            return true;
        }
        Pattern name = Pattern.compile(Pattern.quote(Plan.slug(captioner)) + "\\.(\\d+)-of-(\\d+)\\.jsonl");
        Map<Integer, TreeSet<Integer>> found = new HashMap<>();
        try (Stream<Path> files =
                Files.isDirectory(whole.resolveSibling("")) ? Files.list(whole.resolveSibling("")) : Stream.empty()) {
            files.forEach(p -> {
                Matcher m = name.matcher(p.getFileName().toString());
                if (m.matches()) {
                    found.computeIfAbsent(Integer.valueOf(m.group(2)), n -> new TreeSet<>())
                            .add(Integer.valueOf(m.group(1)));
                }
            });
        } catch (IOException | UncheckedIOException e) {
            throw new DataException(whole + ": its folder cannot be listed: " + e.getMessage(), e);
        }
        for (Map.Entry<Integer, TreeSet<Integer>> e : found.entrySet()) {
            if (e.getValue().size() == e.getKey()) {
                write(folder, captioner, header, ids, e.getKey());
                return true;
            }
        }
        return false;
    }

    private static void write(ExperimentFolder folder, String captioner, ObjectNode header, List<String> ids, int n) {
        Map<String, Entry> records = new HashMap<>();
        TreeSet<String> backends = new TreeSet<>();
        for (int k = 1; k <= n; k++) {
            Path part = folder.shard(captioner, new Shard(k, n));
            ExperimentFolder.done(part, header);
            JsonNode own = Records.header(part);
            backends.add(own.path("backend").stringValue(""));
            List<? extends Entry> entries = own.path("telltale").stringValue("").equals(Header.PROMPTS)
                    ? Records.prompts(part)
                    : Records.captions(part);
            entries.forEach(r -> records.put(r.id(), r));
        }
        ObjectNode merged = header.deepCopy();
        merged.put("backend", String.join(" | ", backends));
        StringBuilder text = new StringBuilder().append(merged).append('\n');
        for (String id : ids) {
            Entry r = records.get(id);
            if (r != null) {
                text.append(r.json()).append('\n');
            }
        }
        Path whole = folder.captions(captioner);
        try {
            WholeFile.write(whole, text.toString().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new DataException(whole + ": cannot be written: " + Reasons.of(e), e);
        }
    }
}
