package org.telltale.convert;

import java.util.Arrays;
import java.util.Optional;

/** The element types of PyTorch: as safetensors and PyTorch name them, and the class of their storages where there is one. */
enum TorchType {
    F64(8, "DoubleStorage", "float64"),
    F32(4, "FloatStorage", "float32"),
    F16(2, "HalfStorage", "float16"),
    BF16(2, "BFloat16Storage", "bfloat16"),
    I64(8, "LongStorage", "int64"),
    I32(4, "IntStorage", "int32"),
    I16(2, "ShortStorage", "int16"),
    I8(1, "CharStorage", "int8"),
    U8(1, "ByteStorage", "uint8"),
    BOOL(1, "BoolStorage", "bool"),
    C64(8, "ComplexFloatStorage", "complex64"),
    C128(16, "ComplexDoubleStorage", "complex128"),
    U16(2, "", "uint16"),
    U32(4, "", "uint32"),
    U64(8, "", "uint64"),
    F8_E4M3(1, "", "float8_e4m3fn"),
    F8_E5M2(1, "", "float8_e5m2");

    private final int bytes;
    private final String storage;
    private final String dtype;

    TorchType(int bytes, String storage, String dtype) {
        this.bytes = bytes;
        this.storage = storage;
        this.dtype = dtype;
    }

    /** Bytes of one element. */
    int bytes() {
        return bytes;
    }

    /** Bytes of one number: a complex element is two of them. */
    int numberBytes() {
        return this == C64 || this == C128 ? bytes / 2 : bytes;
    }

    static Optional<TorchType> ofStorage(String name) {
        return Arrays.stream(values())
                .filter(t -> !name.isEmpty() && t.storage.equals(name))
                .findFirst();
    }

    static Optional<TorchType> ofDtype(String name) {
        return Arrays.stream(values()).filter(t -> t.dtype.equals(name)).findFirst();
    }
}
