package org.telltale.convert;

import io.jhdf.HdfFile;
import io.jhdf.api.Attribute;
import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Node;
import io.jhdf.object.datatype.DataType;
import io.jhdf.object.datatype.FixedPoint;
import io.jhdf.object.datatype.FloatingPoint;
import java.lang.reflect.Array;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The datasets and attributes of an HDF5 file, or of the {@code model.weights.h5} inside a {@code .keras} archive.
 *
 * <p>The file is read into memory rather than mapped, so that a file that is cut meanwhile cannot fault. Soft and
 * external links are never followed. Whatever a malformed file does to the library that parses it becomes one
 * {@link ConvertException}.
 */
public final class H5Reader implements AutoCloseable {
    private static final int MAX_DATASETS = 100_000;
    private static final int MAX_DEPTH = 64;

    /** Deflate's best ratio is 1032; larger datasets than that cannot be meant seriously, unless they are small. */
    private static final long MAX_RATIO = 1032;

    private static final long ALWAYS_ALLOWED = 16L << 20;

    private final Path path;
    private final HdfFile file;
    private final long fileBytes;
    private final Map<String, Dataset> datasets = new LinkedHashMap<>();
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final List<String> groups = new ArrayList<>();

    /**
     * A numeric dataset.
     *
     * @param path without a leading slash
     * @param type as NumPy writes it, such as {@code <f4}
     */
    public record Entry(String path, List<Integer> shape, String type) {
        /** Number of elements. */
        public long size() {
            return shape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
        }
    }

    private H5Reader(Path path, HdfFile file, long fileBytes) {
        this.path = path;
        this.file = file;
        this.fileBytes = fileBytes;
        list(file, "", 0, new HashSet<>());
    }

