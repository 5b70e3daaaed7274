"""Texts about tables."""

TEXTS: dict[str, tuple[str, str]] = {
    "tables.answer": ("{value!r} is neither yes nor no.", "{value!r} 既不是“是”也不是“否”。"),
    "tables.date": ("{value!r} is not a date as this column writes them.", "{value!r} 不是此列所用格式的日期。"),
    "tables.cell": ("column {column}: {reason}", "列 {column}：{reason}"),
    "tables.no-row": (
        "A row is a mapping from column names to values, not {type}.",
        "一行应是“列名 → 取值”的映射，而不是 {type}。",
    ),
    "tables.absent": (
        "There is no column {names}. A value that isn't known is written as null, or as an empty cell.",
        "缺少列 {names}。未知的值请写成 null 或空单元格。",
    ),
    "tables.no-column": ("There is no column {name!r}; there are {names}.", "没有名为 {name!r} 的列；现有 {names}。"),
    "tables.none": ("Nothing is left to learn from: {columns}.", "没有可供学习的列：{columns}。"),
    "tables.none.remedy": (
        "Say what a column holds: options.features.types={{NAME: category}}.",
        "请指明列的类型：options.features.types={{列名: category}}。",
    ),
    "tables.looking": ("Looking at the columns", "正在分析各列"),
    "tables.why.empty": ("empty", "全空"),
    "tables.why.constant": ("always {value}", "恒为 {value}"),
    "tables.why.id": ("another value in every row", "每行取值都不同"),
    "tables.why.dates": (
        "dates written in several ways ({forms}): write them in one",
        "日期有多种写法（{forms}），请统一写法",
    ),
    "tables.note.twice": (
        "{count} {count:row has|rows have} the same time as the one before: lags take the first of them; what tells them apart is named by "
        "data.split.group",
        "有 {count} 行与前一行时间相同：滞后取其中第一行；能区分它们的列用 data.split.group 指定",
    ),
    "tables.note.gaps": (
        "{count} {count:gap|gaps} in the times of the series: lags that fall there are missing values",
        "时间序列中有 {count} 处间断：落在其中的滞后按缺失值处理",
    ),
    "tables.why.many": (
        "{different:,} different values in {rows:,} rows; to use it as a category: options.features.types",
        "{rows:,} 行中有 {different:,} 个不同取值；如需作为类别使用：options.features.types",
    ),
    "tables.why.text": ("free text; a text application reads it", "自由文本，请用文本类应用"),
    "tables.why.ignored": ("ignored, as the recipe says", "按配方忽略"),
    "tables.why.written": ("written as {example}", "写法如 {example}"),
    "tables.written": ("'{value}' is no number as {example}", "“{value}”不是形如 {example} 的数"),
    "tables.why.asked": ("as the recipe says", "由配方指定"),
    "tables.leak": (
        "Column {name} alone predicts the target almost perfectly ({measure} {score:.3f}): is it known when the question is asked? "
        "Leave it out by options.features.ignore=[{name}].",
        "仅凭列 {name} 就几乎能完全预测目标（{measure} {score:.3f}）：提问时它真的已知吗？可用 options.features.ignore=[{name}] 去掉它。",
    ),
    "tables.lags-no-time": ("Lags need to know when each row is.", "使用滞后特征需要知道每行的时间。"),
    "tables.lags-no-time.remedy": ("Name the column: data.split.time=COLUMN.", "请指定时间列：data.split.time=列名。"),
    "tables.excel": ("{path} is a spreadsheet, which can't be read.", "{path} 是电子表格文件，无法读取。"),
    "tables.excel.remedy": ("Save the sheet as CSV and name that.", "请将工作表另存为 CSV，再指定该文件。"),
    "tables.not-a-table-net": (
        "{name} is not a net for tables: it has to take the numbers and categories of a row.",
        "{name} 不是表格网络：它须接受一行中的数值和类别。",
    ),
    "tables.interval": (
        "Intervals of answers: ± {half}, which holds {held} of the {samples} validation rows.",
        "预测区间：± {half}，覆盖 {samples} 个验证样本中的 {held}。",
    ),
    "tables.report": ("Columns of the table", "表格的列"),
    "tables.type.number": ("number", "数值"),
    "tables.type.category": ("category", "类别"),
    "tables.type.date": ("date", "日期"),
    "tables.type.boolean": ("yes or no", "是/否"),
    "tables.type.text": ("text", "文本"),
    "tables.type.id": ("id", "标识"),
    "tables.type.constant": ("constant", "常量"),
    "tables.report.type": ("type", "类型"),
    "tables.report.used": ("used", "是否使用"),
    "tables.report.why": ("why", "原因"),
    "tables.report.yes": ("yes", "是"),
    "tables.report.no": ("no", "否"),
}
