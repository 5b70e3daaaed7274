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
    "generating.two-vocabularies": (
        "A net of Transformers has one vocabulary for what it reads and writes, and here there are two.",
        "Transformers 的网络读写共用一个词表，而这里有两个。",
    ),
    "generating.two-vocabularies.remedy": ("Set options.shared: true", "请设置 options.shared: true"),
}
