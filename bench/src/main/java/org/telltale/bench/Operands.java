package org.telltale.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.LongToIntFunction;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.Weights;

/**
 * What a graph computes with: weights and inputs that are a pure function of their names, the same for every engine.
 *
 * <p>A weight of several axes has the variance of 1 / fan-in, so that values keep their size through a deep model; a
 * variance lies in 0.5 to 1.5, a scale likewise, anything else of one axis within 0.1 of zero, and an input or state within 1.
 */
final class Operands implements Weights {
    private final Map<String, Shape> shapes = new HashMap<>();
    private final Map<String, LongToIntFunction> integers = new HashMap<>();

    private final Map<String, Workload.Fill> others = new HashMap<>();

    Operands(Graph graph) {
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Primitive.Weight w) {
                shapes.put(w.name(), t.shape());
            }
        }
    }

    /** Says what an I32 input holds, element by element. */
    Operands integers(String name, LongToIntFunction value) {
        integers.put(name, value);
        return this;
    }

    /** Says how an input or state is filled. */
    Operands with(String name, Workload.Fill fill) {
        others.put(name, fill);
        return this;
    }

    /** Fills the memory of an input or state. */
    void fill(String name, HostTensor memory) {
        Workload.Fill other = others.get(name);
        if (other != null) {
            other.fill(name, memory);
        } else if (memory.dtype() == DType.I32) {
            LongToIntFunction value = integers.get(name);
            if (value == null) {
                throw new IllegalArgumentException("the I32 input '" + name + "' has no values");
            }
            for (long i = 0; i < memory.size(); i++) {
                memory.setInt(i, value.applyAsInt(i));
            }
        } else {
            uniform(memory, name, 0, 1);
        }
    }

    @Override
    public Set<String> names() {
        return shapes.keySet();
    }

    @Override
    public Shape shape(String name) {
        Shape shape = shapes.get(name);
        if (shape == null) {
            throw new IllegalArgumentException("the graph has no weight '" + name + "'");
        }
        return shape;
    }

    @Override
    public DType dtype(String name) {
        return DType.F32;
    }

    @Override
    public HostTensor read(String name, Arena arena) {
        HostTensor t = HostTensor.allocate(arena, DType.F32, shape(name));
        weight(name, t);
        return t;
    }

    /** Fills the memory of a weight, or of a state that is one. */
    static void weight(String name, HostTensor t) {
        if (t.shape().rank() > 1) {
            uniform(t, name, 0, (float)
                    Math.sqrt(3.0 / t.shape().product(1, t.shape().rank())));
        } else if (name.endsWith("running_var") || name.endsWith("weight")) {
            uniform(t, name, 1, 0.5f);
        } else {
            uniform(t, name, 0, 0.1f);
        }
    }

    @Override
    public void close() {}

    /** Numbers of a linear congruential generator, centre - radius to centre + radius. */
    private static void uniform(HostTensor t, String name, float centre, float radius) {
        MemorySegment memory = t.data();
        long state = name.hashCode();
        for (long at = 0; at < memory.byteSize(); at += Float.BYTES) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            memory.set(ValueLayout.JAVA_FLOAT, at, centre + radius * ((state >> 40) * 0x1p-23f));
        }
    }
}
