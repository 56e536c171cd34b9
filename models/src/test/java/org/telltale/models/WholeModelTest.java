package org.telltale.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.kernels.vector.VectorBackend;

/** What holds for whole models: no allocation in a run, and the same bits for any number of threads. */
class WholeModelTest {
    private static final Path FOLDER = Path.of("src/test/resources/golden");

    private static List<String> models() {
        return SmallModels.NAMES;
    }

    private static void fill(Executable e, Graph graph) {
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Primitive.Input in) {
                SmallModels.fill(in.name(), e.input(in.name()));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void anyNumberOfThreadsGivesTheSameBits(String model) {
        Path folder = FOLDER.resolve(model);
        List<float[]> results = new ArrayList<>();
        for (int threads : new int[] {1, 2, 3, 8}) {
            try (Weights weights = SafeTensors.open(folder);
                    Backend backend = new VectorBackend(threads)) {
                Graph graph = SmallModels.graph(model, folder, Run.params(weights));
                try (Executable e = backend.compile(graph, weights, CompileOptions.DEFAULT)) {
                    fill(e, graph);
                    e.run();
                    results.add(e.output(0).toFloats());
                }
            }
        }
        assertThat(results).allSatisfy(r -> assertThat(r).isEqualTo(results.getFirst()));
        assertThat(results.getFirst()).doesNotContain(Float.NaN);
    }

    @ParameterizedTest
    @MethodSource("models")
    void aWarmRunAllocatesNothing(String model) {
        Path folder = FOLDER.resolve(model);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Weights weights = SafeTensors.open(folder);
                Backend backend = new VectorBackend(1)) {
            Graph graph = SmallModels.graph(model, folder, Run.params(weights));
            try (Executable e = backend.compile(graph, weights, CompileOptions.DEFAULT)) {
                fill(e, graph);
                long allocated = Long.MAX_VALUE;
                for (int round = 0; round < 60 && allocated != 0; round++) {
                    for (int i = 0; i < 200; i++) {
                        e.run();
                    }
                    long before = threads.getCurrentThreadAllocatedBytes();
                    for (int i = 0; i < 10; i++) {
                        e.run();
                    }
                    allocated = threads.getCurrentThreadAllocatedBytes() - before;
                }
                assertThat(allocated).as("bytes of ten runs").isZero();
            }
        }
    }
}
