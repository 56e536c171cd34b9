package org.telltale.models.interrogate;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.nn.L2Normalise;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.kernels.vector.VectorBackend;
import org.telltale.models.Clip;
import org.telltale.models.ConfigFile;
import org.telltale.models.text.ClipBpe;

/** The text tower of a small checkpoint in open_clip's names, in batches of whole contexts. */
final class TinyClip implements TextEncoder, AutoCloseable {
    private static final int ROWS = 32;

    private final Clip.Config config;
    private final ClipBpe tokenizer;
    private final SafeTensors weights;
    private final Backend backend = new VectorBackend(2);
    private final Executable text;

    TinyClip(Path folder) {
        config = Clip.Config.of(ConfigFile.read(folder.resolve("open_clip_config.json")));
        tokenizer = ClipBpe.read(folder, config.vocabulary());
        weights = SafeTensors.open(folder.resolve("open_clip_model.safetensors"));
        Params params = Params.of("tiny", weights.names(), weights::shape, weights::dtype);
        Tensor ids = Tensor.input("ids", DType.I32, ROWS, config.context());
        Tensor features = new Clip(config, params)
                .read(ids, Tensor.input("ends", DType.I32, ROWS))
                .features();
        text = backend.compile(Graph.of("text", L2Normalise.of(features)), weights, CompileOptions.DEFAULT);
    }

    @Override
    public float[][] encode(List<String> texts) {
        float[][] out = new float[texts.size()][];
        int context = config.context();
        for (int from = 0; from < out.length; from += ROWS) {
            int count = Math.min(ROWS, out.length - from);
            for (int r = 0; r < count; r++) {
                int[] ids = tokenizer.encode(texts.get(from + r), context);
                int end = 0;
                while (ids[end] != tokenizer.endId()) {
                    end++;
                }
                text.input("ends").setInt(r, r * context + end);
                for (int t = 0; t < context; t++) {
                    text.input("ids").setInt((long) r * context + t, t < ids.length ? ids[t] : 0);
                }
            }
            text.run();
            float[] all = text.output(0).toFloats();
            for (int r = 0; r < count; r++) {
                out[from + r] = Arrays.copyOfRange(all, r * config.embedding(), (r + 1) * config.embedding());
            }
        }
        return out;
    }

    int contentIds(String text) {
        return tokenizer.tokenize(text).length;
    }

    @Override
    public boolean fills(String text) {
        return tokenizer.encode(text, config.context()).length == config.context();
    }

    @Override
    public void close() {
        text.close();
        backend.close();
        weights.close();
    }
}
