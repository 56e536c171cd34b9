package org.telltale.app.train;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.telltale.app.data.CaptionTokens;
import org.telltale.app.data.CaptionedRows;
import org.telltale.app.data.Minibatch;
import org.telltale.engine.DType;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.L2Normalise;
import org.telltale.engine.nn.Losses;
import org.telltale.engine.nn.Params;
import org.telltale.models.Blip;
import org.telltale.models.Clip;
import org.telltale.models.ConfigException;
import org.telltale.models.ConfigFile;
import org.telltale.models.text.ClipBpe;
import org.telltale.models.text.WordPiece;

/** A network that learns from pictures with captions, and what it learns: the two whose class is open to it. */
sealed interface CaptionedNetwork {
    /** What a batch takes: pictures [batch, side, side, 3], and I32 tensors of {@link CaptionedRows}. */
    Map<String, Tensor> inputs(int batch, int side, int tokens);

    /**
     * What a batch comes to.
     *
     * @param present 1 in rows that hold a sample, 0 in others [batch]
     */
    Learner.Scores scores(Params params, Map<String, Tensor> in, Tensor present, float smoothing);

    Recipe recipe();

    /** The side of the pictures that the position table is made for. */
    int imageSize();

    /** How captions are read. */
    CaptionTokens tokens(Path folder, String prompt, int most);

    /** BLIP by teacher forcing: at every place of a caption, what follows is to be told from what came before. */
    record Telling(Blip.Config config) implements CaptionedNetwork {
        @Override
        public Map<String, Tensor> inputs(int batch, int side, int tokens) {
            Map<String, Tensor> in = new LinkedHashMap<>();
            in.put(Network.PICTURES, Tensor.input(Network.PICTURES, DType.F32, batch, side, side, 3));
            in.put(CaptionedRows.IDS, Tensor.input(CaptionedRows.IDS, DType.I32, batch, tokens));
            in.put(CaptionedRows.TARGETS, Tensor.input(CaptionedRows.TARGETS, DType.I32, batch, tokens));
            return in;
        }

        /**
         * The objective is {@code torch.nn.CrossEntropyLoss} with label smoothing, the mean over tokens that are to be told;
         * what is reported is the same without smoothing.
         */
        @Override
        public Learner.Scores scores(Params params, Map<String, Tensor> in, Tensor present, float smoothing) {
            Blip blip = new Blip(config, params);
            Blip.Memory memory =
                    blip.remember(blip.see(Learner.input(in, Network.PICTURES)).last());
            Tensor targets = Learner.input(in, CaptionedRows.TARGETS);
            Tensor logits =
                    blip.tell(Learner.input(in, CaptionedRows.IDS), memory).logits();
            Tensor counted = targets.toFloat()
                    .equal(Tensor.fill(Minibatch.NO_LABEL))
                    .neg()
                    .add(1);
            Tensor losses = Losses.crossEntropyPerRow(logits, targets).mul(counted);
            Tensor words = counted.sumAll().maximum(Tensor.fill(1));
            Tensor reported = losses.sumAll().div(words);
            Tensor objective = reported;
            if (smoothing > 0) {
                Tensor even = logits.logSoftmax(2).mean(2).neg().mul(counted).sumAll();
                objective = reported.mul(1 - smoothing).add(even.div(words).mul(smoothing));
            }
            Tensor correct = logits.argMax(2).toFloat().equal(targets.toFloat()).mul(counted);
            return new Learner.Scores(objective, reported, losses.sum(1), correct.sum(1), counted.sum(1));
        }

        @Override
        public Recipe recipe() {
            return Recipe.blip();
        }

        @Override
        public int imageSize() {
            return config.vision().imageSize();
        }

