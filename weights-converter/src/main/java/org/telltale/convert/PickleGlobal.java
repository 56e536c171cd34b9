package org.telltale.convert;

import java.util.Optional;

/** The classes and functions that a pickle may name. What each would do is known here, and none is ever looked up. */
enum PickleGlobal {
    ORDERED_DICT("collections", "OrderedDict"),
    REBUILD_TENSOR("torch._utils", "_rebuild_tensor"),
    REBUILD_TENSOR_V2("torch._utils", "_rebuild_tensor_v2"),
    REBUILD_TENSOR_V3("torch._utils", "_rebuild_tensor_v3"),
    REBUILD_PARAMETER("torch._utils", "_rebuild_parameter"),
    REBUILD_PARAMETER_WITH_STATE("torch._utils", "_rebuild_parameter_with_state"),
    SIZE("torch", "Size"),
    DEVICE("torch", "device"),
    /** How Python 3 writes bytes in the protocols before 3. */
    ENCODE("_codecs", "encode"),
    STORAGE("torch", "*Storage"),
    BYTES_STORAGE("torch.storage", "UntypedStorage"),
    DTYPE("torch", "*");

    private final String module;
    private final String name;

    PickleGlobal(String module, String name) {
        this.module = module;
        this.name = name;
    }

    /** What a name stands for; empty for all that is not in this list. */
    static Optional<PickleValue.Known> find(String module, String name) {
        for (PickleGlobal g : values()) {
            if (g.module.equals(module) && g.name.equals(name)) {
                return Optional.of(new PickleValue.Known(g, null));
            }
        }
        if (!module.equals("torch")) {
            return Optional.empty();
        }
        return TorchType.ofStorage(name)
                .map(t -> new PickleValue.Known(STORAGE, t))
                .or(() -> TorchType.ofDtype(name).map(t -> new PickleValue.Known(DTYPE, t)));
    }
}