    /**
     * Opens a file and lists its datasets.
     *
     * @throws ConvertException if it is malformed or larger than 1 GiB
     */
    public static H5Reader open(Path path) {
        byte[] bytes = H5Bytes.load(path);
        return guarded(path, "not a readable HDF5 file", () -> {
            HdfFile file = HdfFile.fromBytes(bytes);
            try {
                return new H5Reader(path, file, bytes.length);
            } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
                file.close();
                throw e;
            }
        });
    }

    /** The numeric datasets by path, each object once, in the order of the file's groups. */
    public Map<String, Entry> datasets() {
        return Collections.unmodifiableMap(entries);
    }

    /** The groups by path, in the order of the file. */
    public List<String> groups() {
        return Collections.unmodifiableList(groups);
    }

    /** The values of a dataset, row-major, converted to float32 from whatever type they are stored in. */
    public float[] read(String dataset) {
        Entry entry = entries.get(dataset);
        Dataset d = datasets.get(dataset);
        if (entry == null || d == null) {
            throw new ConvertException(path + ": no dataset \"" + dataset + "\" in this file");
        }
        int size = size(entry);
        return guarded(path, "dataset \"" + dataset + "\" cannot be read", () -> {
            float[] values = new float[size];
            int copied = size == 0 ? 0 : copy(d.getDataFlat(), values, 0);
            if (copied == 0) {
                // nothing was ever written (the library gives no value then), so every element is the fill value
                Arrays.fill(values, d.getFillValue() instanceof Number n ? n.floatValue() : 0);
                return values;
            }
            if (copied != size) {
                throw new ConvertException(
                        path + ": dataset \"" + dataset + "\" holds " + copied + " values, expected " + size);
            }
            return values;
        });
    }

    /** A text attribute of a group; the root is the empty path. */
    public Optional<String> text(String group, String attribute) {
        return values(group, attribute).filter(v -> v.size() == 1).map(List::getFirst);
    }

    /**
     * The texts of a list attribute of a group; empty if there is no such attribute. Keras splits a list that is too long
     * for one attribute into {@code <name>0}, {@code <name>1}, ...
     */
    public List<String> texts(String group, String attribute) {
        Optional<List<String>> whole = values(group, attribute);
        if (whole.isPresent()) {
            return whole.get();
        }
        List<String> all = new ArrayList<>();
        for (int i = 0; i < MAX_DATASETS; i++) {
            Optional<List<String>> part = values(group, attribute + i);
            if (part.isEmpty()) {
                break;
            }
            all.addAll(part.get());
        }
        return all;
    }

    @Override
    public void close() {
        file.close();
    }

    private Optional<List<String>> values(String group, String name) {
        return guarded(path, "attribute \"" + name + "\" of \"" + group + "\" cannot be read", () -> {
            Node node = group.isEmpty() ? file : file.getByPath(group);
            @Nullable Attribute a = node.getAttribute(name);
            if (a == null) {
                return Optional.empty();
            }
            Object data = a.getData();
            if (data instanceof Object[] array) {
                return Optional.of(Arrays.stream(array).map(Object::toString).toList());
            }
            // an empty list has no value
            return Optional.of(data == null ? List.of() : List.of(data.toString()));
        });
    }

    private void list(Group group, String prefix, int depth, Set<Long> seen) {
        if (depth > MAX_DEPTH) {
            throw new ConvertException(path + ": groups nested deeper than " + MAX_DEPTH);
        }
        for (Node node : group.getChildren().values()) {
            if (node.isLink() || !seen.add(node.getAddress())) {
                continue;
            }
            if (seen.size() > MAX_DATASETS) {
                throw new ConvertException(path + ": more than " + MAX_DATASETS + " objects");
            }
            String name = prefix + node.getName();
            if (node instanceof Dataset d) {
                Optional<String> type = type(d.getDataType());
                if (type.isPresent() && !d.isVariableLength()) {
                    List<Integer> shape =
                            Arrays.stream(d.getDimensions()).boxed().toList();
                    datasets.put(name, d);
                    entries.put(name, new Entry(name, shape, type.get()));
                }
            } else if (node instanceof Group g) {
                groups.add(name);
                list(g, name + "/", depth + 1, seen);
            }
        }
    }

    private int size(Entry entry) {
        long limit = Math.max(ALWAYS_ALLOWED, fileBytes * MAX_RATIO);
        long size;
        try {
            size = entry.size();
        } catch (ArithmeticException e) {
            size = Long.MAX_VALUE;
        }
        if (size > Math.min(limit / 4, Integer.MAX_VALUE - 8)) {
            throw new ConvertException(path + ": dataset \"" + entry.path + "\" of shape " + entry.shape
                    + " is too large for a file of " + fileBytes + " bytes");
        }
        return (int) size;
    }

    private static Optional<String> type(DataType type) {
        return switch (type) {
            case FloatingPoint f -> Optional.of(order(f.getByteOrder(), f.getSize()) + "f" + f.getSize());
            case FixedPoint f ->
                Optional.of(order(f.getByteOrder(), f.getSize()) + (f.isSigned() ? "i" : "u") + f.getSize());
            default -> Optional.empty();
        };
    }

    private static String order(ByteOrder order, int bytes) {
        return bytes == 1 ? "|" : order == ByteOrder.BIG_ENDIAN ? ">" : "<";
    }

    /** Copies the numbers of an array, of arrays of arrays, or a single boxed number; returns the index after the last. */
    private static int copy(Object from, float[] to, int start) {
        if (from instanceof float[] f && f.length <= to.length - start) {
            System.arraycopy(f, 0, to, start, f.length);
            return start + f.length;
        }
        if (from instanceof Number n) {
            to[start] = n.floatValue();
            return start + 1;
        }
        int at = start;
        for (int i = 0; i < Array.getLength(from); i++) {
            at = copy(Array.get(from, i), to, at);
        }
        return at;
    }

    /** The library was not written for hostile files: it throws whatever its parsing runs into. */
    private static <T> T guarded(Path path, String what, Supplier<T> action) {
        try {
            return action.get();
        } catch (ConvertException e) {
            throw e;
        } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
            String reason = e.getMessage() == null ? e.toString() : e.getMessage();
            throw new ConvertException(path + ": " + what + ": " + reason.replaceAll("\\s+", " "), e);
        }
    }
}
