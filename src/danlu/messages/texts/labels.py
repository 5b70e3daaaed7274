"""Texts about sets of classes (multi-label)."""

TEXTS: dict[str, tuple[str, str]] = {
    "labels.no-classes": (
        "Not one label stands in this column.",
        "这一列中没有任何标签。",
    ),
    "labels.json": (
        "{value} looks like a list but isn't one.",
        "{value} 看起来像列表，但不是。",
    ),
    "labels.lacking": (
        "There is no value for {names}.",
        "{names} 没有取值。",
    ),
    "labels.answer": (
        "Column {column} says {value!r} where 0 or 1 is expected.",
        "列 {column} 的值是 {value!r}，应为 0 或 1。",
    ),
    "labels.several": (
        "Column {column} ({kind}) can't be made of several columns.",
        "列 {column}（{kind}）不能由多列组成。",
    ),
    "labels.several.remedy": (
        "Name one column; several are for sets of labels only.",
        "请只写一列；只有标签集合才能由多列组成。",
    ),
    "labels.focal": (
        "A focal loss of independent labels has no weights of its own for each label.",
        "独立标签的 focal 损失没有逐标签的权重。",
    ),
    "labels.focal.remedy": (
        "Use loss: binary-cross-entropy with balance: class-weights, or focal with its alpha.",
        "请使用 loss: binary-cross-entropy 加 balance: class-weights，或使用带 alpha 的 focal。",
    ),
    "labels.tuned": (
        "Each label's threshold tuned for {metric} on the validation part, {before} → {after} there (too good an estimate: it was chosen "
        "on it). They hold for the test and for every answer from now on; probabilities stay as they are.",
        "已在验证部分按 {metric} 为每个标签调整阈值：{before} → {after}（因为就是在它上面选的，这一估计偏高）。此后测试和所有回答都按这些阈值判断；概率保持不变。",
    ),
    "labels.weights": (
        "pos_weight has {given} numbers where there are {classes} labels.",
        "pos_weight 有 {given} 个数，而标签有 {classes} 个。",
    ),
    "labels.weights.remedy": (
        "Give one number for all, or one for each label in their order.",
        "请给出一个共用的数，或按顺序为每个标签各给一个。",
    ),
    "labels.section": ("Labels", "各标签"),
    "labels.about": (
        "How each label is found in {part}, the worst first; small below: {confidence} intervals. Above its threshold a label is found.",
        "{part}中各标签的检出情况，最差的在前；下方小字为 {confidence} 区间。概率高于阈值即判为有该标签。",
    ),
    "labels.support": ("samples", "样本数"),
    "labels.threshold": ("threshold", "阈值"),
    "labels.precision": ("precision", "精确率"),
    "labels.recall": ("recall", "召回率"),
    "labels.absent": (
        "{count} {count:label is|labels are} in no sample here and in no mean over labels: {names}.",
        "有 {count} 个标签在这里没有任何样本，不计入标签平均：{names}。",
    ),
    "labels.together": ("Labels that stand together", "同时出现的标签"),
    "labels.pair": ("pair", "标签对"),
    "labels.both-true": ("have both", "同时具有"),
    "labels.both-found": ("both found", "同时检出"),
    "labels.worst": ("Labels of the samples answered worst", "回答最差的样本的标签"),
    "labels.has": ("has", "应有"),
    "labels.missed": ("missed", "漏检"),
    "labels.extra": ("wrongly found", "误检"),
}
