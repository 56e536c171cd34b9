package org.telltale.app.data;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.jspecify.annotations.Nullable;

/** What went wrong with a file, in words; the JDK's messages are often a file name only. */
public final class Reasons {
    private Reasons() {}

    public static String of(IOException e) {
        return switch (e) {
            case NoSuchFileException n -> "no such file or folder";
            case AccessDeniedException a -> "permission denied";
            case NotDirectoryException n -> "not a folder";
            case FileSystemException f -> orName(f.getReason(), f);
            default -> orName(e.getMessage(), e);
        };
    }

    private static String orName(@Nullable String text, IOException e) {
        return text == null || text.isBlank() ? e.getClass().getSimpleName() : text;
    }
}
