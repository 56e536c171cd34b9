package org.telltale.convert;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.telltale.engine.HostTensor;

/** Writes what {@code torch.save} of PyTorch 1.6 and later writes: a dictionary of tensors, perhaps under a key. */
final class TorchWriter {
    private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();

    private TorchWriter() {}

    /** @param root the key of the state dictionary; empty if the file is that dictionary */
    static void write(Path file, String root, Map<String, HostTensor> tensors) throws IOException {
        TorchWriter w = new TorchWriter();
        w.bytes(0x80, 2);
        if (!root.isEmpty()) {
            w.text("}");
            w.string("epoch");
            w.bytes('K', 7, 's');
            w.string(root);
        }
        w.text("}(");
        int key = 0;
        for (Map.Entry<String, HostTensor> t : tensors.entrySet()) {
            w.string(t.getKey());
            w.tensor(key++, t.getValue());
        }
        w.text("u");
        if (!root.isEmpty()) {
            w.text("s");
        }
        w.text(".");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            entry(zip, "archive/data.pkl", w.pickle.toByteArray());
            entry(zip, "archive/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
            key = 0;
            for (HostTensor t : tensors.values()) {
                entry(zip, "archive/data/" + key++, t.data().toArray(ValueLayout.JAVA_BYTE));
            }
            entry(zip, "archive/version", "3\n".getBytes(StandardCharsets.US_ASCII));
        }
    }

    private static void entry(ZipOutputStream zip, String name, byte[] content) throws IOException {
        CRC32 crc = new CRC32();
        crc.update(content);
        ZipEntry entry = new ZipEntry(name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(content.length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
    }

    private void tensor(int key, HostTensor t) {
        text("ctorch._utils\n_rebuild_tensor_v2\n((");
        string("storage");
        text("ctorch\n" + storage(t) + "\n");
        string(Integer.toString(key));
        string("cpu");
        number((int) t.size());
        text("tQ");
        number(0);
        text("(");
        for (int d : t.shape().dims()) {
            number(d);
        }
        text("t(");
        for (long s : t.shape().strides()) {
            number((int) s);
        }
        text("t");
        bytes(0x89);
        text("ccollections\nOrderedDict\n)RtR");
    }

    private static String storage(HostTensor t) {
        return switch (t.dtype()) {
            case F64 -> "DoubleStorage";
            case F32 -> "FloatStorage";
            case F16 -> "HalfStorage";
            case BF16 -> "BFloat16Storage";
            case I64 -> "LongStorage";
            case I32 -> "IntStorage";
            case I16 -> "ShortStorage";
            case I8 -> "CharStorage";
            case U8 -> "ByteStorage";
            case BOOL -> "BoolStorage";
        };
    }

    private void number(int value) {
        bytes('J');
        pickle.writeBytes(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array());
    }

    private void string(String s) {
        byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
        bytes('X');
        pickle.writeBytes(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(utf8.length)
                .array());
        pickle.writeBytes(utf8);
    }

    private void text(String opcodes) {
        pickle.writeBytes(opcodes.getBytes(StandardCharsets.ISO_8859_1));
    }

    private void bytes(int... opcodes) {
        for (int b : opcodes) {
            pickle.write(b);
        }
    }
}
