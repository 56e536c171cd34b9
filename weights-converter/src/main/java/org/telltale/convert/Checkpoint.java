package org.telltale.convert;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.WeightsException;

/**
 * The tensors of a file of weights in any format that is read here, listed without their values. What the file says about
 * itself is checked when it is opened; values are read tensor by tensor.
 */
public sealed interface Checkpoint extends AutoCloseable
        permits H5Reader, JoinedCheckpoint, SafeTensorsCheckpoint, TorchFile {

    /**
     * A tensor as it is stored.
     *
     * @param name unique in the checkpoint
     * @param type as safetensors names it, such as {@code BF16}; also one that safetensors has not, such as {@code C64}
     * @param width bytes of one element
     */
    record Stored(String name, String type, int width, Shape shape) {
        /** Bytes of the values. */
        public long bytes() {
            return shape.size() * width;
        }

        /** The type, if values of it can be read. */
        public Optional<DType> dtype() {
            return Arrays.stream(DType.values())
                    .filter(d -> d.name().equals(type))
                    .findFirst();
        }
    }

    /** What the file is, such as {@code PyTorch (zip)}. */
    String format();

    /** The tensors by name, in the order of the file. */
    Map<String, Stored> tensors();

    /**
     * The values of a tensor in its stored type, row-major, in native memory of the arena.
     *
     * @throws ConvertException if there is no such tensor, its type cannot be read, or the file is damaged
     */
    HostTensor values(String name, Arena arena);

    @Override
    void close();

    /** The values of a tensor of floats as F32, rounded where the stored type is wider. */
    default HostTensor floats(String name, Arena arena) {
        HostTensor t = values(name, arena);
        return t.dtype() == DType.F32 ? t : Floats.convert(t, DType.F32, name, arena);
    }

    /**
     * Opens a file by what it holds, whatever it is called: safetensors (or the index of several), PyTorch or HDF5.
     *
     * @throws ConvertException if it is none of these, malformed, or hostile
     */
    static Checkpoint open(Path file) {
        byte[] head;
        try (InputStream in = Files.newInputStream(file)) {
            head = in.readNBytes(512);
        } catch (IOException e) {
            throw new ConvertException(file + ": cannot be read: " + e, e);
        }
        String text = new String(head, StandardCharsets.ISO_8859_1);
        if (text.startsWith("version https://git-lfs")) {
            throw new ConvertException(file + ": a git-lfs pointer, not the file itself; fetch it with git lfs pull");
        }
        if (file.toString().endsWith(".json")) {
            return text.contains("weight_map") && !file.toString().endsWith(".safetensors.index.json")
                    ? JoinedCheckpoint.openIndex(file)
                    : safeTensors(file);
        }
        if (text.startsWith("<") || text.startsWith("{")) {
            throw new ConvertException(file + ": a text (HTML, XML or JSON), not a file of weights");
        }
        if (text.startsWith("\u0089HDF")) {
            return H5Reader.open(file);
        }
        if (text.startsWith("PK\u0003\u0004")) {
            return H5Bytes.isArchive(file) ? H5Reader.open(file) : TorchFile.open(file);
        }
        if (text.startsWith("ustar", 257)) {
            throw new ConvertException(
                    file + ": a tar archive, as PyTorch before 0.1.10 wrote; save it anew with a later one");
        }
        String name = file.toString();
        if (name.endsWith(".safetensors") || text.startsWith("{", 8)) {
            return safeTensors(file);
        }
        if (name.endsWith(".h5") || name.endsWith(".hdf5") || name.endsWith(".keras")) {
            return H5Reader.open(file);
        }
        return TorchFile.open(file);
    }

    private static Checkpoint safeTensors(Path file) {
        try {
            return new SafeTensorsCheckpoint(SafeTensors.open(file));
        } catch (WeightsException e) {
            throw new ConvertException(String.valueOf(e.getMessage()), e);
        }
    }
}
