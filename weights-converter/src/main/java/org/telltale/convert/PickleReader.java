package org.telltale.convert;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.telltale.convert.PickleValue.Dictionary;
import org.telltale.convert.PickleValue.Known;
import org.telltale.convert.PickleValue.Large;
import org.telltale.convert.PickleValue.None;
import org.telltale.convert.PickleValue.Opaque;
import org.telltale.convert.PickleValue.Real;
import org.telltale.convert.PickleValue.Sequence;
import org.telltale.convert.PickleValue.Storage;
import org.telltale.convert.PickleValue.Text;
import org.telltale.convert.PickleValue.Truth;
import org.telltale.convert.PickleValue.View;
import org.telltale.convert.PickleValue.Whole;

/**
 * Reads a pickle of PyTorch, protocols 0 to 5, without executing anything: a pickle is a program for a small stack machine,
 * of which only what builds containers, numbers, texts and tensors is understood. A class or function outside of
 * {@link PickleGlobal} is refused by its name, and calls of those in it are worked out here.
 *
 * <p>Opcodes are counted, and each makes a bounded amount of memory, so that no pickle can take much.
 */
final class PickleReader {
    /** A checkpoint takes about thirty a tensor. */
    static final int MOST_OPCODES = 1_000_000;

    private static final int MOST_DIGITS = 255;
    private static final int MAX_RANK = 64;
    private static final int SHOWN = 100;
    private static final long MOST_ELEMENTS = 1L << 40;

    /** A view may hold more elements than its storage, but not much more: expanded dimensions cost no file. */
    private static final long ALWAYS_ALLOWED = 16L << 20;

    private final PickleInput in;
    private final Storages storages;
    private final List<PickleValue> stack = new ArrayList<>();
    private final List<Integer> marks = new ArrayList<>();
    private final Map<Long, PickleValue> memo = new HashMap<>();
    private long at;

    /** Finds the storages that a pickle refers to. */
    @FunctionalInterface
    interface Storages {
        /** The storage of an id: what the pickle says about it, beginning with the text {@code storage}. */
        Storage find(List<PickleValue> id);
    }

    private PickleReader(PickleInput in, Storages storages) {
        this.in = in;
        this.storages = storages;
    }

    /** Reads one pickle; the input stands behind it afterwards. */
    static PickleValue read(PickleInput in, Storages storages) {
        return new PickleReader(in, storages).run();
    }

    private PickleValue run() {
        for (int count = 0; count < MOST_OPCODES; count++) {
            at = in.position();
            int opcode = in.octet();
            if (opcode == '.') {
                return pop();
            }
            step(opcode);
        }
        throw error("more than " + MOST_OPCODES + " opcodes");
    }

