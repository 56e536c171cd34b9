package org.telltale.engine.nn;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.DType;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;

/**
 * The name tree of a checkpoint: models ask it for parameters by name while they build their expression. It is strict
 * both ways: {@link #verify} reports every missing, misshapen and unused tensor at once.
 */
public final class Params {
    private final Book book;
    private final String prefix;

    /** What is stored, and what was asked for, for the whole tree. */
    private record Book(
            String source,
            Set<String> names,
            Function<String, Shape> shape,
            Function<String, DType> dtype,
            Map<String, Tensor> leaves,
            Map<String, String> problems,
            Set<String> ignored,
            Optional<Training> training,
            AtomicInteger salts,
            Map<String, Tensor> updates) {}

    /**
     * How a model trains.
     *
     * @param states the parameters that change, by name: they become states of the graph instead of weights
     * @param counter I32 [2], seed and step, that the random numbers of dropout are drawn by; null for no dropout
     * @param norms how batch normalisation follows the batch; null where it keeps to the stored statistics
     */
    public record Training(
            Predicate<String> states,
            @Nullable Tensor counter,
            @Nullable MovingStatistics norms) {}

    /**
     * How statistics move in a training step.
     *
     * @param rule what the moving variance is made of
     * @param momentum how much of the old statistics a step keeps
     */
    public record MovingStatistics(BatchNorm.MovingVariance rule, double momentum) {}

    private Params(Book book, String prefix) {
        this.book = book;
        this.prefix = prefix;
    }

    /**
     * The tree over a checkpoint.
     *
     * @param source what messages call it: the file or folder
     */
    public static Params of(
            String source, Set<String> names, Function<String, Shape> shape, Function<String, DType> dtype) {
        return of(source, names, shape, dtype, Optional.empty());
    }

    private static Params of(
            String source,
            Set<String> names,
            Function<String, Shape> shape,
            Function<String, DType> dtype,
            Optional<Training> training) {
        Book book = new Book(
                source,
                names,
                shape,
                dtype,
                new HashMap<>(),
                new TreeMap<>(),
                new TreeSet<>(),
                training,
                new AtomicInteger(),
                new TreeMap<>());
        return new Params(book, "");
    }

    /** The same tree for a model that trains. */
    public Params training(Training how) {
        return of(book.source, book.names, book.shape, book.dtype, Optional.of(how));
    }

    /** How statistics of batch normalisation move; empty where the stored ones are used as they are. */
    Optional<MovingStatistics> movingStatistics() {
        return book.training.map(Training::norms);
    }

    /**
     * Where an op that drops takes its random numbers from.
     *
     * @param counter I32 [2], seed and step
     * @param salt of this op alone
     */
    public record Draw(Tensor counter, int salt) {}

    /** Random numbers for one op, while training with dropout. */
    public Optional<Draw> draw() {
        return book.training.map(Training::counter).map(c -> new Draw(c, book.salts.getAndIncrement()));
    }

    /** Dropout of elements while training; x as it is otherwise. Each call has random numbers of its own. */
    public Tensor drop(Tensor x, float rate) {
        return draw().map(d -> Dropout.of(x, rate, d.counter, d.salt)).orElse(x);
    }

    /** Dropout of whole rows of x [N, ..] while training: stochastic depth. */
    public Tensor dropPath(Tensor x, float rate) {
        return draw().map(d -> Dropout.path(x, rate, d.counter, d.salt)).orElse(x);
    }

    /** Says what a parameter becomes in a training step that is not by its gradient. */
    public void update(String name, Tensor value) {
        book.updates.put(prefix + name, value);
    }

    /** What the moving statistics become after a training step, by name. */
    public Map<String, Tensor> updates() {
        return book.updates;
    }

    /** The subtree below a segment of the name, such as a word or a layer's number. */
    public Params at(Object segment) {
        return new Params(book, prefix + segment + ".");
    }

    /** Whether the checkpoint holds a tensor of this name, or tensors below it. */
    public boolean has(String name) {
        String full = prefix + name;
        return book.names.contains(full) || book.names.stream().anyMatch(n -> n.startsWith(full + "."));
    }

    /** The extents of a tensor that is there, for what only the checkpoint knows, such as the number of classes. */
    public Shape shape(String name) {
        return book.shape.apply(prefix + name);
    }

    /** The parameter of this name; when it is missing or has another shape, {@link #verify} will say so. */
    public Tensor f32(String name, int... dims) {
        String full = prefix + name;
        Shape wanted = Shape.of(dims);
        Tensor known = book.leaves.get(full);
        if (known != null && known.shape().equals(wanted)) {
            return known;
        }
        if (!book.names.contains(full)) {
            book.problems.put(full, "missing: " + full + " " + wanted);
        } else if (!book.shape.apply(full).equals(wanted)) {
            book.problems.put(full, "wrong shape: " + full + " is " + book.shape.apply(full) + ", not " + wanted);
        } else if (!book.dtype.apply(full).isFloat()) {
            book.problems.put(full, "wrong type: " + full + " is " + book.dtype.apply(full) + ", not a float type");
        }
        boolean state = book.training.map(t -> t.states().test(full)).orElse(false);
        Tensor leaf = Tensor.of(state ? new Primitive.State(full, wanted) : new Primitive.Weight(full, wanted));
        book.leaves.put(full, leaf);
        return leaf;
    }

    /** Declares that a tensor, or those below the name, may be there without being used. */
    public void ignore(String name) {
        book.ignored.add(prefix + name);
    }

    /** Throws one exception that lists everything about the checkpoint that does not fit what was asked for. */
    public void verify() {
        List<String> lines = new ArrayList<>(book.problems.values());
        for (String name : new TreeSet<>(book.names)) {
            if (!book.leaves.containsKey(name) && !ignored(name)) {
                lines.add("not used: " + name + " " + book.shape.apply(name));
            }
        }
        if (!lines.isEmpty()) {
            throw new CheckpointException(book.source, lines);
        }
    }

    private boolean ignored(String name) {
        for (int end = name.length(); end > 0; end = name.lastIndexOf('.', end - 1)) {
            if (book.ignored.contains(name.substring(0, end))) {
                return true;
            }
        }
        return false;
    }
}
