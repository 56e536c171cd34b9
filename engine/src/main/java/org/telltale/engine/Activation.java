package org.telltale.engine;

/** Pointwise non-linearities (SPEC §4), as an op of their own or fused behind a product. */
public enum Activation {
    NONE,
    RELU,
    /** min(max(x, 0), 6), with gradient 0 at exactly 0 and exactly 6. */
    RELU6,
    /** x/2 (1 + erf(x/√2)): BERT, BLIP, laion's CLIP. */
    GELU_ERF,
    /** The tanh approximation of the model garden's BERT. */
    GELU_TANH,
    /** x σ(1.702 x): OpenAI's CLIP. */
    QUICK_GELU,
    /** x σ(x), also called swish. */
    SILU,
    SIGMOID,
    TANH;

    private static final float SQRT_HALF = (float) Math.sqrt(0.5);
    private static final float SQRT_2_OVER_PI = (float) Math.sqrt(2 / Math.PI);

    /** The activation that a Hugging Face {@code hidden_act} names; any other word is refused, never guessed. */
    public static Activation named(String word) {
        return switch (word) {
            case "relu" -> RELU;
            case "relu6" -> RELU6;
            case "gelu" -> GELU_ERF;
            case "gelu_new", "gelu_pytorch_tanh" -> GELU_TANH;
            case "quick_gelu" -> QUICK_GELU;
            case "silu", "swish" -> SILU;
            case "sigmoid" -> SIGMOID;
            case "tanh" -> TANH;
            default ->
                throw new IllegalArgumentException("unknown activation '" + word
                        + "'; known are relu, relu6, gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, silu, swish,"
                        + " sigmoid, tanh");
        };
    }

    /** The same function in primitives. */
    Tensor of(Tensor x) {
        return switch (this) {
            case NONE -> x;
            case RELU -> x.unary(Primitive.UnaryKind.RELU);
            case RELU6 -> x.unary(Primitive.UnaryKind.RELU6);
            case GELU_ERF ->
                x.mul(0.5f).mul(x.mul(SQRT_HALF).unary(Primitive.UnaryKind.ERF).add(1));
            case GELU_TANH -> {
                Tensor inner = x.add(x.mul(x).mul(x).mul(0.044715f)).mul(SQRT_2_OVER_PI);
                yield x.mul(0.5f).mul(inner.unary(Primitive.UnaryKind.TANH).add(1));
            }
            case QUICK_GELU -> x.mul(x.mul(1.702f).unary(Primitive.UnaryKind.SIGMOID));
            case SILU -> x.mul(x.unary(Primitive.UnaryKind.SIGMOID));
            case SIGMOID -> x.unary(Primitive.UnaryKind.SIGMOID);
            case TANH -> x.unary(Primitive.UnaryKind.TANH);
        };
    }
}
