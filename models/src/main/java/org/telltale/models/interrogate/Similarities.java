package org.telltale.models.interrogate;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Cosines of texts with one picture; no text is encoded twice. */
final class Similarities {
    private final TextEncoder encoder;
    private final float[] picture;
    private final Map<String, Float> known = new HashMap<>();

    Similarities(TextEncoder encoder, float[] picture) {
        this.encoder = encoder;
        this.picture = picture;
    }

    /** The picture's vector. */
    float[] picture() {
        return picture;
    }

    float of(String text) {
        return of(List.of(text))[0];
    }

    float[] of(List<String> texts) {
        List<String> missing = new ArrayList<>();
        for (String text : texts) {
            if (!known.containsKey(text)) {
                missing.add(text);
                known.put(text, Float.NaN);
            }
        }
        if (!missing.isEmpty()) {
            float[][] vectors = encoder.encode(missing);
            for (int i = 0; i < vectors.length; i++) {
                known.put(missing.get(i), dot(vectors[i]));
            }
        }
        float[] out = new float[texts.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = known.getOrDefault(texts.get(i), Float.NaN);
        }
        return out;
    }

    /** As a table of these texts has them: from vectors rounded to half precision. */
    float[] rounded(List<String> texts) {
        float[][] vectors = encoder.encode(texts);
        float[] out = new float[vectors.length];
        for (int i = 0; i < out.length; i++) {
            known.put(texts.get(i), dot(vectors[i]));
            float[] half = vectors[i].clone();
            for (int k = 0; k < half.length; k++) {
                half[k] = Float.float16ToFloat(Float.floatToFloat16(half[k]));
            }
            out[i] = dot(half);
        }
        return out;
    }

    boolean fills(String text) {
        return encoder.fills(text);
    }

    private float dot(float[] vector) {
        double sum = 0;
        for (int i = 0; i < vector.length; i++) {
            sum += (double) vector[i] * picture[i];
        }
        return (float) sum;
    }
}
