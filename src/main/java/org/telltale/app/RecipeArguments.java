package org.telltale.app;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.telltale.app.train.Recipe;
import org.telltale.app.train.RecipeChanges;
import picocli.CommandLine.Option;

/** The options that replace parts of a recipe. */
final class RecipeArguments {
    @Option(
            names = "--recipe",
            paramLabel = "NAME",
            description = "mobilenetv2, efficientnet or bert: what the model is; or attention-gru, blip or clip.")
    private @Nullable String recipeName;

    @Option(
            names = "--epochs",
            split = ",",
            paramLabel = "N",
            description = "Epochs of each phase; 0 leaves a phase out.")
    private List<Integer> epochs = List.of();

    @Option(names = "--rate", split = ",", paramLabel = "RATE", description = "Learning rate of each phase.")
    private List<Double> rates = List.of();

    @Option(
            names = "--trained",
            paramLabel = "REGEX",
            description = "Parameters that change, by name: for each phase, in order.")
    private List<String> trained = List.of();

    @Option(names = "--batch", paramLabel = "N", description = "Samples of a step.")
    private @Nullable Integer batch;

    @Option(
            names = "--size",
            paramLabel = "N",
            description = "Side of the pictures, tokens of a text, or words of a caption.")
    private @Nullable Integer size;

    @Option(names = "--dropout", paramLabel = "P", description = "Dropout before the classifier.")
    private @Nullable Float dropout;

    @Option(
            names = "--augmentation",
            paramLabel = "recipe|none",
            defaultValue = "recipe",
            description = "Random changes of training pictures (default: ${DEFAULT-VALUE}).")
    private Switch augmentation = Switch.RECIPE;

    @Option(
            names = "--rmsprop-epsilon",
            paramLabel = "inside|outside",
            defaultValue = "inside",
            description = "The root of RMSprop with epsilon in it (Keras from 2.11 on) or beside it"
                    + " (default: ${DEFAULT-VALUE}).")
    private Epsilon epsilon = Epsilon.INSIDE;

    private enum Switch {
        RECIPE,
        NONE
    }

    private enum Epsilon {
        INSIDE,
        OUTSIDE
    }

    /** Whether this recipe was asked for by name. */
    boolean names(String recipe) {
        return recipe.equals(recipeName);
    }

    /**
     * A recipe with the parts that were given in place of its own; phases without epochs are left out.
     *
     * @param model what messages call the model
     */
    Recipe of(Recipe base, String model) {
        if (recipeName != null && !recipeName.equals(base.name())) {
            throw new Exit.UsageException(
                    "--recipe is '" + recipeName + "', but " + model + " is trained by " + base.name());
        }
        RecipeChanges changes = new RecipeChanges(
                epochs,
                rates,
                trained,
                batch == null ? OptionalInt.empty() : OptionalInt.of(batch),
                size == null ? OptionalInt.empty() : OptionalInt.of(size),
                Optional.ofNullable(dropout),
                augmentation == Switch.RECIPE,
                epsilon == Epsilon.OUTSIDE);
        try {
            return changes.of(base);
        } catch (IllegalArgumentException e) {
            throw new Exit.UsageException("--" + e.getMessage());
        }
    }

    static int positive(String name, int value) {
        if (value < 1) {
            throw new Exit.UsageException(name + " is " + value + ", expected at least 1");
        }
        return value;
    }
}
