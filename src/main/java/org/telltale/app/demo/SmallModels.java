package org.telltale.app.demo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.telltale.api.Captioner;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Reasons;
import org.telltale.engine.io.WholeFile;

/**
 * Folders without weights: configuration, tokenizer and preprocessor of models as Hugging Face keeps them, a few thousand
 * times smaller than those that are published. Their vocabularies are the words of some captions. Training from scratch
 * fills them with weights.
 */
public final class SmallModels {
    /** Side of the pictures that all of them see. */
    static final int SIDE = 64;

    /** CLIP's ids that no merge makes: each byte within a word and at its end, and the two marks. */
    private static final int BYTES_AND_MARKS = 2 * 256 + 2;

    private static final String MEAN_AND_STD = """
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
            "do_resize": true, "resample": 3, "do_rescale": true, "rescale_factor": 0.00392156862745098,
            "do_normalize": true, "do_convert_rgb": true
            """;

    private final Path folder;
    private final List<String> captions;
    private final List<String> pieces;

    private SmallModels(Path folder, List<String> captions) {
        this.folder = folder;
        this.captions = captions;
        pieces = pieces(captions);
    }

    /** Where they are. */
    public record Folders(Path blip, Path clip, Path bert, Path mobileNet, Path efficientNet) {}

    /**
     * Writes all of them.
     *
     * @param captions whose words become tokens
     */
    public static Folders write(Path folder, List<String> captions) {
        SmallModels models = new SmallModels(folder, captions);
        try {
            return new Folders(models.blip(), models.clip(), models.bert(), models.mobileNet(), models.efficientNet());
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be written: " + Reasons.of(e), e);
        }
    }

    private Path file(String model, String name, String content) throws IOException {
        Path to = Files.createDirectories(folder.resolve(model));
        WholeFile.write(to.resolve(name), content.getBytes(StandardCharsets.UTF_8));
        return to;
    }

