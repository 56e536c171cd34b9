package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Check.f32;
import static org.telltale.kernels.vector.Check.i32;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Primitive;
import org.telltale.engine.Primitive.BinaryKind;
import org.telltale.engine.Primitive.UnaryKind;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;

final class ElementwiseTest {
    @ParameterizedTest
    @EnumSource(UnaryKind.class)
    void unaryOpsAgreeWithTheReferenceAtEverySize(UnaryKind kind) {
        for (int n : Check.SIZES) {
            Check.within(1e-6, 2e-6)
                    .values(2, 2.5)
                    .likeNaive(f32("x", n).unary(kind), f32("z", 3, n).unary(kind));
        }
        Check.within(1e-6, 2e-6).values(2, 2.5).likeNaive(f32("x", 3 * 8192 + 5).unary(kind));
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activationsAgreeWithTheReferenceAtEverySize(Activation a) {
        for (int n : Check.SIZES) {
            Check.within(1e-6, 2e-6).values(7, 0).likeNaive(f32("x", 3, n).activate(a));
        }
        // Twice, so that the second one works in place.
        Check.within(2e-6, 4e-6).values(7, 0).likeNaive(f32("x", 3, 9001).neg().activate(a));
    }

    static Stream<Arguments> broadcasts() {
        int w = Memory.LANES;
        return Stream.of(
                pair(new int[] {}, new int[] {}),
                pair(new int[] {1, 1}, new int[] {1}),
                pair(new int[] {5, 3}, new int[] {}),
                pair(new int[] {}, new int[] {2, w + 1}),
                pair(new int[] {2, 3, 5}, new int[] {5}),
                pair(new int[] {2, 3, 5}, new int[] {3, 1}),
                pair(new int[] {4, 1, 6}, new int[] {1, 5, 1}),
                pair(new int[] {2, 4 * w + 3}, new int[] {2, 4 * w + 3}),
                pair(new int[] {2, 17}, new int[] {2, 1}),
                pair(new int[] {2, 1, 1, w}, new int[] {2, 4, 4, w}),
                pair(new int[] {3, 5, 7, 33}, new int[] {3, 1, 1, 33}),
                pair(new int[] {3, 1, 7, 1}, new int[] {1, 5, 1, w - 1}),
                pair(new int[] {130, 129}, new int[] {129}),
                pair(new int[] {3, 8191}, new int[] {3, 1}),
                pair(new int[] {0, 4}, new int[] {4}));
    }

    private static Arguments pair(int[] a, int[] b) {
        return Arguments.of(Shape.of(a), Shape.of(b));
    }

    @ParameterizedTest
    @MethodSource("broadcasts")
    void binaryOpsBroadcastAsTheReferenceDoes(Shape a, Shape b) {
        for (BinaryKind kind : BinaryKind.values()) {
            Tensor x = f32("x", a.dims());
            Tensor y = f32("y", b.dims());
            Check.within(0, 1e-7).likeNaive(Tensor.of(new Primitive.Binary(kind), x, y));
            Check.within(0, 1e-7).likeNaive(Tensor.of(new Primitive.Binary(kind), x.neg(), y.square()));
        }
    }

    @Test
    void randomNumbersOfManyChunksAreThoseOfTheReference() {
        Check.EXACT.ids(1000).likeNaive(Tensor.of(new Primitive.RandomUniform(-5, Shape.of(3, 9001)), i32("c", 2)));
    }

    @Test
    void equalOperandsAreEqualAndNotGreater() {
        Tensor x = f32("x", 37);
        Check.EXACT.likeNaive(x.equal(x), x.greater(x), x.maximum(x), x.add(x), x.mul(x));
    }

    @Test
    void integersBecomeFloats() {
        Check.EXACT.ids(1 << 24).likeNaive(i32("x", 3, 4001).toFloat());
    }

    @Test
    void randomNumbersAreThoseOfTheReference() {
        Primitive.RandomUniform random = new Primitive.RandomUniform(3, Shape.of(3, 7001));
        Check.EXACT.ids(1000).likeNaive(Tensor.of(random, i32("counter", 2)));
    }

    @Test
    void batchNormAgreesWithTheReference() {
        for (int c : Check.SIZES) {
            Tensor norm = Tensor.of(
                    new Fused.BatchNorm(1e-3f),
                    f32("x", 2, 3, 5, c).neg(),
                    f32("scale", c),
                    f32("shift", c),
                    f32("mean", c),
                    f32("variance", c).square());
            Check.within(1e-5, 1e-5).likeNaive(norm);
        }
    }
}
