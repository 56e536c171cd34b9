package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.telltale.kernels.vector.Check.f32;
import static org.telltale.kernels.vector.Check.i32;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.telltale.engine.Backward;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;

final class NormalizationTest {
    private static Tensor layerNorm(Tensor x) {
        int w = x.dim(-1);
        return Tensor.of(new Fused.LayerNorm(1e-6f), x, f32("scale", w), f32("shift", w));
    }

    @Test
    void gradientsOfLayerNormAreThoseOfTheReference() {
        for (int width : List.of(1 + Memory.LANES, 67, 768)) {
            Tensor x = f32("x", 133, width);
            Tensor dy = f32("dy", 133, width);
            Check.within(3e-5, 1e-5)
                    .likeNaive(
                            Tensor.of(new Backward.LayerNorm(1e-6f), x, f32("scale", width), dy),
                            Tensor.of(new Backward.LayerNormScale(1e-6f), x, dy));
        }
    }

    @Test
    void layerNormAgreesWithTheReference() {
        for (int w : Check.SIZES) {
            Check.within(2e-6, 2e-6).likeNaive(layerNorm(f32("x", 5, w)));
            // Of a value that dies there, so that it works in place.
            Check.within(2e-6, 2e-6).likeNaive(layerNorm(f32("x", 5, w).neg()));
        }
        Check.within(2e-6, 2e-6).likeNaive(layerNorm(f32("x", 2, 33, 768)));
    }

    @Test
    void layerNormKeepsItsAccuracyFarFromZero() {
        Check.within(3e-6, 3e-6)
                .values(1, 30000)
                .likeNaive(Tensor.of(
                        new Fused.LayerNorm(1e-12f), f32("x", 7, 769), Tensor.fill(1, 769), Tensor.fill(0, 769)));
    }

    @Test
    void softmaxAgreesWithTheReferenceAlongAnyAxis() {
        for (int w : Check.SIZES) {
            Tensor x = f32("x", 5, w);
            Check.within(1e-7, 2e-6)
                    .values(20, 0)
                    .likeNaive(x.softmax(1), x.softmax(0), x.neg().softmax(1));
            Check.within(4e-6, 2e-6)
                    .values(20, 0)
                    .likeNaive(x.logSoftmax(1), x.logSoftmax(0), x.neg().logSoftmax(1));
        }
        Tensor x = f32("x", 3, 11, 17);
        Check.within(1e-7, 2e-6)
                .likeNaive(x.softmax(1), x.neg().softmax(1), x.neg().softmax(0));
    }

    @Test
    void softmaxOfAVocabularyIsAccurate() {
        Tensor x = f32("x", 6, 30524);
        Check.within(1e-10, 2e-6).likeNaive(x.softmax(1));
        Check.within(2e-6, 1e-6).likeNaive(x.logSoftmax(1));
    }

    @Test
    void entriesOfMinusInfinityGetNothing() {
        Tensor x = f32("x", 2, Memory.LANES + 3);
        try (VectorBackend backend = new VectorBackend(2);
                Executable e = backend.compile(Graph.of("g", x.softmax(1)), new NoWeights(), CompileOptions.DEFAULT)) {
            for (int i = 0; i < x.dim(1); i++) {
                e.input("x").set(i, i % 3 == 0 ? 0 : Float.NEGATIVE_INFINITY);
                e.input("x").set(x.dim(1) + i, Float.NEGATIVE_INFINITY);
            }
            e.run();
            int open = (x.dim(1) + 2) / 3;
            for (int i = 0; i < x.dim(1); i++) {
                assertThat(e.output(0).get(i)).isEqualTo(i % 3 == 0 ? 1f / open : 0f);
                assertThat(e.output(0).get(x.dim(1) + i)).isNaN();
            }
        }
    }

    @Test
    void crossEntropyAgreesWithTheReferenceAndIgnoresForeignLabels() {
        for (int c : Check.SIZES) {
            Tensor loss = Tensor.of(new Fused.CrossEntropy(), f32("logits", 23, c), i32("labels", 23));
            Check.within(2e-6, 2e-6).ids(c + 2).values(30, 5).likeNaive(loss);
        }
    }
}
