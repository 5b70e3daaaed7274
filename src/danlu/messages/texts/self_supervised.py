"""Texts about learning without labels: key → (English, Chinese)."""

TEXTS = {
    "self_supervised.no-views": (
        "{term} compares views of the same sample, (samples, views, features), and the net gives {output}.",
        "{term} 比较同一样本的多个视图，需要 (样本, 视图, 特征)，而网络给出 {output}。",
    ),
    "self_supervised.no-views.remedy": (
        "Use it with task: self-supervised, or with a net of your own that gives such outputs.",
        "请用于 task: self-supervised，或改用给出此类输出的自定义网络。",
    ),
    "self_supervised.vit": (
        "a vision transformer cuts {size} pixels into patches of {patch}, which must divide them; width {width} must be a multiple of 4 and of heads {heads}.",
        "视觉 Transformer 将 {size} 像素切成边长 {patch} 的图块，必须能整除；width {width} 必须是 4 和 heads {heads} 的倍数。",
    ),
    "self_supervised.vit.remedy": (
        "Change model.args (patch, width, heads) or data.image.size.",
        "请修改 model.args（patch、width、heads）或 data.image.size。",
    ),
    "self_supervised.sizes": (
        "self-supervision needs images of one size.",
        "自监督学习需要统一尺寸的图像。",
    ),
    "self_supervised.heads": (
        "{net} has several heads ({heads}), so it can't be used as an encoder.",
        "{net} 有多个输出头（{heads}），不能用作编码器。",
    ),
    "self_supervised.mae": (
        "masked autoencoding needs a net that can leave patches out, and {net} can't.",
        "掩码自编码需要能够略去图块的网络，{net} 做不到。",
    ),
    "self_supervised.square": (
        "images of {size} change their shape when they are turned.",
        "{size} 的图像旋转后形状会改变。",
    ),
    "self_supervised.square.remedy": ("Set data.image.size to a number.", "请将 data.image.size 设为一个数。"),
    "self_supervised.mixing": (
        "a view is of one image, so that it can't be mixed with another.",
        "一个视图只来自一张图像，不能与其他图像混合。",
    ),
    "self_supervised.mixing.remedy": (
        "Leave mixup and cutmix out of data.augment.",
        "请从 data.augment 中去掉 mixup 与 cutmix。",
    ),
    "self_supervised.without": (
        "read without what is optional: {columns}",
        "未读取可选列：{columns}",
    ),
    "self_supervised.run-unreadable": (
        "the recipe of the run {run} can't be read: {reason}",
        "无法读取运行 {run} 的配方：{reason}",
    ),
    "self_supervised.run-empty": ("the run {run} has no weights yet.", "运行 {run} 还没有权重。"),
    "self_supervised.run-empty.remedy": (
        "Let it end (danlu resume), or take another run.",
        "请让其运行结束（danlu resume），或换用其他运行。",
    ),
    "self_supervised.run-damaged": (
        "{file} is not as it was written.",
        "{file} 与写入时不一致。",
    ),
    "self_supervised.run-channels": (
        "the run {run} ({task}, {net}) learnt from images of {theirs} channels, and these have {own}.",
        "运行 {run}（{task}，{net}）学习的图像有 {theirs} 个通道，而这里有 {own} 个。",
    ),
    "self_supervised.run-channels.remedy": (
        "Set data.image.channels to {channels}.",
        "请将 data.image.channels 设为 {channels}。",
    ),
    "self_supervised.run-differs": (
        "the run {run} ({task}, {net}) learnt another net: {count} tensors differ, {name} is {own} here and {theirs} there.",
        "运行 {run}（{task}，{net}）学习的是另一个网络：{count} 个张量不同，{name} 在此为 {own}，在彼为 {theirs}。",
    ),
    "self_supervised.run-differs.remedy": (
        "Let `model` say what {run}/recipe.yaml says.",
        "请使 `model` 与 {run}/recipe.yaml 一致。",
    ),
    "self_supervised.collapse.point": (
        "The embeddings have collapsed: every sample is given nearly the same.",
        "嵌入已坍缩：每个样本得到的几乎相同。",
    ),
    "self_supervised.collapse.few": (
        "The embeddings lie along hardly more than one direction, so that they tell few samples apart.",
        "嵌入几乎只沿一个方向分布，难以区分样本。",
    ),
    "self_supervised.collapse.figures": (
        "at step {step}: deviation {deviation} (1: they point everywhere alike), effective rank {rank}",
        "第 {step} 步：离散程度 {deviation}（1 表示均匀指向各方向），有效秩 {rank}",
    ),
    "self_supervised.collapse.remedy": (
        "Take a lower rate, larger batches (train.accumulate counts) and more epochs, and look whether the augmentations leave anything to learn; "
        "nearest neighbours and the linear probe beside the untrained encoder tell whether it got better.",
        "请降低学习率、增大批次（train.accumulate 计入其中）并增加轮数，检查数据增强后是否还有可学的内容；最近邻与线性探针相对未训练编码器的结果会说明是否改善。",
    ),
}
