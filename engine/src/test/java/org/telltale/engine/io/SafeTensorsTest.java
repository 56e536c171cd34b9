package org.telltale.engine.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

class SafeTensorsTest {
    @TempDir
    Path folder;

    @Test
    void whatIsWrittenIsReadBack() {
        try (Arena arena = Arena.ofConfined()) {
            Map<String, HostTensor> tensors = Map.of(
                    "a.weight", HostTensor.of(arena, Shape.of(2, 3), 1, 2, 3, 4, 5, 6),
                    "", HostTensor.of(arena, Shape.of(), -0f),
                    "none", HostTensor.of(arena, Shape.of(0, 5)),
                    "ids \"ü\"\n🔥", HostTensor.ofInts(arena, Shape.of(2), 7, -8));
            Path file = folder.resolve("x.safetensors");
            SafeTensorsWriter.write(file, tensors, Map.of("format", "pt", "note", "a\tb"));
            try (SafeTensors read = SafeTensors.open(file)) {
                assertThat(read.names()).containsExactlyInAnyOrderElementsOf(tensors.keySet());
                assertThat(read.metadata()).isEqualTo(Map.of("format", "pt", "note", "a\tb"));
                tensors.forEach((name, t) -> {
                    assertThat(read.shape(name)).isEqualTo(t.shape());
                    assertThat(read.dtype(name)).isEqualTo(t.dtype());
                    assertThat(read.read(name, arena).data().mismatch(t.data())).isEqualTo(-1);
                });
            }
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void everyTypeKeepsItsBytes(DType dtype) {
        try (Arena arena = Arena.ofConfined()) {
            HostTensor t = HostTensor.allocate(arena, dtype, Shape.of(3, 5));
            for (long i = 0; i < t.data().byteSize(); i++) {
                t.data().set(ValueLayout.JAVA_BYTE, i, (byte) (i * 37 + 1));
            }
            Path file = folder.resolve("x.safetensors");
            SafeTensorsWriter.write(
                    file, Map.of("t", t, "odd", HostTensor.allocate(arena, DType.U8, Shape.of(1))), Map.of());
            try (SafeTensors read = SafeTensors.open(file)) {
                HostTensor raw = read.raw("t", arena);
                assertThat(raw.dtype()).isEqualTo(dtype);
                assertThat(raw.data().mismatch(t.data())).isEqualTo(-1);
                DType converted = Set.of(DType.F64, DType.F16, DType.BF16).contains(dtype) ? DType.F32 : dtype;
                assertThat(read.read("t", arena).dtype()).isEqualTo(converted);
            }
        }
    }

    @Test
    void everyHalfPrecisionValueIsConvertedAsItsDefinitionSays() {
        try (Arena arena = Arena.ofConfined()) {
            HostTensor f16 = HostTensor.allocate(arena, DType.F16, Shape.of(1 << 16));
            HostTensor bf16 = HostTensor.allocate(arena, DType.BF16, Shape.of(1 << 16));
            for (int i = 0; i < 1 << 16; i++) {
                f16.data().setAtIndex(ValueLayout.JAVA_SHORT, i, (short) i);
                bf16.data().setAtIndex(ValueLayout.JAVA_SHORT, i, (short) i);
            }
            Path file = folder.resolve("x.safetensors");
            SafeTensorsWriter.write(file, Map.of("f16", f16, "bf16", bf16), Map.of());
            try (SafeTensors read = SafeTensors.open(file)) {
                float[] half = read.read("f16", arena).toFloats();
                float[] brain = read.read("bf16", arena).toFloats();
                for (int i = 0; i < 1 << 16; i++) {
                    int exponent = i >> 10 & 31;
                    double magnitude = exponent == 31
                            ? ((i & 1023) == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
                            : exponent == 0
                                    ? Math.scalb((double) (i & 1023), -24)
                                    : Math.scalb((double) (i & 1023 | 1024), exponent - 25);
                    assertThat((double) half[i]).isEqualTo(Double.valueOf(i >= 1 << 15 ? -magnitude : magnitude));
                    assertThat(brain[i]).isEqualTo(Float.valueOf(Float.intBitsToFloat(i << 16)));
                }
            }
        }
    }

    @Test
    void doublesAreRoundedToFloatsAcrossTheStagingBuffer() {
        int size = (1 << 17) + 7;
        try (Arena arena = Arena.ofConfined()) {
            HostTensor t = HostTensor.allocate(arena, DType.F64, Shape.of(size));
            for (int i = 0; i < size; i++) {
                t.data().setAtIndex(ValueLayout.JAVA_DOUBLE, i, Math.sqrt(i));
            }
            Path file = folder.resolve("x.safetensors");
            SafeTensorsWriter.write(file, Map.of("t", t), Map.of());
            try (SafeTensors read = SafeTensors.open(file)) {
                float[] values = read.read("t", arena).toFloats();
                assertThat(IntStream.range(0, size).allMatch(i -> values[i] == (float) Math.sqrt(i)))
                        .isTrue();
            }
        }
    }

    @Test
    void theSameContentGivesTheSameAlignedBytes() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            HostTensor u8 = HostTensor.allocate(arena, DType.U8, Shape.of(3));
            HostTensor f32 = HostTensor.of(arena, Shape.of(1), 1);
            HostTensor i64 = HostTensor.allocate(arena, DType.I64, Shape.of(1));
            Path one = folder.resolve("1.safetensors");
            Path two = folder.resolve("2.safetensors");
            Map<String, HostTensor> tensors = Map.of("a", u8, "b", f32, "c", i64, "d", f32);
            SafeTensorsWriter.write(one, tensors, Map.of("k", "v", "j", "w"));
            SafeTensorsWriter.write(
                    two, new TreeMap<>(tensors).descendingMap(), new TreeMap<>(Map.of("j", "w", "k", "v")));
            byte[] bytes = Files.readAllBytes(one);
            assertThat(bytes).isEqualTo(Files.readAllBytes(two));
            long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
            assertThat(header % 8).isZero();
            assertThat(new String(bytes, 8, (int) header, StandardCharsets.UTF_8).stripTrailing())
                    .isEqualTo("{\"__metadata__\":{\"j\":\"w\",\"k\":\"v\"},"
                            + "\"c\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                            + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
                            + "\"d\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]},"
                            + "\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[16,19]}}");
        }
    }

    @Test
    void aFailedWriteLeavesTheOldFileAndNothingElse() throws IOException {
        Path file = folder.resolve("x.safetensors");
        Files.writeString(file, "old");
        List<SafeTensorsWriter.Entry> entries = List.of(
                new SafeTensorsWriter.Entry("a", DType.F32, Shape.of(2)),
                new SafeTensorsWriter.Entry("b", DType.F32, Shape.of(2)));
        assertThatThrownBy(() -> SafeTensorsWriter.write(
                        file,
                        entries,
                        Map.of(),
                        (name, arena) -> HostTensor.of(
                                arena, Shape.of(name.equals("a") ? 2 : 3), new float[name.equals("a") ? 2 : 3])))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("tensor \"b\" is F32 [3], announced as F32 [2]");
        assertThatThrownBy(() -> SafeTensorsWriter.write(file, entries, Map.of(), (name, arena) -> {
                    throw new IllegalStateException("no more");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(Files.readString(file)).isEqualTo("old");
        assertThat(files()).containsExactly("x.safetensors");
    }

    @ParameterizedTest
    @ValueSource(strings = {"__metadata__", "a", "\uD800"})
    void namesThatCannotBeWrittenAreRefused(String name) {
        List<SafeTensorsWriter.Entry> entries = List.of(
                new SafeTensorsWriter.Entry("a", DType.F32, Shape.of(1)),
                new SafeTensorsWriter.Entry(name, DType.F32, Shape.of(1)));
        assertThatThrownBy(() -> SafeTensorsWriter.write(
                        folder.resolve("x"), entries, Map.of(), (n, arena) -> HostTensor.of(arena, Shape.of(1), 1)))
                .isInstanceOf(WeightsException.class);
    }

    @Test
    void aFileCutAtAnyByteIsRefused() throws IOException {
        Path file = small("x.safetensors", "w");
        byte[] bytes = Files.readAllBytes(file);
        Path cut = folder.resolve("cut.safetensors");
        for (int length = 0; length < bytes.length; length++) {
            Files.write(cut, Arrays.copyOf(bytes, length));
            assertThatThrownBy(() -> SafeTensors.open(cut).close())
                    .as("%d bytes", length)
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining("cut.safetensors");
        }
    }

    @Test
    void aFileCutAfterItWasOpenedIsAnErrorAndNoFault() throws IOException {
        Path file = small("x.safetensors", "w");
        try (SafeTensors read = SafeTensors.open(file);
                Arena arena = Arena.ofConfined()) {
            Files.write(file, new byte[8]);
            assertThatThrownBy(() -> read.read("w", arena))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining("shorter");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"w\":{\"dtype\":\"F32\",\"shape\":[2147483648,0],\"data_offsets\":[0,0]}}",
                "{\"w\":{\"dtype\":\"U8\",\"shape\":[2147483647,65,2147483647],\"data_offsets\":[0,1]}}",
                "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[9223372036854775806,9223372036854775807]}}",
                "{\"w\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},}",
                "{\"w\":{\"dtype\":\"U8\",\"shape\":[1,],\"data_offsets\":[0,1]}}",
                "{\"w\":{\"dtype\":\"U8\",\"shape\":[01],\"data_offsets\":[0,1]}}",
                "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}",
                "{\"w\" {\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                "{\"\\ud800\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                "{\"\\u00g0\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                "{\"\t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                "{\"\\x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                "{\"w\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,1]}}",
                "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}",
                "{\"__metadata__\":{},\"__metadata__\":{}}",
            })
    void hostileHeadersAreRefused(String header) throws IOException {
        Path file = file("x.safetensors", header, 1);
        assertThatThrownBy(() -> SafeTensors.open(file).close())
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(file.toString());
    }

    @Test
    void escapesInNamesAreUnderstood() throws IOException {
        Path file = file(
                "x.safetensors",
                "{ \"\\u00fc\\n\\/\\uD83D\\uDD25\" : {\"shape\":[ 1 ],\"data_offsets\":[0 ,1], \"dtype\":\"U8\" } }  ",
                1);
        try (SafeTensors read = SafeTensors.open(file)) {
            assertThat(read.names()).containsExactly("ü\n/🔥");
        }
    }

    @Test
    void typesWithoutACounterpartAreListedButNotRead() throws IOException {
        Path file = file("x.safetensors", "{\"w\":{\"dtype\":\"U16\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2);
        try (SafeTensors read = SafeTensors.open(file);
                Arena arena = Arena.ofConfined()) {
            assertThat(read.typeName("w")).isEqualTo("U16");
            assertThatThrownBy(() -> read.read("w", arena)).hasMessageContaining("U16, which is not supported");
            assertThatThrownBy(() -> read.read("v", arena)).hasMessageContaining("no tensor \"v\"");
        }
    }

    @Test
    void aFolderIsOpenedByItsFileOrItsIndex() throws IOException {
        assertThatThrownBy(() -> SafeTensors.open(folder)).hasMessageContaining("neither model.safetensors nor");
        small("a-1.safetensors", "a");
        small("a-2.safetensors", "b");
        Path index = folder.resolve("model.safetensors.index.json");
        Files.writeString(
                index,
                "{\"metadata\":{\"total_size\":8,\"x\":[1.5e-3,[],{},{\"y\":[null,true]}]},"
                        + "\"weight_map\":{\"a\":\"a-1.safetensors\",\"b\":\"a-2.safetensors\"}}");
        for (Path path : List.of(folder, index)) {
            try (SafeTensors read = SafeTensors.open(path);
                    Arena arena = Arena.ofConfined()) {
                assertThat(read.names()).containsExactly("a", "b");
                assertThat(read.read("b", arena).toFloats()).containsExactly(1, 2);
            }
        }
        small("model.safetensors", "single");
        try (SafeTensors read = SafeTensors.open(folder)) {
            assertThat(read.names()).containsExactly("single");
        }
    }

    @Test
    void aTensorThatIsNotInItsShardIsAnError() throws IOException {
        small("a.safetensors", "a");
        assertThatThrownBy(() -> SafeTensors.open(index("b", "a.safetensors")))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("no tensor \"b\"");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../x.safetensors",
                "/tmp/x.safetensors",
                "a/x.safetensors",
                "..",
                "",
                "x.bin",
                "missing.safetensors",
                "a\\\\x.safetensors"
            })
    void aShardOutsideTheFolderIsRefused(String shard) throws IOException {
        small("x.safetensors", "a");
        assertThatThrownBy(() -> SafeTensors.open(index("a", shard)))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("shard");
    }

    @Test
    void aLinkMayLeadIntoTheCacheOfHuggingFaceAndNowhereElse() throws IOException {
        Path snapshot = Files.createDirectories(folder.resolve("models--x/snapshots/0123"));
        Path blobs = Files.createDirectories(folder.resolve("models--x/blobs"));
        Files.move(small("x.safetensors", "a"), blobs.resolve("abc"));
        Path link = snapshot.resolve("x.safetensors");
        Files.createSymbolicLink(link, Path.of("../../blobs/abc"));
        Path index = Files.writeString(
                snapshot.resolve("model.safetensors.index.json"), "{\"weight_map\":{\"a\":\"x.safetensors\"}}");
        try (SafeTensors read = SafeTensors.open(index)) {
            assertThat(read.names()).containsExactly("a");
        }
        Files.delete(link);
        Files.createSymbolicLink(link, Files.move(blobs.resolve("abc"), folder.resolve("elsewhere")));
        assertThatThrownBy(() -> SafeTensors.open(index)).hasMessageContaining("leaves the folder");
    }

    @Test
    void severalThreadsMayReadAtOnce() throws IOException {
        Path file = small("x.safetensors", "w");
        try (SafeTensors read = SafeTensors.open(file)) {
            boolean right = IntStream.range(0, 200).parallel().allMatch(i -> {
                try (Arena arena = Arena.ofConfined()) {
                    return Arrays.equals(read.read("w", arena).toFloats(), new float[] {1, 2});
                }
            });
            assertThat(right).isTrue();
        }
    }

    @Test
    void foldersAndMissingFilesAreRefusedByName() {
        assertThatThrownBy(() -> SafeTensors.open(folder.resolve("none.safetensors")))
                .isInstanceOf(WeightsException.class)
                .hasMessageEndingWith("none.safetensors: no such file");
    }

    private List<String> files() throws IOException {
        try (Stream<Path> list = Files.list(folder)) {
            return list.map(p -> p.getFileName().toString()).toList();
        }
    }

    private Path index(String tensor, String shard) throws IOException {
        return Files.writeString(
                folder.resolve("x.safetensors.index.json"), "{\"weight_map\":{\"" + tensor + "\":\"" + shard + "\"}}");
    }

    private Path small(String fileName, String tensor) {
        Path file = folder.resolve(fileName);
        try (Arena arena = Arena.ofConfined()) {
            SafeTensorsWriter.write(file, Map.of(tensor, HostTensor.of(arena, Shape.of(2), 1, 2)), Map.of());
        }
        return file;
    }

    private Path file(String fileName, String header, int dataBytes) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(json.length).put(json);
        return Files.write(folder.resolve(fileName), bytes.array());
    }
}
