package org.telltale.kernels.vector.jit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes x86-64 machine code: just the instructions that the kernels use, with labels and a pool of constants. Encodings
 * follow the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2. Operands are in Intel's order,
 * destination first.
 */
public final class X86Assembler {
    /** A general register of 64 bits. */
    public enum Gpr {
        RAX(0),
        RCX(1),
        RDX(2),
        RBX(3),
        RSP(4),
        RBP(5),
        RSI(6),
        RDI(7),
        R8(8),
        R9(9),
        R10(10),
        R11(11),
        R12(12),
        R13(13),
        R14(14),
        R15(15);

        private final int code;

        Gpr(int code) {
            this.code = code;
        }
    }

    /** What may stand where an instruction reads a register or memory. */
    public sealed interface Operand permits Vec, Mem {}

    /** A vector register of 128, 256 or 512 bits; from 16 on, or with 512 bits, it needs AVX-512. */
    public record Vec(int number, int bits) implements Operand {}

    /** Memory at base + scale index + displacement, or a constant of the pool when the base is null. */
    public record Mem(@Nullable Gpr base, @Nullable Gpr index, int scale, int displacement) implements Operand {
        public static Mem at(Gpr base, int displacement) {
            return new Mem(base, null, 1, displacement);
        }

        public static Mem at(Gpr base, Gpr index, int scale, int displacement) {
            return new Mem(base, index, scale, displacement);
        }
    }

    /** A place in the code, to be bound once. */
    public static final class Label {
        private int place = -1;
        private final List<Integer> uses = new ArrayList<>();
    }

    /** Conditions of jumps, for signed numbers. */
    public enum Condition {
        EQUAL(4),
        NOT_EQUAL(5),
        LESS(12),
        GREATER_OR_EQUAL(13),
        LESS_OR_EQUAL(14),
        GREATER(15);

        private final int code;

        Condition(int code) {
            this.code = code;
        }
    }

    /** Arithmetic of general registers: the opcode with two registers, the digit with an immediate. */
    private enum Alu {
        ADD(0x01, 0),
        AND(0x21, 4),
        SUB(0x29, 5),
        XOR(0x31, 6),
        CMP(0x39, 7);

        private final int opcode;
        private final int digit;

        Alu(int opcode, int digit) {
            this.opcode = opcode;
            this.digit = digit;
        }
    }

    /** Vector instructions of the form destination, source, register or memory: opcode map, prefix and opcode. */
    public enum Op {
        VADDPS(1, 0, 0x58),
        VMULPS(1, 0, 0x59),
        VSUBPS(1, 0, 0x5C),
        VMINPS(1, 0, 0x5D),
        VDIVPS(1, 0, 0x5E),
        VMAXPS(1, 0, 0x5F),
        VANDPS(1, 0, 0x54),
        VXORPS(1, 0, 0x57),
        VPADDD(1, 1, 0xFE),
        VFMADD213PS(2, 1, 0xA8),
        VFMADD231PS(2, 1, 0xB8),
        VFNMADD231PS(2, 1, 0xBC),
        /** Adds to each F32 the products of two pairs of bfloat16. AVX512_BF16. */
        VDPBF16PS(2, 2, 0x52),
        /** Rounds the floats of both sources to bfloat16, those of the second to the low half. AVX512_BF16. */
        VCVTNE2PS2BF16(2, 3, 0x72);

        private final int map;
        private final int prefix;
        private final int opcode;

        Op(int map, int prefix, int opcode) {
            this.map = map;
            this.prefix = prefix;
            this.opcode = opcode;
        }
    }

    private byte[] code = new byte[1 << 12];
    private int size;
    private final List<Label> labels = new ArrayList<>();
    private byte[] pool = new byte[1 << 10];
    private int poolSize;

    /** Where a displacement goes, the constant's place in the pool, and where the instruction ends. */
    private final List<int[]> poolUses = new ArrayList<>();

    // ---- the code

