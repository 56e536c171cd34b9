package org.telltale.app.hub;

import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which files of a repository are wanted. Without {@code include}: the configuration, the tokenizer, the preprocessor and
 * one set of weights, safetensors if there are any. In patterns {@code *} stands for any text, slashes included, and
 * {@code ?} for one character.
 */
public record FileChoice(List<String> include, List<String> exclude) {
    /** What Telltale reads, and nothing twice. */
    public static final FileChoice DEFAULT = new FileChoice(List.of(), List.of());

    /** The folder in which a captioner that Telltale has trained keeps the network that sees. */
    private static final String FEATURES = "features/";

    private static final Pattern SMALL = Pattern.compile(
            "config\\.json|.*_config\\.json|tokenizer\\.json|special_tokens_map\\.json|added_tokens\\.json"
                    + "|vocab\\.(txt|json)|merges\\.txt|bpe_simple_vocab_16e6\\.txt\\.gz|labels\\.txt");

    private static final List<String> SAFETENSORS = List.of(
            "model\\.safetensors",
            "model\\.safetensors\\.index\\.json|model-\\d{5}-of-\\d{5}\\.safetensors",
            "open_clip_model\\.safetensors",
            "[^/]*\\.safetensors");

    private static final List<String> CONVERTIBLE = List.of(
            "pytorch_model\\.bin",
            "pytorch_model\\.bin\\.index\\.json|pytorch_model-\\d{5}-of-\\d{5}\\.bin",
            "open_clip_pytorch_model\\.bin",
            "[^/]*\\.(pth|pt|bin)",
            "[^/]*\\.(keras|h5)");

    /** How the weights of a choice are kept. */
    public enum Weights {
        SAFETENSORS,
        /** Files that {@code telltale convert} may read. */
        CONVERTIBLE,
        NONE
    }

    /** The files that are wanted of those there are, in their order. */
    public List<RemoteFile> of(List<RemoteFile> all) {
        Predicate<String> wanted = include.isEmpty() ? byDefault(all) : any(include);
        Predicate<String> unwanted = any(exclude);
        return all.stream()
                .filter(f -> wanted.test(f.path()) && !unwanted.test(f.path()))
                .toList();
    }

    /** How the weights of these files are kept. */
    static Weights weights(List<RemoteFile> files) {
        if (files.stream().anyMatch(f -> f.path().endsWith(".safetensors"))) {
            return Weights.SAFETENSORS;
        }
        return files.stream().anyMatch(f -> isConvertible(f.path())) ? Weights.CONVERTIBLE : Weights.NONE;
    }

    /** Whether a file's name is one of weights that {@code telltale convert} may read. */
    public static boolean isConvertible(String path) {
        return path.matches(".*\\.(bin|pth|pt|keras|h5)");
    }

    /** Whether a name is wanted where everything is by default. */
    public boolean takes(String name) {
        return (include.isEmpty() || any(include).test(name)) && !any(exclude).test(name);
    }

    private static Predicate<String> byDefault(List<RemoteFile> all) {
        Pattern weights = Stream.concat(SAFETENSORS.stream(), CONVERTIBLE.stream())
                .map(Pattern::compile)
                .filter(p -> all.stream()
                        .anyMatch(f -> holdsWeights(f) && p.matcher(f.path()).matches()))
                .findFirst()
                .orElse(Pattern.compile("(?!)"));
        return path -> {
            String name = path.startsWith(FEATURES) ? path.substring(FEATURES.length()) : path;
            return SMALL.matcher(name).matches() || weights.matcher(name).matches();
        };
    }

    private static boolean holdsWeights(RemoteFile f) {
        return !f.path().endsWith(".json");
    }

    private static Predicate<String> any(List<String> globs) {
        if (globs.isEmpty()) {
            return path -> false;
        }
        return globs.stream()
                .map(FileChoice::regex)
                .collect(Collectors.collectingAndThen(
                        Collectors.joining("|"), r -> Pattern.compile(r).asMatchPredicate()));
    }

    private static String regex(String glob) {
        StringBuilder regex = new StringBuilder();
        glob.codePoints()
                .forEach(c -> regex.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(Character.toString(c))));
        return regex.toString();
    }
}
