package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Check.f32;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.telltale.engine.Primitive;
import org.telltale.engine.Primitive.ReduceKind;
import org.telltale.engine.Tensor;

final class ReductionsTest {
    private static Tensor reduce(ReduceKind kind, Tensor x, List<Integer> axes) {
        return Tensor.of(new Primitive.Reduce(kind, axes, false), x);
    }

    /** Sums are rounded once, so that they are within half a unit of those of the reference, which are too. */
    private static void sums(Tensor x) {
        int rank = x.shape().rank();
        for (int set = 0; set < 1 << rank; set++) {
            List<Integer> axes = new ArrayList<>();
            for (int a = 0; a < rank; a++) {
                if ((set >> a & 1) == 1) {
                    axes.add(a);
                }
            }
            Check.within(1e-12, 1.2e-7).likeNaive(reduce(ReduceKind.SUM, x, axes));
        }
    }

    @Test
    void sumsOverAnyAxesAreThoseOfTheReference() {
        for (int n : Check.SIZES) {
            sums(f32("x", n));
            sums(f32("x", 5, n));
            sums(f32("x", n, 3));
        }
        sums(f32("x", 3, 5, 7));
        sums(f32("x", 2, 3, 4, 33));
        sums(f32("x", 2, 1, 9, 1));
        sums(f32("x", 0, 3));
    }

    @Test
    void realSizesAreSummedAccurately() {
        Check.within(1e-9, 1.2e-7)
                .likeNaive(
                        f32("rows", 700, 771).sum(0),
                        f32("tall", 2, 2500, 33).sum(0, 1),
                        f32("wide", 3, 2500).sum(0),
                        f32("pixels", 2, 35, 35, 67).sum(1, 2),
                        f32("all", 3, 40001).sumAll());
        Check.within(0, 1.2e-7).values(1, 1e6).likeNaive(f32("all", 3, 40001).sumAll());
    }

    @Test
    void maximaAndTheirPlacesAreThoseOfTheReference() {
        for (int n : Check.SIZES) {
            Tensor x = f32("x", 3, n, 5);
            for (int axis = 0; axis < 3; axis++) {
                Check.EXACT.likeNaive(reduce(ReduceKind.MAX, x, List.of(axis)), x.argMax(axis));
            }
            Tensor y = f32("y", 4, n);
            Check.EXACT.likeNaive(y.max(1), y.argMax(1), y.max(0), y.argMax(0));
        }
    }

    @Test
    void theFirstOfEqualMaximaWins() {
        Tensor x = f32("x", 7, 4 * Memory.LANES + 3);
        Tensor steps = x.greater(Tensor.fill(0.5f)).add(x.greater(Tensor.fill(2)));
        Check.EXACT.likeNaive(steps.argMax(1), steps.argMax(0));
    }
}
