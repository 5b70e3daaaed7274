"""Texts of face recognition: (English, Chinese)."""

FEW = (
    "There are training pictures of {count} people; at least two are needed to tell people apart.",
    "训练图片只有 {count} 个人；至少需要两个人才能学会区分。",
)
FEW_REMEDY = (
    "Lay out one folder for each person, or make val and test smaller (data.split).",
    "请为每个人建一个文件夹，或减小 val 与 test（data.split）。",
)
MIXED = (
    "{name} makes pictures of two people at once, which belong to nobody.",
    "{name} 会把两个人混成一张不属于任何人的图片。",
)
MIXED_REMEDY = ("Take flip, crop, rotate, color-jitter or erase.", "请改用 flip、crop、rotate、color-jitter 或 erase。")
NO_PAIRS = ("There are no pairs in it.", "其中没有图片对。")
PAIR = (
    "This line is no pair: `person 1 2`, or `person 1 other 2`.",
    "此行不是图片对：应为 `person 1 2` 或 `person 1 other 2`。",
)
NO_PICTURE = (
    "Picture {number} of {who!r} is not among the predictions.",
    "预测结果中没有 {who!r} 的第 {number} 张图片。",
)
