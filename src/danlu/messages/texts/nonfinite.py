"""Texts of the guard against NaN and infinity: key → (English, Chinese)."""

TEXTS = {
    "nonfinite.place": ("after step {step}, epoch {epoch}", "第 {step} 步之后，第 {epoch} 轮"),
    "nonfinite.what": (
        "the loss is {loss:g} and the norm of the gradient {norm:g}: {finding}. The step changed nothing.",
        "损失为 {loss:g}，梯度范数为 {norm:g}：{finding}。这一步没有改变任何东西。",
    ),
    "nonfinite.column": (
        "column {name} holds {value}, which {operation} in {layer} reads first",
        "列 {name} 中有 {value}，最先由 {layer} 中的 {operation} 读到",
    ),
    "nonfinite.transform": (
        "the batch transform {reason} put {value} into column {name}, which {operation} in {layer} reads first",
        "批变换 {reason} 在列 {name} 中产生了 {value}，最先由 {layer} 中的 {operation} 读到",
    ),
    "nonfinite.weight": (
        "the weight {name} held {value} already, which {operation} in {layer} reads first",
        "权重 {name} 在此之前已含有 {value}，最先由 {layer} 中的 {operation} 读到",
    ),
    "nonfinite.buffer": (
        "the buffer {name} held {value} already, which {operation} in {layer} reads first",
        "缓冲区 {name} 在此之前已含有 {value}，最先由 {layer} 中的 {operation} 读到",
    ),
    "nonfinite.forward": (
        "{operation} in {layer} made {value} of finite values",
        "{layer} 中的 {operation} 由有限值算出了 {value}",
    ),
    "nonfinite.backward": (
        "in the backward pass {operation} of {layer} made {value} of finite values",
        "反向传播时 {layer} 的 {operation} 由有限值算出了 {value}",
    ),
    "nonfinite.running": (
        "the outputs are finite, but {operation} in {layer} made {value} in the running statistics {name}",
        "输出是有限值，但 {layer} 中的 {operation} 使滑动统计量 {name} 变成了 {value}",
    ),
    "nonfinite.norm": (
        "every gradient is finite, but so large that its square is not; the largest is that of {name}",
        "各个梯度均为有限值，但过大，其平方溢出；其中最大的是 {name} 的梯度",
    ),
    "nonfinite.constant": (
        "{value} comes from a value that is neither weight nor column, which {operation} in {layer} reads first",
        "{value} 来自既非权重也非数据列的值，最先由 {layer} 中的 {operation} 读到",
    ),
    "nonfinite.passing": (
        "done again, the step is finite, so an operation or a batch that differs from time to time is the cause",
        "重做这一步时结果是有限值，因此原因在于每次结果不同的运算或每次不同的批",
    ),
    "nonfinite.unknown": ("its cause is not known ({reason})", "原因未查明（{reason}）"),
    "nonfinite.enough": (
        "only the first {count} such steps of a run are looked into",
        "每次训练只查前 {count} 个这样的步",
    ),
    "nonfinite.holding": ("It stands in these rows: {rows}.", "出现在这些行：{rows}。"),
    "nonfinite.rows": ("Without these rows it would be finite: {rows}.", "去掉这些行，结果就是有限值：{rows}。"),
    "nonfinite.batch-rows": ("Rows of the batch: {rows}.", "该批的数据行：{rows}。"),
    "nonfinite.more": ("{few} and {count} more", "{few} 以及另外 {count} 行"),
    "nonfinite.kept": ("The batch is kept in {path}.", "该批已保存在 {path}。"),
    "nonfinite.not-kept": ("The batch could not be kept: {reason}.", "该批无法保存：{reason}。"),
    "nonfinite.skipped": (
        "Left out the step {place}: {what} Steps left out so far: {total}.",
        "略去了{place}的一步：{what} 至此共略去 {total} 步。",
    ),
    "nonfinite.left-out": (
        "Steps left out because they were NaN or infinite: {count}.",
        "因出现 NaN 或无穷而略去的步数：{count}。",
    ),
    "nonfinite.too-many": (
        "{count} steps in a row were left out before it, so it is not a matter of single batches.",
        "在此之前已连续略去 {count} 步，问题不在个别的批。",
    ),
    "nonfinite.remedy-rate": (
        "Lower train.optimizer.lr or set train.clip_norm.",
        "请降低 train.optimizer.lr，或设置 train.clip_norm。",
    ),
    "nonfinite.remedy-rows": (
        "Mend or remove those rows; train.non_finite=skip leaves out the steps that hold them.",
        "请修正或移除这些行；train.non_finite=skip 会略去含有它们的步。",
    ),
    "nonfinite.remedy": (
        "Lower train.optimizer.lr, set train.clip_norm, or keep that operation away from zero and from large values; "
        "train.non_finite=skip leaves such steps out.",
        "请降低 train.optimizer.lr，设置 train.clip_norm，或使该运算避开零和过大的值；train.non_finite=skip 会略去这样的步。",
    ),
    "nonfinite.weights": (
        "an update with finite gradients made the weight {name} overflow; nothing is judged or saved from here on.",
        "梯度均为有限值，但更新使权重 {name} 溢出；此后不再评估或保存。",
    ),
    "nonfinite.weights.remedy": (
        "Lower train.optimizer.lr; the last checkpoint is sound.",
        "请降低 train.optimizer.lr；最后一个检查点是完好的。",
    ),
    "nonfinite.unreadable": ("it is no batch that was kept: {reason}.", "它不是保存下来的批：{reason}。"),
}
