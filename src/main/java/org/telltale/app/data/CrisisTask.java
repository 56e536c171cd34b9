package org.telltale.app.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The two tasks of CrisisNLP's crisis image benchmarks that the paper uses, SPEC §2.2: their classes and tables. */
public enum CrisisTask {
    DISASTER_TYPES(
            "disaster_types",
            List.of("earthquake", "fire", "flood", "hurricane", "landslide", "not_disaster", "other_disaster"),
            "consolidated_disaster_types",
            Map.of(
                    "aidr_disaster_types", "aidr_disaster_types",
                    "damage_multimodal_data", "damage_multimodal_disaster_types"),
            List.of(
                    List.of(2040, 1245, 2322, 1441, 939, 3615, 1122),
                    List.of(218, 141, 276, 178, 124, 486, 151),
                    List.of(411, 285, 603, 352, 268, 990, 304)),
            List.of(12_846, 1_470, 3_195)),
    DAMAGE_SEVERITY(
            "damage_severity",
            List.of("little_or_none", "mild", "severe"),
            "consolidated_damage",
            Map.of(
                    "crisismmd", "crisismmd_task_damage",
                    "damage_assessment_data", "ASONAM17_damage",
                    "damage_multimodal_data", "damage_multimodal_damage"),
            List.of(List.of(11_072, 3_883, 11_943), List.of(1_467, 504, 927), List.of(2_411, 803, 1_886)),
            List.of(28_319, 2_712, 3_865));

    /** The folder of consolidated tables. */
    private static final String CONSOLIDATED = "consolidated";

    private final String word;
    private final List<String> classes;
    private final String consolidated;
    private final Map<String, String> sources;
    private final List<List<Integer>> union;
    private final List<Integer> merged;

    /** Which of the tables divide the pictures. */
    public enum Division {
        /** One table for each source, which together have the counts of the paper's Table 1. */
        UNION,
        /** One table for all, in which near duplicates of other splits were moved to train. */
        CONSOLIDATED
    }

    /**
     * Where a table may be.
     *
     * @param folder of the task's folder that it is in
     * @param name of the file, without the extension {@code .tsv}
     */
    public record TableName(String folder, String name) {}

    CrisisTask(
            String word,
            List<String> classes,
            String consolidated,
            Map<String, String> sources,
            List<List<Integer>> union,
            List<Integer> merged) {
        this.word = word;
        this.classes = classes;
        this.consolidated = consolidated;
        this.sources = sources;
        this.union = union;
        this.merged = merged;
    }

    /** As files and folders write it. */
    public String word() {
        return word;
    }

    /** The labels, in the order of their ids. */
    public List<String> classes() {
        return classes;
    }

    /** The tables of a split. */
    public List<TableName> tables(Division division, Split split) {
        return switch (division) {
            case CONSOLIDATED -> List.of(new TableName(CONSOLIDATED, name(consolidated, split)));
            case UNION -> {
                List<TableName> names = new ArrayList<>();
                sources.entrySet().stream()
                        .sorted(Map.Entry.comparingByKey())
                        .forEach(s -> names.add(new TableName(s.getKey(), name(s.getValue(), split))));
                yield names;
            }
        };
    }

    private static String name(String prefix, Split split) {
        return prefix + "_" + split.word() + "_final";
    }

    /** How many pictures of a class Table 1 counts, which is those of the union. */
    public int table1(Split split, String label) {
        return union.get(split.ordinal()).get(classes.indexOf(label));
    }

    /** How many pictures of all classes Table 1 counts. */
    public int table1(Split split) {
        return union.get(split.ordinal()).stream().mapToInt(i -> i).sum();
    }

    /** How many rows the official tables have. */
    public int official(Division division, Split split) {
        return switch (division) {
            case UNION -> table1(split);
            case CONSOLIDATED -> merged.get(split.ordinal());
        };
    }
}
