package org.telltale.app;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.telltale.models.interrogate.LabelLists;

/** Labels on the command line: a file with one a line, or themselves between commas. */
final class Labels {
    private Labels() {}

    static List<String> of(String argument) {
        if (isFile(argument)) {
            return LabelLists.list(Path.of(argument));
        }
        List<String> labels =
                Stream.of(argument.split(",", -1)).map(String::strip).toList();
        if (labels.contains("")) {
            throw new Exit.UsageException("--labels is '" + argument + "', expected a file or labels between commas");
        }
        return labels;
    }

    private static boolean isFile(String argument) {
        try {
            return Files.isRegularFile(Path.of(argument));
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
