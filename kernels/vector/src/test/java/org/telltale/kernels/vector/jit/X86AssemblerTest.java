package org.telltale.kernels.vector.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.telltale.kernels.vector.jit.X86Assembler.Condition;
import org.telltale.kernels.vector.jit.X86Assembler.Gpr;
import org.telltale.kernels.vector.jit.X86Assembler.Label;
import org.telltale.kernels.vector.jit.X86Assembler.Mem;
import org.telltale.kernels.vector.jit.X86Assembler.Op;
import org.telltale.kernels.vector.jit.X86Assembler.Operand;
import org.telltale.kernels.vector.jit.X86Assembler.Vec;

/** Every encoding against those of another assembler; needs no x86 CPU. */
class X86AssemblerTest {
    private static final Pattern MEMORY =
            Pattern.compile("\\[(\\w+)(?:\\+(r\\w+)\\*(\\d))?([+-]\\d+)?](?:\\{k(\\d)})?");
    private static final Pattern VECTOR = Pattern.compile("([xyz])mm(\\d+)(?:\\{k(\\d)}(\\{z})?)?");

    private final Map<String, Integer> seen = new HashMap<>();

    @Test
    void encodesEveryRowOfTheTable() throws IOException {
        List<String> wrong = new ArrayList<>();
        for (String row : rows()) {
            String[] columns = row.split("\t");
            String bytes = HexFormat.of().formatHex(encode(columns[1]));
            if (!bytes.equals(columns[0])) {
                wrong.add(columns[1] + ": " + bytes + ", not " + columns[0]);
            }
        }
        assertThat(wrong).isEmpty();
        for (Op op : Op.values()) {
            assertThat(seen).as("rows of %s", op).containsKey(op.name().toLowerCase(Locale.ROOT));
        }
        assertThat(seen.values().stream().mapToInt(i -> i).sum()).isGreaterThan(2100);
    }

