"""Texts of artifacts and of what answers raw inputs: key → (English, Chinese)."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    # raw inputs
    "deploy.no-order": ("Its answers are in no order.", "它的回答没有可排序的数值。"),
    "deploy.no-order.remedy": (
        "Leave --rank out; what answers with a number that is better the larger it is can be ranked.",
        "请去掉 --rank；只有以“越大越好”的数值作答的模型才能排序。",
    ),
    "deploy.input": ("input {number}", "第 {number} 个输入"),
    "deploy.empty": ("there is nothing in it.", "内容为空。"),
    "deploy.empty.remedy": (
        "Name a file, a folder, a text or an id; is a shell variable unset?",
        "请给出文件、文件夹、文本或编号；是否有 shell 变量未设置？",
    ),
    "deploy.no-texts": ("There is no .txt file in it.", "其中没有 .txt 文件。"),
    "deploy.no-texts.remedy": (
        "Name the files one by one, or a table (.csv, .jsonl, .parquet).",
        "请逐个给出文件，或给出表格（.csv、.jsonl、.parquet）。",
    ),
    "deploy.input-missing": ("there is no value for {columns}.", "缺少以下列的值：{columns}。"),
    "deploy.neither": ("this is neither a run nor an artifact.", "这既不是一次训练，也不是导出的产物。"),
    # an artifact that can't be used
    "deploy.damaged.remedy": (
        "Copy it again from where it was exported, or export it again.",
        "请从导出处重新复制，或重新导出。",
    ),
    "deploy.newer.remedy": ("It may come from a newer Danlu: update this one.", "它可能由更新版本的丹炉导出，请升级。"),
    "deploy.export-again.remedy": ("Export the run again with this Danlu.", "请用当前版本的丹炉重新导出该训练。"),
    "deploy.name": (
        "its manifest names {name!r}, which is no file in the folder itself.",
        "其清单中的 {name!r} 不是该文件夹内的文件名。",
    ),
    "deploy.unlisted": ("{name} is missing from its manifest.", "清单中没有 {name}。"),
    "deploy.not-json": ("{name} can't be read as JSON.", "{name} 不是可读的 JSON。"),
    "deploy.lacks": ("artifact.json says nothing usable of {key}.", "artifact.json 中没有可用的 {key}。"),
    "deploy.format": (
        "its format is {format}, and this Danlu knows {known}.",
        "其格式为 {format}，而当前丹炉支持的是 {known}。",
    ),
    "deploy.unknown-kind": ("there is no kind of column {name!r} here.", "本机没有 {name!r} 这种列类型。"),
    "deploy.kind-version": (
        "its {name} columns are prepared in the way {version}, here in the way {known}: answers could differ.",
        "其 {name} 列按第 {version} 版方式预处理，而本机为第 {known} 版，结果可能不同。",
    ),
    "deploy.not-an-object": (
        "{name!r} is not of the form package.module:Class.",
        "{name!r} 不是 package.module:Class 的形式。",
    ),
    "deploy.foreign": (
        "it wants {name} to be imported, which is neither Danlu's nor that of an installed application.",
        "它要求导入 {name}，而这既不属于丹炉，也不属于已安装的应用。",
    ),
    "deploy.foreign.remedy": (
        "If you trust the code of that name on this machine: danlu.load(…, allow_code=True), or --allow-code.",
        "若信任本机上的这段代码：danlu.load(…, allow_code=True)，或使用 --allow-code。",
    ),
    "deploy.not-there": ("{name} can't be imported: {reason}.", "无法导入 {name}：{reason}。"),
    "deploy.wrong-class": ("{name} is no {base}.", "{name} 不是 {base}。"),
    "deploy.bad-spec": (
        "{name} can't be made from what artifact.json says: {reason}.",
        "无法按 artifact.json 构造 {name}：{reason}。",
    ),
    "deploy.not-onnx": ("model.onnx is no ONNX graph.", "model.onnx 不是 ONNX 图。"),
    "deploy.outside": (
        "model.onnx wants to read {name!r}, which is not one of the artifact's files.",
        "model.onnx 要读取 {name!r}，而它不是产物中的文件。",
    ),
    "deploy.misfit": (
        "the graph doesn't fit artifact.json: it takes {found}, prepared is {wanted}.",
        "计算图与 artifact.json 不符：图的输入为 {found}，预处理给出 {wanted}。",
    ),
    "deploy.graph-refused": ("ONNX Runtime refuses the graph: {reason}", "ONNX Runtime 拒绝了该计算图：{reason}"),
    "deploy.graph-refused.remedy": (
        "Update onnxruntime, or export the run again.",
        "请升级 onnxruntime，或重新导出该训练。",
    ),
    "deploy.graph-failed": ("the graph fails on these inputs: {reason}", "计算图在这些输入上失败：{reason}"),
    "deploy.no-runtime": ("ONNX Runtime is not installed.", "未安装 ONNX Runtime。"),
    "deploy.no-runtime.remedy": ("Install it: pip install onnxruntime", "请安装：pip install onnxruntime"),
    "deploy.unknown-device": (
        "there is no device {device!r}: cpu, cuda or cuda:N.",
        "没有设备 {device!r}：可选 cpu、cuda 或 cuda:N。",
    ),
    "deploy.no-device": ("ONNX Runtime can't use {device} here.", "本机的 ONNX Runtime 无法使用 {device}。"),
    "deploy.no-device.remedy": (
        "Install onnxruntime-gpu in place of onnxruntime, with CUDA and cuDNN, or leave the device out.",
        "请用 onnxruntime-gpu 替换 onnxruntime 并安装 CUDA 与 cuDNN，或不指定设备。",
    ),
    # export
    "deploy.stage.net": ("Building the net with its weights", "构建网络并载入权重"),
    "deploy.stage.graph": ("Capturing the graph", "捕获计算图"),
    "deploy.stage.parity": (
        "Comparing with the run on {samples} raw inputs",
        "在 {samples} 个原始输入上与训练结果比对",
    ),
    "deploy.taken": ("something else is there already.", "该位置已有其他内容。"),
    "deploy.taken.remedy": ("Choose another --out.", "请换一个 --out。"),
    "deploy.there": ("there is an artifact already.", "该位置已有导出的产物。"),
    "deploy.there.remedy": (
        "Replace it with --replace, or choose another --out.",
        "请用 --replace 替换，或换一个 --out。",
    ),
    "deploy.not-written": ("the artifact can't be written: {reason}.", "无法写入产物：{reason}。"),
    "deploy.not-written.remedy": ("Free some space, or choose another --out.", "请腾出空间，或换一个 --out。"),
    "deploy.own-decoding": (
        "its outputs are decoded by the task itself, which needs torch.",
        "其输出由任务自身解码，而这需要 torch。",
    ),
    "deploy.own-decoding.remedy": (
        "Move decode and answer into a Decoder that needs numpy alone, and name it in the task's SPEC (decoder=…).",
        "请将 decode 与 answer 移入只依赖 numpy 的 Decoder，并在任务的 SPEC 中指明（decoder=…）。",
    ),
    "deploy.no-raws": (
        "the raw data of the run can't be read, so that nothing can be proven of an artifact: {reason}",
        "无法读取训练所用的原始数据，因此无法验证产物：{reason}",
    ),
    "deploy.no-raws.remedy": (
        "Put them back, or give others of their like: --inputs FOLDER.",
        "请将其放回，或提供同类的其他数据：--inputs 文件夹。",
    ),
    "deploy.other-rows": ("none of the rows that the run knew are there.", "训练时的数据行均已不存在。"),
    "deploy.no-usable": ("none of the inputs can be used.", "没有可用的输入。"),
    "deploy.fixed-size": (
        "the net can't be exported: it holds for one batch size or image size only ({reason}).",
        "无法导出该网络：它只适用于某一个批大小或图像大小（{reason}）。",
    ),
    "deploy.fixed-size.remedy": (
        "Write sizes as they come: x.flatten(1) or x.shape[0] instead of a number, no loop over the batch.",
        "请使用实际的大小：用 x.flatten(1) 或 x.shape[0] 代替固定数字，不要按样本循环。",
    ),
    "deploy.by-value": (
        "the net can't be exported: what it computes depends on values in a tensor ({reason}).",
        "无法导出该网络：它的计算过程取决于张量中的数值（{reason}）。",
    ),
    "deploy.by-value.remedy": (
        "A graph has no such branches: write torch.where or a mask in place of if, and neither .item() nor .numpy().",
        "计算图没有这样的分支：请用 torch.where 或掩码代替 if，且不要使用 .item() 与 .numpy()。",
    ),
    "deploy.not-captured": (
        "the net can't be exported: torch.export fails ({error}: {reason}).",
        "无法导出该网络：torch.export 失败（{error}：{reason}）。",
    ),
    "deploy.not-captured.remedy": (
        "Rewrite that line with plain tensor operations (--debug shows the whole trace).",
        "请用普通的张量运算改写该行（--debug 可显示完整的调用栈）。",
    ),
    "deploy.no-operation": (
        "the net can't be exported: ONNX has no {operation}.",
        "无法导出该网络：ONNX 没有 {operation} 运算。",
    ),
    "deploy.not-translated": (
        "the net can't be exported: torch.onnx fails ({reason}).",
        "无法导出该网络：torch.onnx 失败（{reason}）。",
    ),
    "deploy.no-operation.remedy": (
        "Write that layer with other operations.",
        "请改用其他运算实现该层。",
    ),
    "deploy.wrong-output": (
        "the net can't be exported: one of its outputs is a {type}, no tensor.",
        "无法导出该网络：它的一个输出是 {type}，而不是张量。",
    ),
    "deploy.wrong-output.remedy": (
        "In evaluation mode return tensors, in lists or dicts if there are many.",
        "评估模式下请返回张量；若有多个，请放入列表或字典。",
    ),
    "deploy.other-preparation": (
        "the artifact prepares {column} of {sample} in another way than the run.",
        "产物对 {sample} 的 {column} 的预处理与训练时不同。",
    ),
    "deploy.other-shape": (
        "the artifact's {output} is {found}, the net's {wanted}, in a batch of {batch}.",
        "批大小为 {batch} 时，产物的 {output} 为 {found}，而网络的为 {wanted}。",
    ),
    "deploy.not-finite": (
        "the net's {output} of {sample} is not finite.",
        "网络对 {sample} 给出的 {output} 不是有限数。",
    ),
    "deploy.parity-failed": (
        "the artifact doesn't answer as the net does: {output} of {sample}, the worst, differs by {difference} "
        "(allowed are {allowed}) in a batch of {batch}.",
        "产物与网络的输出不一致：最差的是 {sample} 的 {output}，批大小为 {batch} 时相差 {difference}（允许 {allowed}）。",
    ),
    "deploy.parity.remedy": (
        "Look in the net's forward for what differs from call to call: random numbers, state, training-only parts. "
        "Nothing was written.",
        "请检查网络的 forward 中每次调用会变化的部分：随机数、状态、仅用于训练的部分。未写入任何内容。",
    ),
    "deploy.other-decoding": (
        "the decoder that the artifact would carry decodes the same outputs in another way than the run.",
        "产物中的解码器对相同输出的解码结果与训练时不同。",
    ),
    # the model card
    "deploy.card.title": ("Model card: {name}", "模型卡：{name}"),
    "deploy.card.what": ("What it is", "模型说明"),
    "deploy.card.task": ("- Task: {task} (`{name}`)", "- 任务：{task}（`{name}`）"),
    "deploy.card.columns": ("- From {inputs} to {targets}", "- 由 {inputs} 预测 {targets}"),
    "deploy.card.net": (
        "- Net: `{net}`, {parameters} parameters, fp32; {weights}",
        "- 网络：`{net}`，{parameters} 个参数，fp32；{weights}",
    ),
    "deploy.card.weights.best": ("the best weights of the run", "采用该次训练的最佳权重"),
    "deploy.card.weights.last": ("the last weights of the run", "采用该次训练的最后权重"),
    "deploy.card.made": (
        "- Trained and exported with Danlu {danlu}, torch {torch}",
        "- 由 Danlu {danlu}、torch {torch} 训练并导出",
    ),
    "deploy.card.data": ("What it learnt from", "训练数据"),
    "deploy.card.rows": (
        "- {train} rows trained it, {val} chose its weights, {test} judged it",
        "- 训练 {train} 行，验证（选择权重）{val} 行，测试 {test} 行",
    ),
    "deploy.card.left-out": (
        "- Left out: {bad} unusable rows, {missing} with a missing value, {duplicates} duplicates",
        "- 剔除：{bad} 行无法使用，{missing} 行缺值，{duplicates} 行重复",
    ),
    "deploy.card.fingerprint": ("- Fingerprint of the data: `{fingerprint}`", "- 数据指纹：`{fingerprint}`"),
    "deploy.card.classes": (
        "The {count} classes of `{column}`, with their rows:",
        "`{column}` 的 {count} 个类别及其行数：",
    ),
    "deploy.card.class": ("class", "类别"),
    "deploy.card.more-classes": ("… and {count} more.", "……另有 {count} 个。"),
    "deploy.card.metrics": ("How good it is", "效果"),
    "deploy.card.metric": ("metric", "指标"),
    "deploy.card.value": ("value", "数值"),
    "deploy.card.interval": ("interval ({level})", "区间（{level}）"),
    "deploy.card.limits": ("Limits", "局限"),
    "deploy.card.judged-on": (
        "Its figures come from {count} test rows of the same source; on other data they may be worse.",
        "以上数值来自同一来源的 {count} 行测试数据；在其他数据上可能更差。",
    ),
    "deploy.card.not-judged": ("It was never judged on a test part.", "它从未在测试集上评估过。"),
    "deploy.card.few": (
        "Classes with fewer than {count} training rows are hardly learnt: {classes}.",
        "训练数据少于 {count} 行的类别几乎学不到：{classes}。",
    ),
    "deploy.card.closed": (
        "It answers one of its classes to whatever it is given, also to what belongs to none of them.",
        "无论输入什么，它都会给出其中一个类别，即使输入不属于任何一类。",
    ),
    "deploy.card.drift": (
        "It learnt from inputs like those that profile.json describes; on others a sure answer may be wrong.",
        "它所学的输入如 profile.json 所述；对于其他输入，再有把握的回答也可能是错的。",
    ),
    "deploy.card.parity": ("Proven equal to the run", "与训练结果的一致性"),
    "deploy.card.gate": (
        "On {samples} raw inputs ({source}), in batches of {batches}: outputs differ from the net's in torch, fp32, by at most {difference}; "
        "{equal} answers are equal.",
        "在 {samples} 个原始输入（{source}）上，批大小为 {batches}：输出与网络在 torch 中（fp32）的结果最多相差 {difference}；"
        "{equal} 个回答相同。",
    ),
    "deploy.card.licence": ("Licence", "许可"),
    "deploy.card.no-licence": ("None is stated.", "未注明。"),
    "deploy.card.hashes": ("Hashes (BLAKE2b, 128 bits: `b2sum -l 128`)", "散列值（BLAKE2b，128 位：`b2sum -l 128`）"),
}
