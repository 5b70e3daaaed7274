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
    "evaluation.baseline.tfidf": ("TF-IDF + logistic regression", "TF-IDF + 逻辑回归"),
    "evaluation.baseline.linear": ("linear", "线性模型"),
    "evaluation.baseline.boosting": ("boosting", "梯度提升"),
    "evaluation.baseline.seasonal-naive": ("seasonal naive", "季节性朴素预测"),
    "evaluation.baseline.nearest": ("nearest", "最近邻"),
    "evaluation.baseline.copy": ("copy of the source", "照抄原文"),
    "evaluation.baseline.nearest-sentence": ("nearest training sentence", "最近的训练句"),
    "evaluation.baseline.kneser-ney": ("Kneser-Ney trigrams", "Kneser-Ney 三元模型"),
    "evaluation.baseline.average-box": ("average-box", "平均框"),
    "evaluation.baseline.most-frequent": ("most-frequent", "最常见类别"),
    "evaluation.baseline.pixel-colour": ("pixel-colour", "像素颜色"),
    "evaluation.baseline.pixels": ("pixels", "原始像素"),
    "evaluation.baseline.eigenfaces": ("eigenfaces", "特征脸"),
    "evaluation.baseline.frequent": ("most frequent labels", "最常见的标签"),
    "evaluation.baseline.one-vs-rest": ("one-versus-rest logistic regression", "一对其余逻辑回归"),
    "evaluation.baseline.rate": ("share of clicks", "平均点击率"),
    "evaluation.baseline.biases": ("user and item biases", "用户与物品偏置"),
    "evaluation.baseline.popularity": ("popularity", "热门物品"),
    "evaluation.baseline.tf-idf": ("TF-IDF", "TF-IDF 相似度"),
    "evaluation.baseline.ease": ("EASE", "EASE 线性模型"),
    "evaluation.baseline.item-knn": ("nearest items", "最近邻物品"),
    "evaluation.baseline.no-answer": ("never an answer", "一律不作答"),
    "evaluation.baseline.best-overlap": ("sentence in common with the question", "与问题重合最多的句子"),
    "evaluation.points": ("{points} points", "{points} 个百分点"),
    "evaluation.beats": (
        "The net beats the best baseline ({name}, {value}) by {by}.",
        "网络优于最好的基线（{name}，{value}），差距为 {by}。",
    ),
    "evaluation.beats-surely": (
        "The net beats the best baseline ({name}, {value}) by {by} ({confidence} interval {low} to {high}).",
        "网络优于最好的基线（{name}，{value}），差距为 {by}（{confidence} 区间 {low} 至 {high}）。",
    ),
    "evaluation.untrained.better": (
        "The net is better than before it learnt anything: {name} {value}, before that {before} ({by}; no interval is known).",
        "网络比学习之前更好：{name} 为 {value}，之前为 {before}（相差 {by}；区间未知）。",
    ),
    "evaluation.untrained.not": (
        "The net is not better than before it learnt anything ({name} {value}, before that {before}): it has learnt nothing that helps here.",
        "网络并不比学习之前更好（{name} 为 {value}，之前为 {before}）：没有学到对此有用的东西。",
    ),
    "evaluation.level": (
        "The net is level with the best baseline ({name}, {value}), and does not beat it.",
        "网络与最好的基线（{name}，{value}）持平，没有超过它。",
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
    # comparing runs
    "evaluation.better": (
        "{other} is better than {first} by {by} in {metric} ({confidence} interval {low} to {high}) on the same {samples} samples.",
        "在相同的 {samples} 个样本上，{other} 的 {metric} 优于 {first}，差距为 {by}（{confidence} 区间 {low} 至 {high}）。",
    ),
    "evaluation.no-difference": (
        "No difference in {metric} that these {samples} samples resolve: {other} gains {by} over {first} "
        "({confidence} interval {low} to {high}).",
        "这 {samples} 个样本分辨不出 {metric} 的差别：{other} 比 {first} 领先 {by}（{confidence} 区间 {low} 至 {high}）。",
    ),
    "evaluation.better-unsure": (
        "{other} is better than {first} by {by} in {metric} on the same {samples} samples; how sure that is isn't known.",
        "在相同的 {samples} 个样本上，{other} 的 {metric} 优于 {first}，差距为 {by}；其可靠程度未知。",
    ),
    "evaluation.worse-unsure": (
        "{other} is worse than {first} by {by} in {metric} on the same {samples} samples; how sure that is isn't known.",
        "在相同的 {samples} 个样本上，{other} 的 {metric} 不如 {first}，差距为 {by}；其可靠程度未知。",
    ),
    "evaluation.nothing-shared": (
        "{first} and {other} have judged no sample in common, so their figures can't be compared.",
        "{first} 与 {other} 没有评估过任何相同的样本，二者的数值不能相比。",
    ),
    "evaluation.partly-shared": (
        "Only samples that both judged count: {one} are {first}'s alone, {two} {other}'s alone.",
        "只计入二者都评估过的样本：{one} 个仅属于 {first}，{two} 个仅属于 {other}。",
    ),
    "evaluation.relabelled": (
        "{count} samples have different labels in the two and are left out.",
        "有 {count} 个样本在二者中标签不同，已略去。",
    ),
    "evaluation.recipes-differ": ("The recipes differ in: {differences}.", "配方的差别：{differences}。"),
    "evaluation.and-more": ("And in {count} more keys.", "另有 {count} 处。"),
    "evaluation.recipes-same": ("The recipes are the same.", "配方相同。"),
    "evaluation.data-differ": ("Their data are not the same.", "所用数据不同。"),
}
