"""Texts of the command line. The order of ``cli.about.*`` is the order of commands in ``danlu --help``."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "cli.title": (
        "Danlu 丹炉: from raw data to a trained model, by one recipe.",
        "丹炉（Danlu）：一份配方，从原始数据到训练好的模型。",
    ),
    "cli.usage": ("Usage: ", "用法："),
    "cli.command-usage": ("COMMAND [ARGUMENT…]", "命令 [参数…]"),
    "cli.commands": ("Commands:", "命令："),
    "cli.everywhere": ("Options of every command:", "所有命令通用的选项："),
    "cli.arguments": ("arguments", "参数"),
    "cli.options": ("options", "选项"),
    "cli.heading": ("{title}:", "{title}："),
    "cli.first-steps": (
        "First steps:\n"
        "  danlu train                                        train the default recipe on embedded data\n"
        "  danlu new image-classification -o recipe.yaml      write a recipe to change\n"
        "  danlu COMMAND --help                               what a command does",
        "第一步：\n"
        "  danlu train                                        用自带数据训练默认配方\n"
        "  danlu new image-classification -o recipe.yaml      生成一份可修改的配方\n"
        "  danlu 命令 --help                                  查看某个命令的说明",
    ),
    "cli.about.new": ("write a commented recipe for a task", "为某个任务生成一份带注释的配方"),
    "cli.about.check": (
        "do everything that comes before the first step, and print the loop as it will run",
        "完成第一步训练之前的全部检查，并打印实际的训练循环",
    ),
    "cli.about.plan": (
        "foresee a recipe's memory, time and disk by a few steps on a copy",
        "在副本上试跑几步，预测配方所需的内存、时间和磁盘",
    ),
    "cli.about.train": ("train a recipe and judge the result on the test part", "按配方训练，并在测试集上评估结果"),
    "cli.about.resume": ("go on with an interrupted run where it stopped", "从中断处继续一次训练"),
    "cli.about.evaluate": (
        "judge a run's model on a part of its data, or on other data",
        "在某部分数据或其他数据上评估模型",
    ),
    "cli.about.predict": (
        "ask the model of a run or an artifact about files or folders",
        "用训练好的模型或导出的产物预测文件或文件夹",
    ),
    "cli.about.explain": ("show what part of an image an answer rests on", "显示回答依据图像的哪一部分"),
    "cli.about.export": (
        "write a run's artifact: what answers without torch, proven equal to the run",
        "导出训练的产物：无需 torch 即可预测，并验证与训练结果一致",
    ),
    "cli.about.align": (
        "find faces in pictures and turn them upright, before they are learnt",
        "在图片中找到人脸并转正，供训练使用",
    ),
    "cli.about.index": (
        "keep embeddings on this machine, search them, tell strangers",
        "在本机保存、检索嵌入，并识别未知者",
    ),
    "cli.about.convert": (
        "write images with boxes as COCO, YOLO or VOC",
        "把带边界框的图像写成 COCO、YOLO 或 VOC 格式",
    ),
    "cli.about.runs": ("list the runs in a folder", "列出文件夹中的训练记录"),
    "cli.about.inspect": (
        "look into a run's net or a file of tensors: weights, what each layer gives out, two side by side",
        "查看训练得到的网络或张量文件：权重、各层输出、两者对照",
    ),
    "cli.about.compare": (
        "say what differs between runs, and what difference it made on the same samples",
        "说明几次训练有何不同，以及在相同样本上造成的差别",
    ),
    "cli.about.report": (
        "write a run's report: one HTML file with curves, mistakes, calibration, data card and recipe",
        "生成训练报告：单个 HTML 文件，含曲线、错误样本、校准、数据卡和配方",
    ),
    "cli.about.fix": (
        "say what ails a run, with evidence, and write a recipe that mends it",
        "诊断训练中的问题并给出证据，生成修正后的配方",
    ),
    "cli.about.learn": (
        "open the page with live diagrams and lessons, on a run or a small net",
        "打开带有实时图解与课程的页面，可用于自己的训练或内置的小网络",
    ),
    "cli.about.list": ("list what a recipe can name, with its arguments", "列出配方中可以使用的名称及其参数"),
    "cli.about.schema": ("print the recipe's JSON Schema, for editors", "输出配方的 JSON Schema，供编辑器使用"),
    "cli.option.json": (
        "give the answer as JSON on stdout; progress goes to stderr",
        "以 JSON 格式在标准输出给出结果，进度写到标准错误",
    ),
    "cli.option.lang": ("language of all texts: en or zh", "界面语言：en 或 zh"),
    "cli.option.debug": ("show the traceback of an error", "出错时显示完整的调用栈"),
    "cli.option.help": ("show this help", "显示本帮助"),
    # mistakes on the command line
    "cli.unknown-command": ("There is no command {command!r}.", "没有名为 {command!r} 的命令。"),
    "cli.unknown-option": ("There is no option {option}.", "没有选项 {option}。"),
    "cli.misused": (
        "{option} is not used that way: its value is missing, or it takes none.",
        "{option} 用法不对：缺少取值，或它不接受取值。",
    ),
    "cli.not-one-of": (
        "{option} can't be {value!r}; it is one of {allowed}.",
        "{option} 不能是 {value!r}，可选值为 {allowed}。",
    ),
    "cli.missing": ("{argument} is missing.", "缺少 {argument}。"),
    "cli.only-one": ("There is one {argument} only; {word!r} is too many.", "{argument} 只能有一个，{word!r} 多余。"),
    "cli.see-help": ("See `danlu {command} --help`.", "请查看 `danlu {command} --help`。"),
    "cli.see-overview": ("See `danlu --help`.", "请查看 `danlu --help`。"),
    "cli.two-recipes": (
        "{word!r} is neither key=value nor the only recipe.",
        "{word!r} 既不是“键=值”，也不是唯一的配方。",
    ),
    "cli.write-overrides": (
        "Write a change as key=value, such as train.epochs=20; a value with spaces needs quotes.",
        "请把改动写成“键=值”，例如 train.epochs=20；含空格的值要加引号。",
    ),
    "cli.no-recipe": ("There is no file {path} and no task of that name.", "没有文件 {path}，也没有叫这个名字的任务。"),
    "cli.name-recipe": (
        "Name a .yaml file, a data folder, or one of the tasks {tasks}; `danlu new TASK -o FILE` writes a recipe.",
        "请给出 .yaml 文件、数据文件夹，或以下任务之一：{tasks}；`danlu new 任务 -o 文件` 可生成配方。",
    ),
    "cli.is-a-run": ("{path} is the folder of a run.", "{path} 是一次训练的文件夹。"),
    "cli.resume-or-again": (
        "`danlu resume {path}` goes on with it; `danlu train {recipe}` trains its recipe once more.",
        "`danlu resume {path}` 继续这次训练；`danlu train {recipe}` 用它的配方重新训练。",
    ),
    "cli.exists": ("The file exists already.", "文件已存在。"),
    "cli.choose-another": (
        "Choose another name, or write over it with --force.",
        "请换一个文件名，或用 --force 覆盖。",
    ),
    "cli.os-error": ("The system says: {reason}.", "系统报告：{reason}。"),
    "cli.interrupted": ("Interrupted.", "已中断。"),
    "cli.how-to-resume": (
        "If a run had begun, `danlu runs` shows it and `danlu resume RUN` goes on where its last checkpoint stands.",
        "如果训练已经开始，可用 `danlu runs` 找到它，再用 `danlu resume 训练文件夹` 从最近的检查点继续。",
    ),
    "cli.resume-this": ("`danlu resume {path}` goes on where it stopped.", "`danlu resume {path}` 可从中断处继续。"),
    "cli.defect": (
        "This is a defect of Danlu, not of what you wrote: {error}.",
        "这是丹炉自身的缺陷，不是你写错了：{error}。",
    ),
    "cli.how-to-debug": (
        "The same command with --debug shows where; please report it with that output.",
        "在同一命令后加 --debug 可看到出错位置，欢迎附上输出反馈给我们。",
    ),
    # train, resume
    "cli.train.recipe": (
        "a .yaml recipe; or a folder or file of data; or a task, for its default recipe on embedded data "
        "(default: image-classification)",
        "配方（.yaml 文件）；或数据文件夹、数据文件；或任务名，即用自带数据训练其默认配方"
        "（省略时为 image-classification）",
    ),
    "cli.train.overrides": (
        "changes of the recipe, such as train.epochs=20 train.optimizer.lr=3e-4",
        "对配方的改动，例如 train.epochs=20 train.optimizer.lr=3e-4",
    ),
    "cli.run": ("the folder of a run", "一次训练的文件夹"),
    "cli.value": ("{name} {value}", "{name} {value}"),
    "cli.value-with-interval": (
        "{name} {value} ({confidence} interval {low} – {high})",
        "{name} {value}（{confidence} 区间 {low} – {high}）",
    ),
    "cli.run-folder": ("Run folder: {path}", "训练文件夹：{path}"),
    "cli.next": ("What to try next:", "接下来可以："),
    "cli.next.predict": ("ask the model about your own files", "用模型预测你自己的文件"),
    "cli.next.export": ("write what answers without torch", "导出无需 torch 即可预测的产物"),
    "cli.next.longer": ("train longer", "训练更久"),
    "cli.next.evaluate": ("judge it on the validation part", "在验证集上评估"),
    "cli.input-name.file": ("PHOTO.png", "照片.png"),
    "cli.input-name.text": ('"some text"', '"一段文字"'),
    "cli.input-name.name": ("NAME", "名称"),
    "cli.input-name.row": ("ROWS.csv", "表格.csv"),
    # report
    "cli.report.output": (
        "the file to write, or a folder for it (default: report.html in the run's folder)",
        "要写入的文件，或放置它的文件夹（省略时为训练文件夹中的 report.html）",
    ),
    "cli.report.open": ("open a browser on it", "用浏览器打开"),
    "cli.report.written": ("Report: {path} ({size} kB, opens anywhere)", "报告：{path}（{size} kB，随处可打开）"),
    "cli.report.no-browser": (
        "There is no browser to open here; copy the file to where one is.",
        "此处没有可用的浏览器；请把文件复制到有浏览器的机器上打开。",
    ),
    "cli.report": ("Report: {path}", "报告：{path}"),
    # learn
    "cli.learn.run": (
        "the folder of a run (default: a small net that the page trains itself)",
        "一次训练的文件夹（省略时为页面自己训练的小网络）",
    ),
    "cli.learn.port": (
        "the port to listen on (default: the first free one from 8642 on)",
        "监听的端口（省略时为 8642 起第一个空闲端口）",
    ),
    "cli.learn.host": (
        "the address to listen on (default: {host}, this machine only)",
        "监听的地址（默认 {host}，仅限本机）",
    ),
    "cli.learn.open": ("open a browser on the page", "用浏览器打开页面"),
    # check
    "cli.check.step": ("check", "检查"),
    "cli.check.seconds": ("seconds", "秒"),
    "cli.check.found": ("found", "结果"),
    "cli.check.slot": ("slot of the loop", "循环的环节"),
    "cli.check.stands": ("what stands in it", "内容"),
    "cli.check.data": ("data", "数据"),
    "cli.check.net": ("net", "网络"),
    "cli.check.forward": ("forward", "前向"),
    "cli.check.batch-of-one": ("batch of one", "单样本批次"),
    "cli.check.evaluation": ("evaluation", "评估"),
    "cli.check.checkpoint": ("checkpoint", "检查点"),
    "cli.check.transforms": ("transforms", "批变换"),
    "cli.check.objective": ("objective", "目标函数"),
    "cli.check.parameters": ("parameters", "参数"),
    "cli.check.gradients": ("gradients", "梯度链"),
    "cli.check.update": ("update", "更新"),
    "cli.check.followers": ("followers", "跟随者"),
    "cli.check.stoppers": ("stoppers", "停止条件"),
    "cli.check.good": ("The recipe can be trained: danlu train {words}", "配方可以训练：danlu train {words}"),
    # evaluate, predict
    "cli.evaluate.part": (
        "which part of the data: train, val or test (default: test)",
        "数据的哪一部分：train、val 或 test（默认 test）",
    ),
    "cli.evaluate.data": (
        "other data to judge it on, as data.source in a recipe",
        "改用其他数据评估，写法同配方中的 data.source",
    ),
    "cli.metric": ("metric", "指标"),
    "cli.metric-value": ("value", "数值"),
    "cli.interval": ("interval ({confidence})", "区间（{confidence}）"),
    "cli.samples": ("{samples} samples", "{samples} 个样本"),
    "cli.predict.path": ("the folder of a run or of an artifact", "训练文件夹或产物文件夹"),
    "cli.predict.inputs": (
        "files, folders, tables, texts as they stand; - for texts on standard input, one a line",
        "文件、文件夹、表格、原样的文本；- 表示从标准输入读取文本，每行一条",
    ),
    "cli.predict.out": (
        "a new folder: masks (segmentation) are written there as PNG files, and answers name them",
        "新的文件夹：分割的掩码以 PNG 文件写入其中，回答中给出其路径",
    ),
    "cli.predict.masks": ("{count} masks are in {path}.", "{count} 个掩码已写入 {path}。"),
    "cli.predict.no-masks": (
        "No answer has a mask: only those of segmentation do, and nothing was written to {path}.",
        "没有任何回答带有掩码：只有分割才有，因此没有写入 {path}。",
    ),
    "cli.predict.device": ("cpu, cuda or cuda:N (default: cpu)", "cpu、cuda 或 cuda:N（默认 cpu）"),
    "cli.predict.rank": (
        "the rows are candidates: put the best first (click prediction)",
        "各行为候选项：按得分从高到低排列（点击率预估）",
    ),
    "cli.predict.threads": (
        "CPU threads (default: all cores this process may use)",
        "CPU 线程数（默认使用全部可用核）",
    ),
    "cli.predict.allow-code": (
        "let an artifact import kinds and decoders of your own",
        "允许产物导入你自己的列类型与解码器",
    ),
    "cli.predict.json": (
        "With --json, one JSON object a line for each input, as soon as it is known.",
        "使用 --json 时，每个输入得到结果后立即输出一行 JSON。",
    ),
    "cli.predict.failed": ("{failed} of {total} inputs could not be used.", "{total} 个输入中有 {failed} 个无法使用。"),
    # export
    "cli.export.out": ("folder of the artifact (default: RUN/artifact)", "产物的文件夹（默认为 训练文件夹/artifact）"),
    "cli.export.weights": (
        "which weights: best or last (default: as the recipe's evaluate.weights)",
        "使用哪些权重：best 或 last（默认同配方的 evaluate.weights）",
    ),
    "cli.export.inputs": (
        "raw inputs to prove it with, where the run's own data are gone; may be given more than once",
        "训练数据已不在时用于验证的原始输入；可多次给出",
    ),
    "cli.export.licence": ("a line on the licence for the model card", "模型卡中的许可说明"),
    "cli.export.replace": ("replace an earlier artifact", "替换先前导出的产物"),
    "cli.export.proven": (
        "Answers as the run does: {samples} raw inputs, outputs differ by at most {difference}, {equal} answers equal.",
        "与训练结果一致：{samples} 个原始输入，输出最多相差 {difference}，{equal} 个回答相同。",
    ),
    "cli.export.near": (
        "{count} answers lie so near a threshold that they may fall to either side: {names}",
        "有 {count} 个回答紧邻阈值，可能落在任一侧：{names}",
    ),
    "cli.export.foreign": (
        "It decodes with {name}, your own code: where it is loaded that must be there, and be allowed (--allow-code).",
        "它用你自己的代码 {name} 解码：加载时该代码须存在，并需允许（--allow-code）。",
    ),
    "cli.export.folder": ("Artifact: {path} ({size} MB)", "产物：{path}（{size} MB）"),
    "cli.export.try": ("Try it: danlu predict {path} {input}", "试一试：danlu predict {path} {input}"),
    # runs
    "cli.runs.folder": ("folder that holds runs (default: runs)", "存放训练记录的文件夹（默认 runs）"),
    "cli.runs.none": ("There are no runs in {folder}.", "{folder} 中没有训练记录。"),
    "cli.runs.name": ("run", "训练"),
    "cli.runs.task": ("task", "任务"),
    "cli.runs.status": ("status", "状态"),
    "cli.runs.begun": ("begun", "开始时间"),
    "cli.status.running": ("running", "进行中"),
    "cli.status.finished": ("finished", "已完成"),
    "cli.status.early-stop": ("finished (early stop)", "已完成（提前停止）"),
    "cli.status.interrupted": ("interrupted", "已中断"),
    "cli.status.stopped": ("stopped without a word", "意外终止"),
    "cli.status.damaged": ("damaged", "已损坏"),
    "cli.runs.result": ("result", "结果"),
    # compare
    "cli.inspect.what": (
        "the folder of a run, or a file of tensors (.safetensors, .npy, .npz)",
        "训练文件夹，或张量文件（.safetensors、.npy、.npz）",
    ),
    "cli.inspect.others": (
        "a second one, to set beside the first; or raw inputs (files, texts) for the run's net, to see what each layer gives out",
        "第二个，与第一个对照；或给网络的原始输入（文件、文本），用于查看各层输出",
    ),
    "cli.inspect.samples": ("inputs that are run at most (default: {most})", "最多运行多少个输入（默认 {most}）"),
    "cli.compare.runs": (
        "folders of two or more runs; all are compared with the first",
        "两个或更多训练文件夹；都与第一个比较",
    ),
    "cli.compare.part": (
        "whose predictions are compared: test, val or another file in predictions/ (default: test)",
        "比较哪部分的预测：test、val 或 predictions/ 中的其他文件（默认 test）",
    ),
    "cli.compare.most": ("how many sample ids are listed (default: {most})", "列出多少个样本编号（默认 {most}）"),
    "cli.compare.two": ("Comparing needs two runs or more.", "比较至少需要两次训练。"),
    "cli.compare.recipe": ("recipe", "配方"),
    "cli.compare.data": ("data", "数据"),
    "cli.compare.environment": ("environment", "环境"),
    "cli.compare.on": ("on {samples} samples", "{samples} 个样本"),
    "cli.compare.difference": ("difference", "差"),
    "cli.compare.lost": ("{count} right in {first}, wrong in {other}", "{count} 个样本 {first} 对而 {other} 错"),
    "cli.compare.won": ("{count} wrong in {first}, right in {other}", "{count} 个样本 {first} 错而 {other} 对"),
    "cli.compare.mcnemar": (
        "If both were equally often right, so uneven a division would have probability {p} (McNemar's exact test).",
        "若二者正确率相同，出现如此不均的概率为 {p}（McNemar 精确检验）。",
    ),
    "cli.runs.baseline": ("best baseline", "最好的基线"),
    "cli.runs.not-beaten": ("{baseline}, not beaten", "{baseline}，未被超过"),
    # list
    "cli.list.group": ("what to list: {groups}", "要列出的内容：{groups}"),
    "cli.list.name": ("name", "名称"),
    "cli.list.what": ("what it is", "说明"),
    "cli.list.columns": ("columns", "数据列"),
    "cli.list.monitor": ("judged by", "评判指标"),
    "cli.list.weights.name": ("model.pretrained", "model.pretrained"),
    "cli.list.weights.home": ("from", "来源"),
    "cli.list.weights.size": ("size", "大小"),
    "cli.list.no-weights": (
        "No weights are here yet: none in the caches of torch and of the hub, none in installed packages.",
        "本机尚无预训练权重：torch 与 hub 的缓存及已安装的软件包中都没有。",
    ),
    "cli.list.also-nets": (
        "Also timm:NAME, torchvision:NAME and hf:NAME (of the hub, or a folder), and package.module:Class for a net of your own.",
        "也可以写 timm:名称、torchvision:名称、hf:名称（Hub 上的或本地文件夹），或用 package.module:Class 指定自己的网络。",
    ),
    "cli.list.also-own": (
        "Also package.module:Class for one of your own.",
        "也可以用 package.module:Class 指定自己的实现。",
    ),
    # schema, new
    "cli.output": ("file to write instead of stdout", "写入文件，而不是标准输出"),
    "cli.force": ("write over an existing file", "覆盖已有文件"),
    "cli.new.task": ("one of {tasks}", "可选：{tasks}"),
    "cli.wrote": ("Wrote {path}.", "已写入 {path}。"),
    "cli.new.then": (
        "Wrote {path}. Change it, then: danlu train {path}",
        "已写入 {path}。修改后运行：danlu train {path}",
    ),
}
