package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Memory.ALL;
import static org.telltale.kernels.vector.Memory.FLOAT;
import static org.telltale.kernels.vector.Memory.LANES;
import static org.telltale.kernels.vector.Memory.ORDER;
import static org.telltale.kernels.vector.Memory.SPECIES;

import java.lang.invoke.MethodHandle;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Activation;
import org.telltale.engine.Backward;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;
import org.telltale.kernels.vector.jit.PixelRow;
import org.telltale.kernels.vector.jit.Rung;

/**
 * Convolution of each channel of NHWC pictures by itself, vectorised over channels: inside, four neighbouring pixels
 * share each tap's weights; at the borders, where the window is cut, one at a time. A chunk is a row of output pixels.
 * Where code is emitted it does the same, eight pixels at a time, if channels fill vectors.
 */
final class DepthwiseConv implements Kernel, Parallel.Chunk {
    private static final int PIXELS = 4;

    /** Pixels at a time in emitted code. */
    private static final int EMITTED_PIXELS = 8;

    private final Parallel parallel;
    private final Workspace workspace;
    private final Window window;
    private final Activation activation;
    private final Buffer x;
    private final Buffer y;
    private final @Nullable Buffer bias;

    private final TapWeights weights;

    /** What stands for a bias where there is none. */
    private final long zeros;

    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;
    private final int rows;

    /** Emitted code for whole windows, or none. */
    private final @Nullable MethodHandle whole;

    /** Emitted code for windows of which so many columns lie inside the picture. */
    private final MethodHandle[] cut;

    private long xAddress;
    private long yAddress;
    private long biasAddress;
    private long packed;

    static DepthwiseConv of(Fused.Conv2d op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        Buffer bias = t.inputs().size() > 2 ? operands.buffer(t.inputs().get(2)) : null;
        TapWeights weights = new TapWeights(t.inputs().get(1), false, operands, workspace);
        return new DepthwiseConv(
                op.window(), op.activation(), t, t.inputs().get(0), weights, bias, operands, parallel, workspace);
    }

    /**
     * The gradient of the pictures where strides are 1: the gradient of the result, convolved with the taps in reverse,
     * padded so that every tap that met a pixel meets it again.
     */
    static DepthwiseConv reversed(
            Backward.ConvInput op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        Window w = op.window();
        Window back = new Window(
                w.kernelHeight(),
                w.kernelWidth(),
                1,
                1,
                w.kernelHeight() - 1 - w.top(),
                w.kernelHeight() - 1 - w.bottom(),
                w.kernelWidth() - 1 - w.left(),
                w.kernelWidth() - 1 - w.right());
        TapWeights weights = new TapWeights(t.inputs().get(0), true, operands, workspace);
        return new DepthwiseConv(
                back, Activation.NONE, t, t.inputs().get(1), weights, null, operands, parallel, workspace);
    }

    private DepthwiseConv(
            Window window,
            Activation activation,
            Tensor t,
            Tensor in,
            TapWeights weights,
            @Nullable Buffer bias,
            Operands operands,
            Parallel parallel,
            Workspace workspace) {
        this.parallel = parallel;
        this.workspace = workspace;
        this.window = window;
        this.activation = activation;
        this.weights = weights;
        this.bias = bias;
        Pointwise.prepare(activation);
        x = operands.buffer(in);
        y = operands.buffer(t);
        height = in.dim(1);
        width = in.dim(2);
        channels = in.dim(3);
        outHeight = t.dim(1);
        outWidth = t.dim(2);
        rows = Math.multiplyExact(t.dim(0), outHeight);
        int across = window.kernelWidth();
        boolean fuses = activation == Activation.NONE || Rung.fuses(activation);
        Rung rung =
                fuses && Rung.hasDepthwise(across, channels) ? Ladder.emitted().orElse(null) : null;
        whole = rung == null
                ? null
                : rung.depthwise(across, window.strideWidth(), EMITTED_PIXELS, channels, activation);
        cut = new MethodHandle[rung == null ? 0 : across];
        for (int inside = 1; rung != null && inside < across; inside++) {
            cut[inside] = rung.depthwise(inside, 1, 1, channels, activation);
        }
        workspace.reserve(0, PixelRow.BYTES);
        zeros = operands.arena().allocate(4L * Math.max(channels, 1), 64).address();
    }

    @Override
    public void run() {
        xAddress = x.address();
        yAddress = y.address();
        biasAddress = bias == null ? zeros : bias.address();
        workspace.shared();
        packed = weights.begin();
        parallel.forRange(rows, this);
    }

    @Override
    public void run(int chunk, int worker) {
        int top = chunk % outHeight * window.strideHeight() - window.top();
        int from = Math.max(0, -top);
        int to = Math.min(window.kernelHeight(), height - top);
        long picture = xAddress + 4L * channels * width * height * (chunk / outHeight);
        long out = yAddress + 4L * channels * outWidth * chunk;
        if (whole != null) {
            emitted(whole, picture, top, from, to, out, workspace.worker(worker));
            return;
        }
        int pixel = 0;
        while (pixel < outWidth) {
            int left = pixel * window.strideWidth() - window.left();
            long corner = picture + 4L * channels * ((long) top * width + left);
            long target = out + 4L * channels * pixel;
            int last = left + (PIXELS - 1) * window.strideWidth() + window.kernelWidth();
            if (left >= 0 && last <= width && pixel + PIXELS <= outWidth) {
                four(corner, from, to, target);
                pixel += PIXELS;
            } else {
                one(corner, from, to, Math.max(0, -left), Math.min(window.kernelWidth(), width - left), target);
                pixel++;
            }
        }
        if (activation != Activation.NONE) {
            Pointwise.activate(activation, out, out, (long) outWidth * channels);
        }
    }

