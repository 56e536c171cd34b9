package org.telltale.convert;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.telltale.convert.PickleValue.Dictionary;
import org.telltale.convert.PickleValue.Large;
import org.telltale.convert.PickleValue.None;
import org.telltale.convert.PickleValue.Sequence;
import org.telltale.convert.PickleValue.Storage;
import org.telltale.convert.PickleValue.Text;
import org.telltale.convert.PickleValue.View;
import org.telltale.convert.PickleValue.Whole;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

/**
 * A file of {@code torch.save}: a zip file with a pickle and one entry for each storage, or, before PyTorch 1.6, pickles
 * followed by the storages. Tensors are found in dictionaries and lists at any depth; the keys on the way to one, joined by
 * dots, are its name. Nothing is executed, see {@link PickleReader}.
 *
 * <p>Every storage is checked to lie within the file when it is opened; values are read by position, tensor by tensor.
 */
final class TorchFile implements Checkpoint {
    private static final long MOST_PICKLE = 32L << 20;
    private static final int MAX_DEPTH = 64;
    private static final int LONGEST_NAME = 1024;
    private static final int LONGEST_KEY = 100;
    private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
    private static final long LEGACY_VERSION = 1001;
    private static final String PICKLE = "data.pkl";

    /** Under which of these keys, the first that is there, training programs keep the model. */
    private static final List<String> ROOTS = List.of("state_dict", "model_state_dict", "model", "module", "net");

    /** Values that are compressed cannot be read by position; PyTorch itself never compresses. */
    private static final long MOST_DEFLATED = 1L << 30;

    private static final long MOST_AT_ONCE = 1L << 30;

    private final Path path;
    private final FileChannel channel;
    private final String format;
    private final Map<String, Stored> tensors = new LinkedHashMap<>();
    private final Map<String, View> views = new LinkedHashMap<>();
    private final IdentityHashMap<Storage, Place> places = new IdentityHashMap<>();
    private final String root;
    private boolean bigEndian;
    private @Nullable ZipDirectory zip;

    /** Where a storage is: its first byte in the file, and the entry that holds it, perhaps compressed. */
    private record Place(long begin, Optional<ZipDirectory.Entry> entry) {}

    private TorchFile(Path path, FileChannel channel) throws IOException {
        this.path = path;
        this.channel = channel;
        ByteBuffer head = ByteBuffer.allocate(4);
        channel.read(head, 0);
        if (new String(head.array(), StandardCharsets.ISO_8859_1).equals("PK\u0003\u0004")) {
            format = "PyTorch (zip)";
            ZipDirectory directory = new ZipDirectory(path, channel);
            zip = directory;
            root = list(readZip(directory));
        } else {
            format = "PyTorch (before 1.6)";
            root = list(readLegacy());
        }
    }

    /** The start of the names of the model's tensors, where the file has other things beside the model; else empty. */
    String root() {
        return root;
    }

    /** Opens a file and lists its tensors. */
    static TorchFile open(Path path) {
        try {
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
            try {
                return new TorchFile(path, channel);
            } catch (Throwable e) {
                channel.close();
                throw e;
            }
        } catch (NoSuchFileException e) {
            throw new ConvertException(path + ": no such file", e);
        } catch (IOException e) {
            throw new ConvertException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    @Override
    public String format() {
        return format;
    }

    @Override
    public Map<String, Stored> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new ConvertException(path + ": cannot be closed: " + e.getMessage(), e);
        }
    }

    private ConvertException error(String message) {
        return new ConvertException(path + ": " + message);
    }

