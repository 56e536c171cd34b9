package org.telltale.app.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The two tasks of CrisisNLP's crisis image benchmarks that the paper uses, SPEC §2.2: their classes and tables. */
public enum CrisisTask {
    DISASTER_TYPES,
    DAMAGE_SEVERITY;

    /** The folder of consolidated tables. */
    private static final String CONSOLIDATED = "consolidated";

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

    /** As files and folders write it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The labels, in the order of their ids. */
    public List<String> classes() {
        return switch (this) {
            case DISASTER_TYPES ->
                List.of("earthquake", "fire", "flood", "hurricane", "landslide", "not_disaster", "other_disaster");
            case DAMAGE_SEVERITY -> List.of("little_or_none", "mild", "severe");
        };
    }

    /** How the names of the sources' tables begin, by the folder that they are in. */
    private Map<String, String> sources() {
        return switch (this) {
            case DISASTER_TYPES ->
                Map.of(
                        "aidr_disaster_types", "aidr_disaster_types",
                        "damage_multimodal_data", "damage_multimodal_disaster_types");
            case DAMAGE_SEVERITY ->
                Map.of(
                        "crisismmd", "crisismmd_task_damage",
                        "damage_assessment_data", "ASONAM17_damage",
                        "damage_multimodal_data", "damage_multimodal_damage");
        };
    }

    private String consolidated() {
        return switch (this) {
            case DISASTER_TYPES -> "consolidated_disaster_types";
            case DAMAGE_SEVERITY -> "consolidated_damage";
        };
    }

    /** The tables of a split. */
    public List<TableName> tables(Division division, Split split) {
        return switch (division) {
            case CONSOLIDATED -> List.of(new TableName(CONSOLIDATED, name(consolidated(), split)));
            case UNION -> {
                List<TableName> names = new ArrayList<>();
                sources().entrySet().stream()
                        .sorted(Map.Entry.comparingByKey())
                        .forEach(s -> names.add(new TableName(s.getKey(), name(s.getValue(), split))));
                yield names;
            }
        };
    }

    private static String name(String prefix, Split split) {
        return prefix + "_" + split.word() + "_final";
    }

    /** The counts of the union, in the order of the classes. */
    private List<Integer> counts(Split split) {
        return switch (this) {
            case DISASTER_TYPES ->
                switch (split) {
                    case TRAIN -> List.of(2_040, 1_245, 2_322, 1_441, 939, 3_615, 1_122);
                    case DEV -> List.of(218, 141, 276, 178, 124, 486, 151);
                    case TEST -> List.of(411, 285, 603, 352, 268, 990, 304);
                };
            case DAMAGE_SEVERITY ->
                switch (split) {
                    case TRAIN -> List.of(11_072, 3_883, 11_943);
                    case DEV -> List.of(1_467, 504, 927);
                    case TEST -> List.of(2_411, 803, 1_886);
                };
        };
    }

    /** How many pictures of a class Table 1 counts, which is those of the union. */
    public int table1(Split split, String label) {
        return counts(split).get(classes().indexOf(label));
    }

    /** How many pictures of all classes Table 1 counts. */
    public int table1(Split split) {
        return counts(split).stream().mapToInt(i -> i).sum();
    }

    /** How many rows the official consolidated tables have. */
    public int consolidated(Split split) {
        return switch (this) {
            case DISASTER_TYPES ->
                switch (split) {
                    case TRAIN -> 12_846;
                    case DEV -> 1_470;
                    case TEST -> 3_195;
                };
            case DAMAGE_SEVERITY ->
                switch (split) {
                    case TRAIN -> 28_319;
                    case DEV -> 2_712;
                    case TEST -> 3_865;
                };
        };
    }
}
