package org.telltale.engine.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.telltale.engine.DType;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.testing.Eval;

class LossesTest {
    private static float scalar(Tensor t, float... logits) {
        float[] y = Eval.run(t, Map.of("logits", logits));
        assertThat(y).hasSize(1);
        return y[0];
    }

    @Test
    void aBatchWithoutACountedRowCostsNothing() {
        Tensor logits = Tensor.input("logits", DType.F32, 2, 3);
        Tensor labels = Tensor.zeros(logits.shape()).argMax(1);
        for (Losses.Divisor divisor : Losses.Divisor.values()) {
            Tensor loss = Losses.maskedCrossEntropy(logits, labels, 0, divisor);
            assertThat(scalar(loss, 1, 2, 3, 4, 5, 6)).as("%s", divisor).isZero();
        }
    }

    @Test
    void binaryCrossEntropyIsExactAtZeroAndFarFromIt() {
        Tensor logits = Tensor.input("logits", DType.F32, 1);
        Tensor loss = Losses.binaryCrossEntropy(logits, Tensor.fill(0.25f, 1));
        Tensor gradient = Autograd.gradients(loss, List.of(logits)).getFirst();
        assertThat(scalar(loss, 0)).isCloseTo((float) Math.log(2), within(1e-6f));
        assertThat(scalar(gradient, 0)).isEqualTo(0.25f);
        assertThat(scalar(loss, 200)).isEqualTo(150);
        assertThat(scalar(gradient, 200)).isEqualTo(0.75f);
        assertThat(scalar(loss, -200)).isEqualTo(50);
        assertThat(scalar(gradient, -200)).isEqualTo(-0.25f);
    }

    @Test
    void smoothingByZeroChangesNothing() {
        Tensor logits = Tensor.input("logits", DType.F32, 1, 3);
        Tensor labels = Tensor.iota(1, logits.shape()).argMax(1);
        float plain = scalar(Losses.crossEntropy(logits, labels), 1, 2, 4);
        assertThat(scalar(Losses.smoothedCrossEntropy(logits, labels, 0), 1, 2, 4))
                .isEqualTo(plain);
    }
}
