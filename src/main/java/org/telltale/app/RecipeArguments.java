package org.telltale.app;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.telltale.app.train.Recipe;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.autograd.RmsProp;
import org.telltale.models.image.Augmentation;
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
        int count = base.phases().size();
        many("--epochs", epochs.size(), count);
        many("--rate", rates.size(), count);
        many("--trained", trained.size(), count);
        List<Recipe.Phase> phases = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Recipe.Phase p = base.phases().get(i);
            if (i < epochs.size()) {
                if (epochs.get(i) < 0) {
                    throw new Exit.UsageException("--epochs is " + epochs.get(i) + ", expected 0 or more");
                }
                p = p.epochs(epochs.get(i));
            }
            if (i < rates.size()) {
                if (!(rates.get(i) > 0 && rates.get(i) < 100)) {
                    throw new Exit.UsageException("--rate is " + rates.get(i) + ", expected more than 0");
                }
                p = p.peak(rates.get(i));
            }
            phases.add(new Recipe.Phase(
                    p.name(),
                    p.epochs(),
                    p.rate(),
                    optimizer(p.optimizer()),
                    p.clip(),
                    i < trained.size() ? pattern(trained.get(i)) : p.trained()));
        }
        if (dropout != null && !(dropout >= 0 && dropout < 1)) {
            throw new Exit.UsageException("--dropout is " + dropout + ", expected 0 to less than 1");
        }
        return new Recipe(
                base.name(),
                size == null ? base.size() : positive("--size", size),
                batch == null ? base.batch() : positive("--batch", batch),
                base.dropRemainder(),
                augmentation == Switch.NONE ? Augmentation.none() : base.augmentation(),
                dropout == null ? base.head() : new Recipe.Head(base.head().norm(), dropout),
                phases.stream().filter(p -> p.epochs() > 0).toList());
    }

    private Optimizer optimizer(Optimizer o) {
        return o instanceof RmsProp r && epsilon == Epsilon.OUTSIDE
                ? new RmsProp(r.rho(), r.epsilon(), RmsProp.Place.OUTSIDE_ROOT)
                : o;
    }

    private static Pattern pattern(String regex) {
        try {
            return Pattern.compile(regex);
        } catch (PatternSyntaxException e) {
            throw new Exit.UsageException("--trained is '" + regex + "': " + e.getDescription());
        }
    }

    static int positive(String name, int value) {
        if (value < 1) {
            throw new Exit.UsageException(name + " is " + value + ", expected at least 1");
        }
        return value;
    }

    private static void many(String name, int given, int phases) {
        if (given > phases) {
            throw new Exit.UsageException(name + " has " + given + " values, but there are " + phases + " phases");
        }
    }
}
