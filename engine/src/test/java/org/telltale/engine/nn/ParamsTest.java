package org.telltale.engine.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.telltale.engine.DType;
import org.telltale.engine.Shape;

class ParamsTest {
    private static final Map<String, Shape> STORED = Map.of(
            "a.weight", Shape.of(3, 4),
            "a.bias", Shape.of(3),
            "a.steps", Shape.of(),
            "extra.weight", Shape.of(7));

    private static Params params() {
        return Params.of("folder", STORED.keySet(), STORED::get, n -> n.equals("a.steps") ? DType.I64 : DType.F32);
    }

    @Test
    void everythingThatDoesNotFitIsListedAtOnce() {
        Params p = params();
        p.at("a").f32("weight", 4, 3);
        p.at("a").f32("steps");
        p.at("b").at(0).f32("weight", 2);
        assertThatThrownBy(p::verify).isInstanceOf(CheckpointException.class).hasMessage("""
                        folder: 5 tensors do not fit the model
                          wrong type: a.steps is I64, not a float type
                          wrong shape: a.weight is [3, 4], not [4, 3]
                          missing: b.0.weight [2]
                          not used: a.bias [3]
                          not used: extra.weight [7]""");
    }

    @Test
    void whatIsIgnoredMayBeThereUnused() {
        Params p = params();
        p.at("a").f32("weight", 3, 4);
        p.at("a").f32("bias", 3);
        p.at("a").ignore("steps");
        p.ignore("extra");
        assertThatCode(p::verify).doesNotThrowAnyException();
    }

    @Test
    void aNameIsOneLeafHoweverOftenItIsAsked() {
        Params p = params();
        assertThat(p.at("a").f32("bias", 3)).isSameAs(p.f32("a.bias", 3));
    }

    @Test
    void aNameIsThereAsATensorOrAsThatBelowIt() {
        Params p = params();
        assertThat(p.has("a")).isTrue();
        assertThat(p.at("a").has("bias")).isTrue();
        assertThat(p.has("a.b")).isFalse();
    }
}