    /** A row of pixels by emitted code: those whose window is cut left or right one by one, the rest in one call. */
    private void emitted(MethodHandle code, long picture, int top, int from, int to, long out, long block) {
        int across = window.kernelWidth();
        long pixel = 4L * channels;
        put(block, PixelRow.INPUT_ROW, pixel * width);
        put(block, PixelRow.PIXEL_BYTES, pixel);
        put(block, PixelRow.WEIGHTS_ROW, pixel * across);
        put(block, PixelRow.BIAS, biasAddress);
        int p = 0;
        while (p < outWidth) {
            int left = p * window.strideWidth() - window.left();
            int first = Math.max(0, -left);
            int inside = Math.min(across, width - left) - first;
            int count = 1;
            if (inside == across) {
                count = Math.min(outWidth - p, (width - across - left) / window.strideWidth() + 1);
            }
            put(block, PixelRow.INPUT, picture + pixel * ((long) (top + from) * width + left + first));
            put(block, PixelRow.WEIGHTS, packed + pixel * ((long) from * across + first));
            put(block, PixelRow.OUTPUT, out + pixel * p);
            put(block, PixelRow.PIXELS, count);
            // a window may lie in the padding alone: no rows of taps then, in any code
            put(block, PixelRow.TAP_ROWS, inside < 1 ? 0 : Math.max(0, to - from));
            try {
                (inside < 1 || inside == across ? code : cut[inside]).invokeExact(block);
            } catch (Throwable t) {
                throw OutOfLine.thrown(t);
            }
            p += count;
        }
    }

    private static void put(long block, PixelRow field, long value) {
        Memory.setLong(block + field.offset(), value);
    }

    /** Four pixels, whole windows from left to right; rows from and to bound the window's part inside the picture. */
    private void four(long corner, int from, int to, long out) {
        long pixel = 4L * channels;
        long row = pixel * width;
        long step = pixel * window.strideWidth();
        int across = window.kernelWidth();
        int c = 0;
        for (; c <= channels - LANES; c += LANES) {
            FloatVector a0 = FloatVector.zero(SPECIES);
            FloatVector a1 = FloatVector.zero(SPECIES);
            FloatVector a2 = FloatVector.zero(SPECIES);
            FloatVector a3 = FloatVector.zero(SPECIES);
            for (int r = from; r < to; r++) {
                long in = corner + r * row + 4L * c;
                long w = packed + 4L * c + (long) r * across * pixel;
                for (int s = 0; s < across; s++) {
                    FloatVector k = FloatVector.fromMemorySegment(SPECIES, ALL, w, ORDER);
                    a0 = FloatVector.fromMemorySegment(SPECIES, ALL, in, ORDER).fma(k, a0);
                    a1 = FloatVector.fromMemorySegment(SPECIES, ALL, in + step, ORDER)
                            .fma(k, a1);
                    a2 = FloatVector.fromMemorySegment(SPECIES, ALL, in + 2 * step, ORDER)
                            .fma(k, a2);
                    a3 = FloatVector.fromMemorySegment(SPECIES, ALL, in + 3 * step, ORDER)
                            .fma(k, a3);
                    in += pixel;
                    w += pixel;
                }
            }
            FloatVector b = FloatVector.fromMemorySegment(SPECIES, ALL, biasAddress + 4L * c, ORDER);
            long target = out + 4L * c;
            a0.add(b).intoMemorySegment(ALL, target, ORDER);
            a1.add(b).intoMemorySegment(ALL, target + pixel, ORDER);
            a2.add(b).intoMemorySegment(ALL, target + 2 * pixel, ORDER);
            a3.add(b).intoMemorySegment(ALL, target + 3 * pixel, ORDER);
        }
        for (int p = 0; p < PIXELS && c < channels; p++) {
            rest(corner + p * step, from, to, 0, across, c, out + p * pixel);
        }
    }

    /** One pixel, with the window cut on every side. */
    private void one(long corner, int from, int to, int left, int right, long out) {
        long pixel = 4L * channels;
        long row = pixel * width;
        int c = 0;
        for (; c <= channels - LANES; c += LANES) {
            FloatVector a = FloatVector.zero(SPECIES);
            for (int r = from; r < to; r++) {
                long in = corner + r * row + left * pixel + 4L * c;
                long w = packed + 4L * c + ((long) r * window.kernelWidth() + left) * pixel;
                for (int s = left; s < right; s++) {
                    FloatVector k = FloatVector.fromMemorySegment(SPECIES, ALL, w, ORDER);
                    a = FloatVector.fromMemorySegment(SPECIES, ALL, in, ORDER).fma(k, a);
                    in += pixel;
                    w += pixel;
                }
            }
            FloatVector b = FloatVector.fromMemorySegment(SPECIES, ALL, biasAddress + 4L * c, ORDER);
            a.add(b).intoMemorySegment(ALL, out + 4L * c, ORDER);
        }
        rest(corner, from, to, left, right, c, out);
    }

    /** The channels of one pixel that do not fill a vector. */
    private void rest(long corner, int from, int to, int left, int right, int first, long out) {
        long pixel = 4L * channels;
        for (int c = first; c < channels; c++) {
            float a = 0;
            for (int r = from; r < to; r++) {
                for (int s = left; s < right; s++) {
                    float in = ALL.get(FLOAT, corner + ((long) r * width + s) * pixel + 4L * c);
                    a = Math.fma(
                            in, ALL.get(FLOAT, packed + ((long) r * window.kernelWidth() + s) * pixel + 4L * c), a);
                }
            }
            ALL.set(FLOAT, out + 4L * c, a + ALL.get(FLOAT, biasAddress + 4L * c));
        }
    }
}
