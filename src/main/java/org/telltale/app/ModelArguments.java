package org.telltale.app;

import java.util.function.Supplier;
import org.telltale.engine.nn.CheckpointException;
import org.telltale.models.ConfigException;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say which model computes, and how. */
final class ModelArguments extends DeviceArguments {
    @Option(
            names = {"-m", "--model"},
            required = true,
            paramLabel = "ID|FOLDER",
            description =
                    "A model folder, or an id of Hugging Face, which is fetched into its cache if it is not there;"
                            + " ID@REVISION for another revision than main.")
    String model = "";

    @Mixin
    final HubArguments hub = new HubArguments();

    /** Opens a model; what is wrong with its files is told apart from what is wrong with the program. */
    static <T> T open(Supplier<T> opening) {
        try {
            return opening.get();
        } catch (ConfigException | CheckpointException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw new Exit.BadModelException(e);
        }
    }
}