    /** WordPiece's tokens: marks, whole words, and letters, of which any other word can be made. */
    private static List<String> pieces(List<String> captions) {
        TreeSet<String> words = new TreeSet<>(List.of(Captioner.PROMPT.split(" ")));
        captions.forEach(c -> words.addAll(List.of(c.split(" "))));
        List<String> pieces = new ArrayList<>(List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",", "."));
        for (char c = 'a'; c <= 'z'; c++) {
            pieces.add("##" + c);
            if (!words.contains(String.valueOf(c))) {
                pieces.add(String.valueOf(c));
            }
        }
        pieces.addAll(words);
        return pieces;
    }

    private Path wordPiece(String model, List<String> more) throws IOException {
        List<String> all = new ArrayList<>(pieces);
        all.addAll(more);
        file(model, "tokenizer_config.json", """
                {"tokenizer_class": "BertTokenizer", "do_lower_case": true, "model_max_length": 40}
                """);
        return file(model, "vocab.txt", String.join("\n", all) + "\n");
    }

    private Path blip() throws IOException {
        int vocabulary = pieces.size() + 2;
        file("blip", "config.json", """
                {"architectures": ["BlipForConditionalGeneration"], "model_type": "blip", "projection_dim": 64,
                 "image_text_hidden_size": 64, "tie_word_embeddings": true,
                 "text_config": {"model_type": "blip_text_model", "vocab_size": %d, "hidden_size": 64,
                  "encoder_hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2,
                  "num_attention_heads": 4, "max_position_embeddings": 40, "hidden_act": "gelu",
                  "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
                  "initializer_range": 0.05, "pad_token_id": 0, "bos_token_id": %d, "eos_token_id": 3,
                  "sep_token_id": 3, "is_decoder": true, "projection_dim": 64, "tie_word_embeddings": true},
                 "vision_config": {"model_type": "blip_vision_model", "hidden_size": 64, "intermediate_size": 256,
                  "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": %d, "patch_size": 8,
                  "hidden_act": "gelu", "layer_norm_eps": 1e-05, "attention_dropout": 0.0, "projection_dim": 64}}
                """.formatted(vocabulary, vocabulary - 2, SIDE));
        file("blip", "preprocessor_config.json", """
                {"image_processor_type": "BlipImageProcessor", "size": {"height": %d, "width": %d},
                %s}
                """.formatted(SIDE, SIDE, MEAN_AND_STD));
        return wordPiece("blip", List.of("[DEC]", "[ENC]"));
    }

    private Path bert() throws IOException {
        file("bert", "config.json", """
                {"architectures": ["BertForSequenceClassification"], "model_type": "bert", "vocab_size": %d,
                 "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128,
                 "max_position_embeddings": 40, "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
                 "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "initializer_range": 0.02,
                 "pad_token_id": 0, "id2label": {"0": "a", "1": "b"}, "label2id": {"a": 0, "b": 1}}
                """.formatted(pieces.size()));
        return wordPiece("bert", List.of());
    }

    private Path clip() throws IOException {
        List<String> merges = merges();
        int vocabulary = BYTES_AND_MARKS + merges.size();
        String tower = """
                "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
                "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05, "attention_dropout": 0.0, "projection_dim": 64,
                "initializer_range": 0.05""";
        file("clip", "config.json", """
                {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 64,
                 "logit_scale_init_value": 2.6592,
                 "text_config": {"model_type": "clip_text_model", "vocab_size": %d, "max_position_embeddings": 77,
                  "bos_token_id": %d, "eos_token_id": %d, "pad_token_id": 0,
                  %s},
                 "vision_config": {"model_type": "clip_vision_model", "image_size": %d, "patch_size": 8,
                  "num_channels": 3,
                  %s}}
                """.formatted(vocabulary, vocabulary - 2, vocabulary - 1, tower, SIDE, tower));
        file("clip", "preprocessor_config.json", """
                {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": %d}, "do_center_crop": true,
                 "crop_size": {"height": %d, "width": %d},
                %s}
                """.formatted(SIDE, SIDE, SIDE, MEAN_AND_STD));
        return file("clip", "merges.txt", "#version: 0.2\n" + String.join("\n", merges) + "\n");
    }

    /** Byte pairs as they are learned: again and again the most frequent pair of neighbours, until words are whole. */
    private List<String> merges() {
        TreeMap<String, Integer> counts = new TreeMap<>();
        captions.forEach(c -> List.of(c.split(" ")).forEach(w -> counts.merge(w, 1, Integer::sum)));
        TreeMap<String, List<String>> words = new TreeMap<>();
        counts.keySet().forEach(w -> {
            List<String> symbols = new ArrayList<>(List.of(w.split("")));
            symbols.add(symbols.removeLast() + "</w>");
            words.put(w, symbols);
        });
        List<String> merges = new ArrayList<>();
        while (true) {
            TreeMap<String, Integer> pairs = new TreeMap<>();
            words.forEach((w, symbols) -> {
                for (int i = 0; i + 1 < symbols.size(); i++) {
                    pairs.merge(symbols.get(i) + " " + symbols.get(i + 1), counts.getOrDefault(w, 0), Integer::sum);
                }
            });
            if (pairs.isEmpty()) {
                return merges;
            }
            String best = pairs.firstKey();
            for (String pair : pairs.keySet()) {
                best = pairs.getOrDefault(pair, 0) > pairs.getOrDefault(best, 0) ? pair : best;
            }
            merges.add(best);
            for (List<String> symbols : words.values()) {
                for (int i = 0; i + 1 < symbols.size(); i++) {
                    if (best.equals(symbols.get(i) + " " + symbols.get(i + 1))) {
                        symbols.set(i, symbols.get(i) + symbols.remove(i + 1));
                    }
                }
            }
        }
    }

    private Path mobileNet() throws IOException {
        file("mobilenet", "config.json", """
                {"architectures": ["MobileNetV2ForImageClassification"], "model_type": "mobilenet_v2",
                 "image_size": %d, "depth_multiplier": 0.25, "depth_divisible_by": 8, "min_depth": 8,
                 "expand_ratio": 6, "output_stride": 32, "first_layer_is_expansion": true, "finegrained_output": true,
                 "tf_padding": true, "hidden_act": "relu6", "layer_norm_eps": 0.001,
                 "id2label": {"0": "a", "1": "b"}, "label2id": {"a": 0, "b": 1}}
                """.formatted(SIDE));
        return file("mobilenet", "preprocessor_config.json", """
                {"image_processor_type": "TelltaleImageProcessor", "size": {"height": %d, "width": %d},
                 "resample": "bilinear", "do_rescale": true, "rescale_factor": 0.00392156862745098,
                 "do_normalize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
                """.formatted(SIDE, SIDE));
    }

    private Path efficientNet() throws IOException {
        file("efficientnet", "config.json", """
                {"architectures": ["EfficientNetForImageClassification"], "model_type": "efficientnet",
                 "num_channels": 3, "image_size": %d, "width_coefficient": 0.25, "depth_coefficient": 0.5,
                 "depth_divisor": 8, "kernel_sizes": [3, 3, 5, 3, 5, 5, 3],
                 "in_channels": [32, 16, 24, 40, 80, 112, 192], "out_channels": [16, 24, 40, 80, 112, 192, 320],
                 "depthwise_padding": [], "strides": [1, 2, 2, 2, 1, 2, 1],
                 "num_block_repeats": [1, 2, 2, 3, 3, 4, 1], "expand_ratios": [1, 6, 6, 6, 6, 6, 6],
                 "squeeze_expansion_ratio": 0.25, "hidden_act": "swish", "hidden_dim": 320, "pooling_type": "mean",
                 "initializer_range": 0.02, "batch_norm_eps": 0.001, "batch_norm_momentum": 0.99, "dropout_rate": 0.2,
                 "drop_connect_rate": 0.2, "id2label": {"0": "a", "1": "b"}, "label2id": {"a": 0, "b": 1}}
                """.formatted(SIDE));
        return file("efficientnet", "preprocessor_config.json", """
                {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": %d, "width": %d},
                 "do_resize": true, "resample": 0, "do_center_crop": false, "do_rescale": true,
                 "rescale_factor": 0.00392156862745098, "rescale_offset": false, "do_normalize": true,
                 "image_mean": [0.485, 0.456, 0.406], "image_std": [0.47853944, 0.4732864, 0.47434163],
                 "include_top": true}
                """.formatted(SIDE, SIDE));
    }
}
