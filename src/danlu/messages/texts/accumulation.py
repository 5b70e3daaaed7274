"""Texts about effective batches: key → (English, Chinese)."""

TEXTS = {
    "accumulation.not-by-sample": (
        "a term compares the samples of an effective batch, and an output of the net has no row for each of them: {shapes} for {sizes} samples.",
        "有损失项会比较有效批次中的样本，但网络的某个输出并非每个样本一行：{shapes}，样本数为 {sizes}。",
    ),
    "accumulation.not-by-sample.remedy": (
        "Set accumulate to 1, or let every output have the samples in its first dimension.",
        "请将 accumulate 设为 1，或使每个输出的第一维为样本。",
    ),
    "accumulation.batch-norm": (
        "Batch norm ({names}) sees one micro-batch at a time, not the {count} of an effective batch: accumulation is exact for everything else. "
        "Where that matters use group norm, larger batches with less accumulation, or keep the batch norm frozen (in eval mode).",
        "批量归一化（{names}）每次只看到一个微批次，而不是有效批次的 {count} 个微批次；其余部分的累积是精确的。"
        "如有影响，请改用组归一化、增大批次并减少累积，或冻结批量归一化（保持 eval 模式）。",
    ),
    "accumulation.padding": (
        "The images are of many sizes and are padded to the largest of their micro-batch, not of the effective batch: what a net sees "
        "beyond their borders depends on it. Everything else is accumulated exactly.",
        "图像尺寸各不相同，会填充到所在微批次（而非有效批次）中最大的尺寸：网络在图像边界之外看到的内容取决于此。其余部分的累积是精确的。",
    ),
    "accumulation.reduction": (
        "{loss} gives {reduction}, and a mean over the samples is needed.",
        "{loss} 的 reduction 为 {reduction}，而这里需要样本的平均值。",
    ),
    "accumulation.reduction.remedy": (
        'Use reduction="mean", or a Term of your own.',
        '请使用 reduction="mean"，或自定义 Term。',
    ),
    "accumulation.more-than-an-epoch": (
        "train.accumulate is {accumulate}, and an epoch has {micros} micro-batches: a step has no more than these.",
        "train.accumulate 为 {accumulate}，而每轮只有 {micros} 个微批次：每一步至多包含这些。",
    ),
}
