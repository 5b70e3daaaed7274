"""What a masked language model says to people: (English, Chinese)."""

from __future__ import annotations

NO_ENCODER = (
    "{net} gives no vector for each token, from which a hidden one could be told.",
    "{net} 不为每个词元给出向量，无法据此还原被隐藏的词元。",
)
NO_ENCODER_REMEDY = (
    "Take text-transformer, or an encoder of Transformers as hf:NAME.",
    "请用 text-transformer，或以 hf:NAME 指定 Transformers 的编码器。",
)
NO_MASK = (
    "The tokenizer has no token that stands for what is hidden.",
    "该分词器没有表示“被隐藏”的词元。",
)
NO_MASK_REMEDY = (
    "Take words, characters or bpe, which are learnt from the texts, or a published tokenizer with <mask> or [MASK].",
    "请用从文本学到的 words、characters 或 bpe，或含有 <mask> 或 [MASK] 的公开分词器。",
)
