package org.telltale.api;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.telltale.engine.Graph;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.models.ConfigFile;

/** A model folder opened on a device: its configuration, its weights, and the backend that computes with them. */
final class Checkpoint implements AutoCloseable {
    final Path folder;
    final ConfigFile config;
    final SafeTensors weights;
    final Params params;
    final Backend backend;
    final Timings timings;
    private final CompileOptions compileOptions;

    /** Whether this one closes the backend. */
    private final boolean owner;

    Checkpoint(String model, ModelOptions options, Timings timings) {
        compileOptions = new CompileOptions(options.precision());
        this.timings = timings;
        folder = ModelFolder.find(model);
        // open_clip's files have names of their own; where both are there, Hugging Face's are read.
        Path openClip = folder.resolve("open_clip_model.safetensors");
        boolean isOpenClip = Files.exists(openClip)
                && !Files.exists(folder.resolve("model.safetensors"))
                && !Files.exists(folder.resolve("model.safetensors.index.json"));
        config = ConfigFile.read(folder.resolve(isOpenClip ? "open_clip_config.json" : "config.json"));
        backend = options.device().open(options.threads());
        boolean opened = false;
        try {
            weights = SafeTensors.open(isOpenClip ? openClip : folder);
            opened = true;
        } finally {
            if (!opened) {
                backend.close();
            }
        }
        owner = true;
        params = Params.of(folder.toString(), weights.names(), weights::shape, weights::dtype);
    }

    /** Another folder, computed with the backend of a checkpoint that stays open for longer. */
    Checkpoint(Path folder, Checkpoint with) {
        compileOptions = with.compileOptions;
        timings = with.timings;
        backend = with.backend;
        owner = false;
        this.folder = folder;
        config = ConfigFile.read(folder.resolve("config.json"));
        weights = SafeTensors.open(folder);
        params = Params.of(folder.toString(), weights.names(), weights::shape, weights::dtype);
    }

    /** What the maker makes of this checkpoint; when it fails, this checkpoint is closed. */
    <T> T orClose(Supplier<T> maker) {
        boolean made = false;
        try {
            T handle = maker.get();
            made = true;
            return handle;
        } finally {
            if (!made) {
                close();
            }
        }
    }

    Executable compile(Graph graph) {
        Executable executable =
                timings.in(Timings.Stage.COMPILE, () -> backend.compile(graph, weights, compileOptions));
        timings.deviceMemory(backend.peakMemory());
        return executable;
    }

    ConfigFile file(String name) {
        return ConfigFile.read(folder.resolve(name));
    }

    @Override
    public void close() {
        if (owner) {
            backend.close();
        }
        weights.close();
    }
}
