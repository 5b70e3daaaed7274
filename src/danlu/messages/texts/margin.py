"""Texts of the margin losses."""

TEXTS = {
    "margin.mixed": (
        "A margin is one towards a single class: leave mixup and cutmix out.",
        "边距针对单一类别：请去掉 mixup 和 cutmix。",
    ),
    "margin.remedy": (
        "This loss needs cosines (B, K) to K class centres beside labels (B,).",
        "该损失需要到 K 个类中心的余弦 (B, K) 和标签 (B,)。",
    ),
}
