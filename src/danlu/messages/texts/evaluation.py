"""Texts of evaluation: key → (English, Chinese)."""

TEXTS = {
    "evaluation.no-predictions": (
        "it holds no predictions of the {part} part.",
        "其中没有 {part} 部分的预测结果。",
    ),
    "evaluation.no-predictions.remedy": (
        "Make them: `danlu evaluate {run} --part {part}`.",
        "请先生成：`danlu evaluate {run} --part {part}`。",
    ),
    # baselines
    "evaluation.baseline.majority": ("majority", "多数类"),
    "evaluation.baseline.mean": ("mean", "均值"),
    "evaluation.baseline.median": ("median", "中位数"),
    "evaluation.baseline.linear": ("linear", "线性模型"),
    "evaluation.baseline.nearest": ("nearest", "最近邻"),
    "evaluation.baseline.average-box": ("average-box", "平均框"),
    "evaluation.points": ("{points} points", "{points} 个百分点"),
    "evaluation.beats": (
        "The net beats the best baseline ({name}, {value}) by {by}.",
        "网络优于最好的基线（{name}，{value}），差距为 {by}。",
    ),
    "evaluation.beats-surely": (
        "The net beats the best baseline ({name}, {value}) by {by} ({confidence} interval {low} to {high}).",
        "网络优于最好的基线（{name}，{value}），差距为 {by}（{confidence} 区间 {low} 至 {high}）。",
    ),
    "evaluation.beaten-not": (
        "The net does not beat the best baseline ({name}, {value}): it is worse by {by}.",
        "网络没有超过最好的基线（{name}，{value}）：落后 {by}。",
    ),
    "evaluation.beaten-not-surely": (
        "The net does not surely beat the best baseline ({name}, {value}): it is better by {by}, but the {confidence} "
        "interval, {low} to {high}, reaches 0.",
        "不能确定网络超过了最好的基线（{name}，{value}）：领先 {by}，但 {confidence} 区间 {low} 至 {high} 包含 0。",
    ),
    "evaluation.worse": (
        "The net does not beat the best baseline ({name}, {value}): it is worse by {by} (its gain lies between {low} and "
        "{high}, {confidence} interval).",
        "网络没有超过最好的基线（{name}，{value}）：落后 {by}（增益的 {confidence} 区间为 {low} 至 {high}）。",
    ),
    "evaluation.beside": ("Baselines on the same samples: {baselines}", "同样样本上的基线：{baselines}"),
}