    /** The code, then the constants; it runs wherever it is put, at a multiple of 64 bytes. */
    public byte[] finish() {
        for (Label label : labels) {
            if (label.place < 0) {
                throw new IllegalStateException("a label is used but not bound");
            }
            for (int use : label.uses) {
                patch(use, label.place - (use + 4));
            }
        }
        int constants = (size + 63) / 64 * 64;
        for (int[] use : poolUses) {
            // counted from the end of the instruction, which may have an immediate byte after the displacement
            patch(use[0], constants + use[1] - use[2]);
        }
        byte[] all = Arrays.copyOf(code, constants + poolSize);
        Arrays.fill(all, size, constants, (byte) 0xCC);
        System.arraycopy(pool, 0, all, constants, poolSize);
        return all;
    }

    /** Where the next instruction goes, in bytes from the first. */
    public int position() {
        return size;
    }

    private void patch(int at, int value) {
        for (int i = 0; i < 4; i++) {
            code[at + i] = (byte) (value >> (8 * i));
        }
    }

    private void emit(int b) {
        if (size == code.length) {
            code = Arrays.copyOf(code, 2 * size);
        }
        code[size++] = (byte) b;
    }

    private void emit(int... bytes) {
        for (int b : bytes) {
            emit(b);
        }
    }

    private void emit32(int value) {
        for (int i = 0; i < 4; i++) {
            emit(value >> (8 * i));
        }
    }

    /** Starts the next instruction at a multiple of so many bytes, filling up with no-operations. */
    public void align(int bytes) {
        while (size % bytes != 0) {
            emit(0x90);
        }
    }

    // ---- constants

    /** A constant of the pool, at a multiple of its size in bytes (a power of two). */
    public Mem constant(byte[] bytes) {
        for (int at = 0; at + bytes.length <= poolSize; at += bytes.length) {
            if (Arrays.equals(pool, at, at + bytes.length, bytes, 0, bytes.length)) {
                return new Mem(null, null, 1, at);
            }
        }
        int at = (poolSize + bytes.length - 1) / bytes.length * bytes.length;
        poolSize = at + bytes.length;
        while (poolSize > pool.length) {
            pool = Arrays.copyOf(pool, 2 * pool.length);
        }
        System.arraycopy(bytes, 0, pool, at, bytes.length);
        return new Mem(null, null, 1, at);
    }

    // ---- labels and jumps

    public Label label() {
        Label label = new Label();
        labels.add(label);
        return label;
    }

    public void bind(Label label) {
        if (label.place >= 0) {
            throw new IllegalStateException("a label is bound twice");
        }
        label.place = size;
    }

    public void jmp(Label target) {
        emit(0xE9);
        use(target);
    }

    public void jcc(Condition condition, Label target) {
        emit(0x0F, 0x80 | condition.code);
        use(target);
    }

    private void use(Label target) {
        target.uses.add(size);
        emit32(0);
    }

    public void ret() {
        emit(0xC3);
    }

    // ---- general registers

    public void push(Gpr r) {
        if (r.code >= 8) {
            emit(0x41);
        }
        emit(0x50 | (r.code & 7));
    }

    public void pop(Gpr r) {
        if (r.code >= 8) {
            emit(0x41);
        }
        emit(0x58 | (r.code & 7));
    }

    public void mov(Gpr to, Gpr from) {
        rex(from.code, 0, to.code);
        emit(0x89);
        registers(from.code, to.code);
    }

    public void mov(Gpr to, Mem from) {
        rexMem(to.code, from);
        emit(0x8B);
        memory(to.code, from, 1, 0);
    }

    public void mov(Mem to, Gpr from) {
        rexMem(from.code, to);
        emit(0x89);
        memory(from.code, to, 1, 0);
    }

    /** Sign-extended to 64 bits. */
    public void mov(Gpr to, int value) {
        rex(0, 0, to.code);
        emit(0xC7);
        registers(0, to.code);
        emit32(value);
    }

