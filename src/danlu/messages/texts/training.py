"""Texts of the loop and its checkpoints: key → (English, Chinese)."""

TEXTS = {
    "training.checkpoint-not-written": ("the checkpoint could not be written: {reason}.", "检查点无法写入：{reason}。"),
    "training.checkpoint-not-written.remedy": (
        "Free some space or choose another run.folder; earlier checkpoints are untouched.",
        "请腾出空间或换一个 run.folder；此前的检查点完好无损。",
    ),
    "training.checkpoint-damaged": ("the checkpoint is damaged: {damage}.", "检查点已损坏：{damage}。"),
    "training.checkpoint-damaged.remedy": ("Use an earlier checkpoint.", "请使用更早的检查点。"),
    "training.checkpoint-no-manifest": ("MANIFEST.json is missing or unreadable", "缺少 MANIFEST.json 或无法读取"),
    "training.checkpoint-format": (
        "it has format {format}, this version reads {known}",
        "其格式为 {format}，本版本只能读取 {known}",
    ),
    "training.checkpoint-extra": ("{file} is not in the manifest", "{file} 不在清单之中"),
    "training.checkpoint-missing": ("{file} is missing", "缺少 {file}"),
    "training.checkpoint-changed": ("{file} is not what was written", "{file} 与写入时不一致"),
    "training.checkpoint-passed-over": (
        "Checkpoint {path} is damaged ({damage}); it is passed over.",
        "检查点 {path} 已损坏（{damage}），将其跳过。",
    ),
    "training.checkpoints-all-damaged": ("every checkpoint is damaged.", "所有检查点均已损坏。"),
    "training.checkpoints-all-damaged.remedy": (
        "Remove {path} to begin again from the first step.",
        "如要从第一步重新开始，请删除 {path}。",
    ),
    "training.checkpoint-other-net": (
        "it belongs to another net: {name} and {count} tensors in all differ.",
        "它属于另一个网络：{name} 等共 {count} 个张量不符。",
    ),
    "training.no-metric": ("there is no metric {name}; known: {known}.", "没有名为 {name} 的指标；可用：{known}。"),
    "training.nothing-to-train": ("no parameter is left to train.", "没有可训练的参数。"),
    "training.step-place": ("step {step}, epoch {epoch}", "第 {step} 步，第 {epoch} 轮"),
    "training.not-finite": (
        "the loss is {loss} with gradient norm {norm} (rows {rows}); training stopped before the weights were spoilt.",
        "损失为 {loss}，梯度范数为 {norm}（数据行 {rows}）；已在权重被破坏之前停止训练。",
    ),
    "training.not-finite.remedy": (
        "Lower train.optimizer.lr, set train.clip_norm, or look at those rows.",
        "请降低 train.optimizer.lr，设置 train.clip_norm，或检查这些数据行。",
    ),
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
}
