"""Texts about parts that must not share a class."""

TEXTS = {
    "disjoint.shared": (
        "{column} {name!r} is in more than one part ({parts}), and so are {count} in all: what is learnt of it would be tested on it.",
        "{column} {name!r} 同时出现在多个部分（{parts}），这样的共有 {count} 个：学过的身份会被用来测试。",
    ),
    "disjoint.shared.remedy": (
        "Give every {column} to one part, or leave the division to data.split, which divides by {column}.",
        "请把每个 {column} 只放进一个部分，或交给 data.split 来划分（它按 {column} 划分）。",
    ),
    "disjoint.stratify": (
        "Each {column} is in one part only, so the parts can't hold equal shares of each: leave stratify at auto.",
        "每个 {column} 只属于一个部分，因此无法在各部分中保持相同比例：请让 stratify 保持 auto。",
    ),
}