    public void lea(Gpr to, Mem of) {
        rexMem(to.code, of);
        emit(0x8D);
        memory(to.code, of, 1, 0);
    }

    /** Fetches the line of an address into the second-level cache; never faults. */
    public void prefetcht1(Mem at) {
        int rex = (at.index != null && at.index.code >= 8 ? 2 : 0) | (at.base != null && at.base.code >= 8 ? 1 : 0);
        if (rex != 0) {
            emit(0x40 | rex);
        }
        emit(0x0F, 0x18);
        memory(2, at, 1, 0);
    }

    public void add(Gpr to, Gpr from) {
        alu(Alu.ADD, to, from);
    }

    public void add(Gpr to, int value) {
        alu(Alu.ADD, to, value);
    }

    public void add(Gpr to, Mem from) {
        rexMem(to.code, from);
        emit(0x03);
        memory(to.code, from, 1, 0);
    }

    /** Adds a register to memory. */
    public void add(Mem to, Gpr from) {
        rexMem(from.code, to);
        emit(Alu.ADD.opcode);
        memory(from.code, to, 1, 0);
    }

    public void sub(Gpr to, Gpr from) {
        alu(Alu.SUB, to, from);
    }

    public void sub(Gpr to, int value) {
        alu(Alu.SUB, to, value);
    }

    public void and(Gpr to, int value) {
        alu(Alu.AND, to, value);
    }

    public void xor(Gpr to, Gpr from) {
        alu(Alu.XOR, to, from);
    }

    public void cmp(Gpr a, Gpr b) {
        alu(Alu.CMP, a, b);
    }

    public void cmp(Gpr a, int value) {
        alu(Alu.CMP, a, value);
    }

    private void alu(Alu op, Gpr to, Gpr from) {
        rex(from.code, 0, to.code);
        emit(op.opcode);
        registers(from.code, to.code);
    }

    private void alu(Alu op, Gpr to, int value) {
        rex(0, 0, to.code);
        boolean small = value == (byte) value;
        if (small) {
            emit(0x83);
        } else if (to == Gpr.RAX) {
            // the short form for the accumulator, which assemblers choose too
            emit((op.digit << 3) | 5);
            emit32(value);
            return;
        } else {
            emit(0x81);
        }
        registers(op.digit, to.code);
        if (small) {
            emit(value);
        } else {
            emit32(value);
        }
    }

    public void imul(Gpr to, Gpr from) {
        rex(to.code, 0, from.code);
        emit(0x0F, 0xAF);
        registers(to.code, from.code);
    }

    /** Shifts left by 2 to 63. */
    public void shl(Gpr r, int count) {
        rex(0, 0, r.code);
        emit(0xC1);
        registers(4, r.code);
        emit(count);
    }

    /** Shifts right, zeros in, by 2 to 63. */
    public void shr(Gpr r, int count) {
        rex(0, 0, r.code);
        emit(0xC1);
        registers(5, r.code);
        emit(count);
    }

    /** The low bits of a register, as many as the low byte of another says. */
    public void bzhi(Gpr to, Gpr from, Gpr count) {
        vex(2, 0, 1, 0xF5, to.code, count.code, 0, from.code, 128);
        registers(to.code, from.code);
    }

    public void cpuid() {
        emit(0x0F, 0xA2);
    }

    public void xgetbv() {
        emit(0x0F, 0x01, 0xD0);
    }

    /** Calls the kernel: the number in rax, arguments in rdi and rsi, the result in rax; overwrites rcx and r11. */
    public void syscall() {
        emit(0x0F, 0x05);
    }

    // ---- vectors

    public void op(Op op, Vec to, Vec a, Operand b) {
        if ((op == Op.VDPBF16PS || op == Op.VCVTNE2PS2BF16) && to.bits != 512) {
            throw new IllegalArgumentException(op + " is written for 512 bits, not " + to.bits);
        }
        vector(op.map, op.prefix, op.opcode, to.number, a.number, b, to.bits, to.bits / 8, 0);
    }

