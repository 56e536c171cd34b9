package org.telltale.app.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.api.AttentionCaptioner;
import org.telltale.api.Captioner;
import org.telltale.api.ClipEncoder;
import org.telltale.api.ModelOptions;
import org.telltale.app.train.TrainingListener;
import org.telltale.app.train.TrainingOptions;

/** The demo on a few pictures, which teach nothing, but through all of it. */
class DemoTest {
    private static final Scenes.Counts FEW = new Scenes.Counts(40, 6, 10, 30);

    @TempDir
    Path folder;

    private record Heard(List<String> lines, BooleanSupplier cancelled) implements Demo.Audience {
        @Override
        public void say(String line) {
            lines.add(line);
        }

        @Override
        public void drawn(int count, int of) {}

        @Override
        public TrainingListener training() {
            return TrainingListener.SILENT;
        }
    }

    private Demo.Made make(Path out, List<String> lines, BooleanSupplier cancelled) throws InterruptedException {
        return new Demo(out, FEW, TrainingOptions.DEFAULT.seed(5), new Heard(lines, cancelled)).make();
    }

    private static byte[] weights(Path model) throws IOException {
        return Files.readAllBytes(model.resolve("model.safetensors"));
    }

    @Test
    void itMakesCaptionersThatOpenAndGoesOnWhereItWasStopped() throws Exception {
        List<String> lines = new ArrayList<>();
        Demo.Made made = make(folder.resolve("whole"), lines, () -> false);
        assertThat(lines).hasSize(5).first().isEqualTo("drawing 86 pictures");
        Path picture = made.data().resolve("data/demo/0050.png");
        try (Captioner blip = Captioner.model(made.blip().toString()).open();
                ClipEncoder clip = ClipEncoder.open(made.clip().toString(), ModelOptions.DEFAULT);
                AttentionCaptioner gru =
                        AttentionCaptioner.open(made.attentionGru().toString(), ModelOptions.DEFAULT)) {
            assertThat(blip.caption(picture).text()).matches("[a-z ,.]*");
            assertThat(gru.caption(picture).words()).isNotNull();
            assertThat(clip.width()).isEqualTo(64);
        }
        AtomicInteger asked = new AtomicInteger();
        Path parts = folder.resolve("parts");
        // In the midst of a training: pictures ask 86 times.
        assertThatThrownBy(() -> make(parts, new ArrayList<>(), () -> asked.incrementAndGet() > 86 + 30))
                .isInstanceOf(CancellationException.class);
        Demo.Made again = make(parts, new ArrayList<>(), () -> false);
        assertThat(weights(again.blip())).isEqualTo(weights(made.blip()));
        assertThat(weights(again.clip())).isEqualTo(weights(made.clip()));
        assertThat(weights(again.attentionGru())).isEqualTo(weights(made.attentionGru()));
    }
}
