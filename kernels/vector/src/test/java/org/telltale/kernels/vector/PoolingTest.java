package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Check.f32;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;

final class PoolingTest {
    /** For pictures of 7x9. */
    static final List<Window> WINDOWS = List.of(
            Window.valid(1, 1),
            Window.valid(2, 2),
            Window.valid(3, 2),
            Window.same(3, 1, 7, 9),
            Window.same(3, 2, 7, 9),
            Window.same(5, 3, 7, 9),
            new Window(3, 2, 1, 3, 2, 0, 1, 1),
            new Window(7, 9, 1, 1, 0, 0, 0, 0));

    @ParameterizedTest
    @EnumSource(Fused.PoolKind.class)
    void poolingAgreesWithTheReference(Fused.PoolKind kind) {
        for (Window w : WINDOWS) {
            for (int c : Check.SIZES) {
                Check.within(1e-6, 1e-6).likeNaive(Tensor.of(new Fused.Pool(kind, w), f32("x", 2, 7, 9, c)));
            }
        }
        Check.within(1e-6, 1e-6)
                .likeNaive(Tensor.of(new Fused.Pool(kind, Window.same(3, 2, 35, 35)), f32("x", 1, 35, 35, 67)));
    }
}
