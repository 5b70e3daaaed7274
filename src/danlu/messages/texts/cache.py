"""Texts of the cache, the stream and the batches."""

TEXTS: dict[str, tuple[str, str]] = {
    "cache.preparing": ("Preparing the data", "正在准备数据"),
    "cache.checking": ("Checking the data", "正在检查数据"),
    "cache.waiting": (
        "Waiting for another process that is filling {folder}",
        "正在等待另一个进程填充缓存 {folder}",
    ),
    "cache.damaged": (
        "The cache in {folder} is damaged ({file}); it is filled again.",
        "缓存 {folder} 已损坏（{file}），将重新生成。",
    ),
    "cache.damaged-within": ("The cache is damaged ({file}).", "缓存已损坏（{file}）。"),
    "cache.damaged-within.remedy": (
        "Start again or resume: it is then filled again. If this happens more than once, the disk may be failing.",
        "请重新开始或继续训练：缓存会重新生成。若多次出现，磁盘可能有故障。",
    ),
    "cache.mended": (
        "Rows that were set aside when {folder} was filled can be read now; it is filled again.",
        "生成缓存 {folder} 时被搁置的行现在可以读取，将重新生成缓存。",
    ),
    "cache.disk-full": ("The disk is full ({reason}).", "磁盘已满（{reason}）。"),
    "cache.no-space": (
        "The cache needs {needed} GiB, but the disk has {free} GiB left.",
        "缓存需要 {needed} GiB，但磁盘只剩 {free} GiB。",
    ),
    "cache.read-only": ("The cache can't be written here ({reason}).", "无法在此处写入缓存（{reason}）。"),
    "cache.write-failed": ("Writing the cache failed ({reason}).", "写入缓存失败（{reason}）。"),
    "cache.elsewhere": (
        "Free some space, or set data.cache to a folder on another disk that you may write to.",
        "请腾出空间，或把 data.cache 设为另一块可写磁盘上的文件夹。",
    ),
    "cache.stream-bad": (
        "A row that is read while training can't be used: {reason}",
        "训练时读取的一行数据无法使用：{reason}",
    ),
    "cache.stream-bad.remedy": (
        "Mend or remove it; or choose data.storage: encoded or decoded, which sets bad rows aside beforehand.",
        "请修复或删除该行；或使用 data.storage: encoded 或 decoded，它们会事先搁置坏行。",
    ),
    "cache.worker-died": (
        "A data worker was killed by the system, most likely for want of memory.",
        "一个数据加载进程被系统终止，很可能是内存不足。",
    ),
    "cache.worker-died.remedy": (
        "Set data.workers or train.batch_size lower; in a container, give it more shared memory (--shm-size).",
        "请调小 data.workers 或 train.batch_size；在容器中请增大共享内存（--shm-size）。",
    ),
    "cache.no-rows": ("The part '{part}' has no rows.", "“{part}” 部分没有任何行。"),
    "cache.no-rows.remedy": (
        "Give data.split.{part} a share, or check the column or folders that name the parts.",
        "请设置 data.split.{part} 的比例，或检查指定划分的列或文件夹。",
    ),
}