    private void step(int opcode) {
        switch (opcode) {
            case '(' -> marks.add(stack.size());
            case '0' -> {
                // a mark is an element of the stack, too
                if (!marks.isEmpty() && marks.getLast() == stack.size()) {
                    marks.removeLast();
                } else {
                    pop();
                }
            }
            case '1' -> popMark();
            case '2' -> push(top());
            case 'N' -> push(None.NONE);
            case 0x88 -> push(new Truth(true));
            case 0x89 -> push(new Truth(false));
            case 'I' -> integerLine();
            case 'L' -> longLine();
            case 'F' -> realLine();
            case 'J' -> push(new Whole(in.int32()));
            case 'K' -> push(new Whole(in.octet()));
            case 'M' -> push(new Whole(in.unsigned(2)));
            case 'G' -> push(new Real(in.bigEndianDouble()));
            case 0x8a -> pushLong(in.octet());
            case 0x8b -> pushLong(in.int32());
            case 'S' -> quotedLine();
            case 'V' -> push(new Text(in.line()));
            case 'T', 'X' -> push(new Text(in.text(in.unsigned(4))));
            case 'U', 0x8c -> push(new Text(in.text(in.octet())));
            case 0x8d -> push(new Text(in.text(in.int64())));
            case 'B' -> skipBytes(in.unsigned(4));
            case 'C' -> skipBytes(in.octet());
            case 0x8e, 0x96 -> skipBytes(in.int64());
            case ')' -> push(new Sequence(true, List.of()));
            case ']' -> push(PickleValue.list());
            case '}' -> push(new Dictionary());
            case 't' -> push(new Sequence(true, popMark()));
            case 'l' -> push(new Sequence(false, popMark()));
            case 'd' -> {
                List<PickleValue> pairs = popMark();
                Dictionary d = new Dictionary();
                putAll(d, pairs);
                push(d);
            }
            case 0x85 -> tuple(1);
            case 0x86 -> tuple(2);
            case 0x87 -> tuple(3);
            case 'a' -> {
                PickleValue item = pop();
                list().items.add(item);
            }
            case 'e' -> {
                List<PickleValue> items = popMark();
                list().items.addAll(items);
            }
            case 's' -> {
                PickleValue value = pop();
                PickleValue key = pop();
                putAll(dictionary(), List.of(key, value));
            }
            case 'u' -> {
                List<PickleValue> pairs = popMark();
                putAll(dictionary(), pairs);
            }
            case 0x8f -> push(new Opaque());
            case 0x90 -> {
                popMark();
                if (!(top() instanceof Opaque)) {
                    throw error("ADDITEMS to something that is no set");
                }
            }
            case 0x91 -> {
                popMark();
                push(new Opaque());
            }
            case 'p' -> memo.put(memoLine(), top());
            case 'q' -> memo.put((long) in.octet(), top());
            case 'r' -> memo.put(in.unsigned(4), top());
            case 0x94 -> memo.put((long) memo.size(), top());
            case 'g' -> recall(memoLine());
            case 'h' -> recall(in.octet());
            case 'j' -> recall(in.unsigned(4));
            case 'c' -> {
                String module = in.line();
                push(global(module, in.line()));
            }
            case 0x93 -> {
                PickleValue name = pop();
                PickleValue module = pop();
                if (!(module instanceof Text m) || !(name instanceof Text n)) {
                    throw error("STACK_GLOBAL without a module and a name");
                }
                push(global(m.value(), n.value()));
            }
            case 'i' -> {
                String module = in.line();
                global(module, in.line());
                throw error("INST makes instances, which are not read");
            }
            case 'o' -> throw error("OBJ makes instances, which are not read");
            case 'R', 0x81 -> {
                PickleValue arguments = pop();
                PickleValue callee = pop();
                push(call(callee, arguments));
            }
            case 0x92 -> throw error("NEWOBJ_EX makes instances, which are not read");
            case 'b' -> build();
            case 'Q' -> storage();
            case 'P' -> throw error("PERSID refers to something outside of the file by a line of text");
            case 0x80 -> in.octet();
            case 0x95 -> frame();
            case 0x82, 0x83, 0x84 -> throw error("EXT refers to a registry of extensions, which is not read");
            case 0x97, 0x98 -> throw error("buffers outside of the pickle are not read");
            default -> throw error(String.format("0x%02X is no opcode that is known", opcode));
        }
    }

    private ConvertException error(String message) {
        return in.error(message + ", at byte " + at + " of the pickle");
    }

    private void push(PickleValue v) {
        stack.add(v);
    }

    private PickleValue pop() {
        PickleValue v = top();
        stack.removeLast();
        return v;
    }

    private PickleValue top() {
        int bottom = marks.isEmpty() ? 0 : marks.getLast();
        if (stack.size() <= bottom) {
            throw error("the stack is empty");
        }
        return stack.getLast();
    }

    /** What lies above the last mark, which goes too. */
    private List<PickleValue> popMark() {
        if (marks.isEmpty()) {
            throw error("no mark on the stack");
        }
        List<PickleValue> above = stack.subList(marks.removeLast(), stack.size());
        List<PickleValue> items = new ArrayList<>(above);
        above.clear();
        return items;
    }

    private void tuple(int count) {
        PickleValue[] items = new PickleValue[count];
        for (int i = count - 1; i >= 0; i--) {
            items[i] = pop();
        }
        push(new Sequence(true, List.of(items)));
    }

    private Sequence list() {
        if (top() instanceof Sequence s && !s.tuple) {
            return s;
        }
        throw error("an element is added to something that is no list");
    }

    private Dictionary dictionary() {
        if (top() instanceof Dictionary d) {
            return d;
        }
        throw error("an entry is set in something that is no dictionary");
    }

    private void putAll(Dictionary d, List<PickleValue> pairs) {
        if (pairs.size() % 2 != 0) {
            throw error("a key without a value");
        }
        for (int i = 0; i < pairs.size(); i += 2) {
            PickleValue key = pairs.get(i);
            if (key instanceof Dictionary || (key instanceof Sequence s && !s.tuple)) {
                throw error("a list or dictionary as the key of a dictionary");
            }
            d.items.put(key, pairs.get(i + 1));
        }
    }

