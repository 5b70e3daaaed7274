"""Texts of runs: key → (English, Chinese)."""

TEXTS = {
    "runs.exists": ("a run of this name is already there.", "已有同名的训练。"),
    "runs.exists.remedy": (
        "Choose another run.name, or continue it with `danlu resume {path}`.",
        "请换一个 run.name，或用 `danlu resume {path}` 继续。",
    ),
    "runs.not-writable": ("the run folder can't be made: {reason}.", "无法创建训练文件夹：{reason}。"),
    "runs.not-writable.remedy": ("Choose another run.folder.", "请换一个 run.folder。"),
    "runs.no-run": ("this is not a run: recipe.yaml is missing.", "这不是训练文件夹：缺少 recipe.yaml。"),
    "runs.no-run.remedy": ("`danlu runs` lists the runs there are.", "`danlu runs` 可列出现有的训练。"),
    "runs.unreadable": ("it can't be used: {reason}.", "无法使用：{reason}。"),
    "runs.unreadable.remedy": (
        "Restore it from a copy; where the run's data are at hand, `danlu resume {path}` writes it again.",
        "请用备份恢复；若这次训练的数据仍在，`danlu resume {path}` 会重新写出它。",
    ),
    "runs.no-part": ("the data have no {part} part.", "数据中没有 {part} 部分。"),
    "runs.no-part.remedy": ("Give data.split.{part} a share.", "请为 data.split.{part} 设定比例。"),
    "runs.no-weights": ("it has no weights yet.", "它还没有权重。"),
    "runs.no-weights.remedy": ("Train it first: `danlu resume {path}`.", "请先训练：`danlu resume {path}`。"),
    "runs.too-little-disk": (
        "the run's checkpoints need about {needed} MB, {free} MB are free.",
        "这次训练的检查点约需 {needed} MB，磁盘仅剩 {free} MB。",
    ),
    "runs.too-little-disk.remedy": (
        "Free some space, lower train.checkpoint.keep, or choose another run.folder.",
        "请腾出空间、减小 train.checkpoint.keep，或换一个 run.folder。",
    ),
    "runs.forward-failed": (
        "the first batch does not pass through the net ({reason}).",
        "第一个批次无法通过网络（{reason}）。",
    ),
    "runs.forward-failed.remedy": (
        "The inputs are {shapes}; check model.name, model.args and data.image against them (--debug shows the trace).",
        "输入为 {shapes}；请据此检查 model.name、model.args 与 data.image（--debug 显示调用栈）。",
    ),
    "runs.first-loss": (
        "the loss of the first batch is {loss}.",
        "第一个批次的损失为 {loss}。",
    ),
    "runs.first-loss.remedy": (
        "Look at the labels and at data.normalize.",
        "请检查标签与 data.normalize。",
    ),
    "runs.environment-differs": (
        "The environment is not the one in which the run went so far: {differences}.",
        "环境与此前运行时不同：{differences}。",
    ),
    "runs.environment-harmless": (
        "The environment differs in ways that change no bit of the result: {differences}.",
        "环境有差别，但不会改变结果的任何一位：{differences}。",
    ),
    "runs.environment.may": (
        "{name} {before} → {now} (may change bits)",
        "{name} {before} → {now}（可能改变结果的位）",
    ),
    "runs.environment.not": ("{name} {before} → {now} (changes no bit)", "{name} {before} → {now}（不改变结果）"),
    "runs.environment.own-code": (
        "{name} {before} → {now} (changes bits only through code of your own)",
        "{name} {before} → {now}（仅当使用了您自己的代码时才改变结果的位）",
    ),
    "runs.environment-damaged": (
        "environment.json is damaged ({damage}); it is written again, as the newest checkpoint or else this machine has it.",
        "environment.json 已损坏（{damage}）；将按最新的检查点（若无则按本机）重新写出。",
    ),
    "runs.data-written-again": (
        "What is known of the data was damaged ({damage}); it is written again from the data, which are proven to be the same.",
        "数据的记录已损坏（{damage}）；已证实数据未变，将由数据重新写出。",
    ),
    "runs.net-written-again": (
        "What was known of the net was damaged ({damage}); it is written again from the net's signature.",
        "网络的记录已损坏（{damage}）；将由网络的签名重新写出。",
    ),
    "runs.no-events": (
        "events.jsonl is missing or empty: what earlier attempts told is lost. Nothing that is computed depends on it.",
        "events.jsonl 缺失或为空：此前各次尝试的记录已丢失，但计算不依赖于它。",
    ),
    "runs.change": ("{key}: {before} → {now}", "{key}：{before} → {now}"),
    "runs.recipe-changed": (
        "recipe.yaml is not the recipe that the checkpoint was trained with ({changes}); what it says now is done.",
        "recipe.yaml 与训练该检查点时的配方不同（{changes}）；将按其现在的内容执行。",
    ),
    "runs.recipe-not-as-written": (
        "recipe.yaml is not as it was written ({damage}); what it says now is done.",
        "recipe.yaml 与写入时不一致（{damage}）；将按其现在的内容执行。",
    ),
    "runs.recipe-other-net": (
        "it is not the recipe that the weights were trained with: {changes}.",
        "它不是训练这些权重时的配方：{changes}。",
    ),
    "runs.recipe-other-net.remedy": ("Put those values back.", "请改回这些值。"),
    "runs.weights-misfit": (
        "the weights don't fit the net that it describes ({reason}).",
        "权重与其所描述的网络不符（{reason}）。",
    ),
    "runs.best-damaged": ("the best weights are damaged: {damage}.", "最佳权重已损坏：{damage}。"),
    "runs.best-damaged.remedy": (
        "`danlu resume {path}` restores them while a checkpoint of the same step is left; else restore the folder from a copy, or set "
        "evaluate.weights: last in the run's recipe.yaml.",
        "只要还有同一步的检查点，`danlu resume {path}` 就能恢复它们；否则请用备份恢复该文件夹，"
        "或在该训练文件夹的 recipe.yaml 中设置 evaluate.weights: last。",
    ),
    "runs.last-damaged.remedy": (
        "`danlu resume {path}` goes on from the one before and writes it again.",
        "`danlu resume {path}` 会从前一个检查点继续，并重新写出它。",
    ),
    "runs.not-written": ("it could not be written: {reason}.", "无法写入：{reason}。"),
    "runs.not-written.remedy": (
        "Make room there or look at its permissions, then try again (a training with `danlu resume`).",
        "请腾出空间或检查权限，然后重试（训练用 `danlu resume` 继续）。",
    ),
    "runs.gpu-full": (
        "The GPU is too full to hold the training columns: each batch is sent to it from the host, which takes longer; the results are the "
        "same. What else uses it: nvidia-smi.",
        "GPU 的显存已被占用过多，放不下训练数据：每个批次都从主机传过去，因此较慢，结果不变。占用情况可用 nvidia-smi 查看。",
    ),
    "runs.chosen": ("{key} = {value} ({reason})", "{key} = {value}（{reason}）"),
    "runs.chosen.device": ("the fastest device here", "本机最快的设备"),
    "runs.chosen.no-half": ("no half precision is computed natively here", "本机不原生支持半精度"),
    "runs.chosen.parity": (
        "equal to fp32 within {difference:.2%} on a real batch, {times:.1f} times as fast",
        "真实批次上与 fp32 相差 {difference:.2%}，速度为 {times:.1f} 倍",
    ),
    "runs.chosen.parity-failed": (
        "bf16 differs from fp32 by {difference:.2%} on a real batch",
        "真实批次上 bf16 与 fp32 相差 {difference:.2%}",
    ),
    "runs.chosen.half-failed": (
        "{name} can't be compared with fp32 on the first batch: {reason}",
        "无法在首个批次上比较 {name} 与 fp32：{reason}",
    ),
    "runs.chosen.slower": ("bf16 was {times:.1f} times as fast", "bf16 的速度仅为 {times:.1f} 倍"),
    "runs.chosen.convolutions": ("the net has convolutions", "网络含卷积"),
    "runs.chosen.no-convolutions": ("the net has no convolutions", "网络不含卷积"),
    "runs.chosen.batch-size": (
        "{rate} samples per second on copies of the net ({tries}), and no larger one is much faster or fits; "
        "the learning rate is as asked: a larger batch may want another one",
        "在网络副本上每秒 {rate} 个样本（{tries}），更大的批不会快多少，或放不下；学习率保持原样：批更大时可能需要另一个学习率",
    ),
    "runs.chosen.batch-size.rows": (
        "a larger one would leave an epoch of {rows} rows fewer than {least} steps, or did not fit; the learning rate is as asked",
        "批再大，{rows} 行的一轮就不足 {least} 步，或放不下；学习率保持原样",
    ),
    "runs.chosen.finder": ("learning-rate finder", "学习率搜索"),
    "runs.chosen.captures": (
        "about {count} looks inside the net in a run, at most every {least}th step",
        "全程约查看网络内部 {count} 次，至多每 {least} 步一次",
    ),
    "runs.chosen.threads": ("a step with so many threads took {tries}", "各线程数下单步耗时 {tries}"),
    "runs.chosen.allocator.many": (
        "a step asks the system for {pages} pages of memory or more",
        "每步向系统申请不少于 {pages} 页内存",
    ),
    "runs.chosen.allocator.few": (
        "a step asks the system for fewer than {pages} pages of memory",
        "每步向系统申请的内存不足 {pages} 页",
    ),
    "runs.chosen.allocator.none": ("nothing to be chosen here", "此处无可选择"),
    "runs.no-glibc": (
        "this system's C library is not glibc, so freed memory can't be kept",
        "本系统的 C 库不是 glibc，无法保留已释放的内存",
    ),
    "runs.no-glibc.remedy": ("Set train.allocator to system.", "请将 train.allocator 设为 system。"),
    "runs.chosen.compile": (
        "compiled steps are {times} times as fast; compiling took {spent} s, training would take {seconds} s without",
        "编译后单步速度为 {times} 倍；编译耗时 {spent} 秒，不编译时训练约需 {seconds} 秒",
    ),
    "runs.chosen.compile.short": (
        "about {seconds} s of training are too few for compiling to pay",
        "训练约 {seconds} 秒，编译得不偿失",
    ),
    "runs.chosen.compile.differs": (
        "a compiled step differs by {difference}, more than {allowed}",
        "编译后的一步相差 {difference}，超过 {allowed}",
    ),
    "runs.compile.ragged": (
        "the sizes of {column} differ from batch to batch, and each would be compiled anew",
        "{column} 的尺寸随批次变化，每种尺寸都须重新编译",
    ),
    "runs.compile.failed": ("the net can't be compiled here: {reason}", "网络在此无法编译：{reason}"),
    "runs.compile.remedy": (
        "Set train.compile to false. On a CPU torch compiles with a C++ compiler (g++).",
        "请将 train.compile 设为 false。在 CPU 上，torch 的编译需要 C++ 编译器（g++）。",
    ),
    "runs.chosen.cores": ("cores of this machine", "本机核数"),
    "runs.thresholds.none": (
        "thresholds are those of one category, decoded from its logits, and this task has none such.",
        "阈值针对由 logits 解码的单个类别目标，而此任务没有这样的目标。",
    ),
    "runs.thresholds.none.remedy": ("Set evaluate.thresholds to null.", "请将 evaluate.thresholds 设为 null。"),
    "runs.thresholds.gone": (
        "the run decides by thresholds that it has tuned, and they are not there.",
        "该训练按自己调整的阈值作出判断，但阈值文件不见了。",
    ),
    "runs.thresholds.gone.remedy": (
        "Find them again on the validation part: danlu resume {path}.",
        "请在验证部分上重新求出：danlu resume {path}。",
    ),
    "runs.thresholds.tuned": (
        "Thresholds tuned for {metric} on the validation part, {before} → {after} there (too good an estimate: it was chosen on it). "
        "They hold for the test and for every answer from now on; probabilities are those of the moved logits.",
        "已在验证部分上按 {metric} 调整阈值：{before} → {after}（阈值就是在这里选出的，所以偏乐观）。"
        "测试及以后的所有回答都采用这些阈值；概率按移动后的 logits 计算。",
    ),
    "runs.no-cuda": ("there is no CUDA device here.", "本机没有 CUDA 设备。"),
    "runs.no-cuda.remedy": ("Set train.device to cpu or auto.", "请将 train.device 设为 cpu 或 auto。"),
    "runs.fp16-cpu": ("fp16 training needs a GPU.", "fp16 训练需要 GPU。"),
    "runs.fp16-cpu.remedy": ("Use precision auto, bf16 or fp32.", "请使用 auto、bf16 或 fp32 精度。"),
    "runs.batch-norm": (
        "Batch norm sees micro-batches of {size}, not effective batches of {effective}: accumulation is exact for everything else. "
        "Where that matters use model.norm: group, or a larger train.batch_size.",
        "批量归一化看到的是大小为 {size} 的微批次，而非 {effective} 的有效批次；其余部分的累积是精确的。"
        "如有影响，请使用 model.norm: group 或增大 train.batch_size。",
    ),
    "runs.unused-parameters": (
        "{count} parameters get no gradient from the first batch: {names}.",
        "第一个批次未给 {count} 个参数带来梯度：{names}。",
    ),
    "runs.empty-part": ("the {part} part is empty.", "{part} 部分为空。"),
    "runs.empty-part.remedy": ("Look at data.split and at the data card.", "请检查 data.split 与数据卡。"),
    "runs.warmup": (
        "a warm-up of {warmup} steps leaves none of the run's {steps} at the full rate.",
        "{warmup} 步的预热用尽了全部 {steps} 步，没有一步能以完整的学习率训练。",
    ),
    "runs.no-validation": (
        "{key} needs a validation part, and these data have none.",
        "{key} 需要验证部分，而这些数据没有。",
    ),
    "runs.another-optimizer": (
        "{net} was measured with {own} at a rate of {rate}; with {given} it may learn the training rows by heart: "
        "look at the validation figures, or leave train.optimizer out.",
        "{net} 是以 {own}、学习率 {rate} 测定的；改用 {given} 可能只是背下训练行：请查看验证集指标，或去掉 train.optimizer。",
    ),
    "runs.momentum-cycled": (
        "The schedule {schedule} moves the momentum itself (Adam's first beta); the {given} of train.optimizer is not used. "
        "Set cycle_momentum of the schedule to false to keep it.",
        "学习率策略 {schedule} 会自行调整动量（对 Adam 为第一个 beta），train.optimizer 中的 {given} 不会被使用。"
        "如要保留，请将该策略的 cycle_momentum 设为 false。",
    ),
    "runs.batch-of-one": (
        "the last batch of an epoch holds a single sample, and the net can't be trained on one: {reason}.",
        "每轮的最后一个批次只有一个样本，而网络无法用单个样本训练：{reason}。",
    ),
    "runs.batch-of-one.remedy": (
        "Use a larger train.batch_size (3 or more), or model.norm: group.",
        "请增大 train.batch_size（至少 3），或使用 model.norm: group。",
    ),
    "runs.no-category": (
        "the target is no category, so there are no classes to balance.",
        "目标列不是类别，没有可平衡的类。",
    ),
    "runs.data-changed": ("the data have changed since this run began.", "自这次训练开始以来数据已改变。"),
    "runs.data-changed.remedy": ("Train a new run.", "请重新训练。"),
    "runs.set-aside": (
        "{count} of {all} rows can't be used and were set aside ({few}); data/card.json lists them.",
        "{all} 行中有 {count} 行无法使用，已被剔除（{few}）；详见 data/card.json。",
    ),
    "runs.set-aside-here": (
        "{count} of {all} rows can't be used and were set aside ({few}).",
        "{all} 行中有 {count} 行无法使用，已被剔除（{few}）。",
    ),
    "runs.row": ("{row}: {reason}", "{row}：{reason}"),
    "runs.columns-left-out": (
        "{count} {count:column|columns} of the table {count:is|are} not learnt from: {columns}.",
        "表格中有 {count} 列不参与学习：{columns}。",
    ),
    "runs.missing": (
        "{count} {count:row has no value in a column that is needed and was|rows have no value in a column that is needed and were} left out: {columns}.",
        "有 {count} 行在必需的列中缺值，已被略去：{columns}。",
    ),
    "runs.mended": ("Mended in {count} {count:row|rows}: {text}.", "已在 {count} 行中修正：{text}。"),
    "runs.noted-once": ("{where}: {text}.", "{where}：{text}。"),
    "runs.noted": ("{count} × {text}; first: {where}.", "{count} × {text}；第一处：{where}。"),
    "runs.more-notes": (
        "{count} more kinds of remarks are in data/card.json.",
        "另有 {count} 类说明，见 data/card.json。",
    ),
    "runs.baselines.reading": ("Samples for the baselines", "读取基线所用样本"),
    "runs.baselines.fitting": ("Baseline {name}", "基线 {name}"),
    "runs.baselines.some": (
        "The baselines see {train} of {all} training rows and {judged} of those to be judged, drawn by sample id.",
        "基线使用 {all} 个训练行中的 {train} 个，待评估的行中使用 {judged}；均按样本标识抽取。",
    ),
    "runs.baselines.unlike": (
        "No baselines: this task's predictions are neither of one category nor of one number. Its baselines() can offer some.",
        "没有基线：该任务的预测既不是单个类别，也不是单个数值。可由其 baselines() 方法提供。",
    ),
    "runs.baselines.no-data": (
        "No baselines: the run's own training data can't be read ({reason})",
        "没有基线：无法读取这次训练自己的训练数据（{reason}）",
    ),
    "runs.nothing-to-predict": ("there is nothing to predict.", "没有可预测的输入。"),
    "runs.captures-unreadable": ("what was captured can't be read: {reason}.", "无法读取捕获的数据：{reason}。"),
    "runs.captures-unreadable.remedy": (
        "Delete this file: nothing but verdicts on the run's health depends on it.",
        "请删除此文件：只有健康诊断用到它。",
    ),
}