    private static List<String> rows() throws IOException {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(X86AssemblerTest.class.getResourceAsStream("/x86-encodings.tsv")),
                StandardCharsets.UTF_8))) {
            return in.lines().filter(line -> !line.startsWith("#")).toList();
        }
    }

    private byte[] encode(String instruction) {
        String[] words = instruction.split(" ", 2);
        String[] o = words.length == 1 ? new String[0] : words[1].split(", ");
        seen.merge(words[0], 1, Integer::sum);
        X86Assembler x = new X86Assembler();
        switch (words[0]) {
            case "mov" -> {
                if (gpr(o[0]) == null) {
                    x.mov(memory(o[0]), need(o[1]));
                } else if (gpr(o[1]) != null) {
                    x.mov(need(o[0]), need(o[1]));
                } else if (o[1].startsWith("[")) {
                    x.mov(need(o[0]), memory(o[1]));
                } else {
                    x.mov(need(o[0]), Integer.parseInt(o[1]));
                }
            }
            case "add" -> {
                if (gpr(o[0]) == null) {
                    x.add(memory(o[0]), need(o[1]));
                } else if (gpr(o[1]) != null) {
                    x.add(need(o[0]), need(o[1]));
                } else if (o[1].startsWith("[")) {
                    x.add(need(o[0]), memory(o[1]));
                } else {
                    x.add(need(o[0]), Integer.parseInt(o[1]));
                }
            }
            case "sub" -> {
                if (gpr(o[1]) != null) {
                    x.sub(need(o[0]), need(o[1]));
                } else {
                    x.sub(need(o[0]), Integer.parseInt(o[1]));
                }
            }
            case "cmp" -> {
                if (gpr(o[1]) != null) {
                    x.cmp(need(o[0]), need(o[1]));
                } else {
                    x.cmp(need(o[0]), Integer.parseInt(o[1]));
                }
            }
            case "and" -> x.and(need(o[0]), Integer.parseInt(o[1]));
            case "xor" -> x.xor(need(o[0]), need(o[1]));
            case "imul" -> x.imul(need(o[0]), need(o[1]));
            case "shl" -> x.shl(need(o[0]), Integer.parseInt(o[1]));
            case "shr" -> x.shr(need(o[0]), Integer.parseInt(o[1]));
            case "push" -> x.push(need(o[0]));
            case "pop" -> x.pop(need(o[0]));
            case "ret" -> x.ret();
            case "cpuid" -> x.cpuid();
            case "xgetbv" -> x.xgetbv();
            case "syscall" -> x.syscall();
            case "ldtilecfg" -> x.ldtilecfg(memory(o[0]));
            case "tilerelease" -> x.tilerelease();
            case "tilezero" -> x.tilezero(tile(o[0]));
            case "tileloadd" -> x.tileloadd(tile(o[0]), memory(o[1]));
            case "tilestored" -> x.tilestored(memory(o[0]), tile(o[1]));
            case "tdpbf16ps" -> x.tdpbf16ps(tile(o[0]), tile(o[1]), tile(o[2]));
            case "prefetcht1" -> x.prefetcht1(memory(o[0]));
            case "vzeroupper" -> x.vzeroupper();
            case "lea" -> x.lea(need(o[0]), memory(o[1]));
            case "bzhi" -> x.bzhi(need(o[0]), need(o[1]), need(o[2]));
            case "kmovw" -> x.kmovw(o[0].charAt(1) - '0', need(o[1].equals("r9d") ? "r9" : "r" + o[1].substring(1)));
            case "vmovups" -> move(x, o);
            case "vbroadcastss" -> x.vbroadcastss(vector(o[0]), memory(o[1]));
            case "vpmovzxwd" -> x.vpmovzxwd(vector(o[0]), memory(o[1]));
            case "vpslld" -> x.vpslld(vector(o[0]), vector(o[1]), Integer.parseInt(o[2]));
            case "vmaskmovps" -> {
                if (o[0].startsWith("[")) {
                    x.vmaskmovps(memory(o[0]), vector(o[1]), vector(o[2]));
                } else {
                    x.vmaskmovps(vector(o[0]), vector(o[1]), memory(o[2]));
                }
            }
            default -> x.op(Op.valueOf(words[0].toUpperCase(Locale.ROOT)), vector(o[0]), vector(o[1]), operand(o[2]));
        }
        return Arrays.copyOf(x.finish(), x.position());
    }

    private static void move(X86Assembler x, String[] o) {
        boolean store = o[0].startsWith("[");
        Matcher masked = Pattern.compile("\\{k(\\d)}").matcher(o[0] + o[1]);
        int k = masked.find() ? Integer.parseInt(masked.group(1)) : 0;
        if (store && k == 0) {
            x.store(memory(o[0]), vector(o[1]));
        } else if (store) {
            x.storeMasked(memory(o[0]), k, vector(o[1]));
        } else if (k == 0) {
            x.load(vector(o[0]), memory(o[1]));
        } else {
            x.loadMasked(vector(o[0]), k, memory(o[1]));
        }
    }

    private static Operand operand(String text) {
        return text.startsWith("[") ? memory(text) : vector(text);
    }

    private static int tile(String text) {
        return text.charAt(3) - '0';
    }

    private static Vec vector(String text) {
        Matcher m = VECTOR.matcher(text);
        assertThat(m.matches()).as(text).isTrue();
        int bits = switch (m.group(1)) {
            case "x" -> 128;
            case "y" -> 256;
            default -> 512;
        };
        return new Vec(Integer.parseInt(m.group(2)), bits);
    }

    private static Mem memory(String text) {
        Matcher m = MEMORY.matcher(text);
        assertThat(m.matches()).as(text).isTrue();
        int displacement = m.group(4) == null ? 0 : Integer.parseInt(m.group(4));
        return m.group(2) == null
                ? Mem.at(need(m.group(1)), displacement)
                : Mem.at(need(m.group(1)), need(m.group(2)), Integer.parseInt(m.group(3)), displacement);
    }

    private static Gpr need(String text) {
        return Objects.requireNonNull(gpr(text), text);
    }

    private static @Nullable Gpr gpr(String text) {
        return Arrays.stream(Gpr.values())
                .filter(r -> r.name().equalsIgnoreCase(text))
                .findFirst()
                .orElse(null);
    }

    @Test
    void whatOnlyAvx512OrAStrideCanSayIsRefused() {
        X86Assembler x = new X86Assembler();
        Vec v = new Vec(1, 256);
        assertThatThrownBy(() -> x.op(Op.VDPBF16PS, v, v, v)).hasMessage("VDPBF16PS is written for 512 bits, not 256");
        assertThatThrownBy(() -> x.tileloadd(0, Mem.at(Gpr.RAX, 0))).hasMessageContaining("need an index");
    }

    @Test
    void jumpsReachTheirLabels() {
        X86Assembler x = new X86Assembler();
        Label back = x.label();
        Label forth = x.label();
        x.bind(back);
        x.jmp(forth);
        x.jcc(Condition.LESS, back);
        x.bind(forth);
        x.ret();
        assertThat(HexFormat.of().formatHex(Arrays.copyOf(x.finish(), x.position())))
                .isEqualTo("e906000000" + "0f8cf5ffffff" + "c3");
    }

    @Test
    void constantsLieBehindTheCodeAndAreShared() {
        X86Assembler x = new X86Assembler();
        byte[] constant = {1, 2, 3, 4};
        x.vbroadcastss(new Vec(1, 256), x.constant(constant));
        x.vbroadcastss(new Vec(2, 256), x.constant(constant));
        byte[] code = x.finish();
        assertThat(code).hasSize(64 + 4).endsWith(1, 2, 3, 4);
        // from the end of each instruction of 9 bytes
        assertThat(code[5]).isEqualTo((byte) (64 - 9));
        assertThat(code[14]).isEqualTo((byte) (64 - 18));
    }

    @Test
    void labelsAreBoundOnce() {
        X86Assembler x = new X86Assembler();
        Label label = x.label();
        x.jmp(label);
        assertThatThrownBy(x::finish).hasMessageContaining("not bound");
        x.bind(label);
        assertThatThrownBy(() -> x.bind(label)).hasMessageContaining("twice");
    }
}
