package org.telltale.app;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.telltale.api.DeviceException;
import org.telltale.api.ModelNotFoundException;
import org.telltale.app.data.DataException;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.app.data.Reasons;
import org.telltale.app.data.StandardOutput;
import org.telltale.app.train.TrainingException;
import org.telltale.convert.ConvertException;
import org.telltale.engine.ShapeException;
import org.telltale.engine.io.WeightsException;
import org.telltale.engine.nn.CheckpointException;
import org.telltale.engine.spi.DeviceLimitException;
import org.telltale.models.ConfigException;
import org.telltale.models.decode.LogitsException;
import org.telltale.models.image.ImageException;
import org.telltale.models.interrogate.LabelException;
import org.telltale.models.text.TokenizerException;
import picocli.CommandLine.ParameterException;

/** Exit codes. */
enum Exit {
    OK(0),
    SOME_FAILED(1),
    USAGE(2),
    NOT_FOUND(3),
    BAD_FILE(4),
    NO_DEVICE(5),
    BUG(70),
    INTERRUPTED(130);

    private static final int LINES = 4;

    private final int code;

    Exit(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    /** A wrong combination of arguments, or a value out of range. */
    static final class UsageException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        UsageException(String message) {
            super(message);
        }
    }

    /** A model folder whose files do not fit each other. */
    static final class BadModelException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        BadModelException(RuntimeException cause) {
            super(cause.getMessage(), cause);
        }
    }

    static Exit of(Throwable t) {
        return switch (t) {
            case StandardOutput.ClosedException e -> OK;
            case ParameterException e -> USAGE;
            case UsageException e -> USAGE;
            case ModelNotFoundException e -> NOT_FOUND;
            case InputNotFoundException e -> NOT_FOUND;
            case DeviceException e -> NO_DEVICE;
            case DeviceLimitException e -> NO_DEVICE;
            case CancellationException e -> INTERRUPTED;
            case InterruptedException e -> INTERRUPTED;
            case BadModelException e -> BAD_FILE;
            case TrainingException e -> BAD_FILE;
            case DataException e -> BAD_FILE;
            case CheckpointException e -> BAD_FILE;
            case ConfigException e -> BAD_FILE;
            case TokenizerException e -> BAD_FILE;
            case WeightsException e -> BAD_FILE;
            case ConvertException e -> BAD_FILE;
            case ShapeException e -> BAD_FILE;
            case LogitsException e -> BAD_FILE;
            case LabelException e -> BAD_FILE;
            case ImageException e -> BAD_FILE;
            case IOException e -> BAD_FILE;
            default -> BUG;
        };
    }

    /** A line for people, or one for each tensor of a checkpoint that does not fit; empty when there is nothing to say. */
    static String line(Throwable t) {
        if (t instanceof CheckpointException e) {
            return String.valueOf(e.getMessage());
        }
        return switch (of(t)) {
            case OK -> "";
            case INTERRUPTED -> "interrupted";
            case BUG ->
                t instanceof OutOfMemoryError
                        ? "out of memory: " + t.getMessage()
                                + "; a model needs a little more than the size of its weights, and"
                                + " TELLTALE_JAVA_OPTS=-Xmx4g gives the Java heap more"
                        : "internal error, please report it with --debug: " + joined(t.toString());
            case SOME_FAILED, USAGE, NOT_FOUND, BAD_FILE, NO_DEVICE ->
                t instanceof IOException e && !(t instanceof ImageException)
                        ? Reasons.of(e)
                        : withRoom(joined(String.valueOf(t.getMessage())));
        };
    }

    /** What is to be done about a full disk: all that writes files can be given again. */
    private static String withRoom(String line) {
        boolean full = line.contains("No space left on device") || line.contains("Disk quota exceeded");
        return full && !line.startsWith("standard output") && !line.contains("the same command goes on")
                ? line + "; make room, then the same command goes on"
                : line;
    }

    /** The first lines of a message as one; --debug shows the rest. */
    private static String joined(String message) {
        List<String> lines =
                message.lines().map(String::strip).filter(l -> !l.isEmpty()).toList();
        if (lines.size() <= LINES) {
            return String.join("; ", lines);
        }
        List<String> first = new ArrayList<>(lines.subList(0, LINES));
        first.add((lines.size() - LINES) + " more lines with --debug");
        return String.join("; ", first);
    }
}
