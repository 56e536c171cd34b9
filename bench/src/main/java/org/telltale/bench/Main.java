package org.telltale.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * What {@code mvn -pl bench} starts: the mode (short, full, guard, tables, crowded, models, train, bf16, labels, gpu or jmh), the folder of the
 * module, and for jmh the arguments of JMH.
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws IOException {
        if (args.length < 2) {
            System.err.println(
                    "usage: Main short|full|guard|tables|crowded|models|train|bf16|labels|gpu|jmh FOLDER [arguments of JMH]");
            System.exit(2);
        }
        Path folder = Path.of(args[1]);
        switch (args[0]) {
            case "short" -> Suite.run(false, folder);
            case "full" -> Suite.run(true, folder);
            case "guard" -> System.exit(Guard.run(folder.resolve("floors.json")) ? 0 : 1);
            case "tables" -> Report.document(folder);
            case "crowded" -> Crowded.run();
            case "models" -> WholeModels.run();
            case "train" -> Training.run();
            case "bf16" -> System.exit(Bf16Captions.run() ? 0 : 1);
            case "labels" -> LabelTimes.run();
            case "gpu" -> GpuTable.run();
            case "jmh" -> org.openjdk.jmh.Main.main(Arrays.copyOfRange(args, 2, args.length));
            default -> {
                System.err.println("mode '" + args[0]
                        + "' is not one of short, full, guard, tables, crowded, models, train, bf16, labels, gpu, jmh");
                System.exit(2);
            }
        }
    }
}