    private void recall(long index) {
        PickleValue v = memo.get(index);
        if (v == null) {
            throw error("the memo has no entry " + index);
        }
        push(v);
    }

    private long memoLine() {
        long index = wholeLine(in.line());
        if (index < 0) {
            throw error("the memo has no entry " + index);
        }
        return index;
    }

    private void integerLine() {
        String line = in.line();
        push(line.equals("00") || line.equals("01") ? new Truth(line.equals("01")) : new Whole(wholeLine(line)));
    }

    private void longLine() {
        String line = in.line();
        push(new Whole(wholeLine(line.endsWith("L") ? line.substring(0, line.length() - 1) : line)));
    }

    private long wholeLine(String line) {
        try {
            return Long.parseLong(line.strip());
        } catch (NumberFormatException e) {
            throw error("\"" + shown(line) + "\" is no whole number of 64 bits");
        }
    }

    private void realLine() {
        String line = in.line();
        try {
            push(new Real(Double.parseDouble(line.strip())));
        } catch (NumberFormatException e) {
            throw error("\"" + shown(line) + "\" is no number");
        }
    }

    private void quotedLine() {
        String line = in.line().strip();
        if (line.length() < 2
                || line.charAt(0) != line.charAt(line.length() - 1)
                || "'\"".indexOf(line.charAt(0)) < 0
                || line.indexOf('\\') >= 0) {
            throw error("\"" + shown(line) + "\" is no plain text in quotation marks");
        }
        push(new Text(line.substring(1, line.length() - 1)));
    }

    private void pushLong(int bytes) {
        if (bytes < 0 || bytes > MOST_DIGITS) {
            throw error("a whole number of " + Integer.toUnsignedString(bytes) + " bytes, at most " + MOST_DIGITS
                    + " are expected");
        }
        byte[] little = in.octets(bytes);
        byte[] big = new byte[bytes + 1];
        for (int i = 0; i < bytes; i++) {
            big[bytes - i] = little[i];
        }
        if (bytes > 0) {
            big[0] = (byte) (little[bytes - 1] < 0 ? -1 : 0);
        }
        BigInteger value = new BigInteger(big);
        push(value.bitLength() < Long.SIZE ? new Whole(value.longValue()) : new Large(value));
    }

    private void skipBytes(long count) {
        in.octets(count);
        push(new Opaque());
    }

    /** The next bytes belong together, which matters only to a reader that fetches them at once. */
    private void frame() {
        long length = in.int64();
        if (length < 0 || length > in.left()) {
            throw error("a frame of " + Long.toUnsignedString(length) + " bytes, but " + in.left() + " are left");
        }
    }

    private Known global(String module, String name) {
        return PickleGlobal.find(module, name)
                .orElseThrow(() -> error("it names " + shown(module + "." + name)
                        + ", which is none of the classes and functions that a checkpoint needs;"
                        + " nothing was executed"));
    }

    static String shown(String text) {
        String cut = text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
        return cut.replaceAll("\\p{Cntrl}", "?");
    }

    /** Attributes are of no interest; only an OrderedDict and a tensor may have some. */
    private void build() {
        pop();
        if (!(top() instanceof Dictionary) && !(top() instanceof View)) {
            throw error("BUILD sets attributes of something that is neither a dictionary nor a tensor");
        }
    }

    private void storage() {
        if (!(pop() instanceof Sequence s)
                || !s.tuple
                || s.items.isEmpty()
                || !s.items.getFirst().equals(new Text("storage"))) {
            throw error("a persistent id that is no tuple beginning with 'storage'");
        }
        push(storages.find(s.items));
    }

