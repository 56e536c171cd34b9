package org.telltale.convert;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensorsWriter;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a conversion writes.
 *
 * @param weights the name of the file of weights, without its ending
 * @param tensors the tensors under their new names
 * @param files the JSON files beside them
 * @param notes what a person should know, such as what was left out
 */
record Converted(String weights, List<Tensor> tensors, Map<String, JsonNode> files, List<String> notes) {
    static final String WEIGHTS = "model";
    static final String CONFIG = "config.json";
    static final String PREPROCESSOR = "preprocessor_config.json";

    Converted(List<Tensor> tensors, ObjectNode config, ObjectNode preprocessor) {
        this(WEIGHTS, tensors, files(config, preprocessor), List.of());
    }

    /** The same with something more that a person should know. */
    Converted with(String note) {
        List<String> all = new ArrayList<>(notes);
        all.add(note);
        return new Converted(weights, tensors, files, List.copyOf(all));
    }

    private static Map<String, JsonNode> files(ObjectNode config, ObjectNode preprocessor) {
        Map<String, JsonNode> files = new LinkedHashMap<>();
        files.put(CONFIG, config);
        files.put(PREPROCESSOR, preprocessor);
        return files;
    }

    /** An output tensor and how it is made. */
    sealed interface Tensor {
        String name();

        SafeTensorsWriter.Entry entry();

        /** The values in the type of the entry, from the checkpoint that the conversion was made of. */
        HostTensor values(Checkpoint from, Arena arena);
    }

    /** A tensor of the checkpoint as it is stored, under another name. */
    record Taken(String name, Checkpoint.Stored source) implements Tensor {
        @Override
        public SafeTensorsWriter.Entry entry() {
            return new SafeTensorsWriter.Entry(name, type(source), source.shape());
        }

        @Override
        public HostTensor values(Checkpoint from, Arena arena) {
            return from.values(source.name(), arena);
        }
    }

    /** Some rows of a tensor: one of several matrices that lie in it below each other. */
    record Rows(String name, Checkpoint.Stored source, int begin, int end) implements Tensor {
        @Override
        public SafeTensorsWriter.Entry entry() {
            return new SafeTensorsWriter.Entry(
                    name, type(source), source.shape().with(0, end - begin));
        }

        @Override
        public HostTensor values(Checkpoint from, Arena arena) {
            HostTensor all = from.values(source.name(), arena);
            long row = all.data().byteSize() / Math.max(1, source.shape().dim(0));
            return new HostTensor(entry().shape(), all.dtype(), all.data().asSlice(begin * row, (end - begin) * row));
        }
    }

    /** Tensors below each other. */
    record Stacked(String name, List<Checkpoint.Stored> sources) implements Tensor {
        @Override
        public SafeTensorsWriter.Entry entry() {
            Checkpoint.Stored first = sources.getFirst();
            int rows = sources.stream().mapToInt(s -> s.shape().dim(0)).sum();
            return new SafeTensorsWriter.Entry(name, type(first), first.shape().with(0, rows));
        }

        @Override
        public HostTensor values(Checkpoint from, Arena arena) {
            HostTensor out = HostTensor.allocate(arena, entry().dtype(), entry().shape());
            long at = 0;
            for (Checkpoint.Stored s : sources) {
                MemorySegment part = from.values(s.name(), arena).data();
                MemorySegment.copy(part, 0, out.data(), at, part.byteSize());
                at += part.byteSize();
            }
            return out;
        }
    }

    /** A matrix with rows and columns exchanged. */
    record Turned(String name, Checkpoint.Stored source) implements Tensor {
        @Override
        public SafeTensorsWriter.Entry entry() {
            Shape s = source.shape();
            return new SafeTensorsWriter.Entry(name, type(source), Shape.of(s.dim(1), s.dim(0)));
        }

