package org.telltale.app.train;

import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.Weights;
import org.telltale.models.CounterRandom;

/**
 * What training starts from: the tensors of a checkpoint save those of its head, and new ones that are a pure function of
 * the seed and their names.
 */
final class StartWeights implements Weights {
    private final @Nullable Weights parent;
    private final Set<String> kept;
    private final Map<String, Fresh> fresh = new HashMap<>();
    private final long seed;

    /** How new values are drawn. */
    enum Rule {
        ZERO,
        ONE,
        /** Uniform within sqrt(6 / (in + out)): Keras' dense layers. */
        GLOROT_UNIFORM,
        /** Uniform within 0.05: Keras' embeddings. */
        UNIFORM_005,
        /** Normal with deviation 0.02: BERT. */
        NORMAL_002,
        /** Normal with a deviation that is given. */
        NORMAL,
        /** The logarithm of 1 / 0.07: CLIP's scale. */
        LOG_SCALE,
        /** Normal with variance 2 / (out times taps), Keras' EfficientNet; out counts 1 where each channel is alone. */
        HE_NORMAL
    }

    /** @param deviation of {@link Rule#NORMAL} */
    private record Fresh(Shape shape, Rule rule, double deviation) {}

    /**
     * @param parent the checkpoint; null when everything is new
     * @param names those of the parent's tensors that are used
     */
    StartWeights(@Nullable Weights parent, Set<String> names, long seed) {
        this.parent = parent;
        this.kept = Set.copyOf(names);
        this.seed = seed;
    }

    void add(String name, Shape shape, Rule rule) {
        fresh.put(name, new Fresh(shape, rule, 0));
    }

    /** Adds values that are drawn from a normal distribution. */
    void addNormal(String name, Shape shape, double deviation) {
        fresh.put(name, new Fresh(shape, Rule.NORMAL, deviation));
    }

    @Override
    public Set<String> names() {
        Set<String> all = new TreeSet<>(kept);
        all.addAll(fresh.keySet());
        return all;
    }

    @Override
    public Shape shape(String name) {
        Fresh f = fresh.get(name);
        return f == null ? parent().shape(name) : f.shape;
    }

    @Override
    public DType dtype(String name) {
        return fresh.containsKey(name) ? DType.F32 : parent().dtype(name);
    }

    @Override
    public HostTensor read(String name, Arena arena) {
        Fresh f = fresh.get(name);
        return f == null ? parent().read(name, arena) : draw(name, f, arena);
    }

    private Weights parent() {
        return Objects.requireNonNull(parent, "a model without a checkpoint reads from it");
    }

    private HostTensor draw(String name, Fresh f, Arena arena) {
        HostTensor t = HostTensor.allocate(arena, DType.F32, f.shape);
        long key = name.hashCode();
        double fanOut = f.shape.rank() == 0 ? 1 : f.shape.dim(0);
        double fanIn = f.shape.rank() < 2 ? 1 : (double) f.shape.size() / fanOut;
        double limit = Math.sqrt(6 / (fanIn + fanOut));
        boolean depthwise = f.shape.rank() == 4 && f.shape.dim(1) == 1;
        double reached = f.shape.rank() == 4 ? (depthwise ? 1 : fanOut) * f.shape.dim(2) * f.shape.dim(3) : fanOut;
        for (long i = 0; i < t.size(); i++) {
            t.set(i, (float)
                    switch (f.rule) {
                        case ZERO -> 0;
                        case ONE -> 1;
                        case GLOROT_UNIFORM -> limit * (2 * CounterRandom.uniform(seed, key, i, 0) - 1);
                        case UNIFORM_005 -> 0.05 * (2 * CounterRandom.uniform(seed, key, i, 0) - 1);
                        case NORMAL_002 -> 0.02 * normal(key, i);
                        case NORMAL -> f.deviation * normal(key, i);
                        case LOG_SCALE -> -Math.log(0.07);
                        case HE_NORMAL -> Math.sqrt(2 / reached) * normal(key, i);
                    });
        }
        return t;
    }

    /** Box and Muller's. */
    private double normal(long key, long i) {
        double radius = Math.sqrt(-2 * Math.log(1 - CounterRandom.uniform(seed, key, i, 1)));
        return radius * Math.cos(2 * Math.PI * CounterRandom.uniform(seed, key, i, 2));
    }

    /** The rule of a parameter of a model that starts from nothing, by its name and shape. */
    static Rule rule(String name, Shape shape) {
        if (name.endsWith("running_var")) {
            return Rule.ONE;
        }
        if (name.endsWith("bias") || name.endsWith("running_mean")) {
            return Rule.ZERO;
        }
        return switch (shape.rank()) {
            case 4 -> Rule.HE_NORMAL;
            case 2 -> Rule.NORMAL_002;
            case 1 -> Rule.ONE;
            default -> throw new IllegalArgumentException("no rule for the start of " + name + " " + shape);
        };
    }

    @Override
    public void close() {
        if (parent != null) {
            parent.close();
        }
    }
}
