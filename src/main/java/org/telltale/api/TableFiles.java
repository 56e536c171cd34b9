package org.telltale.api;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.SafeTensorsWriter;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Executable;
import org.telltale.models.interrogate.LabelException;
import org.telltale.models.interrogate.LabelTable;

/**
 * Tables of label vectors on disk, in the form of the CLIP Interrogator from 0.5 on: {@code embeds} F16 [labels, width] and
 * {@code hash} I8 [64], the digits of the labels' SHA-256 (SPEC §12.4). Files of the original can be used as they are.
 *
 * <p>A table in the making is {@code NAME.safetensors.part}: a line that says what it is, and the rows so far. A build that
 * was killed goes on behind its last whole chunk.
 */
final class TableFiles {
    private static final String EMBEDS = "embeds";

    /** Labels that are encoded, and written, at once. */
    private static final int CHUNK = 512;

    /** Rows of a file that are encoded once more, to see that it is of this model. */
    private static final int SAMPLES = 8;

    /** Far below what rounding does, half precision on a GPU included, and far above what another model's rows have. */
    private static final double SAME = 0.98;

    private final Path folder;
    private final String model;
    private final ClipEncoder clip;
    private final TableListener listener;

    TableFiles(Path folder, String model, ClipEncoder clip, TableListener listener) {
        this.folder = folder;
        this.model = model.replaceAll("[/@\\\\]", "_");
        this.clip = clip;
        this.listener = listener;
    }

    /** The {@linkplain LabelTable#product product} with a table's vectors, which are read or made. */
    Executable product(String name, List<String> labels) {
        Path file = folder.resolve(model + "_" + name + ".safetensors");
        String hash = LabelTable.hash(labels);
        try {
            if (!isOf(file, labels, hash)) {
                Files.createDirectories(folder);
                build(file, name, labels, hash);
            }
        } catch (IOException e) {
            throw new LabelException(file + ": cannot be read or written: " + e, e);
        }
        try (SafeTensors in = SafeTensors.open(file)) {
            check(file, labels, in);
            Params params = Params.of(file.toString(), in.names(), in::shape, in::dtype);
            return clip.compile(LabelTable.product(params, EMBEDS, labels.size(), clip.width()), in);
        }
    }

    /** Whether the file is there and of these labels; one that cannot be a table is refused. */
    private boolean isOf(Path file, List<String> labels, String hash) {
        if (!Files.exists(file)) {
            return false;
        }
        try (SafeTensors in = SafeTensors.open(file);
                Arena scratch = Arena.ofConfined()) {
            for (String tensor : List.of(EMBEDS, "hash")) {
                if (!in.names().contains(tensor)) {
                    throw wrong(file, "no tensor \"" + tensor + "\"");
                }
            }
            if (in.dtype("hash") != DType.I8 || !in.shape("hash").equals(Shape.of(hash.length()))) {
                throw wrong(file, "hash is " + in.typeName("hash") + " " + in.shape("hash") + ", expected I8 [64]");
            }
            byte[] found = in.bytes("hash", scratch).toArray(ValueLayout.JAVA_BYTE);
            if (!Arrays.equals(found, hash.getBytes(StandardCharsets.US_ASCII))) {
                listener.discarded(file + ": of other labels, made anew");
                return false;
            }
            Shape shape = Shape.of(labels.size(), clip.width());
            if (in.dtype(EMBEDS) != DType.F16 || !in.shape(EMBEDS).equals(shape)) {
                throw wrong(
                        file, "embeds is " + in.typeName(EMBEDS) + " " + in.shape(EMBEDS) + ", expected F16 " + shape);
            }
            return true;
        }
    }

    private static LabelException wrong(Path file, String what) {
        return new LabelException(
                file + ": not a table of this model: " + what + "; delete it, or name another folder for tables");
    }

