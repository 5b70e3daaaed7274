"""Texts of runs: key → (English, Chinese)."""

TEXTS = {
    "runs.exists": ("a run of this name is already there.", "已有同名的运行。"),
    "runs.exists.remedy": (
        "Choose another run.name, or continue it with `danlu resume {path}`.",
        "请换一个 run.name，或用 `danlu resume {path}` 继续。",
    ),
    "runs.not-writable": ("the run folder can't be made: {reason}.", "无法创建运行文件夹：{reason}。"),
    "runs.not-writable.remedy": ("Choose another run.folder.", "请换一个 run.folder。"),
    "runs.no-run": ("this is not a run: recipe.yaml is missing.", "这不是一个运行：缺少 recipe.yaml。"),
    "runs.no-run.remedy": ("`danlu runs` lists the runs there are.", "`danlu runs` 可列出现有的运行。"),
    "runs.in-use": ("another process is writing to this run.", "另一个进程正在写入此运行。"),
    "runs.in-use.remedy": ("Wait for it to end, or stop it.", "请等待其结束，或先将其停止。"),
    "runs.unreadable": ("it can't be read: {reason}.", "无法读取：{reason}。"),
    "runs.no-part": ("the data have no {part} part.", "数据中没有 {part} 部分。"),
    "runs.no-part.remedy": ("Give data.split.{part} a share.", "请为 data.split.{part} 设定比例。"),
    "runs.no-weights": ("it has no weights yet.", "它还没有权重。"),
    "runs.no-weights.remedy": ("Train it first: `danlu resume {path}`.", "请先训练：`danlu resume {path}`。"),
    "runs.too-little-disk": (
        "checkpoints need about {needed} MB, {free} MB are free.",
        "检查点约需 {needed} MB，磁盘仅剩 {free} MB。",
    ),
    "runs.too-little-disk.remedy": (
        "Free some space, lower train.checkpoint.keep, or choose another run.folder.",
        "请腾出空间、减小 train.checkpoint.keep，或换一个 run.folder。",
    ),
    "runs.forward-failed": (
        "the first batch does not pass through the net ({reason}).",
        "第一个批次无法通过网络（{reason}）。",
    ),
    "runs.forward-failed.remedy": (
        "The inputs are {shapes}; check model.name, model.args and data.image against them (--debug shows the trace).",
        "输入为 {shapes}；请据此检查 model.name、model.args 与 data.image（--debug 显示调用栈）。",
    ),
    "runs.first-loss": (
        "the loss of the first batch is {loss}.",
        "第一个批次的损失为 {loss}。",
    ),
    "runs.first-loss.remedy": (
        "Look at the labels and at data.normalize.",
        "请检查标签与 data.normalize。",
    ),
    "runs.environment-differs": (
        "The environment differs from the one before, so the bits may too: {differences}",
        "环境与之前不同，结果的每一位未必一致：{differences}",
    ),
    "runs.chosen": ("{key} = {value} ({reason})", "{key} = {value}（{reason}）"),
    "runs.chosen.device": ("the fastest device here", "本机最快的设备"),
    "runs.chosen.no-half": ("no half precision is computed natively here", "本机不原生支持半精度"),
    "runs.chosen.parity": (
        "equal to fp32 within {difference:.2%} on a real batch, {times:.1f} times as fast",
        "真实批次上与 fp32 相差 {difference:.2%}，速度为 {times:.1f} 倍",
    ),
    "runs.chosen.parity-failed": (
        "bf16 differs from fp32 by {difference:.2%} on a real batch",
        "真实批次上 bf16 与 fp32 相差 {difference:.2%}",
    ),
    "runs.chosen.slower": ("bf16 was {times:.1f} times as fast", "bf16 的速度仅为 {times:.1f} 倍"),
    "runs.chosen.convolutions": ("the net has convolutions", "网络含卷积"),
    "runs.chosen.no-convolutions": ("the net has no convolutions", "网络不含卷积"),
    "runs.chosen.finder": ("learning-rate finder", "学习率搜索"),
    "runs.chosen.cores": ("cores of this machine", "本机核数"),
    "runs.no-cuda": ("there is no CUDA device here.", "本机没有 CUDA 设备。"),
    "runs.no-cuda.remedy": ("Set train.device to cpu or auto.", "请将 train.device 设为 cpu 或 auto。"),
    "runs.fp16-cpu": ("fp16 training needs a GPU.", "fp16 训练需要 GPU。"),
    "runs.fp16-cpu.remedy": ("Use precision auto, bf16 or fp32.", "请使用 auto、bf16 或 fp32 精度。"),
    "runs.batch-norm": (
        "Batch norm sees micro-batches of {size}, not effective batches of {effective}: accumulation is exact for everything else. "
        "Where that matters use model.norm: group, or a larger train.batch_size.",
        "批量归一化看到的是大小为 {size} 的微批次，而非 {effective} 的有效批次；其余部分的累积是精确的。"
        "如有影响，请使用 model.norm: group 或增大 train.batch_size。",
    ),
    "runs.unused-parameters": (
        "{count} parameters get no gradient from the first batch: {names}.",
        "第一个批次未给 {count} 个参数带来梯度：{names}。",
    ),
    "runs.coupled": (
        "the term {name} couples the samples of a batch, so accumulating it would change it.",
        "损失项 {name} 使批次内样本相互关联，累积会改变其值。",
    ),
    "runs.coupled.remedy": ("Set train.accumulate to 1.", "请将 train.accumulate 设为 1。"),
    "runs.empty-part": ("the {part} part is empty.", "{part} 部分为空。"),
    "runs.empty-part.remedy": ("Look at data.split and at the data card.", "请检查 data.split 与数据卡。"),
    "runs.no-category": (
        "the target is no category, so there are no classes to balance.",
        "目标列不是类别，没有可平衡的类。",
    ),
    "runs.data-changed": ("the data have changed since this run began.", "自本次运行开始以来数据已改变。"),
    "runs.data-changed.remedy": ("Train a new run.", "请训练一个新的运行。"),
    "runs.set-aside": (
        "{count} of {all} rows can't be used and were set aside ({few}); data/card.json lists them.",
        "{all} 行中有 {count} 行无法使用，已被剔除（{few}）；详见 data/card.json。",
    ),
    "runs.missing": (
        "{count} rows have no value in a column that is needed and were left out: {columns}.",
        "有 {count} 行在必需的列中缺值，已被略去：{columns}。",
    ),
    "runs.mended": ("Mended in {count} rows: {text}.", "已在 {count} 行中修正：{text}。"),
    "runs.nothing-to-predict": ("there is nothing to predict.", "没有可预测的输入。"),
}
