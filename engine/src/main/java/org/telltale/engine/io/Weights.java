package org.telltale.engine.io;

import java.lang.foreign.Arena;
import java.util.Set;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

/**
 * Named tensors that a graph's weights are read from: a checkpoint, or values made on the fly.
 *
 * <p>Reading is by tensor and into memory of the caller's, so that a file of gigabytes never lies in memory beside the
 * packed copy a backend makes of it. Implementations may be read by several threads at once.
 */
public interface Weights extends AutoCloseable {
    Set<String> names();

    /** The shape of a tensor, in the checkpoint's own layout. */
    Shape shape(String name);

    /** The element type of a tensor as it is stored. */
    DType dtype(String name);

    /** The values of a tensor in native memory of the arena: as F32 when it is stored as any float type. */
    HostTensor read(String name, Arena arena);

    @Override
    void close();
}