    /** Encodes some labels once more: a row that is another vector tells of another model, or of damage. */
    private void check(Path file, List<String> labels, SafeTensors in) {
        int count = Math.min(SAMPLES, labels.size());
        List<Integer> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            rows.add((int) ((long) i * labels.size() / count));
        }
        float[][] expected = clip.encode(rows.stream().map(labels::get).toList());
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment vectors = in.raw(EMBEDS, scratch).data();
            for (int i = 0; i < count; i++) {
                if (!same(vectors, (long) rows.get(i) * clip.width(), expected[i])) {
                    String label = labels.get(rows.get(i));
                    throw wrong(file, "row " + rows.get(i) + " is not the vector of \"" + label + "\"");
                }
            }
        }
    }

    private static boolean same(MemorySegment rows, long at, float[] vector) {
        double dot = 0;
        double length = 0;
        for (int k = 0; k < vector.length; k++) {
            double half = Float.float16ToFloat(rows.getAtIndex(ValueLayout.JAVA_SHORT, at + k));
            dot += half * vector[k];
            length += half * half;
        }
        return dot >= SAME && Math.abs(length - 1) < 1 - SAME;
    }

    private void build(Path file, String name, List<String> labels, String hash) throws IOException {
        Path part = file.resolveSibling(file.getFileName() + ".part");
        int rowBytes = clip.width() * Short.BYTES;
        byte[] header = ("telltale table " + hash + " " + clip.width() + "\n").getBytes(StandardCharsets.US_ASCII);
        try (FileChannel out =
                FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            lock(out, part);
            int done = done(out, header, labels);
            if (done == 0) {
                out.truncate(0);
                write(out, ByteBuffer.wrap(header));
            }
            out.truncate(header.length + (long) done * rowBytes);
            out.position(out.size());
            while (done < labels.size()) {
                int end = Math.min(done + CHUNK, labels.size());
                write(out, halves(clip.encode(labels.subList(done, end))));
                done = end;
                listener.built(name, done, labels.size());
            }
            finish(file, out, header.length, labels.size(), hash);
            Files.delete(part);
        }
    }

    private static void lock(FileChannel channel, Path part) throws IOException {
        try {
            if (channel.tryLock() != null) {
                return;
            }
        } catch (OverlappingFileLockException e) {
            throw new LabelException(part + ": another run is making this table", e);
        }
        throw new LabelException(part + ": another run is making this table");
    }

    /** How many rows of an earlier build can stay: those of its whole chunks, if it was of these labels and this model. */
    private int done(FileChannel in, byte[] header, List<String> labels) throws IOException {
        ByteBuffer found = ByteBuffer.allocate(header.length);
        readFully(in, found, 0);
        int rowBytes = clip.width() * Short.BYTES;
        long rows = (in.size() - header.length) / rowBytes;
        if (!Arrays.equals(found.array(), header) || rows < CHUNK || rows > labels.size()) {
            return 0;
        }
        ByteBuffer first = ByteBuffer.allocateDirect(SAMPLES * rowBytes);
        readFully(in, first, header.length);
        float[][] expected = clip.encode(labels.subList(0, SAMPLES));
        for (int i = 0; i < SAMPLES; i++) {
            if (!same(MemorySegment.ofBuffer(first.rewind()), (long) i * clip.width(), expected[i])) {
                return 0;
            }
        }
        return (int) (rows / CHUNK * CHUNK);
    }

    private void finish(Path file, FileChannel rows, int from, int labels, String hash) {
        Shape shape = Shape.of(labels, clip.width());
        List<SafeTensorsWriter.Entry> entries = List.of(
                new SafeTensorsWriter.Entry(EMBEDS, DType.F16, shape),
                new SafeTensorsWriter.Entry("hash", DType.I8, Shape.of(hash.length())));
        SafeTensorsWriter.write(file, entries, Map.of(), (name, scratch) -> {
            if (name.equals("hash")) {
                HostTensor digits = HostTensor.allocate(scratch, DType.I8, Shape.of(hash.length()));
                digits.data().copyFrom(MemorySegment.ofArray(hash.getBytes(StandardCharsets.US_ASCII)));
                return digits;
            }
            HostTensor embeds = HostTensor.allocate(scratch, DType.F16, shape);
            try {
                long size = embeds.data().byteSize();
                for (long at = 0; at < size; at += 1 << 20) {
                    ByteBuffer piece = embeds.data()
                            .asSlice(at, Math.min(1 << 20, size - at))
                            .asByteBuffer();
                    readFully(rows, piece, from + at);
                }
            } catch (IOException e) {
                throw new LabelException(file + ": cannot be read: " + e, e);
            }
            return embeds;
        });
    }

    private static ByteBuffer halves(float[][] vectors) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(vectors.length * vectors[0].length * Short.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        for (float[] vector : vectors) {
            for (float v : vector) {
                bytes.putShort(Float.floatToFloat16(v));
            }
        }
        return bytes.flip();
    }

    private static void write(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    /** Fills the buffer from a place of the file, or as much of it as the file has. */
    private static void readFully(FileChannel in, ByteBuffer bytes, long from) throws IOException {
        int start = bytes.position();
        int read = 0;
        while (bytes.hasRemaining() && read >= 0) {
            read = in.read(bytes, from + bytes.position() - start);
        }
    }
}
