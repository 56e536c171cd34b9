package org.telltale.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

class RecordFileTest {
    private static final CaptionRecord A = new CaptionRecord("a \"quoted\"\nid", "einstürzende bauten", -1.5);
    private static final CaptionRecord B = new CaptionRecord("b", "", 0);

    @TempDir
    private Path folder;

    private Path file;
    private Path part;
    private final ObjectNode header = Header.of(Header.CAPTIONS, "caption");

    @BeforeEach
    void names() {
        file = folder.resolve("out.jsonl");
        part = folder.resolve("out.jsonl.part");
    }

    @Test
    void whatIsWrittenIsReadBack() {
        try (RecordFile out = RecordFile.open(file, header, false)) {
            out.add(A);
            out.add(B);
            out.finish();
        }
        assertThat(Records.captions(file)).containsExactly(A, B);
    }

    @Test
    void withoutFinishThereIsOnlyAPartWhichIsContinued() {
        try (RecordFile out = RecordFile.open(file, header, false)) {
            out.add(A);
        }
        assertThat(file).doesNotExist();
        try (RecordFile out = RecordFile.open(file, header, false)) {
            assertThat(out.done()).containsExactly(A.id());
            out.add(B);
            out.finish();
        }
        assertThat(Records.captions(file)).containsExactly(A, B);
        assertThat(part).doesNotExist();
    }

    @Test
    void anOldFileStaysUntilTheNewOneIsComplete() throws IOException {
        Files.writeString(file, "old");
        try (RecordFile out = RecordFile.open(file, header, false)) {
            out.add(A);
            assertThat(file).hasContent("old");
            out.finish();
        }
        assertThat(Records.captions(file)).containsExactly(A);
    }

    @Test
    void aHeaderCutInTheMiddleBeginsAnew() throws IOException {
        Files.writeString(part, header.toString().substring(0, 9));
        try (RecordFile out = RecordFile.open(file, header, false)) {
            out.finish();
        }
        assertThat(part).doesNotExist();
        assertThat(file).doesNotExist();
    }

    @Test
    void aLineDamagedInTheMiddleIsNotContinued() throws IOException {
        Files.writeString(part, header + "\n{\"id\":\n" + A.json() + "\n");
        assertThatThrownBy(() -> RecordFile.open(file, header, false))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith(part + ":2: ");
    }

    @Test
    void twoRunsDoNotWriteTheSameFile() {
        try (RecordFile first = RecordFile.open(file, header, false)) {
            first.add(A);
            assertThatThrownBy(() -> RecordFile.open(file, header, false))
                    .isInstanceOf(DataException.class)
                    .hasMessage(part + ": another run is writing it");
        }
    }
}
