package org.telltale.models.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.models.decode.BeamSearch.Rule;

class BeamSearchTest {
    private static final int END = 3;
    private static final int[] PROMPT = {7, 1, 4};

    /** Many made-up models: rare and frequent ends, ends first, equal logits, lengths that bind and that do not. */
    @TestFactory
    Stream<DynamicTest> bothRulesEqualAPlainReadingOfTheSpecification() {
        List<DynamicTest> tests = new ArrayList<>();
        for (int beams : new int[] {1, 2, 3, 8}) {
            for (int[] lengths : new int[][] {{0, 12}, {5, 12}, {4, 4}, {9, 9}, {20, 10}}) {
                for (double endBias : new double[] {-30, -1, 2, 6, 30}) {
                    for (double penalty : new double[] {1, 0, 2.5}) {
                        String name = beams + " beams, lengths " + Arrays.toString(lengths) + ", end bias " + endBias
                                + ", length penalty " + penalty;
                        tests.add(dynamicTest(name, () -> {
                            for (int seed = 0; seed < 3; seed++) {
                                compare(beams, lengths[0], lengths[1], endBias, penalty, seed, 0);
                                compare(beams, lengths[0], lengths[1], endBias, penalty, seed, 3);
                            }
                        }));
                    }
                }
            }
        }
        return tests.stream();
    }

    private static void compare(int beams, int min, int max, double endBias, double penalty, int seed, int coarseness) {
        ReferenceBeamSearch.Settings settings = new ReferenceBeamSearch.Settings(END, min, max, beams, penalty);
        try (HashedModel model = new HashedModel(20, END, endBias, seed, coarseness)) {
            List<ReferenceBeamSearch.Sequence> legacy =
                    ReferenceBeamSearch.legacy(model::logits, PROMPT, settings).reversed();
            Generation g = options(Rule.LEGACY, beams, min, max, penalty).generate(model, PROMPT, END);
            same(g, legacy);
            List<Integer> best = new ArrayList<>(legacy.getFirst().ids());
            if (best.size() < max) {
                best.add(END);
            }
            assertThat(g.ids()).containsExactly(ints(best));

            List<ReferenceBeamSearch.Sequence> modern = ReferenceBeamSearch.modern(model::logits, PROMPT, settings);
            g = options(Rule.MODERN, beams, min, max, penalty).generate(model, PROMPT, END);
            same(g, modern);
            assertThat(g.ids()).containsExactly(ints(modern.getFirst().ids()));
        }
    }

    private static GenerationOptions options(Rule rule, int beams, int min, int max, double penalty) {
        return GenerationOptions.of(new BeamSearch(beams, penalty, rule))
                .minLength(min)
                .maxLength(max);
    }

    private static void same(Generation ours, List<ReferenceBeamSearch.Sequence> reference) {
        assertThat(ours.hypotheses()).hasSameSizeAs(reference);
        for (int i = 0; i < reference.size(); i++) {
            assertThat(ours.hypotheses().get(i).ids())
                    .as("hypothesis %d", i)
                    .containsExactly(ints(reference.get(i).ids()));
            assertThat(ours.hypotheses().get(i).score())
                    .isCloseTo(reference.get(i).score(), within(1e-9));
            assertThat(ours.hypotheses().get(i).logProb())
                    .isCloseTo(reference.get(i).logProb(), within(1e-9));
        }
    }

    private static int[] ints(List<Integer> list) {
        return list.stream().mapToInt(Integer::intValue).toArray();
    }

    @Test
    void theTwoRulesDiffer() {
        int differ = 0;
        for (int seed = 0; seed < 40; seed++) {
            try (HashedModel model = new HashedModel(20, END, 1, seed, 0)) {
                int[] legacy = options(Rule.LEGACY, 4, 0, 14, 1)
                        .generate(model, PROMPT, END)
                        .ids();
                int[] modern = options(Rule.MODERN, 4, 0, 14, 1)
                        .generate(model, PROMPT, END)
                        .ids();
                differ += Arrays.equals(legacy, modern) ? 0 : 1;
            }
        }
        assertThat(differ).isPositive();
    }

