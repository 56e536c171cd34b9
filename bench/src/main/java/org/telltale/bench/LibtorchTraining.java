package org.telltale.bench;

import ai.djl.ndarray.NDList;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.telltale.engine.autograd.Adam;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.autograd.RmsProp;
import org.telltale.engine.autograd.Sgd;

/**
 * A training step on libtorch: a TorchScript function for the loss, libtorch's own autograd, and a second function that
 * clips and updates in place, by libtorch's fused Adam or, for RMSprop, its ops on lists of tensors.
 *
 * <p>As in {@code zero_grad(set_to_none=True)}, no gradient is cleared or added to: each step gives autograd new views of the
 * parameters, and frees them with their gradients.
 */
final class LibtorchTraining implements Workload {
    private final Libtorch torch;
    private final PtSymbolBlock loss;
    private final PtSymbolBlock update;

    /** Operands of the loss, and the places of the trained parameters among them. */
    private final PtNDArray[] operands;

    private final int[] places;

    /** What the optimizer keeps. */
    private final PtNDArray[] kept;

    private final PtNDArray one;
    private final float[] outputs = new float[2];

    LibtorchTraining(int threads, TrainStep step) {
        TorchExport.Function exported = TorchExport.of(step.loss(), TorchExport.FLOAT);
        torch = new Libtorch(threads);
        JniUtils.setGradMode(false);
        operands = torch.arrays(exported, step.operands(), step.operands()::fill);
        places = step.places(exported.operands);
        loss = torch.load(exported.archive());
        one = (PtNDArray) torch.manager().create(1f);
        List<PtNDArray> keep = new ArrayList<>();
        for (int k = 0; k < (step.optimizer() instanceof Adam ? 2 : 1); k++) {
            for (int i : places) {
                // Of the same strides as the parameter.
                keep.add((PtNDArray) operands[i].zerosLike());
            }
        }
        keep.add(one);
        kept = keep.toArray(PtNDArray[]::new);
        update = torch.load(update(step.optimizer(), step.clip(), places.length));
    }

    /**
     * The function of parameters, gradients, states and the number of the step, in this order; its results are the norm and
     * the first parameter.
     */
    private static byte[] update(Optimizer optimizer, float clip, int n) {
        List<String> names = new ArrayList<>();
        List<String> statements = new ArrayList<>();
        String p = list(names, statements, "p", n);
        String g = list(names, statements, "g", n);
        statements.add("norm = torch.linalg_vector_norm(torch.stack(torch._foreach_norm(" + g + ", 2)), 2)");
        if (clip != Float.MAX_VALUE) {
            statements.add("scale = torch.reciprocal(torch.clamp(torch.div(norm, " + clip + "), 1.))");
            statements.add("torch._foreach_mul_(" + g + ", scale)");
        }
        double rate = TrainStep.RATE;
        switch (optimizer) {
            case Adam a -> {
                supported(a.place() == Adam.Place.AFTER_CORRECTION, a);
                String m = list(names, statements, "m", n);
                String v = list(names, statements, "v", n);
                statements.add(String.format(
                        Locale.ROOT,
                        "torch._fused_adamw_(%s, %s, %s, %s, annotate(List[Tensor], []), %s, lr=%e, beta1=%s, beta2=%s,"
                                + " weight_decay=%s, eps=%e, amsgrad=False, maximize=False)",
                        p,
                        g,
                        m,
                        v,
                        Collections.nCopies(n, "step"),
                        rate,
                        a.beta1(),
                        a.beta2(),
                        a.decay(),
                        a.epsilon()));
            }
            case RmsProp r -> {
                supported(r.place() == RmsProp.Place.INSIDE_ROOT, r);
                String v = list(names, statements, "v", n);
                statements.add("torch._foreach_mul_(" + v + ", " + r.rho() + ")");
                statements.add(
                        String.format(Locale.ROOT, "torch._foreach_addcmul_(%s, %s, %s, %.9e)", v, g, g, 1 - r.rho()));
                statements.add(String.format(Locale.ROOT, "roots = torch._foreach_add(%s, %e)", v, r.epsilon()));
                statements.add("torch._foreach_sqrt_(roots)");
                statements.add(String.format(Locale.ROOT, "torch._foreach_addcdiv_(%s, %s, roots, %e)", p, g, -rate));
            }
            case Sgd d -> supported(false, d);
        }
        names.add("step");
        // TorchScript drops a change of what is in a list unless the list is read after it.
        statements.add("first = p[0]");
        return TorchScript.archive(names, statements, List.of("norm", "first"));
    }

    private static void supported(boolean is, Optimizer optimizer) {
        if (!is) {
            throw new IllegalArgumentException("TorchScript: no form for the optimizer " + optimizer);
        }
    }

    /** Adds names to the operands, and a list of them, whose name it gives. */
    private static String list(List<String> names, List<String> statements, String prefix, int count) {
        List<String> list = IntStream.range(0, count).mapToObj(i -> prefix + i).toList();
        names.addAll(list);
        statements.add(prefix + " = " + list);
        return prefix;
    }

    @Override
    public void run() {
        int n = places.length;
        PtNDArray[] in = operands.clone();
        PtNDArray[] state = new PtNDArray[2 * n + kept.length];
        System.arraycopy(kept, 0, state, 2 * n, kept.length);
        for (int i = 0; i < n; i++) {
            state[i] = operands[places[i]];
            in[places[i]] = JniUtils.detachGradient(state[i]);
            JniUtils.attachGradient(in[places[i]], true);
        }
        for (PtNDArray a : in) {
            // All arrays of this name are one list. DJL switches autograd off in calls with values instead of arrays.
            a.setName("operands[]");
        }
        JniUtils.setGradMode(true);
        try (NDList value = IValueUtils.forward(loss, new NDList(in), true)) {
            PtNDArray scalar = (PtNDArray) value.singletonOrThrow();
            JniUtils.backward(scalar, one, false, false);
            outputs[0] = scalar.toFloatArray()[0];
        } finally {
            JniUtils.setGradMode(false);
        }
        for (int i = 0; i < n; i++) {
            state[n + i] = JniUtils.getGradient(in[places[i]]);
            in[places[i]].close();
        }
        try (IValue list = IValue.listFrom(state);
                IValue results = IValueUtils.forward(update, new IValue[] {list})) {
            PtNDArray[] all = results.toTensorArray(torch.manager());
            outputs[1] = all[0].toFloatArray()[0];
            Arrays.stream(all).forEach(PtNDArray::close);
        }
        for (int i = n; i < 2 * n; i++) {
            state[i].close();
        }
    }

    @Override
    public float[] output(int index) {
        return new float[] {outputs[index]};
    }

    @Override
    public void close() {
        torch.close();
    }
}
