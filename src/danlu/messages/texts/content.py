"""What content recommendation says to people: (English, Chinese)."""

TEXTS = {
    "content.no-item": ("There is no item {name!r} in the table.", "表中没有物品 {name!r}。"),
    "content.no-net": ("{name} is no net of items by their content.", "{name} 不是基于内容的物品网络。"),
    "content.no-net.remedy": (
        "Take two-tower, tf-idf, or one of your own that is made with (users, items, content).",
        "请用 two-tower、tf-idf，或自己的网络：以 (users, items, content) 构造。",
    ),
    "content.none": ("Nothing is known of the items but their ids.", "除编号外，没有关于物品的任何信息。"),
    "content.none.remedy": (
        "Name their table: options.id.titles=items.csv; its first column holds the ids.",
        "请指定物品表：options.id.titles=items.csv，其第一列为编号。",
    ),
}