    private PickleValue call(PickleValue callee, PickleValue arguments) {
        if (!(callee instanceof Known known)) {
            throw error("a call of something that is no class or function");
        }
        if (!(arguments instanceof Sequence s) || !s.tuple) {
            throw error("a call of " + known.global() + " without a tuple of arguments");
        }
        List<PickleValue> a = s.items;
        return switch (known.global()) {
            case ORDERED_DICT -> orderedDictionary(a);
            case SIZE -> {
                require(known, a, 1);
                yield a.getFirst();
            }
            case DEVICE, ENCODE -> new Opaque();
            case REBUILD_PARAMETER, REBUILD_PARAMETER_WITH_STATE -> {
                require(known, a, 1);
                if (!(a.getFirst() instanceof View v)) {
                    throw error("a parameter of something that is no tensor");
                }
                yield v;
            }
            case REBUILD_TENSOR -> {
                require(known, a, 4);
                yield view(a, typeOf(a));
            }
            case REBUILD_TENSOR_V2 -> {
                require(known, a, 6);
                yield view(a, typeOf(a));
            }
            case REBUILD_TENSOR_V3 -> {
                require(known, a, 7);
                if (!(a.get(6) instanceof Known k) || k.global() != PickleGlobal.DTYPE || k.type() == null) {
                    throw error("_rebuild_tensor_v3 without a dtype");
                }
                yield view(a, k.type());
            }
            case STORAGE, BYTES_STORAGE, DTYPE -> throw error("a call of " + known.global() + ", which is not read");
        };
    }

    private void require(Known callee, List<PickleValue> arguments, int count) {
        if (arguments.size() < count) {
            throw error("a call of " + callee.global() + " with " + arguments.size() + " arguments, expected " + count);
        }
    }

    /** Python 2 wrote the pairs as an argument. */
    private PickleValue orderedDictionary(List<PickleValue> arguments) {
        Dictionary d = new Dictionary();
        if (arguments.isEmpty()) {
            return d;
        }
        if (arguments.size() > 1 || !(arguments.getFirst() instanceof Sequence pairs)) {
            throw error("an OrderedDict of something that is no list of pairs");
        }
        for (PickleValue pair : pairs.items) {
            if (!(pair instanceof Sequence p) || p.items.size() != 2) {
                throw error("an OrderedDict of something that is no list of pairs");
            }
            putAll(d, p.items);
        }
        return d;
    }

    private TorchType typeOf(List<PickleValue> arguments) {
        if (!(arguments.getFirst() instanceof Storage s)) {
            throw error("a tensor without a storage");
        }
        if (s.type == null) {
            throw error("a tensor of unknown type in a storage of bytes");
        }
        return s.type;
    }

    private View view(List<PickleValue> a, TorchType type) {
        if (!(a.getFirst() instanceof Storage s) || !(a.get(1) instanceof Whole offset)) {
            throw error("a tensor without a storage and an offset");
        }
        List<Long> sizes = wholes(a.get(2), "sizes");
        List<Long> strides = wholes(a.get(3), "strides");
        String what = "a tensor of sizes " + sizes + ", strides " + strides + " and offset " + offset.value();
        if (sizes.size() != strides.size()) {
            throw error(what + ": as many strides as sizes are expected");
        }
        long held = s.bytes() / type.bytes();
        boolean empty = sizes.contains(0L);
        long elements = 1;
        long last = offset.value();
        boolean lies = last < 0;
        for (int i = 0; i < sizes.size() && !lies; i++) {
            long size = Math.max(1, sizes.get(i));
            long stride = strides.get(i);
            lies = sizes.get(i) < 0
                    || size > Integer.MAX_VALUE
                    || stride < 0
                    || elements > MOST_ELEMENTS / size
                    || (!empty && stride > 0 && size - 1 > held / stride);
            if (!lies) {
                elements *= size;
                last += empty ? 0 : (size - 1) * stride;
            }
        }
        elements = empty ? 0 : elements;
        if (lies || (elements > 0 && last >= held)) {
            throw error(what + " does not lie within its storage of " + held + " elements");
        }
        if (elements > held && elements * type.bytes() > ALWAYS_ALLOWED) {
            throw error(what + " repeats the " + held + " elements of its storage to " + elements);
        }
        return new View(
                s, type, offset.value(), sizes.stream().map(Long::intValue).toList(), strides);
    }

    private List<Long> wholes(PickleValue v, String what) {
        if (!(v instanceof Sequence s) || s.items.size() > MAX_RANK) {
            throw error("the " + what + " of a tensor are no tuple of at most " + MAX_RANK + " numbers");
        }
        List<Long> out = new ArrayList<>();
        for (PickleValue item : s.items) {
            if (!(item instanceof Whole w)) {
                throw error("the " + what + " of a tensor are no tuple of whole numbers");
            }
            out.add(w.value());
        }
        return out;
    }
}
