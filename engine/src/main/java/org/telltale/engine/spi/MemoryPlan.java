package org.telltale.engine.spi;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;

/**
 * Where in one block of memory each intermediate tensor lives: last use, first fit, 64-byte aligned; an alias or a
 * contiguous slice shares its operand's slot, and an op that may work in place takes over the slot of an operand that dies there.
 * What is only computed to be a part of a concatenation of last axes is computed there, where its kernel can write rows apart.
 */
public final class MemoryPlan {
    private static final long ALIGNMENT = 64;

    /** Which operands an op may overwrite while it computes. */
    public interface InPlace {
        boolean allows(Tensor tensor, int operand);

        /** Whether the rows of an op's result, its last axis, may lie apart. */
        default boolean apart(Tensor tensor) {
            return false;
        }
    }

    private record Slot(long offset, long size) {}

    /** A part of a concatenation, and the bytes before it in a row. */
    private record Part(Tensor whole, long before) {}

    private final Map<Tensor, Slot> slots = new HashMap<>();
    private final Map<Tensor, Tensor> roots = new HashMap<>();

    /** What is computed into a concatenation. */
    private final Map<Tensor, Part> parts = new HashMap<>();

    private long size;

    private MemoryPlan() {}

    /**
     * Plans the tensors computed in this order.
     *
     * @param order every tensor, operands first
     * @param external those that have memory of their own (inputs, states, weights)
     * @param kept those whose values are read after the run
     */
    public static MemoryPlan of(
            List<Tensor> order, Collection<Tensor> external, Collection<Tensor> kept, InPlace inPlace) {
        MemoryPlan plan = new MemoryPlan();
        Set<Tensor> outside = new HashSet<>();
        outside.addAll(external);
        for (Tensor t : order) {
            plan.roots.put(
                    t, alias(t) && !outside.contains(t) ? plan.root(t.inputs().getFirst()) : t);
        }
        Map<Tensor, Integer> lastUse = new HashMap<>();
        for (int i = 0; i < order.size(); i++) {
            for (Tensor in : order.get(i).inputs()) {
                lastUse.put(plan.root(in), i);
            }
        }
        for (Tensor t : kept) {
            lastUse.put(plan.root(t), Integer.MAX_VALUE);
        }
        Set<Tensor> fixed = new HashSet<>(outside);
        kept.forEach(t -> fixed.add(plan.root(t)));
        plan.findParts(order, outside, fixed, inPlace);
        List<Slot> live = new ArrayList<>();
        for (int i = 0; i < order.size(); i++) {
            Tensor t = order.get(i);
            if (plan.root(t) == t && !outside.contains(t) && !plan.slots.containsKey(t)) {
                Slot slot = plan.takenOver(t, i, lastUse, outside, inPlace);
                if (slot == null) {
                    Tensor whole = plan.whole(t);
                    slot = plan.slots.get(whole);
                    if (slot == null) {
                        slot = plan.firstFit(
                                align(whole.shape().size() * whole.dtype().bytes()), live);
                        plan.slots.put(whole, slot);
                    }
                }
                plan.slots.put(t, slot);
            }
            for (Tensor in : t.inputs()) {
                Tensor root = plan.root(in);
                Slot slot = plan.slots.get(root);
                if (slot != null && lastUse.getOrDefault(root, -1) == i && !slot.equals(plan.slots.get(t))) {
                    live.remove(slot);
                }
            }
            Slot own = plan.slots.get(t);
            if (own != null && !lastUse.containsKey(t)) {
                live.remove(own);
            }
        }
        return plan;
    }

    /** Whether a tensor is its operand under another shape, or a contiguous piece of it. */
    public static boolean alias(Tensor t) {
        return t.op() instanceof Primitive.Reshape
                || t.op() instanceof Primitive.Detach
                || (t.op() instanceof Primitive.Slice s
                        && t.inputs().getFirst().shape().product(0, s.axis()) == 1);
    }

