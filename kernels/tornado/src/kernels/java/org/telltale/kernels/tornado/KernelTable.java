package org.telltale.kernels.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task4;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task5;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task6;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task7;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task8;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The method of each kernel. */
final class KernelTable {
    private KernelTable() {}

    /** A kernel's method, by how many arrays it takes. */
    sealed interface Body {}

    /** An operand and the result. */
    record One(Task4<KernelContext, FloatArray, FloatArray, IntArray> task) implements Body {}

    /** Two operands and the result. */
    record Two(Task5<KernelContext, FloatArray, FloatArray, FloatArray, IntArray> task) implements Body {}

    /** Three operands and the result. */
    record Three(Task6<KernelContext, FloatArray, FloatArray, FloatArray, FloatArray, IntArray> task) implements Body {}

    /** Four operands and the result. */
    record Four(Task7<KernelContext, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, IntArray> task)
            implements Body {}

    /** Five operands and the result. */
    record Five(
            Task8<KernelContext, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, IntArray> task)
            implements Body {}

    static Body of(GpuKernel kernel) {
        return switch (kernel) {
            case UNARY_FUNCTION -> new One(PointwiseKernels::unaryFunction);
            case BINARY_FUNCTION -> new Two(PointwiseKernels::binaryFunction);
            case MOVE_ELEMENTS -> new One(PointwiseKernels::moveElements);
            case GATHER_ROWS -> new Two(PointwiseKernels::gatherRows);
            case SCATTER_ROWS -> new Two(PointwiseKernels::scatterRows);
            case SCATTER_ADD -> new Two(PointwiseKernels::scatterAdd);
            case SPARSE_ROWS -> new Two(PointwiseKernels::sparseRows);
            case DRAW_UNIFORM -> new One(PointwiseKernels::drawUniform);
            case REDUCE_AXES -> new One(RowKernels::reduceAxes);
            case FIRST_MAXIMUM -> new One(RowKernels::firstMaximum);
            case SOFTMAX_ROWS -> new One(RowKernels::softmaxRows);
            case NORMALISE_ROWS -> new Four(RowKernels::normaliseRows);
            case ATTEND_HEAD -> new Five(AttentionKernels::attendHead);
            case MATRIX_PRODUCT -> new Three(MatrixKernels::matrixProduct);
            case CONVOLVE_CHANNELS -> new Three(PictureKernels::convolveChannels);
            case POOL_WINDOWS -> new One(PictureKernels::poolWindows);
            case UNFOLD_WINDOWS -> new Two(PictureKernels::unfoldWindows);
            case FOLD_WINDOWS -> new One(PictureKernels::foldWindows);
        };
    }
}
