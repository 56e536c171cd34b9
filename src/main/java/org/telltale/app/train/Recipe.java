package org.telltale.app.train;

import java.util.List;
import java.util.regex.Pattern;
import org.telltale.engine.autograd.Adam;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.autograd.RmsProp;
import org.telltale.engine.autograd.Schedule;
import org.telltale.models.image.Augmentation;

/**
 * How a classifier or a captioner learns (SPEC §13, §9.5).
 *
 * @param name the word that {@code --recipe} takes
 * @param size side of the square pictures, tokens of a text, or words of a caption
 * @param batch samples of a step
 * @param dropRemainder whether the last, incomplete batch of an epoch is left out
 * @param augmentation of training pictures
 * @param head what is between the pooled features and the logits
 * @param phases one after the other; each begins with a new optimizer
 * @param smoothing how much of a token's probability is shared evenly by all; for captions of BLIP
 */
public record Recipe(
        String name,
        int size,
        int batch,
        boolean dropRemainder,
        Augmentation augmentation,
        Head head,
        List<Phase> phases,
        float smoothing) {
    /** What {@code --recipe} calls the captioner's. */
    public static final String ATTENTION_GRU = "attention-gru";

    /** What {@code --recipe} calls that of BLIP, by teacher forcing. */
    public static final String BLIP = "blip";

    /** What {@code --recipe} calls that of CLIP, by contrast. */
    public static final String CLIP = "clip";

    private static final double WARM_UP = 0.1;

    public Recipe {
        phases = List.copyOf(phases);
        if (size < 1 || batch < 1 || phases.isEmpty()) {
            throw new IllegalArgumentException("size " + size + ", batch " + batch + ", " + phases.size()
                    + " phases: expected at least 1 of each");
        }
        if (!(smoothing >= 0 && smoothing < 1)) {
            throw new IllegalArgumentException("a smoothing of " + smoothing + ", expected 0 to less than 1");
        }
    }

    /** Without smoothing. */
    public Recipe(
            String name,
            int size,
            int batch,
            boolean dropRemainder,
            Augmentation augmentation,
            Head head,
            List<Phase> phases) {
        this(name, size, batch, dropRemainder, augmentation, head, phases, 0);
    }

    /**
     * The head: batch normalisation by the batch's statistics if there is any, dropout, and a dense layer.
     *
     * @param norm whether there is batch normalisation; it is folded into the dense layer of the finished model
     */
    public record Head(boolean norm, float dropout) {
        public Head {
            if (!(dropout >= 0 && dropout < 1)) {
                throw new IllegalArgumentException("a dropout of " + dropout + ", expected 0 to less than 1");
            }
        }
    }

    /**
     * Some epochs with one optimizer.
     *
     * @param trained a regular expression: the parameters in whose name it is found change, the others stay
     * @param clip the most that the norm of all gradients may be; 0 for no limit
     */
    public record Phase(String name, int epochs, Rate rate, Optimizer optimizer, float clip, Pattern trained) {
        public Phase {
            if (epochs < 0 || clip < 0) {
                throw new IllegalArgumentException(epochs + " epochs, clip " + clip + ": expected 0 or more");
            }
        }

        public Phase epochs(int n) {
            return new Phase(name, n, rate, optimizer, clip, trained);
        }

        /** The same course of the learning rate from another peak. */
        public Phase peak(double peak) {
            Rate other = switch (rate) {
                case Rate.Constant c -> new Rate.Constant(peak);
                case Rate.WarmUp w -> new Rate.WarmUp(peak, w.share);
                case Rate.Cosine c -> new Rate.Cosine(peak, c.share);
            };
            return new Phase(name, epochs, other, optimizer, clip, trained);
        }
    }

    /** A learning rate, before the number of steps is known. */
    public sealed interface Rate {
        Schedule over(long steps);

        record Constant(double rate) implements Rate {
            @Override
            public Schedule over(long steps) {
                return new Schedule.Constant(rate);
            }
        }

        /**
         * Rises, then falls to 0.
         *
         * @param share of all steps that rise
         */
        record WarmUp(double rate, double share) implements Rate {
            @Override
            public Schedule over(long steps) {
                return new Schedule.WarmUpThenLinear(rate, (long) (share * (double) steps), Math.max(steps, 1));
            }
        }

        /**
         * Rises, then falls to 0 as half a cosine.
         *
         * @param share of all steps that rise
         */
        record Cosine(double rate, double share) implements Rate {
            @Override
            public Schedule over(long steps) {
                return new Schedule.Cosine(rate, (long) (share * (double) steps), Math.max(steps, 1));
            }
        }
    }

    /** The parameters of the head, whatever the model. */
    static final String HEAD = "^(classifier|head)\\.";

    private static Pattern learned(String names) {
        return Pattern.compile("(" + HEAD + "|" + names + ")(?!.*running_)");
    }

    /** Epochs of all phases together. */
    public int epochs() {
        return phases.stream().mapToInt(Phase::epochs).sum();
    }

    /** MobileNetV2 (SPEC §13.1): the head, then everything from the depthwise convolution of block 11 on. */
    public static Recipe mobileNet() {
        String late = "layer\\.10\\.(conv_3x3|reduce_1x1)\\.|layer\\.1[1-5]\\.|mobilenet_v2\\.conv_1x1\\.";
        return new Recipe(
                "mobilenetv2",
                160,
                32,
                false,
                Augmentation.mobileNet(),
                new Head(false, 0.2f),
                List.of(
                        new Phase("head", 10, new Rate.Constant(1e-4), Adam.keras(), 0, Pattern.compile(HEAD)),
                        new Phase(
                                "finetune",
                                11,
                                new Rate.Constant(1e-5),
                                RmsProp.keras(RmsProp.Place.INSIDE_ROOT),
                                0,
                                learned(late))));
    }

    /**
     * EfficientNet (SPEC §13.2): the head, then also the convolutions among the last 20 layers of Keras' model.
     *
     * @param size the model's own
     * @param blocks how many blocks the model has
     * @param expansion whether the last block's expansion is among those layers: B0's is, B1's and B2's are not
     */
    public static Recipe efficientNet(int size, int blocks, boolean expansion) {
        String last = "blocks\\." + (blocks - 1) + "\\.("
                + (expansion ? "expansion\\.expand_conv|" : "")
                + "depthwise_conv\\.depthwise_conv|squeeze_excite|projection\\.project_conv)\\.|top_conv\\.";
        return new Recipe(
                "efficientnet",
                size,
                64,
                true,
                Augmentation.efficientNet(),
                new Head(true, 0.2f),
                List.of(
                        new Phase("head", 25, new Rate.Constant(1e-2), Adam.keras(), 0, Pattern.compile(HEAD)),
                        new Phase("finetune", 10, new Rate.Constant(1e-4), Adam.keras(), 0, learned(last))));
    }

    /** BERT (SPEC §13.3): everything, with the model garden's AdamW. */
    public static Recipe bert() {
        return new Recipe(
                "bert",
                128,
                32,
                false,
                Augmentation.none(),
                new Head(false, 0.1f),
                List.of(new Phase(
                        "finetune", 5, new Rate.WarmUp(3e-5, WARM_UP), Adam.gardenDecayed(), 1, Pattern.compile("^"))));
    }

    /** The attention and GRU captioner (SPEC §9.5): all but the encoder of the pictures. */
    public static Recipe attentionGru() {
        return new Recipe(
                ATTENTION_GRU,
                50,
                64,
                false,
                Augmentation.none(),
                new Head(false, 0),
                List.of(new Phase("captions", 20, new Rate.Constant(1e-3), Adam.keras(), 0, Pattern.compile("^"))));
    }

    /**
     * BLIP's fine-tuning on captions ({@code train_caption.py} and {@code caption_coco.yaml} of salesforce/BLIP): all
     * parameters, AdamW with a decay of 0.05, smoothed labels. Of its changes of the pictures only the mirror is made here,
     * no dropout is drawn, and the learning rate falls at each step instead of each epoch.
     */
    public static Recipe blip() {
        Adam decayed = new Adam(0.9, 0.999, 1e-8, Adam.Place.AFTER_CORRECTION, 0.05, Pattern.compile("(?!)"));
        return new Recipe(
                BLIP,
                40,
                32,
                true,
                new Augmentation(List.of(new Augmentation.Flip(true, false))),
                new Head(false, 0),
                List.of(new Phase("captions", 5, new Rate.Cosine(1e-5, 0), decayed, 0, Pattern.compile("^"))),
                0.1f);
    }

    /**
     * CLIP's training with the constants of open_clip for its vision transformers: AdamW with the momenta 0.9 and 0.98 and
     * a decay of 0.2, save of norms, biases, the first token and the scale. A tenth of the steps warm up.
     */
    public static Recipe clip() {
        Pattern undecayed = Pattern.compile("norm|bias|logit_scale|class_embedding");
        Adam decayed = new Adam(0.9, 0.98, 1e-6, Adam.Place.AFTER_CORRECTION, 0.2, undecayed);
        return new Recipe(
                CLIP,
                77,
                64,
                true,
                Augmentation.none(),
                new Head(false, 0),
                List.of(new Phase("contrast", 32, new Rate.Cosine(5e-4, WARM_UP), decayed, 0, Pattern.compile("^"))));
    }

    /** The same with another share of smoothing. */
    public Recipe smoothing(float value) {
        return new Recipe(name, size, batch, dropRemainder, augmentation, head, phases, value);
    }
}