    @Test
    void aLegacyScoreIsTheLogProbabilityByTheLengthWithPromptAndWithoutEnd() {
        // One beam that ends at once: log-probability log(e / (e + 1)) over the prompt's three tokens.
        try (Arena arena = Arena.ofConfined()) {
            StepFunction model = constant(arena, 1, 0, 1);
            Generation g = GenerationOptions.of(BeamSearch.of(1)).minLength(0).generate(model, PROMPT, 1);
            assertThat(g.ids()).containsExactly(7, 1, 4, 1);
            assertThat(g.best().score()).isCloseTo(Math.log(Math.E / (Math.E + 1)) / 3, within(1e-12));
            assertThat(g.hypotheses().getFirst().ids()).containsExactly(7, 1, 4);
        }
    }

    @Test
    void aMinimumLengthForbidsTheEndUntilItIsReached() {
        try (HashedModel model = new HashedModel(20, END, 30, 5, 0)) {
            assertThat(GenerationOptions.beams(3)
                            .minLength(6)
                            .maxLength(12)
                            .generate(model, PROMPT, END)
                            .ids())
                    .hasSize(7)
                    .endsWith(END);
        }
    }

    @Test
    void aRowThatIsNoDistributionIsAnError() {
        try (Arena arena = Arena.ofConfined()) {
            StepFunction model = constant(arena, 3, 0, Float.NaN, 1, 0);
            for (GenerationOptions options :
                    List.of(GenerationOptions.beams(3), GenerationOptions.greedy(), GenerationOptions.sampling(1))) {
                assertThatThrownBy(() -> options.generate(model, PROMPT, END))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("row 0");
            }
        }
    }

    @Test
    void aModelWithAnotherNumberOfRowsIsAnError() {
        try (Arena arena = Arena.ofConfined()) {
            StepFunction model = constant(arena, 2, 0, 1, 1, 0);
            assertThatThrownBy(() -> GenerationOptions.beams(3).generate(model, PROMPT, END))
                    .hasMessageContaining("[2, 4], wanted 3 rows");
            assertThatThrownBy(() -> GenerationOptions.beams(3).generate(model, PROMPT, 4))
                    .hasMessageContaining("end token 4");
        }
    }

    @Test
    void decodingStopsWhenItIsCancelled() {
        for (GenerationOptions options :
                List.of(GenerationOptions.beams(3), GenerationOptions.greedy(), GenerationOptions.sampling(1))) {
            try (HashedModel model = new HashedModel(20, END, -30, 5, 0)) {
                AtomicInteger steps = new AtomicInteger();
                assertThatThrownBy(() -> options.generate(model, PROMPT, END, () -> steps.incrementAndGet() == 4))
                        .isInstanceOf(CancellationException.class);
                assertThat(steps).hasValue(4);
            }
        }
    }

    @Test
    void promptsThatLeaveNoRoomAreRefused() {
        try (HashedModel model = new HashedModel(20, END, 0, 5, 0)) {
            GenerationOptions options = GenerationOptions.beams(2).maxLength(3);
            assertThatThrownBy(() -> options.generate(model, PROMPT, END)).hasMessageContaining("prompt of 3 tokens");
            assertThatThrownBy(() -> options.generate(model, new int[0], END)).hasMessageContaining("prompt of 0");
            assertThat(options.maxNewTokens(2)
                            .minLength(9)
                            .generate(model, PROMPT, END)
                            .ids())
                    .hasSize(5);
        }
    }

    @Test
    void thePapersSettingIsSixtyFourBeams() {
        GenerationOptions paper = GenerationOptions.paper();
        assertThat(paper.strategy()).isEqualTo(new BeamSearch(64, 1, Rule.LEGACY));
        assertThat(paper.longest(4)).isEqualTo(32);
        assertThat(paper.minLength()).isEqualTo(5);
        assertThat(GenerationOptions.beams(1).strategy()).isEqualTo(new Greedy());
        assertThatThrownBy(() -> BeamSearch.of(0)).hasMessageContaining("1 to 1024 beams");
    }

    /** A model that forgets everything: each row of each step has these logits. */
    private static StepFunction constant(Arena arena, int rowsPerStep, float... logits) {
        float[] values = new float[rowsPerStep * logits.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = logits[i % logits.length];
        }
        Logits one = new Logits(HostTensor.of(arena, Shape.of(1, logits.length), logits));
        Logits step = new Logits(HostTensor.of(arena, Shape.of(rowsPerStep, logits.length), values));
        return new StepFunction() {
            @Override
            public Logits start(int[] prompt) {
                return one;
            }

            @Override
            public Logits step(int[] parents, int[] tokens) {
                return step;
            }
        };
    }
}
