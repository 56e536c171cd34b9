package org.telltale.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes the archive of a TorchScript module without parameters whose {@code forward} takes a list of tensors and gives
 * one. DJL offers no call for most ops of libtorch, but loads such modules.
 */
final class TorchScript {
    /** Pickled (protocol 2): an object of the class {@code __torch__.F} with the attribute training = False. */
    private static final String OBJECT = "\u0080\u0002c__torch__\nF\n)\u0081}X\b\0\0\0training\u0089sb.";

    /** Pickled: the empty tuple. */
    private static final String NO_CONSTANTS = "\u0080\u0002).";

    private TorchScript() {}

    /**
     * A function of a list of tensors.
     *
     * @param operands the names that the tensors of the list get, at least one
     * @param statements assignments, one a line
     * @param results names, of operands or of what the statements assign
     */
    static byte[] archive(List<String> operands, List<String> statements, List<String> results) {
        StringBuilder code = new StringBuilder("class F(Module):\n  __parameters__ = []\n  __buffers__ = []\n");
        code.append("  training : bool\n  def forward(self: __torch__.F, operands: List[Tensor]) -> List[Tensor]:\n");
        code.append("    ").append(String.join(", ", operands)).append(", = operands\n");
        statements.forEach(s -> code.append("    ").append(s).append('\n'));
        code.append("    return [").append(String.join(", ", results)).append("]\n");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            put(zip, "data.pkl", OBJECT);
            put(zip, "constants.pkl", NO_CONSTANTS);
            put(zip, "version", "10\n");
            put(zip, "code/__torch__.py", code.toString());
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
