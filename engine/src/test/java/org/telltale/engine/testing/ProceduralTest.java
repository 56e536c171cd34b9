package org.telltale.engine.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

class ProceduralTest {
    @Test
    void theHashOfANameIsFnv1a64() {
        assertThat(Procedural.fnv1a64("a")).isEqualTo(0xaf63dc4c8601ec8cL);
    }

    @Test
    void valuesAreThoseOfTheReference() {
        assertThat(values("a.weight", 4, 0.5f, 1, 0))
                .containsExactly(1.1705317497253418f, 0.7291694283485413f, 1.4033339023590088f, 1.4772796630859375f);
        assertThat(values("a.weight", 4, 1, 0, 7))
                .containsExactly(0.2055875062942505f, -0.7669743299484253f, -0.9628145694732666f, 0.45217716693878174f);
        assertThat(values("x", 1, 0, 2.6592f, 0)).containsExactly(2.6591999530792236f);
    }

    @Test
    void aValueDependsOnItsIndexAndNotOnTheSizeOfTheTensor() {
        int size = (1 << 20) + 3;
        float[] large = values("w", size, 1, 0, 1);
        assertThat(values("w", 5, 1, 0, 1)).containsExactly(Arrays.copyOf(large, 5));
        assertThat(large[size - 1]).isNotZero();
    }

    private static float[] values(String name, int size, float scale, float offset, long salt) {
        try (Arena arena = Arena.ofConfined()) {
            HostTensor t = HostTensor.allocate(arena, DType.F32, Shape.of(size));
            Procedural.fill(t, name, scale, offset, salt);
            return t.toFloats();
        }
    }
}