    private PickleValue readZip(ZipDirectory directory) throws IOException {
        List<String> pickles = directory.entries().keySet().stream()
                .filter(n -> n.equals(PICKLE) || (n.endsWith("/" + PICKLE) && n.indexOf('/') == n.lastIndexOf('/')))
                .toList();
        if (pickles.size() != 1) {
            throw error(
                    pickles.isEmpty()
                            ? "a zip file without " + PICKLE + ", not a checkpoint of PyTorch"
                            : "a zip file with " + pickles.size() + " pickles named " + PICKLE + ", expected one");
        }
        String prefix = pickles.getFirst().substring(0, pickles.getFirst().length() - PICKLE.length());
        if (directory.entries().containsKey(prefix + "constants.pkl")) {
            throw error("a TorchScript archive, which holds a program; save its weights alone:"
                    + " torch.save(torch.jit.load(FILE).state_dict(), \"weights.pt\")");
        }
        bigEndian = bigEndian(directory, directory.entries().get(prefix + "byteorder"));
        ZipDirectory.Entry pickle = directory.entries().get(pickles.getFirst());
        if (pickle == null || pickle.size() > MOST_PICKLE) {
            throw error(PICKLE + " is larger than " + MOST_PICKLE + " bytes");
        }
        Map<String, Storage> storages = new HashMap<>();
        try (InputStream in = directory.open(pickle)) {
            return PickleReader.read(
                    new PickleInput(path + ": " + PICKLE, in, 0, pickle.size()),
                    id -> zipStorage(directory, prefix, storages, id));
        }
    }

    private boolean bigEndian(ZipDirectory directory, ZipDirectory.@Nullable Entry entry) throws IOException {
        if (entry == null) {
            return false;
        }
        try (InputStream in = directory.open(entry)) {
            String order = new String(in.readNBytes(16), StandardCharsets.ISO_8859_1).strip();
            if (!order.equals("little") && !order.equals("big")) {
                throw error("the byte order is \"" + PickleReader.shown(order) + "\", expected little or big");
            }
            return order.equals("big");
        }
    }

    private Storage zipStorage(
            ZipDirectory directory, String prefix, Map<String, Storage> storages, List<PickleValue> id) {
        Storage asked = storage(id);
        Storage known = storages.get(asked.key);
        if (known != null) {
            return same(known, asked);
        }
        String name = prefix + "data/" + asked.key;
        ZipDirectory.Entry entry = directory.entries().get(name);
        if (entry == null) {
            throw error("no zip entry \"" + PickleReader.shown(name) + "\", which a tensor lies in");
        }
        if (entry.size() != asked.bytes()) {
            throw error("the zip entry \"" + PickleReader.shown(name) + "\" has " + entry.size()
                    + " bytes, the pickle says " + asked.bytes());
        }
        if (!entry.stored() && entry.size() > MOST_DEFLATED) {
            throw error("the zip entry \"" + PickleReader.shown(name) + "\" of " + entry.size()
                    + " bytes is compressed, which is read up to " + MOST_DEFLATED);
        }
        try {
            places.put(asked, new Place(directory.dataAt(entry), Optional.of(entry)));
        } catch (IOException e) {
            throw new ConvertException(path + ": cannot be read: " + e.getMessage(), e);
        }
        storages.put(asked.key, asked);
        return asked;
    }

    private Storage same(Storage known, Storage asked) {
        if (known.type != asked.type || known.elements != asked.elements) {
            throw error("the storage " + asked.key + " has two types or sizes");
        }
        return known;
    }

    /** A storage as its persistent id describes it: tag, type, key, device, number of elements. */
    private Storage storage(List<PickleValue> id) {
        if (id.size() < 5
                || !(id.get(1) instanceof PickleValue.Known type)
                || !(id.get(2) instanceof Text key)
                || !(id.get(4) instanceof Whole elements)
                || (type.global() != PickleGlobal.STORAGE && type.global() != PickleGlobal.BYTES_STORAGE)) {
            throw error("a storage is described by something else than its type, key, device and size");
        }
        if (key.value().length() > LONGEST_KEY) {
            throw error("the key of a storage has " + key.value().length() + " characters");
        }
        Storage s = new Storage(key.value(), type.type(), elements.value());
        long width = type.type() == null ? 1 : type.type().bytes();
        if (s.elements < 0 || s.elements > Long.MAX_VALUE / 64 / width) {
            throw error("the storage " + PickleReader.shown(s.key) + " has " + s.elements + " elements");
        }
        return s;
    }

