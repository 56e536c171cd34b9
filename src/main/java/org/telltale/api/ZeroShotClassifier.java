package org.telltale.api;

import java.util.ArrayList;
import java.util.List;
import org.telltale.models.image.Pixels;

/**
 * Classifies pictures with CLIP by labels that it was not trained on: the probabilities are a softmax over the cosines of
 * a picture with a sentence for each label, as in the original. Thread-safe: calls from several threads take turns.
 */
public final class ZeroShotClassifier implements AutoCloseable {
    /** What stands for the label in a template. */
    public static final String LABEL = "{}";

    private final ClipEncoder clip;
    private final List<String> labels;
    private final float[][] sentences;

    private ZeroShotClassifier(ClipEncoder clip, List<String> labels, String template) {
        this.clip = clip;
        this.labels = List.copyOf(labels);
        sentences =
                clip.encode(labels.stream().map(l -> template.replace(LABEL, l)).toList());
    }

    /**
     * Opens a CLIP folder, or an id of the local Hugging Face cache.
     *
     * @param labels at least two, distinct
     * @param template a sentence with {@link #LABEL} in it
     */
    public static ZeroShotClassifier open(
            String model, List<String> labels, String template, ModelOptions options, Timings timings) {
        if (labels.size() < 2 || labels.stream().distinct().count() < labels.size()) {
            throw new IllegalArgumentException("the labels are " + labels + ", expected at least two different ones");
        }
        if (!template.contains(LABEL)) {
            throw new IllegalArgumentException("the template \"" + template + "\" has no " + LABEL + " for the label");
        }
        ClipEncoder clip = ClipEncoder.open(model, options, timings);
        boolean opened = false;
        try {
            ZeroShotClassifier classifier = new ZeroShotClassifier(clip, labels, template);
            opened = true;
            return classifier;
        } finally {
            if (!opened) {
                clip.close();
            }
        }
    }

    public List<String> labels() {
        return labels;
    }

    public Classification classify(Pixels picture) {
        float[] seen = clip.encode(picture);
        double[] logits = new double[labels.size()];
        double most = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < logits.length; i++) {
            for (int k = 0; k < seen.length; k++) {
                logits[i] += (double) seen[k] * sentences[i][k];
            }
            logits[i] *= clip.scale();
            most = Math.max(most, logits[i]);
        }
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            logits[i] = Math.exp(logits[i] - most);
            sum += logits[i];
        }
        List<Classification.Label> out = new ArrayList<>();
        for (int i = 0; i < logits.length; i++) {
            out.add(new Classification.Label(labels.get(i), logits[i] / sum));
        }
        return new Classification(List.copyOf(out));
    }

    /** What computes: device, kernels in use, threads. */
    public String device() {
        return clip.device();
    }

    @Override
    public void close() {
        clip.close();
    }
}
