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
}