    private PickleValue readLegacy() throws IOException {
        long size = channel.size();
        channel.position(0);
        InputStream in = new java.io.BufferedInputStream(Channels.newInputStream(channel), 1 << 16);
        PickleInput bytes = new PickleInput(path.toString(), in, 0, Math.min(size, MOST_PICKLE));
        PickleReader.Storages none = id -> {
            throw error("a storage where none belongs");
        };
        PickleValue magic;
        try {
            magic = PickleReader.read(bytes, none);
        } catch (ConvertException e) {
            throw new ConvertException(
                    path + ": not a checkpoint of PyTorch: "
                            + String.valueOf(e.getMessage()).replace(path + ": ", ""),
                    e);
        }
        if (!(magic instanceof Large m) || !m.value().equals(MAGIC)) {
            throw error("not a checkpoint of PyTorch: the magic number is not " + MAGIC.toString(16));
        }
        if (!(PickleReader.read(bytes, none) instanceof Whole w) || w.value() != LEGACY_VERSION) {
            throw error("the version of the format is not " + LEGACY_VERSION);
        }
        PickleReader.read(bytes, none);
        Map<String, Storage> storages = new LinkedHashMap<>();
        PickleValue value = PickleReader.read(bytes, id -> legacyStorage(storages, id, size));
        PickleValue keys = PickleReader.read(bytes, none);
        if (!(keys instanceof Sequence list)) {
            throw error("the keys of the storages are no list");
        }
        locate(storages, list.items, bytes.read(), size);
        return value;
    }

    private Storage legacyStorage(Map<String, Storage> storages, List<PickleValue> id, long size) {
        Storage asked = storage(id);
        if (asked.bytes() > size) {
            throw error("the storage " + PickleReader.shown(asked.key) + " says that it has " + asked.elements
                    + " elements, the file has " + size + " bytes");
        }
        Storage known = storages.get(asked.key);
        Storage base = known == null ? asked : same(known, asked);
        storages.put(asked.key, base);
        if (id.size() < 6 || id.get(5) == None.NONE) {
            return base;
        }
        if (!(id.get(5) instanceof Sequence view)
                || view.items.size() != 3
                || !(view.items.get(1) instanceof Whole offset)
                || !(view.items.get(2) instanceof Whole elements)
                || offset.value() < 0
                || elements.value() < 0
                || offset.value() > base.elements - elements.value()) {
            throw error("a view of the storage " + PickleReader.shown(base.key) + " does not lie within it");
        }
        long width = base.bytes() / Math.max(1, base.elements);
        return new Storage(base, offset.value() * width, elements.value());
    }

    /** The storages follow the pickles in the order of their keys, each after its number of elements. */
    private void locate(Map<String, Storage> storages, List<PickleValue> keys, long begin, long size)
            throws IOException {
        long at = begin;
        ByteBuffer count = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        for (PickleValue key : keys) {
            Storage s = key instanceof Text t ? storages.get(t.value()) : null;
            if (s == null) {
                throw error("the list of storages names one that no tensor lies in");
            }
            count.clear();
            if (at > size - 8 || channel.read(count, at) < 8) {
                throw error("the storages are cut off at byte " + size);
            }
            if (count.getLong(0) != s.elements) {
                throw error("the storage " + PickleReader.shown(s.key) + " has " + count.getLong(0)
                        + " elements, the pickle says " + s.elements);
            }
            at += 8;
            if (at > size - s.bytes()) {
                throw error("the storage " + PickleReader.shown(s.key) + " of " + s.bytes() + " bytes at byte " + at
                        + " is cut off: the file has " + size + " bytes");
            }
            places.put(s, new Place(at, Optional.empty()));
            at += s.bytes();
        }
        for (Storage s : storages.values()) {
            if (!places.containsKey(s)) {
                throw error("the storage " + PickleReader.shown(s.key) + " is not in the file");
            }
        }
    }