    public void load(Vec to, Mem from) {
        vector(1, 0, 0x10, to.number, 0, from, to.bits, to.bits / 8, 0);
    }

    public void store(Mem to, Vec from) {
        vector(1, 0, 0x11, from.number, 0, to, from.bits, from.bits / 8, 0);
    }

    /** One float to all lanes. */
    public void vbroadcastss(Vec to, Mem from) {
        vector(2, 1, 0x18, to.number, 0, from, to.bits, 4, 0);
    }

    /** Numbers of 16 bits to lanes of 32, zeros above. */
    public void vpmovzxwd(Vec to, Mem from) {
        vector(2, 1, 0x33, to.number, 0, from, to.bits, to.bits / 16, 0);
    }

    public void vpslld(Vec to, Vec from, int count) {
        // the destination is where other instructions have their first source
        vector(1, 1, 0x72, 6, to.number, from, to.bits, to.bits / 8, 1);
        emit(count);
    }

    /** Lanes whose mask has its highest bit set; others become 0. AVX. */
    public void vmaskmovps(Vec to, Vec mask, Mem from) {
        vector(2, 1, 0x2C, to.number, mask.number, from, to.bits, to.bits / 8, 0);
    }

    public void vmaskmovps(Mem to, Vec mask, Vec from) {
        vector(2, 1, 0x2E, from.number, mask.number, to, from.bits, from.bits / 8, 0);
    }

    /** Lanes of mask register {@code k}, 1 to 7; others become 0. AVX-512. */
    public void loadMasked(Vec to, int k, Mem from) {
        evex(1, 0, 0x10, to.number, 0, from, to.bits, k, true);
        memory(to.number, from, to.bits / 8, 0);
    }

    public void storeMasked(Mem to, int k, Vec from) {
        evex(1, 0, 0x11, from.number, 0, to, from.bits, k, false);
        memory(from.number, to, from.bits / 8, 0);
    }

    /** The low 16 bits to a mask register. */
    public void kmovw(int k, Gpr from) {
        vex(1, 0, 0, 0x92, k, 0, 0, from.code, 128);
        registers(k, from.code);
    }

    public void vzeroupper() {
        emit(0xC5, 0xF8, 0x77);
    }

    // ---- tiles of AMX, 0 to 7

    /** Sets rows and bytes of a row of every tile, from 64 bytes of memory. */
    public void ldtilecfg(Mem from) {
        tile(0, 0x49, 0, from);
    }

    /** Gives all tiles back. */
    public void tilerelease() {
        vex(2, 0, 0, 0x49, 0, 0, 0, 0, 128);
        registers(0, 0);
    }

    public void tilezero(int to) {
        vex(2, 3, 0, 0x49, to, 0, 0, 0, 128);
        registers(to, 0);
    }

    /** Rows from the base on, as many bytes apart as the index says. */
    public void tileloadd(int to, Mem from) {
        tile(3, 0x4B, to, strided(from));
    }

    public void tilestored(Mem to, int from) {
        tile(2, 0x4B, from, strided(to));
    }

    /** Adds to F32 sums the products of rows of pairs of bfloat16, {@code a}, with pairs of rows, {@code b}. */
    public void tdpbf16ps(int sums, int a, int b) {
        vex(2, 2, 0, 0x5C, sums, b, 0, a, 128);
        registers(sums, a);
    }

    private void tile(int prefix, int opcode, int tile, Mem m) {
        vex(2, prefix, 0, opcode, tile, 0, index(m), base(m), 128);
        memory(tile, m, 1, 0);
    }

    private static Mem strided(Mem m) {
        if (m.index == null) {
            throw new IllegalArgumentException("rows of a tile need an index: the bytes from one to the next");
        }
        return m;
    }

    // ---- encoding

    private void registers(int reg, int rm) {
        emit(0xC0 | ((reg & 7) << 3) | (rm & 7));
    }

    private void rex(int reg, int index, int rm) {
        emit(0x48 | (reg >= 8 ? 4 : 0) | (index >= 8 ? 2 : 0) | (rm >= 8 ? 1 : 0));
    }

