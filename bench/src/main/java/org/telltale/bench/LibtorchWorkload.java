package org.telltale.bench;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.util.Arrays;
import java.util.List;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.io.Weights;

/**
 * A graph exported to TorchScript ({@link TorchExport}) and run by libtorch, in F32 or with all real numbers as bfloat16.
 * Its operands are arrays made once and passed as one list, so that a call costs the same however many there are.
 */
final class LibtorchWorkload implements Workload {
    private final Libtorch torch;
    private final boolean bf16;
    private final PtSymbolBlock function;
    private final IValue operands;
    private IValue result;

    LibtorchWorkload(int threads, Graph graph, Operands operands, boolean bf16) {
        this(threads, graph, operands, operands::fill, bf16);
    }

    LibtorchWorkload(int threads, Graph graph, Weights source, Fill fill, boolean bf16) {
        this.bf16 = bf16;
        TorchExport.Function exported = TorchExport.of(graph, bf16 ? TorchExport.BFLOAT16 : TorchExport.FLOAT);
        torch = new Libtorch(threads);
        JniUtils.setGradMode(false);
        PtNDArray[] arrays = torch.arrays(exported, source, fill);
        if (bf16) {
            PtSymbolBlock narrow = cast(TorchExport.BFLOAT16);
            for (int i = 0; i < arrays.length; i++) {
                if (exported.operands.get(i).dtype() == DType.F32) {
                    arrays[i] = call(narrow, arrays[i]);
                }
            }
        }
        function = torch.load(exported.archive());
        this.operands = IValue.listFrom(arrays);
        result = IValueUtils.forward(function, new IValue[] {this.operands});
    }

    /** The function that turns an array into one of another type, whose number is libtorch's. */
    private PtSymbolBlock cast(int type) {
        return torch.load(TorchScript.archive(List.of("x"), List.of("y = torch.to(x, " + type + ")"), List.of("y")));
    }

    private PtNDArray call(PtSymbolBlock function, PtNDArray x) {
        try (IValue in = IValue.listFrom(x);
                IValue out = IValueUtils.forward(function, new IValue[] {in})) {
            return out.toTensorArray(torch.manager())[0];
        }
    }

    @Override
    public void run() {
        result.close();
        result = IValueUtils.forward(function, new IValue[] {operands});
    }

    @Override
    public float[] output(int index) {
        PtNDArray[] all = result.toTensorArray(torch.manager());
        float[] values = (bf16 ? call(cast(TorchExport.FLOAT), all[index]) : all[index]).toFloatArray();
        Arrays.stream(all).forEach(PtNDArray::close);
        return values;
    }

    @Override
    public void close() {
        result.close();
        operands.close();
        torch.close();
    }
}