    /** A value on the way to tensors, and the keys that lead to it. */
    private record Step(PickleValue value, String name, int depth) {}

    /** Lists the tensors of dictionaries and lists, each of which is entered once, however often it occurs. */
    private String list(PickleValue top) {
        Set<PickleValue> entered = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Step> steps = new ArrayDeque<>();
        steps.push(new Step(top, "", 0));
        while (!steps.isEmpty()) {
            Step step = steps.pop();
            List<Step> inner = new ArrayList<>();
            if (step.value instanceof View v) {
                add(step.name, v);
            } else if (step.value instanceof Dictionary d && entered.add(d)) {
                d.items.forEach((key, value) -> enter(inner, step, key(key), value));
            } else if (step.value instanceof Sequence s && entered.add(s)) {
                for (int i = 0; i < s.items.size(); i++) {
                    enter(inner, step, Integer.toString(i), s.items.get(i));
                }
            }
            inner.reversed().forEach(steps::push);
        }
        if (top instanceof Dictionary d) {
            for (String key : ROOTS) {
                if (d.items.get(new Text(key)) instanceof Dictionary) {
                    return key + ".";
                }
            }
        }
        return "";
    }

    private void enter(List<Step> inner, Step from, String key, PickleValue value) {
        if (!(value instanceof View) && !(value instanceof Dictionary) && !(value instanceof Sequence)) {
            return;
        }
        String name = from.name.isEmpty() ? key : from.name + "." + key;
        if (from.depth == MAX_DEPTH || name.length() > LONGEST_NAME) {
            throw error("dictionaries nested deeper than " + MAX_DEPTH + ", or a name longer than " + LONGEST_NAME
                    + " characters");
        }
        inner.add(new Step(value, name, from.depth + 1));
    }

    private static String key(PickleValue key) {
        return switch (key) {
            case Text t -> t.value();
            case Whole w -> Long.toString(w.value());
            default -> "?";
        };
    }

    private void add(String name, View v) {
        Shape shape = Shape.of(v.sizes());
        if (tensors.put(name, new Stored(name, v.type().name(), v.type().bytes(), shape)) != null) {
            throw error("two tensors are named \"" + PickleReader.shown(name) + "\"");
        }
        views.put(name, v);
    }

    @Override
    public HostTensor values(String name, Arena arena) {
        Stored t = tensors.get(name);
        View v = views.get(name);
        if (t == null || v == null) {
            throw error("no tensor \"" + name + "\" in this checkpoint");
        }
        DType type = t.dtype()
                .orElseThrow(
                        () -> error("tensor \"" + name + "\" is of type " + t.type() + ", which is not supported"));
        HostTensor out = HostTensor.allocate(arena, type, t.shape());
        if (out.size() > 0) {
            read(v, t.shape(), out.data());
        }
        return out;
    }

    private void read(View v, Shape shape, MemorySegment out) {
        Place place = places.get(v.storage().base);
        if (place == null) {
            throw new IllegalStateException("a storage without a place");
        }
        int width = v.type().bytes();
        long last = v.offset();
        for (int i = 0; i < shape.rank(); i++) {
            last += (shape.dim(i) - 1) * v.strides().get(i);
        }
        long begin = v.storage().skipped + v.offset() * width;
        long span = (last - v.offset() + 1) * width;
        if (contiguous(shape, v.strides())) {
            fetch(place, begin, out);
            requireUndamaged(place, out);
        } else {
            try (Arena local = Arena.ofConfined()) {
                MemorySegment part = local.allocate(span, 64);
                fetch(place, begin, part);
                gather(part, out, shape, v.strides(), width);
            }
        }
        if (bigEndian) {
            swap(out, v.type().numberBytes());
        }
    }

