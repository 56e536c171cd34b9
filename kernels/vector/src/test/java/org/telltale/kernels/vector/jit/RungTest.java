package org.telltale.kernels.vector.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.telltale.engine.Activation;
import org.telltale.kernels.vector.jit.X86Assembler.Op;
import org.telltale.kernels.vector.jit.X86Assembler.Vec;

/** The code of every rung as bytes, on every machine; what it computes is checked where a CPU can run it. */
class RungTest {
    private static int count(byte[] code, String hex) {
        String all = HexFormat.of().formatHex(code);
        int count = 0;
        for (int at = all.indexOf(hex); at >= 0; at = all.indexOf(hex, at + 1)) {
            count += at % 2 == 0 ? 1 : 0;
        }
        return count;
    }

    private static String tilesProduct(int sums, int a, int b) {
        X86Assembler x = new X86Assembler();
        x.tdpbf16ps(sums, a, b);
        return HexFormat.of().formatHex(Arrays.copyOf(x.finish(), x.position()));
    }

    private static String hex(Op op, int to, int a, int b) {
        X86Assembler x = new X86Assembler();
        x.op(op, new Vec(to, 512), new Vec(a, 512), new Vec(b, 512));
        return HexFormat.of().formatHex(Arrays.copyOf(x.finish(), x.position()));
    }

    @ParameterizedTest
    @EnumSource(Rung.class)
    void codeOfEveryActivationAndPrecisionIsWrittenAndOfModestSize(Rung rung) {
        for (Activation f : Activation.values()) {
            if (!Rung.fuses(f)) {
                continue;
            }
            for (boolean bf16 : new boolean[] {false, true}) {
                byte[] code = rung.code(f, bf16);
                assertThat(code.length).as("%s %s %s", rung, f, bf16).isBetween(1 << 10, 1 << 19);
            }
        }
    }

    @Test
    void rungsOfBfloat16DifferInItsProductsOnly() {
        for (Rung rung : List.of(Rung.AVX512_BF16, Rung.AMX_BF16)) {
            assertThat(rung.code(Activation.SILU, false)).isEqualTo(Rung.AVX512.code(Activation.SILU, false));
            assertThat(rung.code(Activation.SILU, true)).isNotEqualTo(Rung.AVX512.code(Activation.SILU, true));
            assertThat(rung.rounds()).isTrue();
        }
        assertThat(Rung.AVX512.rounds()).isFalse();
    }

    @Test
    void vectorsOfPairsAreMultipliedFourStepsAtATime() {
        byte[] code = Rung.AVX512_BF16.code(Activation.NONE, true);
        // the last sum of a whole tile, 12 rows by 2 vectors: in the turn of four steps and in that of one, with and
        // without fetching the next panel
        assertThat(count(code, hex(Op.VDPBF16PS, 23, 29, 25))).isEqualTo(2 * 5);
        assertThat(count(code, hex(Op.VFMADD231PS, 23, 29, 25))).isZero();
    }

    @Test
    void tilesAreFormedAndReleasedOnceAndFourAreMultipliedPerStep() {
        byte[] code = Rung.AMX_BF16.code(Activation.NONE, true);
        for (int t = 0; t < 4; t++) {
            // one row of tiles has the first two sums only
            assertThat(count(code, tilesProduct(t, 4 + t / 2, 6 + t % 2))).isEqualTo(t < 2 ? 2 : 1);
        }
        assertThat(count(code, "c4e2784905")).as("ldtilecfg [rip+...]").isEqualTo(1);
        assertThat(count(code, "c4e27849c0")).as("tilerelease").isEqualTo(1);
        byte[] form = new byte[64];
        form[0] = 1;
        for (int t = 0; t < 8; t++) {
            form[16 + 2 * t] = 64;
            form[48 + t] = 16;
        }
        assertThat(Arrays.copyOfRange(code, code.length - 64, code.length)).isEqualTo(form);
    }

    @Test
    void stepsCoverTheDepth() {
        assertThat(Rung.AMX_BF16.steps(0, true)).isZero();
        assertThat(Rung.AMX_BF16.steps(32, true)).isEqualTo(1);
        assertThat(Rung.AMX_BF16.steps(33, true)).isEqualTo(2);
        assertThat(Rung.AMX_BF16.steps(33, false)).isEqualTo(33);
        assertThat(Rung.AVX512_BF16.steps(33, true)).isEqualTo(17);
        assertThat(Rung.AVX512.steps(33, true)).isEqualTo(33);
    }

    @Test
    void aRefusalOfTilesIsNamed() {
        assertThat(TilePermission.refused(0)).isEmpty();
        assertThat(TilePermission.refused(-95)).hasValue("the operating system refuses the use of tiles (error 95)");
    }

    @Test
    void linuxRefusesTilesThatTheCpuLacks() {
        assumeTrue(
                System.getProperty("os.arch").equals("amd64")
                        && System.getProperty("os.name").equals("Linux"),
                "no x86-64 Linux here");
        CpuFeatures cpu = CpuFeatures.read();
        assumeTrue(!cpu.amxBf16(), "this CPU has tiles");
        assertThat(TilePermission.refused())
                .hasValueSatisfying(why -> assertThat(why).contains("error"));
        assertThat(Rung.AMX_BF16.unavailable(cpu)).hasValue("the CPU or the operating system lacks it");
    }
}
