"""Texts of the recipe: key → (English, Chinese)."""

TEXTS = {
    # ---- words of which others are made
    "recipe.or": (" or ", " 或 "),
    "recipe.comma": (", ", "、"),
    "recipe.and": (" and ", " 且 "),
    "recipe.anything": ("anything", "任意值"),
    "recipe.whole": ("a whole number", "整数"),
    "recipe.number": ("a number", "数"),
    "recipe.text": ("text", "文本"),
    "recipe.mapping": ("a mapping (key: value)", "映射（键: 值）"),
    "recipe.list": ("a list, each item {item}", "列表，每项为 {item}"),
    "recipe.list-of-many": ("a list of {items}", "依次为 {items} 的列表"),
    "recipe.choice": (
        "a name, {{name: …, argument: …}} or {{name: value}}",
        "名称、{{name: …, 参数: …}} 或 {{名称: 值}}",
    ),
    "recipe.section": ("a section with some of the keys {keys}", "含有下列键的一节：{keys}"),
    "recipe.the-recipe": ("a recipe", "配方"),
    "recipe.length": ("length", "长度"),
    "recipe.command-line": ("command line", "命令行"),
    "recipe.default-of": ("default of {task}", "{task} 的默认值"),
    "recipe.group.loss": ("loss", "损失"),
    "recipe.group.net": ("net", "网络"),
    "recipe.group.activation": ("activation", "激活函数"),
    "recipe.group.norm": ("norm", "归一化层"),
    "recipe.group.optimizer": ("optimizer", "优化器"),
    "recipe.group.schedule": ("schedule", "学习率计划"),
    "recipe.group.unfreeze": ("unfreezing", "解冻方式"),
    "recipe.group.adapter": ("adapter", "适配器"),
    "recipe.group.augmentation": ("augmentation", "数据增强"),
    "recipe.group.kind": ("kind", "列类型"),
    "recipe.group.source": ("source", "数据来源"),
    "recipe.group.task": ("task", "任务"),
    # ---- remedies
    "recipe.did-you-mean": ("Did you mean {name}?", "是不是想写 {name}？"),
    "recipe.look-alike": (
        "Did you mean {name}? What stands there holds {letters}, which only looks alike.",
        "是不是想写 {name}？此处含有 {letters}，只是看起来相像。",
    ),
    "recipe.nested": ("In a file it is written {nested}.", "在文件中应写成 {nested}。"),
    "recipe.path-character": (
        "a path can't hold the character {character}.",
        "路径中不能有字符 {character}。",
    ),
    "recipe.belongs": ("Its place is {key}.", "它应写在 {key}。"),
    "recipe.known-keys": ("Known here: {keys}.", "此处可用：{keys}。"),
    "recipe.leave-out": ("Leave it out.", "请去掉它。"),
    # ---- values and keys
    "recipe.unknown-key": (
        "there is no key {key} in {parent} (its value here: {value}).",
        "{parent} 中没有 {key} 这个键（此处的值为 {value}）。",
    ),
    "recipe.not-allowed": ("{value} is not allowed; it must be {allowed}.", "不能是 {value}；必须是{allowed}。"),
    "recipe.missing": ("a value is missing; it must be {allowed}.", "缺少值；必须是{allowed}。"),
    # ---- overrides
    "recipe.not-an-override": ("{text} is not of the form key=value.", "{text} 不是“键=值”的形式。"),
    "recipe.not-an-override.remedy": (
        "Write it like train.optimizer.lr=3e-4, without spaces around the equals sign.",
        "请写成 train.optimizer.lr=3e-4 的样子，等号两边不留空格。",
    ),
    "recipe.no-keys-below": (
        "{key} is a single value; there are no keys below it.",
        "{key} 是单个值，其下没有别的键。",
    ),
    "recipe.no-keys-below.remedy": ("Write {key}=VALUE.", "请写成 {key}=值。"),
    "recipe.not-an-index": (
        "{key} is a list with {count} items; {step} is no place in it.",
        "{key} 是有 {count} 项的列表；其中没有 {step} 这个位置。",
    ),
    "recipe.not-an-index.remedy": (
        "Items are counted from 0 ({key}.0); or write the whole list: {key}=[…].",
        "各项从 0 数起（{key}.0）；也可写出整个列表：{key}=[…]。",
    ),
    # ---- files
    "recipe.no-file": ("there is no such file.", "没有这个文件。"),
    "recipe.is-a-folder": ("this is a folder, not a recipe.", "这是文件夹，不是配方。"),
    "recipe.unreadable": ("the file can't be read: {reason}.", "无法读取文件：{reason}。"),
    "recipe.too-large": (
        "the file has {size} bytes; a recipe may have {limit}.",
        "文件有 {size} 字节；配方最多 {limit} 字节。",
    ),
    "recipe.too-large.remedy": ("Is this really a recipe?", "这真的是配方吗？"),
    "recipe.encoding": ("the file is not UTF-8 text.", "文件不是 UTF-8 文本。"),
    "recipe.encoding.remedy": ("Save it as UTF-8.", "请以 UTF-8 编码保存。"),
    "recipe.empty": ("the file is empty.", "文件是空的。"),
    "recipe.not-a-mapping": (
        "a recipe is a mapping (key: value), not a list or a single value.",
        "配方应为映射（键: 值），而不是列表或单个值。",
    ),
    "recipe.not-a-mapping.remedy": (
        "Begin with a line such as `task: image-classification`; `danlu new TASK` writes a recipe to begin with.",
        "请以 `task: image-classification` 这样的一行开头；`danlu new TASK` 可生成一份起始配方。",
    ),
    # ---- YAML
    "recipe.yaml.syntax": ("this is not valid YAML: {reason}.", "不是有效的 YAML：{reason}。"),
    "recipe.yaml.syntax.remedy": ("Check this line and the one before.", "请检查此行与前一行。"),
    "recipe.yaml.tab": ("a tab stands where YAML allows only spaces.", "此处有制表符，而 YAML 只允许空格。"),
    "recipe.yaml.tab.remedy": ("Indent with spaces.", "请用空格缩进。"),
    "recipe.yaml.colon": ("a colon stands where no key can be.", "冒号出现在不能有键的位置。"),
    "recipe.yaml.colon.remedy": (
        "Check the indentation of this line and the one before; put text that holds `: ` in quotes.",
        "请检查此行与前一行的缩进；含有 `: ` 的文本请加引号。",
    ),
    "recipe.yaml.no-colon": ("a colon is missing after a key.", "键的后面缺少冒号。"),
    "recipe.yaml.no-colon.remedy": (
        "Write `key: value`, with a space after the colon.",
        "请写成 `键: 值`，冒号后留一个空格。",
    ),
    "recipe.yaml.indentation": ("this line is not indented like those it belongs to.", "此行的缩进与同级各行不一致。"),
    "recipe.yaml.indentation.remedy": (
        "Give keys of one section the same number of spaces.",
        "同一节的各个键请用相同数量的空格缩进。",
    ),
    "recipe.yaml.bracket": ("a bracket opened here is not closed.", "此处的括号没有闭合。"),
    "recipe.yaml.bracket.remedy": ("Close it, and put commas between items.", "请将其闭合，并用逗号分隔各项。"),
    "recipe.yaml.quote": ("a quotation mark opened here is not closed.", "此处的引号没有闭合。"),
    "recipe.yaml.quote.remedy": ("Close it.", "请将其闭合。"),
    "recipe.yaml.escape": (
        "a backslash in double quotes begins an escape that YAML doesn't know.",
        "双引号中的反斜杠引出了 YAML 不认识的转义。",
    ),
    "recipe.yaml.escape.remedy": (
        "Use single quotes, or write \\\\ for a backslash.",
        "请改用单引号，或将反斜杠写成 \\\\。",
    ),
    "recipe.yaml.sign": ("{reason}.", "{reason}。"),
    "recipe.yaml.sign.remedy": ("Put the text in quotes.", "请给该文本加引号。"),
    "recipe.yaml.character": ("the character {character} can't stand in YAML.", "YAML 中不能出现字符 {character}。"),
    "recipe.yaml.character.remedy": ("Take it out.", "请将其删除。"),
    "recipe.yaml.tag": ("the tag {tag} is not allowed.", "不允许使用标签 {tag}。"),
    "recipe.yaml.tag.remedy": ("Write the plain value.", "请直接写值。"),
    "recipe.yaml.merge": ("merge keys (<<) are not part of YAML 1.2.", "合并键（<<）不属于 YAML 1.2。"),
    "recipe.yaml.merge.remedy": (
        "Write the keys out, or use an alias for the whole value.",
        "请把各键写出，或用别名代表整个值。",
    ),
    "recipe.yaml.duplicate": (
        "the key {key} stands here for the second time (first in line {line}).",
        "键 {key} 在此重复出现（首次在第 {line} 行）。",
    ),
    "recipe.yaml.duplicate.remedy": ("Keep one of them.", "请只保留一个。"),
    "recipe.yaml.key": ("a key must be plain text.", "键必须是普通文本。"),
    "recipe.yaml.key.remedy": ("Write `key: value`.", "请写成 `键: 值`。"),
    "recipe.yaml.alias": (
        "there is no anchor &{name} before the alias *{name}.",
        "别名 *{name} 之前没有锚点 &{name}。",
    ),
    "recipe.yaml.alias.remedy": (
        "Put &{name} before the value that is meant, or put the text in quotes.",
        "请在所指的值前加 &{name}，或给该文本加引号。",
    ),
    "recipe.yaml.endless": (
        "the alias *{name} stands inside what it means.",
        "别名 *{name} 出现在它自身所指的内容之中。",
    ),
    "recipe.yaml.endless.remedy": ("Write the value out.", "请把值写出。"),
    "recipe.yaml.second-document": ("a second document begins here.", "此处开始了第二个文档。"),
    "recipe.yaml.second-document.remedy": ("One file holds one recipe.", "一个文件只放一份配方。"),
    "recipe.yaml.too-deep": ("values are nested more than {limit} levels deep.", "值的嵌套超过 {limit} 层。"),
    "recipe.yaml.too-deep.remedy": ("Is this really a recipe?", "这真的是配方吗？"),
    "recipe.yaml.too-many": (
        "there are more than {limit} values, counting each use of an alias.",
        "值多于 {limit} 个（别名的每次使用都计入）。",
    ),
    "recipe.yaml.too-many.remedy": ("Is this really a recipe?", "这真的是配方吗？"),
    # ---- names
    "recipe.unknown-name": (
        "there is no {group} called {name}; it must be {allowed}.",
        "没有名为 {name} 的{group}；必须是 {allowed}。",
    ),
    "recipe.needs-a-name": (
        "it has arguments but no name ({group}), and there is no default to give it one.",
        "只给出了参数而没有名称（{group}），也没有默认值可用。",
    ),
    "recipe.not-an-object": (
        "{name} is not of the form package.module:Object.",
        "{name} 不是 package.module:Object 的形式。",
    ),
    "recipe.not-an-object.remedy": (
        "Example: mynet:Net for the class Net in mynet.py.",
        "例如：mynet.py 中的类 Net 写作 mynet:Net。",
    ),
    "recipe.no-module": ("there is no module {module}.", "没有模块 {module}。"),
    "recipe.no-module.remedy": (
        "Modules are found in {folder}, beside the recipe, and among the installed packages.",
        "模块在 {folder}、配方所在文件夹和已安装的包中查找。",
    ),
    "recipe.no-attribute": ("the module {module} ({file}) has no {name}.", "模块 {module}（{file}）中没有 {name}。"),
    "recipe.broken-module": (
        "importing {module} failed: {reason} ({place}).",
        "导入 {module} 失败：{reason}（{place}）。",
    ),
    "recipe.not-installed": ("{package} is not installed.", "未安装 {package}。"),
    "recipe.not-installed.remedy": ("Install it: pip install {package}.", "请安装：pip install {package}。"),
    "recipe.no-hub-folder": (
        "{folder} is no folder of a net of Transformers: there is no config.json in it.",
        "{folder} 不是 Transformers 网络的文件夹：其中没有 config.json。",
    ),
    "recipe.no-hub-folder.remedy": (
        "Name a folder that save_pretrained wrote, or a net of the hub (hf:microsoft/resnet-18).",
        "请写 save_pretrained 写出的文件夹，或 Hub 上的网络（如 hf:microsoft/resnet-18）。",
    ),
    "recipe.no-hub-name": ("{name} can't be the name of a net of the hub.", "{name} 不可能是 Hub 上网络的名称。"),
    "recipe.no-hub-name.remedy": (
        "Write hf:OWNER/NAME, hf:OWNER/NAME@REVISION, or hf:./FOLDER.",
        "请写 hf:所有者/名称、hf:所有者/名称@版本，或 hf:./文件夹。",
    ),
    "recipe.unknown-published": (
        "{package} has no net called {name} among its {count}.",
        "{package} 的 {count} 个网络中没有 {name}。",
    ),
    "recipe.unknown-published.remedy": ("In Python, {listing} lists them.", "在 Python 中可用 {listing} 列出它们。"),
    "recipe.not-a-spec": ("{target} is not a TaskSpec.", "{target} 不是 TaskSpec。"),
    # ---- arguments
    "recipe.unknown-argument": (
        "{name} has no argument {argument} (its value here: {value}).",
        "{name} 没有参数 {argument}（此处的值为 {value}）。",
    ),
    "recipe.takes-none": ("{name} takes no arguments.", "{name} 不接受参数。"),
    "recipe.takes-no": (
        "{name} has no parameter {argument}, which Danlu gives a value.",
        "{name} 没有参数 {argument}，而丹炉要传入它。",
    ),
    "recipe.no-value": ("{name} takes no value, but {value} is given.", "{name} 不接受值，却给了 {value}。"),
    "recipe.given-twice": (
        "{argument} of {name} is given twice: by name and as the single value.",
        "{name} 的 {argument} 给了两次：一次按名称，一次作为单个值。",
    ),
    "recipe.supplied": ("{argument} of {name} is given by Danlu.", "{name} 的 {argument} 由 Danlu 给出。"),
    "recipe.argument-missing": ("{name} needs {argument}.", "{name} 需要 {argument}。"),
    "recipe.argument-missing.remedy": (
        "Write {{{name}: {{{argument}: …}}}}.",
        "请写成 {{{name}: {{{argument}: …}}}}。",
    ),
    "recipe.not-callable": (
        "{name} can't be called: it is of type {kind}, not a class or a function.",
        "{name} 不能被调用：它是 {kind}，而不是类或函数。",
    ),
    "recipe.not-of-the-group": (
        "What {name} gives is no {group}: it has no {lacking}.",
        "{name} 给出的不是{group}：它没有 {lacking}。",
    ),
    "recipe.own-failed": (
        "{name} failed when it was called: {reason} ({place}).",
        "调用 {name} 时出错：{reason}（{place}）。",
    ),
    "recipe.refused": ("{name} refused its arguments: {reason}.", "{name} 不接受这些参数：{reason}。"),
    # ---- contradictions
    "recipe.clash.run-name": ("{name} can't be the name of a folder.", "{name} 不能作为文件夹名。"),
    "recipe.clash.run-name.remedy": (
        "Write {simple}; where runs lie is run.folder.",
        "请写成 {simple}；训练文件夹的存放位置是 run.folder。",
    ),
    "recipe.clash.run-name-long": (
        "{name} is too long for a folder: {size} bytes, and {most} are the most.",
        "{name} 作为文件夹名太长：{size} 字节，上限为 {most} 字节。",
    ),
    "recipe.clash.run-name-long.remedy": ("Shorten it.", "请缩短。"),
    "recipe.clash.builtin": ("data.{key} says nothing about {source}.", "data.{key} 对 {source} 不起作用。"),
    "recipe.clash.builtin.remedy": (
        "Leave it out, or name your own files in data.source.",
        "请去掉它，或在 data.source 中指定自己的文件。",
    ),
    "recipe.clash.no-column": (
        "the task {task} has no column {column}; it has {known}.",
        "任务 {task} 没有列 {column}；它有 {known}。",
    ),
    "recipe.clash.no-column.remedy": (
        "The task's column stands before the colon, the file's after it.",
        "冒号前写任务的列，冒号后写文件的列。",
    ),
    "recipe.clash.no-images": ("the task {task} has no images.", "任务 {task} 没有图像。"),
    "recipe.clash.no-images.remedy": ("Leave data.image out.", "请去掉 data.image。"),
    "recipe.clash.no-texts": ("the task {task} has no texts.", "任务 {task} 没有文本。"),
    "recipe.clash.no-texts.remedy": ("Leave data.text out.", "请去掉 data.text。"),
    "recipe.clash.tokens-unsorted": (
        "a batch can only be filled to {tokens} tokens where rows of similar length meet.",
        "只有长度相近的行在同一批时，才能把一批填到 {tokens} 个词元。",
    ),
    "recipe.clash.tokens-unsorted.remedy": ("Leave data.bucket out.", "请去掉 data.bucket。"),
    "recipe.clash.tokens-and-auto": (
        "a batch is filled to {tokens} tokens, so there is no number of rows to be found.",
        "一批按 {tokens} 个词元填满，没有行数可供自动选择。",
    ),
    "recipe.clash.tokens-and-auto.remedy": ("Leave train.batch_size out.", "请去掉 train.batch_size。"),
    "recipe.clash.tokens-few": (
        "a text of {longest} tokens does not fit into a batch of {tokens}.",
        "{longest} 个词元的文本放不进 {tokens} 个词元的一批。",
    ),
    "recipe.clash.tokens-few.remedy": (
        "Raise train.tokens or lower data.text.max_length.",
        "请调大 train.tokens 或调小 data.text.max_length。",
    ),
    "recipe.clash.shares": (
        "val {val} and test {test} together leave nothing to train on.",
        "val 为 {val}，test 为 {test}，没有留下可供训练的数据。",
    ),
    "recipe.clash.shares.remedy": ("Their sum must be below 1.", "二者之和必须小于 1。"),
    "recipe.clash.group-and-time": (
        "rows can't be divided by group and by time at once: a group may reach across every moment.",
        "不能同时按组和按时间划分：一个组可能跨越任何时刻。",
    ),
    "recipe.clash.group-and-time.remedy": ("Choose one of the two.", "请二选一。"),
    "recipe.clash.stratify-and-time": (
        "a split by time can't also give every part the same class shares.",
        "按时间划分时，无法同时保证各部分的类别比例相同。",
    ),
    "recipe.clash.stratify-and-time.remedy": ("Leave data.split.stratify out.", "请去掉 data.split.stratify。"),
    "recipe.clash.same-column": (
        "the column {column} can't say the part and be the {other} too.",
        "列 {column} 不能既表示所属部分，又用作 {other}。",
    ),
    "recipe.clash.same-column.remedy": ("Leave one of the two out.", "请去掉其中一个。"),
    "recipe.clash.no-classes": (
        "{key} needs classes, and the task {task} has none.",
        "{key} 需要类别，而任务 {task} 没有类别。",
    ),
    "recipe.clash.no-classes.remedy": ("Leave it out.", "请去掉它。"),
    "recipe.clash.sets": (
        "{key} is for exclusive classes; in {task} every label is a question of its own.",
        "{key} 只适用于互斥类别；在 {task} 中每个标签都是单独的是非问题。",
    ),
    "recipe.clash.sets.remedy": (
        "Use data.balance: class-weights, or a focal loss.",
        "请使用 data.balance: class-weights，或改用 focal 损失。",
    ),
    "recipe.clash.unused": (
        "the task {task} makes no use of {key}.",
        "任务 {task} 不使用 {key}。",
    ),
    "recipe.clash.unused.remedy": ("Leave it out.", "请去掉它。"),
    "recipe.clash.no-validation": (
        "{key} needs a validation part, but data.split.val is 0.",
        "{key} 需要验证部分，而 data.split.val 为 0。",
    ),
    "recipe.clash.no-validation.remedy": (
        "Give data.split.val a share, or set {key} to null.",
        "请为 data.split.val 设定比例，或将 {key} 设为 null。",
    ),
    "recipe.clash.frozen": (
        "only the head would be trained on a body of random weights: unfreeze is frozen, pretrained is false.",
        "unfreeze 为 frozen 而 pretrained 为 false：只有头部会在随机权重的主干上训练。",
    ),
    "recipe.clash.frozen.remedy": (
        "Set model.pretrained to true, or model.unfreeze to all.",
        "请将 model.pretrained 设为 true，或将 model.unfreeze 设为 all。",
    ),
    "recipe.clash.adapter-random": (
        "an adapter learns in a body that is frozen, and this one has random weights: pretrained is false.",
        "适配器在冻结的主干中学习，而这里的主干是随机权重：pretrained 为 false。",
    ),
    "recipe.clash.adapter-random.remedy": (
        "Set model.pretrained to true, or leave model.adapter out.",
        "请将 model.pretrained 设为 true，或省略 model.adapter。",
    ),
    "recipe.clash.adapter-unfreeze": (
        "below an adapter the net stays frozen, but unfreeze is {unfreeze}.",
        "使用适配器时网络保持冻结，而 unfreeze 为 {unfreeze}。",
    ),
    "recipe.clash.adapter-unfreeze.remedy": (
        "Leave one of the two out.",
        "请省略其中一个。",
    ),
    "recipe.clash.model-twice": (
        "{key} is given by model.{key} and by model.args.",
        "model.{key} 与 model.args 都给出了 {key}。",
    ),
    "recipe.clash.model-twice.remedy": ("Leave one of the two out.", "请去掉其中一个。"),
    "recipe.clash.no-histograms": (
        "histograms are written only among TensorBoard's files, and watch.tensorboard is false.",
        "直方图只写入 TensorBoard 文件，而 watch.tensorboard 为 false。",
    ),
    "recipe.clash.no-histograms.remedy": (
        "Set watch.tensorboard to true, or leave histograms_every out.",
        "请将 watch.tensorboard 设为 true，或去掉 histograms_every。",
    ),
    "recipe.clash.weights-twice": (
        "class weights are given by train.loss and by data.balance.",
        "train.loss 与 data.balance 都给出了类别权重。",
    ),
    "recipe.clash.weights-twice.remedy": ("Leave one of the two out.", "请去掉其中一个。"),
    "recipe.clash.offsets-twice": (
        "offsets of the logits are given by train.loss and by data.balance.",
        "train.loss 与 data.balance 都给出了 logit 偏移。",
    ),
    "recipe.clash.offsets-twice.remedy": ("Leave one of the two out.", "请去掉其中一个。"),
    "recipe.clash.balanced-twice": (
        "rare classes would be helped twice: by data.balance ({balance}), and by {key} of train.loss.",
        "稀有类别会被照顾两次：data.balance（{balance}）一次，train.loss 的 {key} 又一次。",
    ),
    "recipe.clash.balanced-twice.remedy": ("Leave one of the two out.", "请去掉其中一个。"),
    "recipe.clash.two-averages": (
        "ema and swa are two averages of the weights: which of them is to be judged?",
        "ema 与 swa 是两种权重平均，应评估哪一种？",
    ),
    "recipe.clash.two-averages.remedy": ("Leave one of them out.", "请去掉其中一个。"),
    "recipe.clash.schedule-free": (
        "schedule-free replaces the falling rate by an average, and {schedule} would lower the rate besides.",
        "schedule-free 用平均代替学习率的下降，而 {schedule} 会再去改变学习率。",
    ),
    "recipe.clash.schedule-free.remedy": (
        "Write train.schedule: constant (train.warmup may stay), or take adamw or sgd.",
        "请写 train.schedule: constant（可保留 train.warmup），或改用 adamw、sgd。",
    ),
    "recipe.clash.schedule-free-average": (
        "schedule-free averages the weights by itself: {key} would be a second average of other weights.",
        "schedule-free 自己就对权重求平均：{key} 会对另一组权重再作平均。",
    ),
    "recipe.clash.schedule-free-average.remedy": (
        "Leave {key} out, or take adamw or sgd.",
        "请去掉 {key}，或改用 adamw、sgd。",
    ),
    "recipe.clash.schedule-free-proximal": (
        "a proximal step makes zeros of weights, and the mean that schedule-free is judged by would have none.",
        "近端步让权重变为零，而 schedule-free 所评估的平均权重中不会有零。",
    ),
    "recipe.clash.schedule-free-proximal.remedy": (
        "Write train.l1_by: penalty, or take adamw or sgd.",
        "请写 train.l1_by: penalty，或改用 adamw、sgd。",
    ),
    "recipe.clash.average-of-one": (
        "only one end of an epoch lies after {share} of the training ({epochs} epochs): there is nothing to average.",
        "训练进行到 {share} 之后只剩一个轮末（共 {epochs} 轮），无可平均。",
    ),
    "recipe.clash.average-of-one.remedy": (
        "Set train.swa lower, or train.epochs higher.",
        "请调低 train.swa，或调高 train.epochs。",
    ),
    "recipe.clash.proximal-of-nothing": (
        "a proximal step of L1 is asked for, and l1 is 0.",
        "要求 L1 的近端步，而 l1 为 0。",
    ),
    "recipe.clash.proximal-of-nothing.remedy": (
        "Set train.l1 to a weight, such as 1e-4, or leave l1_by out.",
        "请将 train.l1 设为一个权重（如 1e-4），或去掉 l1_by。",
    ),
    "recipe.clash.proximal-fp16": (
        "steps whose fp16 gradients overflow are left out, which a proximal step would not know of.",
        "fp16 梯度溢出的步会被跳过，而近端步无从得知。",
    ),
    "recipe.clash.proximal-fp16.remedy": (
        "Set train.precision to bf16 or fp32, or train.l1_by to penalty.",
        "请将 train.precision 设为 bf16 或 fp32，或将 train.l1_by 设为 penalty。",
    ),
    "recipe.clash.nesterov": (
        "Nesterov's momentum is defined without dampening.",
        "Nesterov 动量的定义中没有 dampening。",
    ),
    "recipe.clash.nesterov.remedy": (
        "Set train.optimizer.nesterov to false, or leave dampening out.",
        "请将 train.optimizer.nesterov 设为 false，或去掉 dampening。",
    ),
    "recipe.clash.warmup": (
        "a warm-up of {warmup} steps does not fit into max_steps: {steps}.",
        "{warmup} 步的预热超出了 max_steps：{steps}。",
    ),
    "recipe.clash.warmup.remedy": ("Make it shorter, or a share such as 0.05.", "请缩短预热，或改用比例，如 0.05。"),
    "recipe.clash.never-evaluated": (
        "early stopping never sees an evaluation: one every {every} epochs, {epochs} epochs in all.",
        "早停等不到任何评估：每 {every} 轮评估一次，总共只有 {epochs} 轮。",
    ),
    "recipe.clash.never-evaluated.remedy": ("Lower train.evaluate_every.", "请减小 train.evaluate_every。"),
    "recipe.clash.plateau-validation.remedy": (
        "Give data.split.val a share, or write train.schedule: cosine.",
        "请为 data.split.val 设定比例，或写 train.schedule: cosine。",
    ),
    "recipe.clash.never-lowered": (
        "reduce-on-plateau could never lower the rate: the first evaluation comes after {every} epochs, of {epochs} in all.",
        "reduce-on-plateau 没有机会降低学习率：总共 {epochs} 轮，而第 {every} 轮之后才有第一次评估。",
    ),
    "recipe.clash.never-lowered.remedy": (
        "Lower train.evaluate_every, or write train.schedule: cosine.",
        "请减小 train.evaluate_every，或写 train.schedule: cosine。",
    ),
    "recipe.clash.stopped-first": (
        "early stopping ends the run after {stop} evaluations without improvement, and the schedule bears {borne}: the rate is never lowered.",
        "连续 {stop} 次评估没有进步就会早停，而学习率计划要容忍 {borne} 次：学习率永远不会降低。",
    ),
    "recipe.clash.stopped-first.remedy": (
        "Give early stopping more patience than the schedule, best several times as much.",
        "请让早停比学习率计划更有耐心，最好是它的数倍。",
    ),
    "recipe.clash.monitor": ("{value} does not look like val/METRIC.", "{value} 不是 val/指标 的形式。"),
    "recipe.clash.monitor.remedy": ("Did you mean val/{name}?", "是不是想写 val/{name}？"),
    "recipe.clash.monitor-part": (
        "{value} can't decide: the {part} part is not what choices are made on.",
        "{value} 不能用于抉择：不应根据 {part} 部分作选择。",
    ),
    "recipe.clash.monitor-part.remedy": ("Write val/{name}.", "请写 val/{name}。"),
    "recipe.clash.device": (
        "there is no device called {device}; known are {known}, with a number where there are many (cuda:1).",
        "没有名为 {device} 的设备；可用 {known}，有多个时加编号（cuda:1）。",
    ),
    "recipe.clash.device.remedy": ("Write auto.", "请写 auto。"),
    "recipe.clash.fp16-on-cpu": (
        "fp16 is for GPUs; on a CPU it is slow and loses small gradients.",
        "fp16 用于 GPU；在 CPU 上很慢，且会丢失小梯度。",
    ),
    "recipe.clash.fp16-on-cpu.remedy": ("Use bf16, fp32 or auto.", "请用 bf16、fp32 或 auto。"),
}
