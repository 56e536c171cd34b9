package org.telltale.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TruthTest {
    private static final Set<String> CLASSES = Set.of("fire", "flood");

    @TempDir
    private Path folder;

    private Truth read(String content) throws IOException {
        return Truth.read(Files.writeString(folder.resolve("truth"), content), CLASSES);
    }

    @Test
    void aPictureIsFoundByItsPathItsTailOrItsImageId() throws IOException {
        Truth truth = read("event_name\timage_id\timage_path\tclass_label\n"
                + "e\t7_0\t/export/x/data/set/a.jpg\tfire\n"
                + "e\tset/b.jpg\tdata/set/b.jpg\tflood\n");
        assertThat(truth.label("data/set/a.jpg")).contains("fire");
        assertThat(truth.label("/home/me/data/set/a.jpg")).contains("fire");
        assertThat(truth.label("/data/crisis/data/set/b.jpg")).contains("flood");
        assertThat(truth.label("7_0")).contains("fire");
        assertThat(truth.label("set/b.jpg")).contains("flood");
        assertThat(truth.label("set/a.jpg")).isEmpty();
        assertThat(truth.label("metadata/set/a.jpg")).isEmpty();
    }

    @Test
    void quotesAreReadInCsvAndAreOrdinaryInTsv() throws IOException {
        assertThat(read("id,label\n\"a,\"\"b\",fire\n").label("a,\"b")).contains("fire");
        assertThat(read("id\tlabel\n\"a\tfire").label("\"a")).contains("fire");
    }

    @Test
    void aDoubledIdIsNamedWithItsLine() {
        assertThatThrownBy(() -> read("id,label\na,fire\nb,fire\na,flood\n"))
                .isInstanceOf(DataException.class)
                .hasMessageContaining(":4: the id \"a\" occurs twice");
    }
}
