package org.telltale.convert;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The ways of converting: what a checkpoint's tensors are called, and what they are called afterwards. */
public enum NameMap {
    KERAS_MOBILENETV2("keras-mobilenetv2", "MobileNetV2 of keras.applications to Hugging Face"),
    KERAS_EFFICIENTNET("keras-efficientnet", "EfficientNet of keras.applications to Hugging Face"),
    KERAS_INCEPTIONV3("keras-inceptionv3", "InceptionV3 of keras.applications to timm"),
    KERAS_ATTENTION_GRU("keras-attention-gru", "encoder and decoder of TensorFlow's captioning tutorial"),
    BLIP("blip", "the captioner of Salesforce's original BLIP to Hugging Face"),
    OPEN_CLIP("open-clip", "open_clip's and OpenAI's CLIP to Hugging Face"),
    CLIP_TO_OPEN_CLIP("clip-to-open-clip", "Hugging Face's CLIP to open_clip; never chosen by itself"),
    TIMM_EFFICIENTNET("timm-efficientnet", "timm's tf_efficientnet to Hugging Face"),
    TIMM_MOBILENETV2("timm-mobilenetv2", "timm's mobilenetv2 to Hugging Face"),
    INCEPTIONV3("inceptionv3", "timm's and torchvision's InceptionV3 as it is, without its classifiers"),
    BERT("bert", "BERT, with the names of TensorFlow's layer norms or PyTorch's, to Hugging Face"),
    AS_IS("as-is", "every tensor under its own name");

    private final String word;
    private final String description;

    NameMap(String word, String description) {
        this.word = word;
        this.description = description;
    }

    /** As options name it. */
    public String word() {
        return word;
    }

    public String description() {
        return description;
    }

    /** The map of a name. */
    public static Optional<NameMap> of(String word) {
        return Arrays.stream(values()).filter(m -> m.word.equals(word)).findFirst();
    }

    /** Whether a checkpoint has the tensors that this map expects. */
    private boolean accepts(Source s) {
        return switch (this) {
            case KERAS_MOBILENETV2 ->
                s.checkpoint instanceof H5Reader h5
                        && KerasModel.isWhole(s.file, h5)
                        && KerasMobileNetV2.accepts(KerasModel.read(s.file, h5));
            case KERAS_EFFICIENTNET -> s.checkpoint instanceof H5Reader h5 && KerasEfficientNet.accepts(s.file, h5);
            case KERAS_INCEPTIONV3 -> s.checkpoint instanceof H5Reader h5 && KerasInceptionV3.accepts(s.file, h5);
            case KERAS_ATTENTION_GRU -> s.has("encoder/fc/vars/0") && s.has("decoder/gru/cell/vars/0");
            case BLIP -> s.has(BlipNames.MARK) && s.hasAny(BlipNames.DECODER);
            case OPEN_CLIP -> s.has("visual.conv1.weight") && s.has("visual.proj");
            case CLIP_TO_OPEN_CLIP -> false;
            case TIMM_EFFICIENTNET -> s.has("conv_stem.weight") && s.has("blocks.0.0.se.conv_reduce.weight");
            case TIMM_MOBILENETV2 ->
                s.has("conv_stem.weight") && s.has("blocks.1.0.conv_pwl.weight") && !s.hasAny("blocks.0.0.se.");
            case INCEPTIONV3 -> s.has("Mixed_7c.branch_pool.conv.weight");
            case BERT -> s.has("bert." + BertNames.MARK) || s.has(BertNames.MARK);
            case AS_IS -> !(s.checkpoint instanceof H5Reader);
        };
    }

    /** The map that fits a checkpoint. */
    static NameMap find(Source source) {
        for (NameMap map : values()) {
            if (map.accepts(source)) {
                return map;
            }
        }
        if (source.checkpoint instanceof H5Reader h5 && !KerasModel.isWhole(source.file, h5)) {
            throw source.error(
                    "no attribute model_config; a whole model is needed (model.save), not the weights alone, unless it"
                            + " is an EfficientNet or InceptionV3 of keras.applications (--map as-is keeps all names)");
        }
        throw source.error(
                "no MobileNetV2, EfficientNet or InceptionV3 of keras.applications (--map as-is keeps all names)");
    }

    Converted convert(Source source) {
        return switch (this) {
            case KERAS_MOBILENETV2 ->
                KerasMobileNetV2.convert(KerasModel.read(source.file, h5(source)), source.labels());
            case KERAS_EFFICIENTNET -> KerasEfficientNet.convert(source.file, h5(source), source.labels());
            case KERAS_INCEPTIONV3 -> KerasInceptionV3.convert(source.file, h5(source));
            case KERAS_ATTENTION_GRU -> KerasAttentionGru.convert(source);
            case BLIP -> BlipNames.convert(source);
            case OPEN_CLIP -> ClipNames.fromOpenClip(source);
            case CLIP_TO_OPEN_CLIP -> ClipNames.toOpenClip(source);
            case TIMM_EFFICIENTNET -> TimmEfficientNet.convert(source);
            case TIMM_MOBILENETV2 -> TimmMobileNetV2.convert(source);
            case INCEPTIONV3 -> InceptionV3Names.convert(source);
            case BERT -> BertNames.convert(source);
            case AS_IS -> AsIs.convert(source);
        };
    }

    private H5Reader h5(Source source) {
        if (source.checkpoint instanceof H5Reader h5) {
            return h5;
        }
        throw source.error("the map " + word + " needs a file of Keras in HDF5");
    }

    /** The words of all maps. */
    static List<String> words() {
        return Arrays.stream(values()).map(NameMap::word).collect(Collectors.toList());
    }
}
