package org.telltale.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes the archive of a TorchScript module without parameters whose {@code forward} is one expression over tensors x0,
 * x1, and so on. DJL offers no call for most ops of libtorch, but loads such modules.
 */
final class TorchScript {
    /** Pickled (protocol 2): an object of the class {@code __torch__.F} with the attribute training = False. */
    private static final String OBJECT = "\u0080\u0002c__torch__\nF\n)\u0081}X\b\0\0\0training\u0089sb.";

    /** Pickled: the empty tuple. */
    private static final String NO_CONSTANTS = "\u0080\u0002).";

    private TorchScript() {}

    static byte[] archive(int operands, String expression) {
        String arguments = IntStream.range(0, operands)
                .mapToObj(i -> ", x" + i + ": Tensor")
                .collect(Collectors.joining());
        String code = "class F(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n"
                + "  def forward(self: __torch__.F" + arguments + ") -> Tensor:\n    return " + expression + "\n";
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            put(zip, "data.pkl", OBJECT);
            put(zip, "constants.pkl", NO_CONSTANTS);
            put(zip, "version", "10\n");
            put(zip, "code/__torch__.py", code);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** Libtorch reads entries that are stored, not deflated. */
    private static void put(ZipOutputStream zip, String name, String text) throws IOException {
        byte[] data = text.getBytes(StandardCharsets.ISO_8859_1);
        CRC32 crc = new CRC32();
        crc.update(data);
        ZipEntry entry = new ZipEntry("function/" + name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(data.length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(data);
        zip.closeEntry();
    }
}
