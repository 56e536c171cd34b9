package org.telltale.engine.spi;

import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Tensor;

/**
 * Where a tensor's values are during a run. Kernels keep the buffer and ask for the address at each run, since inputs
 * and states may be bound to memory of the caller's; until then they have none, and get their own when first asked.
 */
public final class Buffer {
    private final Tensor of;
    private final @Nullable Buffer base;
    private final long shift;
    private final @Nullable Arena arena;
    private @Nullable HostTensor memory;

    private Buffer(Tensor of, @Nullable Buffer base, long shift, @Nullable Arena arena, @Nullable HostTensor memory) {
        this.of = of;
        this.base = base;
        this.shift = shift;
        this.arena = arena;
        this.memory = memory;
    }

    static Buffer fixed(Tensor of, HostTensor memory) {
        return new Buffer(of, null, 0, null, memory);
    }

    /** The memory of another buffer from some byte on, under the shape of this tensor. */
    static Buffer view(Tensor of, Buffer base, long shift) {
        return new Buffer(of, base, shift, null, null);
    }

    static Buffer lazy(Tensor of, Arena arena) {
        return new Buffer(of, null, 0, arena, null);
    }

    /** The values as a tensor of this buffer's shape. */
    public HostTensor tensor() {
        if (base != null) {
            long bytes = of.shape().size() * of.dtype().bytes();
            return new HostTensor(of.shape(), of.dtype(), base.tensor().data().asSlice(shift, bytes));
        }
        if (memory == null && arena != null) {
            memory = HostTensor.allocate(arena, of.dtype(), of.shape());
        }
        if (memory == null) {
            throw new IllegalStateException("no memory for " + of);
        }
        return memory;
    }

    public long address() {
        Buffer b = this;
        long from = 0;
        while (b.base != null) {
            from += b.shift;
            b = b.base;
        }
        HostTensor m = b.memory;
        return (m == null ? b.tensor() : m).data().address() + from;
    }

    void bind(HostTensor values) {
        if (!values.shape().equals(of.shape()) || values.dtype() != of.dtype()) {
            throw new IllegalArgumentException("bind: " + of + " cannot live in " + values);
        }
        memory = values;
    }
}
