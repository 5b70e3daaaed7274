"""Texts of the index of embeddings."""

TEXTS = {
    "index.none": ("There is no index here.", "此处没有索引。"),
    "index.none.remedy": ("Make one: `danlu index create`.", "请先创建：`danlu index create`。"),
    "index.taken": ("Something lies there already.", "此处已有内容。"),
    "index.taken.remedy": ("Name a folder that is empty or not there yet.", "请指定一个空文件夹或尚不存在的文件夹。"),
    "index.files": ("Its files don't belong together.", "其中的文件互不相配。"),
    "index.too-large": ("Its files are larger than 64 GiB.", "其中的文件超过 64 GiB。"),
    "index.newer": (
        "It was written in format {found} by a later Danlu; this one knows format {known}.",
        "它由更新版本的 Danlu 以格式 {found} 写成；当前版本只认识格式 {known}。",
    ),
    "index.damaged.remedy": (
        "Take a copy, or make the index anew from its inputs.",
        "请使用备份，或由原始输入重新创建索引。",
    ),
    "index.zero": (
        "Its vector is all zeros, which has no direction: a cosine with it means nothing.",
        "它的向量全为零，没有方向，余弦没有意义。",
    ),
    "index.counts": (
        "{vectors} vectors, {ids} ids and {labels} labels don't belong together.",
        "{vectors} 个向量、{ids} 个编号与 {labels} 个标签的个数不一致。",
    ),
    "index.name": (
        "Ids and labels are texts of at most {most} characters.",
        "编号和标签必须是不超过 {most} 个字符的文本。",
    ),
    "index.twice": ("This id is there already, or is given twice.", "该编号已存在，或重复给出。"),
    "index.twice.remedy": (
        "Give another id, or let the new entry take the old one's place (--replace).",
        "请换一个编号，或用新条目替换旧条目（--replace）。",
    ),
    "index.missing": ("The index has no such id or label.", "索引中没有这个编号或标签。"),
    "index.missing.remedy": ("`danlu index show` lists what it holds.", "`danlu index show` 会列出其中的内容。"),
    "index.k": ("From 1 to {most} neighbours can be asked for.", "可查询 1 到 {most} 个近邻。"),
    "index.no-threshold": (
        "It has no threshold yet, so nobody can be told to be unknown.",
        "尚未设定阈值，无法判断是否为未知者。",
    ),
    "index.no-threshold.remedy": (
        "Choose one: `danlu index calibrate INDEX PREDICTIONS --far 0.01`.",
        "请先设定：`danlu index calibrate INDEX PREDICTIONS --far 0.01`。",
    ),
    "index.shape": (
        "Vectors of {dimensions} numbers are wanted, not {found}.",
        "需要 {dimensions} 维的数值向量，得到的是 {found}。",
    ),
    "index.not-finite": (
        "Vector {row} (counted from 0) holds what is no number (NaN or infinite).",
        "第 {row} 个向量（从 0 数起）含有非有限的值（NaN 或无穷）。",
    ),
    "index.far": (
        "A false acceptance rate of {far} can't be told from {pairs} comparisons of different labels; the least is {least}.",
        "仅凭 {pairs} 次不同标签之间的比较无法判断误识率 {far}；最小可判断 {least}。",
    ),
    "index.far.remedy": (
        "Ask for a larger rate, or give more labelled vectors that nothing was learnt from.",
        "请放宽误识率，或提供更多未参与训练的带标签向量。",
    ),
    "index.no-vectors": (
        "No vectors can be read from it: {reason}",
        "无法从中读取向量：{reason}",
    ),
    "index.no-vectors.remedy": (
        "Give a .npy, .safetensors or Parquet file of vectors; or files that the index's model embeds.",
        "请提供存有向量的 .npy、.safetensors 或 Parquet 文件，或可由索引的模型编码的原始文件。",
    ),
    "index.which": (
        "it holds {count} that could be meant ({names}); name one.",
        "其中有 {count} 个候选（{names}），请指明其一。",
    ),
    "index.no-column": ("it has no {name!r}.", "其中没有 {name!r}。"),
    "index.no-list": ("{name!r} holds no lists of equally many numbers.", "{name!r} 不是等长的数值列表。"),
    "index.two-dimensional": ("the array has shape {shape}, not (N, D).", "数组形状为 {shape}，而不是 (N, D)。"),
    "index.no-model": (
        "The index has no model that could embed files.",
        "该索引没有可用来编码文件的模型。",
    ),
    "index.no-model.remedy": (
        "Create it with --model RUN|ARTIFACT, or give vectors.",
        "请用 --model RUN|ARTIFACT 创建，或直接提供向量。",
    ),
    "index.no-user": (
        "The model has learnt nothing of this user, so that there is no vector to ask with.",
        "模型没有学过该用户，因此没有可用于查询的向量。",
    ),
    "index.no-user.remedy": (
        "`danlu predict RUN USER` answers with what is popular.",
        "`danlu predict RUN USER` 会给出热门物品。",
    ),
    "index.no-item": ("The model knows no item of this id.", "模型中没有这个编号的物品。"),
    "index.no-item.remedy": (
        "Items that it has not learnt are added as vectors.",
        "模型没有学过的物品请以向量形式加入。",
    ),
    "index.inner": (
        "This model's scores are inner products, which a cosine does not keep: leave --metric out.",
        "该模型的得分是内积，余弦无法保留其次序：请去掉 --metric。",
    ),
    "index.no-embedding": (
        "Its answers hold no embedding.",
        "它的输出中没有嵌入向量。",
    ),
    "index.no-embedding.remedy": (
        "Take a run of an application that gives one (face-recognition, self-supervised), or of a recommender by products of vectors.",
        "请使用能给出嵌入的应用（face-recognition、self-supervised），或以向量之积计分的推荐模型的运行。",
    ),
    "index.other-model": (
        "The model is not the one that this index was made with; its embeddings don't compare.",
        "该模型不是创建此索引时所用的模型，两者的嵌入不可比较。",
    ),
    "index.other-model.remedy": (
        "Put the old model back, or create the index anew.",
        "请恢复原来的模型，或重新创建索引。",
    ),
    # command line
    "index.made": (
        "Made: {path} ({dimensions} numbers a vector, {metric}).",
        "已创建：{path}（每个向量 {dimensions} 维，{metric}）。",
    ),
    "index.added": ("Added {count}; {total} in all.", "已添加 {count} 条；共 {total} 条。"),
    "index.removed": ("Removed {count}; {total} are left.", "已删除 {count} 条；剩余 {total} 条。"),
    "index.far-searches": (
        "A rate of {far} can't be told from {searches} searches by strangers; the least is {least}.",
        "仅凭 {searches} 次陌生人的查找无法判断比例 {far}；最小可判断 {least}。",
    ),
    "index.far-searches.remedy": (
        "Ask for a larger rate, or give more pictures (or vectors) of people who are not in the index.",
        "请放宽该比例，或提供更多不在索引中的人的图像（或向量）。",
    ),
    "index.empty": ("The index has no entry yet.", "索引中还没有条目。"),
    "index.empty.remedy": (
        "Add those who are to be known first: how often a stranger is taken for one of them depends on how many they are.",
        "请先加入要认识的人：陌生人被误认的比例取决于条目的数量。",
    ),
    "index.threshold-searches": (
        "Threshold {threshold:.4f}: of {searches:,} searches by people without an entry {far:.3g} find somebody.",
        "阈值 {threshold:.4f}：{searches:,} 次无条目者的查找中有 {far:.3g} 会找到某人。",
    ),
    "index.arg.searches": (
        "calibrate: --far is the share of searches by people without an entry that find somebody, not of single comparisons",
        "calibrate：--far 指无条目者的查找中找到某人的比例，而不是单次比较的比例",
    ),
    "index.threshold": (
        "Threshold {threshold:.4f}: of {impostors:,} comparisons of different labels {far:.3g} reach it{genuine}.",
        "阈值 {threshold:.4f}：{impostors:,} 次不同标签的比较中有 {far:.3g} 达到它{genuine}。",
    ),
    "index.genuine": (", of those of the same label {tar:.1%}", "，相同标签的比较有 {tar:.1%} 达到"),
    "index.unknown": ("unknown", "未知"),
    "index.no-calibration": (
        "No threshold yet: {reason}",
        "尚无阈值：{reason}",
    ),
    "index.failed": ("{failed} of {total} could not be used.", "{total} 个中有 {failed} 个无法使用。"),
    "index.head.id": ("id", "编号"),
    "index.head.label": ("label", "标签"),
    "index.arg.verb": (
        "create, add, search, remove, calibrate or show",
        "create、add、search、remove、calibrate 或 show",
    ),
    "index.arg.words": (
        "the index's folder, then files, folders, vectors (.npy, .safetensors, .parquet), or ids",
        "索引所在文件夹，之后是文件、文件夹、向量（.npy、.safetensors、.parquet）或编号",
    ),
    "index.arg.model": (
        "create: run or artifact that embeds files, or a recommender's run, whose items are added",
        "create：用来编码文件的运行或部署包；或推荐模型的运行，其物品会全部加入",
    ),
    "index.arg.dimensions": ("create without a model: numbers in a vector", "create（无模型）：向量的维数"),
    "index.arg.metric": ("create: cosine or inner", "create：cosine 或 inner"),
    "index.arg.far": (
        "create, calibrate: false acceptance rate at which strangers are told (default 0.01)",
        "create、calibrate：拒绝未知者所用的误识率（默认 0.01）",
    ),
    "index.arg.label": (
        "add: label of everything that is added; remove: everything of this label",
        "add：所有新条目的标签；remove：删除该标签的全部条目",
    ),
    "index.arg.column": (
        "column of the vectors where a file holds several",
        "文件含多个候选时，向量所在的列",
    ),
    "index.arg.k": ("search: neighbours that are shown (default 5)", "search：显示的近邻个数（默认 5）"),
    "index.arg.replace": ("add: entries of the same id give way", "add：替换编号相同的旧条目"),
}