        @Override
        public CaptionTokens tokens(Path folder, String prompt, int most) {
            WordPiece tokenizer = WordPiece.read(folder);
            if (tokenizer.vocabularySize() > config.text().vocabulary()
                    || config.text().begin() >= config.text().vocabulary()
                    || tokenizer.separatorId() != config.text().end()) {
                throw new ConfigException(
                        folder + ": the " + tokenizer.vocabularySize() + " tokens of vocab.txt, the end mark "
                                + tokenizer.separatorId() + " among them, do not fit vocab_size "
                                + config.text().vocabulary() + ", bos_token_id "
                                + config.text().begin() + " and sep_token_id "
                                + config.text().end());
            }
            return new CaptionTokens.Told(
                    tokenizer,
                    prompt,
                    config.text().begin(),
                    Math.min(most, config.text().positions() + 1));
        }
    }

    /** CLIP by contrast: of the texts of a batch a picture is to find its own, and the other way around. */
    record Matching(Clip.Config config) implements CaptionedNetwork {
        static final String SCALE = "logit_scale";

        /** More than any logit: a row without a sample is no choice. */
        private static final float NO_CHOICE = 1e9f;

        @Override
        public Map<String, Tensor> inputs(int batch, int side, int tokens) {
            Map<String, Tensor> in = new LinkedHashMap<>();
            in.put(Network.PICTURES, Tensor.input(Network.PICTURES, DType.F32, batch, side, side, 3));
            in.put(CaptionedRows.IDS, Tensor.input(CaptionedRows.IDS, DType.I32, batch, tokens));
            in.put(CaptionedRows.ENDS, Tensor.input(CaptionedRows.ENDS, DType.I32, batch));
            return in;
        }

        /** The mean of both cross-entropies of scaled cosines, with the sample's own as the label. */
        @Override
        public Learner.Scores scores(Params params, Map<String, Tensor> in, Tensor present, float smoothing) {
            Clip clip = new Clip(config, params);
            Tensor pictures =
                    L2Normalise.of(clip.see(Learner.input(in, Network.PICTURES)).features());
            Tensor texts = L2Normalise.of(
                    clip.read(Learner.input(in, CaptionedRows.IDS), Learner.input(in, CaptionedRows.ENDS))
                            .features());
            int batch = pictures.dim(0);
            // of three axes, so that it is F32 whatever the precision: a scale of up to 100 makes them logits
            Tensor cosines = pictures.reshape(1, batch, -1)
                    .matmul(texts.reshape(1, batch, -1), false, true)
                    .reshape(batch, batch);
            Tensor logits = cosines.mul(params.f32(SCALE).exp());
            Tensor choices = present.add(-1).mul(NO_CHOICE);
            Tensor byPicture = logits.add(choices);
            Tensor own = Tensor.iota(0, cosines.shape()).equal(Tensor.iota(1, cosines.shape()));
            Tensor byText = logits.transpose(List.of(1, 0)).add(choices);
            Tensor losses = byPicture
                    .logSoftmax(1)
                    .add(byText.logSoftmax(1))
                    .mul(own)
                    .sum(1)
                    .mul(-0.5f)
                    .mul(present);
            Tensor loss = losses.sumAll().div(present.sumAll().maximum(Tensor.fill(1)));
            Tensor correct = byPicture
                    .argMax(1)
                    .toFloat()
                    .equal(Tensor.iota(0, present.shape()))
                    .mul(present);
            return new Learner.Scores(loss, loss, losses, correct, present);
        }

        @Override
        public Recipe recipe() {
            return Recipe.clip();
        }

        @Override
        public int imageSize() {
            return config.imageSize();
        }

        @Override
        public CaptionTokens tokens(Path folder, String prompt, int most) {
            return new CaptionTokens.Matched(
                    ClipBpe.read(folder, config.vocabulary()), Math.min(most, config.context()));
        }
    }

    /** The network that a configuration describes. */
    static CaptionedNetwork of(ConfigFile config) {
        String type = config.text("model_type");
        return switch (type) {
            case "blip" -> new Telling(Blip.Config.of(config));
            case "clip" -> new Matching(Clip.Config.of(config));
            default ->
                throw new ConfigException(config.where() + ": model_type is '" + type + "', expected blip or clip");
        };
    }
}
