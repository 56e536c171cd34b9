package org.telltale.bench;

import java.util.List;
import org.openjdk.jmh.annotations.Param;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Params;
import org.telltale.models.AttentionGruCaptioner;
import org.telltale.models.text.CaptionVocabulary;

/**
 * A caption by the attention and GRU captioner of the tutorial (256 and 512 units, 5000 words), after the features of its
 * picture: places x words. All steps are one graph, each with the likeliest word of the one before, so that peers are
 * called once; the application runs a graph for each word.
 */
public class GreedyCaptionBenchmark extends PeerBenchmark {
    private static final int UNITS = 512;
    private static final int CHANNELS = 2048;

    @Param("64x20")
    public String shape = "";

    @Override
    Graph graph() {
        int[] s = Workload.extents(shape);
        return Graph.of("caption " + shape, caption(ModelBenchmark.anyWeights(), s[0], s[1]));
    }

    /** A captioner whose vocabulary is of no interest. */
    static AttentionGruCaptioner captioner(
            int embedding, int units, int words, int channels, int places, Params params) {
        CaptionVocabulary marks = CaptionVocabulary.of(
                CaptionVocabulary.Standard.TEXT_VECTORIZATION,
                List.of("", "[UNK]", CaptionVocabulary.START, CaptionVocabulary.END));
        return new AttentionGruCaptioner(
                new AttentionGruCaptioner.Config(embedding, units, words, channels, places, 50, marks), params);
    }

    /** The logits of the last word. */
    private static Tensor caption(Params params, int places, int words) {
        AttentionGruCaptioner model = captioner(256, UNITS, 5000, CHANNELS, places, params);
        AttentionGruCaptioner.Memory memory = model.see(Workload.input("features", 1, places, CHANNELS));
        AttentionGruCaptioner.Step step =
                model.step(Tensor.input("start", DType.I32, 1), Workload.input("hidden", 1, UNITS), memory);
        for (int i = 1; i < words; i++) {
            step = model.step(Tensor.of(new Primitive.ArgMax(1), step.logits()), step.hidden(), memory);
        }
        return step.logits();
    }

    @Override
    Operands operands(Graph graph) {
        return new Operands(graph)
                .integers("start", i -> 2)
                .with("hidden", (name, memory) -> memory.data().fill((byte) 0));
    }
}
