package org.telltale.convert;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensorsWriter;
import tools.jackson.databind.node.ObjectNode;

/** What a conversion writes: the tensors under their new names, and the two JSON files beside them. */
record Converted(List<Tensor> tensors, ObjectNode config, ObjectNode preprocessor) {

    /** An output tensor and how it is made. */
    sealed interface Tensor {
        String name();

        SafeTensorsWriter.Entry entry();

        HostTensor values(H5Reader h5, Arena arena);
    }

    /**
     * A dataset with its axes permuted.
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
        public HostTensor values(H5Reader h5, Arena arena) {
            float[] from = h5.read(source.path());
            long[] steps = Shape.of(source.shape()).strides();
            HostTensor to = HostTensor.allocate(arena, DType.F32, entry().shape());
            int[] dims = to.shape().dims();
            int[] at = new int[dims.length];
            int index = 0;
            for (long i = 0; i < to.size(); i++) {
                to.set(i, from[index]);
                for (int axis = dims.length - 1; axis >= 0; axis--) {
                    int step = (int) steps[axes.get(axis)];
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

    /** The count of training steps that PyTorch keeps with a batch norm; Keras has none, so it is 0. */
    record StepCount(String name) implements Tensor {
        @Override
        public SafeTensorsWriter.Entry entry() {
            return new SafeTensorsWriter.Entry(name, DType.I64, Shape.of());
        }

        @Override
        public HostTensor values(H5Reader h5, Arena arena) {
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
        public HostTensor values(H5Reader h5, Arena arena) {
            HostTensor t = HostTensor.allocate(arena, DType.F32, Shape.of(extent));
            for (int i = 0; i < extent; i++) {
                t.set(i, 1);
            }
            return t;
        }
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