    /** The tensor whose memory this one shares; itself when it has its own. */
    public Tensor root(Tensor t) {
        return roots.getOrDefault(t, t);
    }

    /** The offset in bytes of a tensor that is planned here. */
    public long offset(Tensor t) {
        Slot slot = slots.get(root(t));
        if (slot == null) {
            throw new IllegalArgumentException("not in the plan: " + t);
        }
        Part part = parts.get(root(t));
        return slot.offset() + (part == null ? 0 : part.before()) + shift(t);
    }

    /** Elements from one row of a tensor, its last axis, to the next: more than that has where it is computed into a concatenation. */
    public int pitch(Tensor t) {
        return whole(t).dim(-1);
    }

    /** The tensor whose slot a tensor has: the concatenation that it is computed into, or itself. */
    private Tensor whole(Tensor t) {
        Part part = parts.get(t);
        return part == null ? t : part.whole();
    }

    /** Bytes from the beginning of a tensor's root to its own. */
    public long shift(Tensor t) {
        Tensor root = root(t);
        long bytes = 0;
        for (Tensor a = t; a != root; a = a.inputs().getFirst()) {
            if (a.op() instanceof Primitive.Slice s) {
                bytes += s.begin() * a.shape().strides()[s.axis()] * a.dtype().bytes();
            }
        }
        return bytes;
    }

    /** Bytes of the whole block. */
    public long size() {
        return size;
    }

    /**
     * Finds what can be computed into a concatenation.
     *
     * @param fixed what has to lie as it is, since others read it there
     */
    private void findParts(List<Tensor> order, Set<Tensor> outside, Set<Tensor> fixed, InPlace inPlace) {
        Map<Tensor, Integer> readers = new HashMap<>();
        order.forEach(t -> t.inputs().forEach(in -> readers.merge(in, 1, Integer::sum)));
        for (Tensor t : order) {
            if (!(t.op() instanceof Primitive.Concat c)
                    || c.axis() != t.shape().rank() - 1
                    || c.axis() == 0
                    || outside.contains(t)) {
                continue;
            }
            long before = 0;
            for (Tensor in : t.inputs()) {
                if (root(in) == in && !fixed.contains(in) && readers.getOrDefault(in, 0) == 1 && inPlace.apart(in)) {
                    parts.put(in, new Part(t, before));
                }
                before += (long) in.dim(-1) * in.dtype().bytes();
            }
        }
    }

    private @org.jspecify.annotations.Nullable Slot takenOver(
            Tensor t, int index, Map<Tensor, Integer> lastUse, Set<Tensor> outside, InPlace inPlace) {
        if (parts.containsKey(t)) {
            return null;
        }
        for (int k = 0; k < t.inputs().size(); k++) {
            Tensor root = root(t.inputs().get(k));
            Slot slot = slots.get(root);
            boolean once = t.inputs().stream().filter(in -> root(in) == root).count() == 1;
            if (slot != null
                    && once
                    && !outside.contains(root)
                    && lastUse.getOrDefault(root, -1) == index
                    && root.shape().size() == t.shape().size()
                    && t.inputs().get(k).shape().size() == t.shape().size()
                    && root.dtype().bytes() == t.dtype().bytes()
                    && inPlace.allows(t, k)) {
                return slot;
            }
        }
        return null;
    }

    /** The lowest gap between live slots, which are kept in order of their offsets. */
    private Slot firstFit(long bytes, List<Slot> live) {
        long at = 0;
        int place = 0;
        while (place < live.size() && live.get(place).offset() - at < bytes) {
            at = Math.max(at, live.get(place).offset() + live.get(place).size());
            place++;
        }
        Slot slot = new Slot(at, bytes);
        live.add(place, slot);
        size = Math.max(size, at + bytes);
        return slot;
    }

    private static long align(long bytes) {
        return Math.max((bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, ALIGNMENT);
    }
}
