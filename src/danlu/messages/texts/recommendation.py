"""What recommendation says to people: (English, Chinese)."""

TEXTS = {
    "recommendation.dividing": ("Dividing who met what", "正在划分交互记录"),
    "recommendation.shared": (
        "{count:,} pairs of user and item are in more than one part: what is to be found was seen before.",
        "有 {count:,} 对用户与物品出现在多个部分中：要预测的内容已经见过。",
    ),
    "recommendation.shared.remedy": (
        "Leave the column of parts out, so that Danlu divides them, or keep the first of each pair.",
        "请去掉划分列，由丹炉划分；或每对只保留第一条。",
    ),
    "recommendation.no-time": ("There is no column of times to divide by.", "没有可用于划分的时间列。"),
    "recommendation.no-time.remedy": (
        "Name it: data.columns: {{time: COLUMN}}, or take options.split: random.",
        "请指定：data.columns: {{time: 列名}}，或用 options.split: random。",
    ),
    "recommendation.no-times": (
        "{name} looks at the order in which things were met, and there is no column of times.",
        "{name} 需要接触的先后顺序，而数据中没有时间列。",
    ),
    "recommendation.all-met": (
        "A user has met every item in training, so that none can be drawn beside them.",
        "有用户在训练部分中接触过所有物品，无法再为其抽取未接触的物品。",
    ),
    "recommendation.dense": (
        "{name} can't work on gradients that hold the batch's rows alone; these can: {sparse}.",
        "{name} 无法处理只含批次所涉各行的梯度；可用：{sparse}。",
    ),
    "recommendation.sparse-and": (
        "{key} reaches every row of an embedding, gradients of the batch's rows alone do not.",
        "{key} 涉及嵌入的每一行，而梯度只含批次所涉的行。",
    ),
    "recommendation.sparse-and.remedy": (
        "Leave it out, or take another optimizer (options.sparse: false).",
        "请去掉它，或换用其他优化器（options.sparse: false）。",
    ),
    "recommendation.no-net": ("{name} is no net of users and items.", "{name} 不是用户与物品的网络。"),
    "recommendation.no-net.remedy": (
        "Take collaborative-filtering, neumf, lightgcn, sasrec, ease, item-knn, popularity, or one of your own that is made with "
        "(users, items) and called with their ids.",
        "请用 collaborative-filtering、neumf、lightgcn、sasrec、ease、item-knn、popularity，或自己的网络：以 (users, items) 构造，以编号调用。",
    ),
}
