"""What translation says to people: (English, Chinese)."""

from __future__ import annotations

COPY = ("left out: the target is a copy of the source", "已略去：译文与原文相同")
RATIO = (
    "left out: the lengths of source and target are too far apart",
    "已略去：原文与译文的长度相差过大",
)
ALL_COPIES = (
    "{copies} of {rows} targets are copies of their sources, which are left out.",
    "{rows} 条译文中有 {copies} 条与原文相同，而相同者会被略去。",
)
ALL_COPIES_REMEDY = (
    "Check data.columns; if copies are meant, set options.copies to keep.",
    "请检查 data.columns；若确实需要相同的译文，请把 options.copies 设为 keep。",
)
NO_SACREBLEU = (
    "Translations are scored by sacrebleu, which is not installed.",
    "译文由 sacrebleu 评分，但它尚未安装。",
)
NO_SACREBLEU_REMEDY = ("Install it: pip install 'danlu[translation]'.", "请安装：pip install 'danlu[translation]'。")
SOURCE = ("source", "原文")
REFERENCE = ("reference", "参考译文")
WRITTEN = ("translation", "译文")
