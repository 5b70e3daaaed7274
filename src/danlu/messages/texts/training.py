"""Texts of the loop and its checkpoints: key → (English, Chinese)."""

TEXTS = {
    "training.checkpoint-not-written": ("the checkpoint could not be written: {reason}.", "检查点无法写入：{reason}。"),
    "training.checkpoint-not-written.remedy": (
        "Make room there, or choose another run.folder for a new run; earlier checkpoints are untouched, and `danlu resume` goes on "
        "from the last of them.",
        "请在该处腾出空间，或为新的训练换一个 run.folder；此前的检查点完好无损，`danlu resume` 会从其中最后一个继续。",
    ),
    "training.checkpoint-damaged": ("the checkpoint is damaged: {damage}.", "检查点已损坏：{damage}。"),
    "training.checkpoint-damaged.remedy": ("Use an earlier checkpoint.", "请使用更早的检查点。"),
    "training.checkpoint-passed-over": (
        "Checkpoint {path} is damaged ({damage}); it is passed over.",
        "检查点 {path} 已损坏（{damage}），将其跳过。",
    ),
    "training.checkpoints-all-damaged": (
        "every checkpoint is damaged ({damages}).",
        "所有检查点均已损坏（{damages}）。",
    ),
    "training.checkpoints-all-damaged.remedy": (
        "Restore one of them from a copy, or remove {path} to begin again from the first step.",
        "请用备份恢复其中一个；如要从第一步重新开始，请删除 {path}。",
    ),
    "training.damage-missing": ("{file} is missing", "缺少 {file}"),
    "training.damage-changed": ("{file} is not what was written", "{file} 与写入时不一致"),
    "training.damage-size": ("{file} has {found} bytes instead of {size}", "{file} 有 {found} 字节，应为 {size} 字节"),
    "training.damage-unreadable": ("{file} can't be read ({reason})", "{file} 无法读取（{reason}）"),
    "training.damage-link": ("{file} is a link", "{file} 是一个链接"),
    "training.damage-no-file": ("{file} is not a file", "{file} 不是文件"),
    "training.damage-no-folder": ("{file} is not a folder", "{file} 不是文件夹"),
    "training.damage-extra": ("{file} is not in the manifest", "{file} 不在清单之中"),
    "training.damage-foreign": (
        "{file} is of no kind that a checkpoint holds; it was not opened",
        "{file} 不是检查点应有的文件类型，未予打开",
    ),
    "training.damage-content": (
        "{file} does not hold what its name says; nothing in it was carried out",
        "{file} 的内容与其名称不符；其中任何内容均未被执行",
    ),
    "training.newer-format": (
        "this was written by a later version of Danlu (format {format}; this one reads up to {known}).",
        "这是由更高版本的 Danlu 写入的（格式 {format}，本版本最高可读 {known}）。",
    ),
    "training.newer-format.remedy": (
        "Go on with that version or a later one; environment.json in the run's folder names it.",
        "请使用该版本或更高版本继续；训练文件夹中的 environment.json 记有其版本号。",
    ),
    "training.damage-other-step": (
        "{file} holds the weights of step {found}, not of step {step}",
        "{file} 中是第 {found} 步而非第 {step} 步的权重",
    ),
    "training.best-restored": (
        "{path} was not as it should be ({damage}); the same weights were restored from {checkpoint}.",
        "{path} 与应有的不符（{damage}）；已从 {checkpoint} 恢复相同的权重。",
    ),
    "training.best-lost": (
        "{path} is damaged ({damage}) and no checkpoint of step {step} is left: the best weights so far are lost. "
        "From here on the best of the evaluations to come is kept.",
        "{path} 已损坏（{damage}），且没有第 {step} 步的检查点：此前的最佳权重已丢失。此后将保留后续评估中的最佳者。",
    ),
    "training.folder-not-writable": ("nothing can be written there: {reason}.", "无法写入该文件夹：{reason}。"),
    "training.folder-not-writable.remedy": (
        "Look at its permissions and at the disk, or copy it to where it can be written.",
        "请检查其权限与磁盘，或把它复制到可写的位置。",
    ),
    "training.folder-in-use": ("{holder} is writing there.", "{holder}正在写入。"),
    "training.folder-in-use.remedy": ("Wait for it to end, or stop it.", "请等待其结束，或先将其停止。"),
    "training.folder-taken": (
        "checkpoints of an earlier training are there; a new one would mix with them.",
        "其中已有先前训练的检查点，新的训练会与之混淆。",
    ),
    "training.folder-taken.remedy": (
        "Pass resume=True to continue it, or another folder.",
        "请传入 resume=True 以继续它，或换一个文件夹。",
    ),
    "training.folder-holder": ("process {pid} on {host}", "主机 {host} 上的进程 {pid} "),
    "training.folder-holder-unknown": ("another process", "另一个进程"),
    "training.checkpoint-other-net": (
        "it belongs to another net: {name} and {count} tensors in all differ.",
        "它属于另一个网络：{name} 等共 {count} 个张量不符。",
    ),
    "training.checkpoint-no-average": (
        "it holds no average of the weights, which the plan now asks for. Begin anew, or leave ema and swa as they were.",
        "其中没有计划现在要求的权重平均。请重新开始，或让 ema 与 swa 保持原样。",
    ),
    "training.no-metric": ("there is no metric {name}; known: {known}.", "没有名为 {name} 的指标；可用：{known}。"),
    "training.nothing-to-train": ("no parameter is left to train.", "没有可训练的参数。"),
    "training.interrupted": (
        "Interrupted after step {step}; the checkpoint is saved.",
        "已在第 {step} 步后中断；检查点已保存。",
    ),
    "training.no-rate": (
        "no learning rate between 1e-6 and 3 lowers the loss.",
        "在 1e-6 与 3 之间没有能降低损失的学习率。",
    ),
    "training.no-rate.remedy": (
        "Look at the labels and at the input's normalisation, or set a rate by hand.",
        "请检查标签与输入的归一化，或手动设定学习率。",
    ),
    "training.no-validation": (
        "{key} looks at an evaluation, and there is nothing to evaluate on.",
        "{key} 依据评估结果，而没有可供评估的数据。",
    ),
    "training.no-validation.remedy": ("Give validation=…, or leave {key} out.", "请给出 validation=…，或去掉 {key}。"),
    "training.not-copied": (
        "the net can't be copied, so it can't be watched at work: {reason}",
        "无法复制该网络，因此无法观察它的计算过程：{reason}",
    ),
    "training.bound": (
        "its forward is a function that goes on calling the net itself",
        "其 forward 是一个仍会调用原网络的函数",
    ),
    "training.blind": (
        "What the layers give out can't be captured, since a copy of the net fails on some of a step's samples: {reason}. "
        "Training goes on; gradients, weights and updates are captured.",
        "无法捕获各层输出：网络的副本在一步的部分样本上运行失败（{reason}）。训练继续进行；梯度、权重和更新量照常捕获。",
    ),
}
