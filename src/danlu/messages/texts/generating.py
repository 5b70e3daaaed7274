"""Nets that write."""

TEXTS = {
    "generating.no-writer": ("{name} is no net that writes texts token by token.", "{name} 不是逐词元书写文本的网络。"),
    "generating.no-writer.remedy": (
        "Take {net}, or a net of your own with begin and step (docs: translation).",
        "请用 {net}，或自己的带有 begin 与 step 方法的网络（见文档“翻译”）。",
    ),
    "generating.hub-no-writer": (
        "{net} is a net of kind {kind}, of which Transformers has no version that reads one text and writes another.",
        "{net} 属于 {kind} 类网络，Transformers 没有它的“读一段文本、写另一段文本”的版本。",
    ),
    "generating.hub-no-writer.remedy": (
        "Take one that translates, such as Marian, T5 or BART.",
        "请选用能翻译的网络，例如 Marian、T5 或 BART。",
    ),
    "generating.hub-no-causal": (
        "{net} is a net of kind {kind}, of which Transformers has no version that continues texts.",
        "{net} 属于 {kind} 类网络，Transformers 没有它的“续写文本”的版本。",
    ),
    "generating.hub-no-causal.remedy": (
        "Take a decoder such as GPT-2, Llama or Qwen2.",
        "请选用 GPT-2、Llama、Qwen2 之类的解码器。",
    ),
    "generating.looks-ahead": (
        "{net} ({kind}) looks at the tokens that it is to foretell.",
        "{net}（{kind}）会看到它应当预测的词元。",
    ),
    "generating.no-state": (
        "{net} ({kind}) keeps no keys and values with which a text could be gone on with ({reason}).",
        "{net}（{kind}）不保存可用来继续书写的键与值（{reason}）。",
    ),
    "generating.no-room": (
        "{net} takes at most {most} tokens, which leaves no room for a text behind which {written} are written.",
        "{net} 最多接收 {most} 个词元；若要续写 {written} 个，就没有位置给原文了。",
    ),
    "generating.no-room.remedy": (
        "Set options.new_tokens: {most} or less",
        "请把 options.new_tokens 设为 {most} 或更小",
    ),
    "generating.two-vocabularies": (
        "A net of Transformers has one vocabulary for what it reads and writes, and here there are two.",
        "Transformers 的网络读写共用一个词表，而这里有两个。",
    ),
    "generating.two-vocabularies.remedy": ("Set options.shared: true", "请设置 options.shared: true"),
}
