"""Nets that write."""

TEXTS = {
    "generating.no-writer": ("{name} is no net that writes texts token by token.", "{name} 不是逐词元书写文本的网络。"),
    "generating.no-writer.remedy": (
        "Take {net}, or a net of your own with begin and step (docs: translation).",
        "请用 {net}，或自己的带有 begin 与 step 方法的网络（见文档“翻译”）。",
    ),
}