        @Override
        public HostTensor values(Checkpoint from, Arena arena) {
            HostTensor in = from.values(source.name(), arena);
            HostTensor out = HostTensor.allocate(arena, entry().dtype(), entry().shape());
            int rows = source.shape().dim(0);
            int columns = source.shape().dim(1);
            int width = source.width();
            for (long r = 0; r < rows; r++) {
                for (long c = 0; c < columns; c++) {
                    MemorySegment.copy(in.data(), (r * columns + c) * width, out.data(), (c * rows + r) * width, width);
                }
            }
            return out;
        }
    }

    /**
     * A dataset of HDF5 as F32 with its axes permuted.
     *
     * @param axes for each axis of the output, the axis of the dataset it is
     */
    record Permuted(String name, H5Reader.Entry source, List<Integer> axes) implements Tensor {
        /** Kernels of convolutions: height, width, in, out to out, in, height, width. */
        static final List<Integer> HWIO_TO_OIHW = List.of(3, 2, 0, 1);

        /** Kernels of depthwise convolutions: height, width, channels, 1 to channels, 1, height, width. */
        static final List<Integer> HWCM_TO_CMHW = List.of(2, 3, 0, 1);

        /** Kernels of dense layers: in, out to out, in. */
        static final List<Integer> TRANSPOSED = List.of(1, 0);

        static final List<Integer> VECTOR = List.of(0);

        @Override
        public SafeTensorsWriter.Entry entry() {
            return new SafeTensorsWriter.Entry(
                    name,
                    DType.F32,
                    Shape.of(axes.stream().map(source.shape()::get).toList()));
        }

        @Override
        public HostTensor values(Checkpoint checkpoint, Arena arena) {
            HostTensor from = checkpoint.floats(source.path(), arena);
            long[] steps = from.shape().strides();
            HostTensor to = HostTensor.allocate(arena, DType.F32, entry().shape());
            int[] dims = to.shape().dims();
            int[] at = new int[dims.length];
            long index = 0;
            for (long i = 0; i < to.size(); i++) {
                to.set(i, from.get(index));
                for (int axis = dims.length - 1; axis >= 0; axis--) {
                    long step = steps[axes.get(axis)];
                    index += step;
                    if (++at[axis] < dims[axis]) {
                        break;
                    }
                    index -= step * dims[axis];
                    at[axis] = 0;
                }
            }
            return to;
        }
    }

    /** The count of training steps that PyTorch keeps with a batch norm; 0 where the source has none. */
    record StepCount(String name) implements Tensor {
        @Override
        public SafeTensorsWriter.Entry entry() {
            return new SafeTensorsWriter.Entry(name, DType.I64, Shape.of());
        }

        @Override
        public HostTensor values(Checkpoint from, Arena arena) {
            return HostTensor.allocate(arena, DType.I64, Shape.of());
        }
    }

    /** A scale that Keras leaves out where it is 1. */
    record Ones(String name, int extent) implements Tensor {
        @Override
        public SafeTensorsWriter.Entry entry() {
            return new SafeTensorsWriter.Entry(name, DType.F32, Shape.of(extent));
        }

        @Override
        public HostTensor values(Checkpoint from, Arena arena) {
            HostTensor t = HostTensor.allocate(arena, DType.F32, Shape.of(extent));
            for (int i = 0; i < extent; i++) {
                t.set(i, 1);
            }
            return t;
        }
    }

    private static DType type(Checkpoint.Stored s) {
        return s.dtype()
                .orElseThrow(() -> new ConvertException(
                        "tensor \"" + s.name() + "\" is of type " + s.type() + ", which is not supported"));
    }

    /** The tensors of a batch norm, whose variables are given in Keras' order: gamma, beta, mean, variance. */
    static List<Tensor> batchNorm(String prefix, List<H5Reader.Entry> variables) {
        List<String> names = List.of("weight", "bias", "running_mean", "running_var");
        List<Tensor> tensors = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            tensors.add(new Permuted(prefix + "." + names.get(i), variables.get(i), Permuted.VECTOR));
        }
        tensors.add(new StepCount(prefix + ".num_batches_tracked"));
        return tensors;
    }
}
