"""What click prediction says to people: (English, Chinese)."""

TEXTS = {
    "clicks.dividing": ("Dividing the impressions", "正在划分展示记录"),
    "clicks.two": (
        "A click is a yes or a no; here are the answers {classes}.",
        "点击只有“是”与“否”两种取值；这里有：{classes}。",
    ),
    "clicks.two.remedy": (
        "Name a column of two answers: data.columns: {{click: COLUMN}}.",
        "请指定只有两种取值的列：data.columns: {{click: 列名}}。",
    ),
    "clicks.recalibrated": (
        "Recalibrated by the validation part: its {metric} goes from {before} to {after}.",
        "已按验证部分重新校准：其 {metric} 由 {before} 变为 {after}。",
    ),
    "clicks.positive": (
        "{name!r} is none of the answers {classes}.",
        "{name!r} 不在取值 {classes} 之中。",
    ),
}
