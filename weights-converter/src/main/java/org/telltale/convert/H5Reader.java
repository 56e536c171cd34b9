package org.telltale.convert;

import io.jhdf.HdfFile;
import io.jhdf.api.Attribute;
import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Node;
import io.jhdf.object.datatype.DataType;
import io.jhdf.object.datatype.FixedPoint;
import io.jhdf.object.datatype.FloatingPoint;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.ShapeException;

/**
 * The datasets and attributes of an HDF5 file, or of the {@code model.weights.h5} inside a {@code .keras} archive.
 *
 * <p>The file is read into native memory rather than mapped, so that a file that is cut meanwhile cannot fault. Soft and
 * external links are never followed. Whatever a malformed file does to the library that parses it becomes one
 * {@link ConvertException}.
 */
public final class H5Reader implements Checkpoint {
    private static final int MAX_DATASETS = 100_000;
    private static final int MAX_DEPTH = 64;
    private static final String UNREADABLE = "not a readable HDF5 file";

    /** Deflate's best ratio is 1032; larger datasets than that cannot be meant seriously, unless they are small. */
    private static final long MAX_RATIO = 1032;

    private static final long ALWAYS_ALLOWED = 16L << 20;

    private final Path path;

    /** Shared, as the library decodes chunks in several threads. */
    private final Arena arena = Arena.ofShared();

    private final HdfFile file;
    private final long fileBytes;
    private final Map<String, Dataset> datasets = new LinkedHashMap<>();
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, Stored> tensors = new LinkedHashMap<>();
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

    private H5Reader(Path path) {
        this.path = path;
        boolean opened = false;
        try {
            MemorySegment bytes = H5Bytes.load(path, arena);
            fileBytes = bytes.byteSize();
            file = guarded(path, UNREADABLE, () -> HdfFile.fromByteBuffer(bytes.asByteBuffer()));
            guarded(path, UNREADABLE, () -> {
                list(file, "", 0, new HashSet<>());
                return path;
            });
            entries.values().forEach(e -> tensors.put(e.path, stored(e)));
            opened = true;
        } finally {
            if (!opened) {
                arena.close();
            }
        }
    }

    /**
     * Opens a file and lists its datasets.
     *
     * @throws ConvertException if it is malformed or larger than 1 GiB
     */
    public static H5Reader open(Path path) {
        return new H5Reader(path);
    }

    @Override
    public String format() {
        return "HDF5";
    }

    @Override
    public Map<String, Stored> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    private Stored stored(Entry e) {
        int width = Integer.parseInt(e.type.substring(2));
        char kind = e.type.charAt(1);
        String type = (kind == 'f' ? "F" : kind == 'i' ? "I" : "U") + 8 * width;
        try {
            return new Stored(e.path, type, width, Shape.of(e.shape));
        } catch (ShapeException x) {
            throw new ConvertException(path + ": dataset \"" + e.path + "\": " + x.getMessage(), x);
        }
    }

    /** The values in the type of the dataset; whole numbers are exact up to 53 bits. */
    @Override
    public HostTensor values(String dataset, Arena target) {
        Stored t = tensors.get(dataset);
        DType type = t == null ? null : t.dtype().orElse(null);
        if (t == null || type == null) {
            throw new ConvertException(path + ": dataset \"" + dataset + "\" is "
                    + (t == null ? "not in this file" : "of type " + t.type() + ", which is not supported"));
        }
        HostTensor out = HostTensor.allocate(target, type, t.shape());
        if (type == DType.F32 || type == DType.F16) {
            HostTensor f32 = type == DType.F32 ? out : HostTensor.allocate(target, DType.F32, t.shape());
            f32.set(read(dataset));
            return type == DType.F32 ? out : Floats.convert(f32, DType.F16, dataset, target);
        }
        double[] values = readDoubles(dataset);
        MemorySegment m = out.data();
        for (int i = 0; i < values.length; i++) {
            switch (type) {
                case F64 -> m.setAtIndex(ValueLayout.JAVA_DOUBLE, i, values[i]);
                case I64 -> m.setAtIndex(ValueLayout.JAVA_LONG, i, (long) values[i]);
                case I32 -> m.setAtIndex(ValueLayout.JAVA_INT, i, (int) values[i]);
                case I16 -> m.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) values[i]);
                case I8, U8 -> m.setAtIndex(ValueLayout.JAVA_BYTE, i, (byte) (int) values[i]);
                case F32, F16, BF16, BOOL -> throw new IllegalStateException("no type of HDF5: " + type);
            }
        }
        return out;
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
        return read(dataset, float[].class);
    }

    private double[] readDoubles(String dataset) {
        return read(dataset, double[].class);
    }

    private <A> A read(String dataset, Class<A> array) {
        Entry entry = entries.get(dataset);
        Dataset d = datasets.get(dataset);
        if (entry == null || d == null) {
            throw new ConvertException(path + ": no dataset \"" + dataset + "\" in this file");
        }
        int size = size(entry);
        return guarded(path, "dataset \"" + dataset + "\" cannot be read", () -> {
            A values = array.cast(Array.newInstance(array.getComponentType(), size));
            int copied = size == 0 ? 0 : copy(d.getDataFlat(), values, 0);
            if (copied == 0) {
                // nothing was ever written (the library gives no value then), so every element is the fill value
                double fill = d.getFillValue() instanceof Number n ? n.doubleValue() : 0;
                for (int i = 0; i < size && fill != 0; i++) {
                    set(values, i, fill);
                }
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
        arena.close();
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
        Dataset d = datasets.get(entry.path);
        boolean compressed = d != null && !d.getFilters().isEmpty();
        long limit = Math.max(ALWAYS_ALLOWED, compressed ? fileBytes * MAX_RATIO : fileBytes);
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
    private static int copy(Object from, Object to, int start) {
        if (from instanceof float[] f && to instanceof float[] t && f.length <= t.length - start) {
            System.arraycopy(f, 0, t, start, f.length);
            return start + f.length;
        }
        if (from instanceof Number n) {
            set(to, start, n.doubleValue());
            return start + 1;
        }
        int at = start;
        for (int i = 0; i < Array.getLength(from); i++) {
            at = copy(Array.get(from, i), to, at);
        }
        return at;
    }

    private static void set(Object array, int i, double value) {
        if (array instanceof double[] d) {
            d[i] = value;
        } else if (array instanceof float[] f) {
            f[i] = (float) value;
        }
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
