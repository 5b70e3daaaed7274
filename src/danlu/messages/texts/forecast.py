"""Texts of the forecast: of ``danlu plan``, and of the report's table of what was foreseen and what happened."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "forecast.parameters": ("parameters", "参数量"),
    "forecast.parameters.found": ("{trained} trained, {frozen} frozen", "训练 {trained}，冻结 {frozen}"),
    "forecast.forward": ("forward, one sample", "前向（单个样本）"),
    "forecast.backward": ("step, {samples} samples", "一步（{samples} 个样本）"),
    "forecast.memory": ("memory", "内存"),
    "forecast.time": ("time", "时间"),
    "forecast.disk": ("disk", "磁盘"),
    "forecast.net": ("net", "网络"),
    "forecast.amount": ("amount", "数值"),
    "forecast.share": ("share", "占比"),
    "forecast.memory.process": ("Python, its libraries, what is held of the data", "Python、各类库与常驻数据"),
    "forecast.memory.data": ("the data's cache, mapped", "数据缓存（内存映射）"),
    "forecast.memory.weights": ("weights and buffers", "权重与缓冲区"),
    "forecast.memory.gradients": ("gradients", "梯度"),
    "forecast.memory.optimizer": ("the optimiser's memory", "优化器状态"),
    "forecast.memory.averaged": ("averaged weights", "平均权重"),
    "forecast.memory.batch": ("batch", "批数据"),
    "forecast.memory.activations": ("activations kept for backward", "为反向传播保留的激活值"),
    "forecast.memory.working": ("scratch memory", "临时工作内存"),
    "forecast.memory.baselines": ("after training, while baselines are fitted", "训练之后拟合基线模型"),
    "forecast.memory.peak": ("at most", "峰值"),
    "forecast.time.step": ("a step", "每步"),
    "forecast.time.cpu": ("CPU time of a step, looks and all threads", "每步 CPU 时间（含查看、所有线程）"),
    "forecast.time.checks": ("before the first step", "第一步之前"),
    "forecast.time.training": ("{steps} steps", "{steps} 步训练"),
    "forecast.time.evaluations": ("evaluations", "验证"),
    "forecast.time.captures": ("looks inside the net", "查看网络内部"),
    "forecast.time.checkpoints": ("checkpoints", "检查点"),
    "forecast.time.test": ("predictions of validation and test part", "验证集与测试集预测"),
    "forecast.time.baselines": ("baselines, about", "基线模型（约）"),
    "forecast.time.total": ("in all", "合计"),
    "forecast.disk.checkpoints": ("checkpoints that are kept", "保留的检查点"),
    "forecast.disk.best": ("best weights", "最佳权重"),
    "forecast.disk.predictions": ("predictions, about", "预测结果（约）"),
    "forecast.disk.events": ("events, about", "事件日志（约）"),
    "forecast.disk.captures": ("captures, about", "内部记录（约）"),
    "forecast.disk.total": ("in all", "合计"),
    "forecast.at.step": (
        "Memory is fullest in a step of training: {peak}; the largest part of that is: {part}.",
        "训练步骤中内存占用最高：{peak}；其中最大的一项是：{part}。",
    ),
    "forecast.at.evaluation": (
        "Memory is fullest while the net is judged: {peak}.",
        "评估网络时内存占用最高：{peak}。",
    ),
    "forecast.at.baselines": (
        "Memory is fullest while the baselines are fitted: {peak}. evaluate.baselines=false leaves them out.",
        "拟合基线模型时内存占用最高：{peak}。设置 evaluate.baselines=false 可跳过它们。",
    ),
    "forecast.at.checks": (
        "Memory is fullest before the first step, while the data are prepared or the recipe is checked: {peak}.",
        "第一步之前（准备数据或检查配方时）内存占用最高：{peak}。",
    ),
    "forecast.lower.batch": (
        "Activations grow with the batch: train.batch_size={size} train.accumulate={accumulate} takes about {less} less, with as many "
        "samples a step (batch norm then sees smaller batches).",
        "激活值随批大小增长：train.batch_size={size} train.accumulate={accumulate} 约可少用 {less}，每步样本数不变（但批归一化看到的批会变小）。",
    ),
    "forecast.lower.optimizer": (
        "The optimiser remembers {amount}: train.optimizer.name=sgd with momentum 0 remembers nothing, and what is frozen "
        "(model.unfreeze) is not remembered either.",
        "优化器状态占 {amount}：train.optimizer.name=sgd 且 momentum 为 0 时不保存状态；被冻结的参数（model.unfreeze）也不占用。",
    ),
    "forecast.lower.data": (
        "Pages of the cache are the system's to take back: they make nothing fail where memory is short.",
        "缓存页可由系统随时回收：内存紧张时不会因此失败。",
    ),
    "forecast.lower.process": (
        "Most of a step's memory is Python and its libraries, which no key of the recipe lowers.",
        "一步所用的内存大部分是 Python 及其库，配方中没有能降低它的选项。",
    ),
    "forecast.too-large": (
        "This is more than there is: {room}. Training would fail or swap.",
        "超过可用内存 {room}：训练会失败或频繁换页。",
    ),
    "forecast.none": ("No forecast could be made: {reason}", "无法预测资源占用：{reason}"),
    "forecast.foreseen": ("forecast", "预测"),
    "forecast.happened": ("happened", "实际"),
    "forecast.off": ("difference", "相差"),
    "forecast.compared.memory": ("memory at most", "内存峰值"),
    "forecast.compared.step": ("a step", "每步时间"),
    "forecast.compared.cpu": ("CPU time of a step", "每步 CPU 时间"),
    "forecast.compared.time": ("time in all, without the report", "总时间（不含报告）"),
    "forecast.compared.disk": ("disk", "磁盘"),
    "forecast.compared.note": (
        "The forecast was made before the first step, by a few steps on a copy of the net. {parameters} parameters are trained, {frozen} "
        "frozen; a forward pass takes {forward} a sample, a step {step}.",
        "预测在第一步之前作出：在网络副本上试跑几步。训练参数 {parameters} 个，冻结 {frozen} 个；前向每个样本 {forward}，一步 {step}。",
    ),
}
