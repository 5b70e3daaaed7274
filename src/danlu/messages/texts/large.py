"""Texts about arrays that lie in files."""

TEXTS = {
    "large.naming": ("Naming the rows", "正在为各行命名"),
    "large.disk": (
        "The columns of this table are too long for memory, and can't be kept on the disk: {reason}.",
        "这张表的各列太长，内存放不下，又无法存到磁盘上：{reason}。",
    ),
    "large.disk.remedy": (
        "Free some room there, or choose another folder by data.cache.",
        "请在该处腾出空间，或用 data.cache 另选一个文件夹。",
    ),
}
