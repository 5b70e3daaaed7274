"""Which kernel rows of embeddings are learnt by."""

TEXTS: dict[str, tuple[str, str]] = {
    "embedding.native": (
        "embeddings: rows are fetched and updated by the native kernel, compiled on this machine",
        "嵌入：各行由在本机编译的原生内核读取和更新",
    ),
    "embedding.torch": (
        "embeddings: rows are fetched and updated by torch's operations, about half as fast, for there is no native kernel: {reason}",
        "嵌入：没有原生内核（{reason}），各行改用 torch 运算读取和更新，速度约为一半",
    ),
    "embedding.no-kernel.off": ("DANLU_NATIVE is 0", "DANLU_NATIVE 为 0"),
    "embedding.no-kernel.system": ("not made for {detail}", "不支持 {detail}"),
    "embedding.no-kernel.compiler": (
        "no C compiler (cc, gcc or clang) is installed",
        "未安装 C 编译器（cc、gcc 或 clang）",
    ),
    "embedding.no-kernel.folder": (
        "others may write to {detail}, so no library is loaded from there",
        "他人可写入 {detail}，因此不从该处加载库",
    ),
    "embedding.no-kernel.failed": ("compiling failed: {detail}", "编译失败：{detail}"),
    "embedding.no-kernel.load": ("the library can't be made or loaded: {detail}", "无法生成或加载该库：{detail}"),
}
