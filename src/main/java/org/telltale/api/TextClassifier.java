package org.telltale.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Executable;
import org.telltale.models.Bert;
import org.telltale.models.ConfigException;
import org.telltale.models.text.WordPiece;

/** Classifies texts with BERT. Thread-safe: calls from several threads take turns. */
public final class TextClassifier implements AutoCloseable {
    /** Longer texts are cut, as in the paper's recipe (SPEC §8.2). */
    private static final int MAX_TOKENS = 128;

    /** Lengths are rounded up to multiples of this, each of which is compiled once. */
    private static final int BUCKET = 16;

    private final Checkpoint checkpoint;
    private final Bert.Config config;
    private final WordPiece tokenizer;
    private final Map<Integer, Executable> buckets = new TreeMap<>();

    private TextClassifier(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        config = Bert.Config.of(checkpoint.config);
        tokenizer = WordPiece.read(checkpoint.folder);
        if (tokenizer.vocabularySize() > config.vocabulary() || config.positions() < 2) {
            throw new ConfigException(checkpoint.config.where() + ": vocab_size is " + config.vocabulary()
                    + " and max_position_embeddings " + config.positions() + ", too small for the "
                    + tokenizer.vocabularySize() + " words of vocab.txt and two marks");
        }
        // Built once for its parameters only, so that a checkpoint that does not fit is refused before any work.
        graph(1);
        checkpoint.params.verify();
    }

    /** Opens a model folder, or an id of the local Hugging Face cache. */
    public static TextClassifier open(String model, ModelOptions options) {
        return open(model, options, new Timings());
    }

    /** As the other {@code open}, and tells a clock what the time goes to. */
    public static TextClassifier open(String model, ModelOptions options, Timings timings) {
        return timings.in(Timings.Stage.MODEL, () -> {
            Checkpoint checkpoint = new Checkpoint(model, options, timings);
            return checkpoint.orClose(() -> new TextClassifier(checkpoint));
        });
    }

    /** The labels in the order of their ids. */
    public List<String> labels() {
        return config.labels();
    }

    public synchronized Classification classify(String text) {
        int limit = Math.min(MAX_TOKENS, config.positions());
        int[] ids = checkpoint.timings.in(Timings.Stage.PREPARE, () -> tokenizer.encode(text, limit));
        int length = Math.min((ids.length + BUCKET - 1) / BUCKET * BUCKET, limit);
        Executable e = bucket(length);
        HostTensor in = e.input("ids");
        HostTensor mask = e.input("mask");
        for (int i = 0; i < length; i++) {
            in.setInt(i, i < ids.length ? ids[i] : tokenizer.padId());
            mask.setInt(i, i < ids.length ? 1 : 0);
        }
        checkpoint.timings.in(Timings.Stage.RUN, e::run);
        return Classification.of(labels(), e.output(0).toFloats(), 0);
    }

    public List<Classification> classify(List<String> texts) {
        List<Classification> out = new ArrayList<>();
        texts.forEach(t -> out.add(classify(t)));
        return out;
    }

    private Executable bucket(int length) {
        return buckets.computeIfAbsent(length, n -> checkpoint.compile(graph(n)));
    }

    private Graph graph(int length) {
        Tensor ids = Tensor.input("ids", DType.I32, 1, length);
        Tensor mask = Tensor.input("mask", DType.I32, 1, length);
        Tensor types = Tensor.input("types", DType.I32, 1, length);
        Tensor logits =
                new Bert(config, checkpoint.params).forward(ids, mask, types).logits();
        return Graph.of(checkpoint.folder + " at " + length + " tokens", logits.softmax(1));
    }

    /** What computes: device, kernels in use, threads. */
    public String device() {
        return checkpoint.backend.description();
    }

    @Override
    public synchronized void close() {
        buckets.values().forEach(Executable::close);
        checkpoint.close();
    }
}