    private void rexMem(int reg, Mem m) {
        rex(reg, m.index == null ? 0 : m.index.code, m.base == null ? 0 : m.base.code);
    }

    /** ModRM, SIB and displacement; one byte of displacement counts units of {@code unit} bytes. */
    private void memory(int reg, Mem m, int unit, int immediates) {
        int r = (reg & 7) << 3;
        if (m.base == null) {
            emit(r | 5);
            poolUses.add(new int[] {size, m.displacement, size + 4 + immediates});
            emit32(0);
            return;
        }
        int base = m.base.code & 7;
        int d = m.displacement;
        boolean none = d == 0 && base != 5;
        boolean small = d % unit == 0 && d / unit == (byte) (d / unit);
        int mod = none ? 0 : small ? 0x40 : 0x80;
        if (m.index != null || base == 4) {
            if (m.index == Gpr.RSP) {
                throw new IllegalArgumentException("rsp cannot be an index");
            }
            int index = m.index == null ? 4 : m.index.code & 7;
            int scale = m.index == null ? 0 : Integer.numberOfTrailingZeros(m.scale);
            emit(mod | r | 4, (scale << 6) | (index << 3) | base);
        } else {
            emit(mod | r | base);
        }
        if (!none) {
            if (small) {
                emit(d / unit);
            } else {
                emit32(d);
            }
        }
    }

    /** A whole instruction: VEX where it will do, EVEX where it must. */
    private void vector(
            int map, int prefix, int opcode, int reg, int source, Operand rm, int bits, int unit, int immediates) {
        boolean evex = bits == 512 || reg >= 16 || source >= 16 || (rm instanceof Vec v && v.number >= 16);
        if (evex) {
            evex(map, prefix, opcode, reg, source, rm, bits, 0, false);
        } else {
            vex(map, prefix, 0, opcode, reg, source, index(rm), base(rm), bits);
        }
        switch (rm) {
            case Vec v -> registers(reg, v.number);
            case Mem m -> memory(reg, m, evex ? unit : 1, immediates);
        }
    }

    /** The register number that extends ModRM's rm or SIB's base. */
    private static int base(Operand rm) {
        return switch (rm) {
            case Vec v -> v.number;
            case Mem m -> m.base == null ? 0 : m.base.code;
        };
    }

    private static int index(Operand rm) {
        return switch (rm) {
            // EVEX has the fifth bit of a register here
            case Vec v -> v.number >= 16 ? 8 : 0;
            case Mem m -> m.index == null ? 0 : m.index.code;
        };
    }

    private void vex(int map, int prefix, int w, int opcode, int reg, int source, int index, int base, int bits) {
        int r = reg < 8 ? 0x80 : 0;
        int x = index < 8 ? 0x40 : 0;
        int b = base < 8 ? 0x20 : 0;
        int last = ((~source & 15) << 3) | (bits == 256 ? 4 : 0) | prefix;
        if (map == 1 && w == 0 && x != 0 && b != 0) {
            emit(0xC5, r | last, opcode);
        } else {
            emit(0xC4, r | x | b | map, (w << 7) | last, opcode);
        }
    }

    private void evex(
            int map, int prefix, int opcode, int reg, int source, Operand rm, int bits, int mask, boolean zero) {
        int r = (reg & 8) == 0 ? 0x80 : 0;
        int x = (index(rm) & 8) == 0 ? 0x40 : 0;
        int b = (base(rm) & 8) == 0 ? 0x20 : 0;
        int high = (reg & 16) == 0 ? 0x10 : 0;
        int length = bits == 512 ? 0x40 : bits == 256 ? 0x20 : 0;
        emit(0x62, r | x | b | high | map, ((~source & 15) << 3) | 4 | prefix);
        emit((zero ? 0x80 : 0) | length | ((source & 16) == 0 ? 8 : 0) | mask, opcode);
    }
}
