"""Texts as data: tokenizers, what was mended, near duplicates."""

TEXTS = {
    "text.type": ("A text is meant, but this is {type}.", "这里应为文本，却是 {type}。"),
    "text.long": (
        "It has {count} characters or bytes, more than the {most} that are taken for a text.",
        "它有 {count} 个字符或字节，超过了一段文本的上限 {most}。",
    ),
    "text.empty-after": (
        "Nothing that the tokenizer knows as a token is left of it.",
        "分词之后没有剩下任何词元。",
    ),
    "text.note.controls": (
        "control characters (NUL among them) read as spaces",
        "控制字符（含 NUL）按空格处理",
    ),
    "text.note.replaced": (
        "holds replacement characters (U+FFFD): it was once decoded wrongly",
        "含替换字符（U+FFFD）：曾被错误解码",
    ),
    "text.note.cut": ("cut to {most} tokens", "截断为 {most} 个词元"),
    "text.no-tokenizer": ("There is no {file} of {name}.", "找不到 {name} 的 {file}。"),
    "text.no-tokenizer.remedy": (
        "Name a folder that holds it, or a repository that is in the hub's cache.",
        "请给出含有该文件的文件夹，或已在 hub 缓存中的仓库名。",
    ),
    "text.bad-tokenizer": (
        "The tokenizer of {name} can't be read ({reason}).",
        "无法读取 {name} 的分词器（{reason}）。",
    ),
    "text.no-lengths": (
        "No input is a sequence whose length is known before it is read.",
        "没有任何输入是读取之前就知道长度的序列。",
    ),
    "text.no-lengths.remedy": (
        "Leave out data.bucket and train.tokens, or data.storage: stream.",
        "请去掉 data.bucket 与 train.tokens，或去掉 data.storage: stream。",
    ),
    "text.none": (
        "There is no usable text in this column ({reason}).",
        "该列中没有可用的文本（{reason}）。",
    ),
    "text.not-a-text-net": (
        "The net {name} does not take texts: a class that takes the number of ids (vocabulary) and of classes is meant.",
        "网络 {name} 不接收文本：这里需要一个以词元数（vocabulary）和类别数为参数的类。",
    ),
    "text.other-tokenizer": (
        "The weights of {net} know {rows} ids, but the tokenizer has {ids}.",
        "{net} 的权重只有 {rows} 个词元编号，而分词器有 {ids} 个。",
    ),
    "text.other-tokenizer.remedy": (
        "Use the tokenizer that they were learnt with: data.text.tokenizer: hf:{net}",
        "请使用与权重配套的分词器：data.text.tokenizer: hf:{net}",
    ),
    "text.too-long": (
        "{net} takes at most {most} tokens, and texts are cut to {longest}.",
        "{net} 最多接收 {most} 个词元，而文本截断到 {longest} 个。",
    ),
    "text.too-long.remedy": ("Set data.text.max_length: {most}", "请设置 data.text.max_length: {most}"),
    "text.hub-no-text": (
        "{net} is a net of kind {kind}, of which Transformers has no text classifier.",
        "{net} 属于 {kind} 类网络，Transformers 没有它的文本分类版本。",
    ),
}
