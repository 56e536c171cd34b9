package org.telltale.app;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.telltale.api.Device;
import org.telltale.api.ModelOptions;
import org.telltale.engine.spi.CompileOptions.Precision;
import org.telltale.models.image.Exif;
import picocli.CommandLine.Option;

/** The options that say how a model computes. */
class DeviceArguments {
    private static final Pattern DEVICE = Pattern.compile("auto|cpu|gpu(:\\d{1,3})?");

    @Option(
            names = "--device",
            paramLabel = "auto|cpu|gpu[:K]",
            defaultValue = "auto",
            description = "Where to compute (default: ${DEFAULT-VALUE}).")
    private String device = "auto";

    @Option(names = "--threads", paramLabel = "N", description = "Threads that compute (default: all processors).")
    private @Nullable Integer threads;

    @Option(
            names = "--precision",
            paramLabel = "f32|bf16",
            defaultValue = "f32",
            description = "How weights of products are kept: bf16 halves their memory, and rounds them;"
                    + " the kernels avx512_bf16 and amx_bf16 then round activations too. In training products round"
                    + " their operands, while weights stay F32 (default: ${DEFAULT-VALUE}).")
    String precision = "f32";

    @Option(
            names = "--kernel",
            paramLabel = "NAME",
            description = "The CPU's kernel for products: auto, vector (the Vector API), or emitted machine code,"
                    + " avx2, avx512, avx512_bf16 or amx_bf16; 'telltale info' names the one that auto takes.")
    private @Nullable String kernel;

    /** Commands that repeat the paper begin with another value. */
    @Option(
            names = "--exif",
            paramLabel = "apply|ignore",
            description =
                    "A picture's EXIF orientation (default: apply; ignore in 'experiment' and 'demo', as in the paper).")
    Exif exif = Exif.APPLY;

    /** What the options say, checked. */
    ModelOptions options() {
        if (!DEVICE.matcher(device).matches()) {
            throw new Exit.UsageException("--device is '" + device + "', expected auto, cpu, gpu or gpu:K");
        }
        Precision kept = switch (precision) {
            case "f32" -> Precision.F32;
            case "bf16" -> Precision.BF16;
            default -> throw new Exit.UsageException("--precision is '" + precision + "', expected f32 or bf16");
        };
        if (kernel != null) {
            System.setProperty("telltale.kernel", kernel);
        }
        int count = threads == null ? Device.defaultThreads() : threads;
        if (count < 1 || count > 1024) {
            throw new Exit.UsageException("--threads is " + count + ", expected 1 to 1024");
        }
        return new ModelOptions(new Device(device), count, kept, exif);
    }
}
