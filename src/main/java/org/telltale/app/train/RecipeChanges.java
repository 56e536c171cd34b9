package org.telltale.app.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.autograd.RmsProp;
import org.telltale.models.image.Augmentation;

/**
 * What takes the place of parts of a recipe. Lists have a value for each phase, in order; phases beyond them keep their own.
 *
 * @param epochs 0 leaves a phase out
 * @param rates learning rates
 * @param trained regular expressions of the names of the parameters that change
 * @param batch samples of a step
 * @param size side of the pictures, tokens of a text, or words of a caption
 * @param dropout before the classifier
 * @param augmented whether training pictures are changed at random as the recipe says
 * @param epsilonOutside whether RMSprop adds epsilon beside the root, as Keras before 2.11, not inside it
 */
public record RecipeChanges(
        List<Integer> epochs,
        List<Double> rates,
        List<String> trained,
        OptionalInt batch,
        OptionalInt size,
        Optional<Float> dropout,
        boolean augmented,
        boolean epsilonOutside) {
    /** Nothing is changed. */
    public static final RecipeChanges NONE = new RecipeChanges(
            List.of(), List.of(), List.of(), OptionalInt.empty(), OptionalInt.empty(), Optional.empty(), true, false);

    public RecipeChanges {
        epochs = List.copyOf(epochs);
        rates = List.copyOf(rates);
        trained = List.copyOf(trained);
    }

    /**
     * A recipe with these changes; phases without epochs are left out.
     *
     * @throws IllegalArgumentException if a value is out of range, with the name of what it belongs to
     */
    public Recipe of(Recipe base) {
        int count = base.phases().size();
        many("epochs", epochs.size(), count);
        many("rate", rates.size(), count);
        many("trained", trained.size(), count);
        List<Recipe.Phase> phases = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Recipe.Phase p = base.phases().get(i);
            if (i < epochs.size()) {
                if (epochs.get(i) < 0) {
                    throw new IllegalArgumentException("epochs is " + epochs.get(i) + ", expected 0 or more");
                }
                p = p.epochs(epochs.get(i));
            }
            if (i < rates.size()) {
                if (!(rates.get(i) > 0 && rates.get(i) < 100)) {
                    throw new IllegalArgumentException("rate is " + rates.get(i) + ", expected more than 0");
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
        dropout.filter(d -> !(d >= 0 && d < 1)).ifPresent(d -> {
            throw new IllegalArgumentException("dropout is " + d + ", expected 0 to less than 1");
        });
        return new Recipe(
                base.name(),
                positive("size", size.orElse(base.size())),
                positive("batch", batch.orElse(base.batch())),
                base.dropRemainder(),
                augmented ? base.augmentation() : Augmentation.none(),
                dropout.map(d -> new Recipe.Head(base.head().norm(), d)).orElse(base.head()),
                phases.stream().filter(p -> p.epochs() > 0).toList(),
                base.smoothing());
    }

    private Optimizer optimizer(Optimizer o) {
        return o instanceof RmsProp r && epsilonOutside
                ? new RmsProp(r.rho(), r.epsilon(), RmsProp.Place.OUTSIDE_ROOT)
                : o;
    }

    private static Pattern pattern(String regex) {
        try {
            return Pattern.compile(regex);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("trained is '" + regex + "': " + e.getDescription(), e);
        }
    }

    private static int positive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + ", expected at least 1");
        }
        return value;
    }

    private static void many(String name, int given, int phases) {
        if (given > phases) {
            throw new IllegalArgumentException(name + " has " + given + " values, but there are " + phases + " phases");
        }
    }
}
