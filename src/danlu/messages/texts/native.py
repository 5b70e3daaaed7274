"""What is worked out by kernels that were compiled on this machine."""

TEXTS: dict[str, tuple[str, str]] = {
    "native.embeddings": (
        "embeddings: rows are fetched and updated by the native kernel, compiled on this machine",
        "嵌入：各行由在本机编译的原生内核读取和更新",
    ),
    "native.embeddings-whole": (
        "embeddings: every step moves all {count} rows of the long tables; with train.optimizer.name=sparse-adam it moves those of its batch "
        "alone, in a small part of the time, and reaches nearly the same",
        "嵌入：每一步都更新长表的全部 {count} 行；若用 train.optimizer.name=sparse-adam，则只更新批次所涉各行，用时极少而效果几乎相同",
    ),
    "native.embeddings-torch": (
        "embeddings: rows are fetched and updated by torch's operations, about half as fast, for there is no native kernel: {reason}",
        "嵌入：没有原生内核（{reason}），各行改用 torch 运算读取和更新，速度约为一半",
    ),
    "native.pairs-torch": (
        "embeddings: pairs of rows are scored by torch's operations, slower, for there is no native kernel: {reason}",
        "嵌入：没有原生内核（{reason}），各对的评分改用 torch 运算，速度较慢",
    ),
    "native.maps-torch": (
        "norms and pooling of image nets are trained by torch's operations, somewhat slower, for there is no native kernel: {reason}",
        "没有原生内核（{reason}），图像网络的归一化与池化改用 torch 运算训练，速度稍慢",
    ),
    "native.recurrent-torch": (
        "recurrent layers are trained by torch's operations, about half as fast, for there is no native kernel: {reason}",
        "没有原生内核（{reason}），循环层改用 torch 运算训练，速度约为一半",
    ),
    "native.writing-torch": (
        "texts are written by torch's operations, one or a few at a time about half as fast, for there is no native kernel: {reason}",
        "没有原生内核（{reason}），文本改用 torch 运算生成，一次一条或几条时速度约为一半",
    ),
    "native.no-kernel.off": ("DANLU_NATIVE is 0", "DANLU_NATIVE 为 0"),
    "native.no-kernel.system": ("not made for {detail}", "不支持 {detail}"),
    "native.no-kernel.compiler": (
        "no C compiler (cc, gcc or clang) is installed",
        "未安装 C 编译器（cc、gcc 或 clang）",
    ),
    "native.no-kernel.threads": (
        "compiled without OpenMP it knows one thread alone",
        "未以 OpenMP 编译，只能用单线程",
    ),
    "native.no-kernel.folder": (
        "others may write to {detail}, so no library is loaded from there",
        "他人可写入 {detail}，因此不从该处加载库",
    ),
    "native.no-kernel.failed": ("compiling failed: {detail}", "编译失败：{detail}"),
    "native.no-kernel.load": ("the library can't be made or loaded: {detail}", "无法生成或加载该库：{detail}"),
}