    /** Compares the checksum where a tensor is all of an entry; PyTorch can be told to write none, which is 0 then. */
    private void requireUndamaged(Place place, MemorySegment data) {
        ZipDirectory.Entry entry = place.entry.orElse(null);
        if (entry == null || entry.crc() == 0 || entry.size() != data.byteSize()) {
            return;
        }
        CRC32 crc = new CRC32();
        for (long done = 0; done < data.byteSize(); done += MOST_AT_ONCE) {
            crc.update(data.asSlice(done, Math.min(MOST_AT_ONCE, data.byteSize() - done))
                    .asByteBuffer());
        }
        if ((int) crc.getValue() != entry.crc()) {
            throw error("the zip entry \"" + PickleReader.shown(entry.name())
                    + "\" is damaged: its checksum is another one");
        }
    }

    private static boolean contiguous(Shape shape, List<Long> strides) {
        long[] wanted = shape.strides();
        for (int i = 0; i < wanted.length; i++) {
            if (shape.dim(i) != 1 && strides.get(i) != wanted[i]) {
                return false;
            }
        }
        return true;
    }

    /** Copies elements in row-major order, wherever the strides say that they lie. */
    private static void gather(MemorySegment from, MemorySegment to, Shape shape, List<Long> strides, int width) {
        int[] at = new int[shape.rank()];
        long index = 0;
        for (long i = 0; i < shape.size(); i++) {
            MemorySegment.copy(from, index * width, to, i * width, width);
            for (int axis = at.length - 1; axis >= 0; axis--) {
                index += strides.get(axis);
                if (++at[axis] < shape.dim(axis)) {
                    break;
                }
                index -= strides.get(axis) * shape.dim(axis);
                at[axis] = 0;
            }
        }
    }

    private static void swap(MemorySegment data, int width) {
        for (long i = 0; i < data.byteSize(); i += width) {
            switch (width) {
                case 8 ->
                    data.set(
                            ValueLayout.JAVA_LONG_UNALIGNED,
                            i,
                            Long.reverseBytes(data.get(ValueLayout.JAVA_LONG_UNALIGNED, i)));
                case 4 ->
                    data.set(
                            ValueLayout.JAVA_INT_UNALIGNED,
                            i,
                            Integer.reverseBytes(data.get(ValueLayout.JAVA_INT_UNALIGNED, i)));
                case 2 ->
                    data.set(
                            ValueLayout.JAVA_SHORT_UNALIGNED,
                            i,
                            Short.reverseBytes(data.get(ValueLayout.JAVA_SHORT_UNALIGNED, i)));
                default -> {
                    return;
                }
            }
        }
    }

    /** Fills a segment with bytes of a storage. */
    private void fetch(Place place, long begin, MemorySegment into) {
        try {
            ZipDirectory.Entry entry = place.entry.orElse(null);
            if (entry != null && !entry.stored()) {
                inflate(entry, begin, into);
                return;
            }
            for (long done = 0; done < into.byteSize(); ) {
                long length = Math.min(MOST_AT_ONCE, into.byteSize() - done);
                ByteBuffer part = into.asSlice(done, length).asByteBuffer();
                while (part.hasRemaining()) {
                    if (channel.read(part, place.begin + begin + done + part.position()) < 0) {
                        throw error("the file became shorter while it was read");
                    }
                }
                done += length;
            }
        } catch (IOException e) {
            throw new ConvertException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private void inflate(ZipDirectory.Entry entry, long begin, MemorySegment into) throws IOException {
        ZipDirectory directory = zip;
        if (directory == null) {
            throw new IllegalStateException("no zip file");
        }
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = directory.open(entry)) {
            in.skipNBytes(begin);
            for (long done = 0; done < into.byteSize(); ) {
                int count = in.read(buffer, 0, (int) Math.min(buffer.length, into.byteSize() - done));
                if (count < 0) {
                    throw error("the zip entry \"" + PickleReader.shown(entry.name()) + "\" is cut off");
                }
                MemorySegment.copy(buffer, 0, into, ValueLayout.JAVA_BYTE, done, count);
                done += count;
            }
        }
    }
}
