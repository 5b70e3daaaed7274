"""Writes the tables of docs/en/recipe.md and docs/zh/recipe.md from the recipe's own types: python tools/recipe_reference.py

What stands above the marker in those files is written by hand and kept. A test holds that both are up to date.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from danlu.messages import Language, set_language
from danlu.recipe.schema import Named, Recipe, Section
from danlu.recipe.shape import allowed, field_type, sections

DOCS = Path(__file__).parents[1] / "docs"
MARKER = "<!-- From here on written by tools/recipe_reference.py -->"
HEADS = {
    "en": "| key | default | allowed | what it is |",
    "zh": "| 键 | 默认值 | 可取的值 | 含义 |",
}

CHINESE = {
    "task": "应用，或 package.module:SPEC",
    "seed": "一切随机性都由它决定",
    "options": "任务自己的选项",
    "run": "训练文件夹",
    "run.name": "训练的名称；null 表示日期加任务名",
    "run.folder": "存放各次训练的文件夹",
    "data": "数据在哪里，训练之前要做哪些处理",
    "data.source": "文件夹或文件的路径，或 builtin:名称",
    "data.format": "数据源的读法；auto 表示按外观判断",
    "data.columns": "任务的列 → 文件中的列；标签可以是多个 0/1 列：[cat, dog]",
    "data.root": "清单中相对路径的起点；null 表示清单所在的文件夹",
    "data.labels": "标签集合的写法",
    "data.labels.separator": "一个单元格中标签之间的分隔符；auto 表示在 | ; , 中取出现最多的一个",
    "data.labels.empty": "空单元格的含义：missing 表示没有标注，none 表示没有标签；[] 总是表示没有标签",
    "data.split": "如何划分训练、验证和测试部分。数据源已经给出的划分（train/val/test 文件夹、划分列）保持不变",
    "data.split.val": "用于验证的比例",
    "data.split.test": "用于最终测试的比例",
    "data.split.stratify": "各部分类别比例相同；auto 表示每个类别都足够大时按类别分层",
    "data.split.group": "该列取值相同的行留在同一部分（病人、用户、场景）",
    "data.split.time": "按该列先后划分：训练 < 验证 < 测试",
    "data.split.column": "已经写明 train、val 或 test 的列",
    "data.image": "图像在缓存之前如何准备",
    "data.image.size": "边长（像素）；auto 表示小而等大的图像保持原样",
    "data.image.resize": "形状不同时如何取舍：拉伸、裁剪或填充",
    "data.image.channels": "1 为灰度，3 为彩色；auto 表示取多数图像的情况",
    "data.text": "文本在缓存之前如何准备",
    "data.text.tokenizer": "words（词）、characters（字）、bpe 或 unigram（从训练行学得），或 hf:名称；"
    "auto 表示词间无空格的文字按字，其余按词",
    "data.text.vocabulary": "最多学习多少个词元",
    "data.text.min_count": "词元至少出现几次才学习",
    "data.text.max_length": "一段文本最多多少个词元，其余截去；auto 表示容纳 99% 的训练文本，最多 512",
    "data.text.cut": "较长的文本截去哪里：末尾、开头或中间",
    "data.text.normalize": "Unicode 规范化；auto 表示 nfkc，或沿用已发布分词器自己的",
    "data.text.lower": "转为小写；auto 表示转换，或沿用已发布分词器自己的",
    "data.text.near": "字符 n 元组的重合（Jaccard 系数）达到这个比例的文本视为重复；null 表示只看完全相同的",
    "data.bucket": "把长度相近的行放进同一批；auto 表示输入为文本或其他序列时这样做",
    "data.missing": "遇到缺失值怎么办：丢弃或报错",
    "data.max_bad": "无法读取的行超过这个比例即报错",
    "data.duplicates": "完全重复的样本：放在同一部分、只留一个，或不处理",
    "data.balance": "如何照顾稀少的类别：在损失中权重更大（class-weights）、更频繁地抽取（sampler），"
    "或训练时须以更大的间隔胜出（logit-adjustment，Menon 等，2021）",
    "data.normalize": "网络如何缩放输入：按训练行的均值与标准差，或按最小值与最大值；none 表示像素由 0–255 变为 0–1，数值保持原样",
    "data.storage": "数据在缓存中的形式",
    "data.cache": "缓存文件夹；null 表示用户的缓存文件夹",
    "data.workers": "读取数据的进程或线程数",
    "data.augment": "对每个训练样本每轮重新抽取的变换，按顺序",
    "data.limit": "每一部分只用这么多行（按位置抽取）",
    "model": "网络",
    "model.name": "短名称、timm:名称、torchvision:名称、hf:名称、package.module:Object；auto 表示任务自己的网络",
    "model.pretrained": "从公开的预训练权重开始",
    "model.activation": "自带网络各层的激活函数；null 表示网络自己的",
    "model.norm": "自带网络的归一化层；null 表示网络自己的",
    "model.dropout": "随机置零的比例；null 表示网络自己的",
    "model.drop_path": "随机深度：训练时对这一比例的样本略去最后一个残差分支，越靠前的分支比例越小（线性）；null 表示网络自己的",
    "model.unfreeze": "训练哪些参数：all（全部）、frozen（只训练头部）、gradual（自头部起逐段解冻）、layerwise（越靠下学习率越小）",
    "model.adapter": "在冻结的网络中与头部一起学习的小部件（lora）；null 表示没有",
    "model.args": "网络的其他参数",
    "train": "如何训练",
    "train.epochs": "遍历训练数据的轮数",
    "train.max_steps": "最多更新这么多步",
    "train.batch_size": "一个（微）批的行数；auto 表示 16 到 1024 之间的 2 的幂，"
    "由训练前对速度和内存的短暂试验选定，并保证每轮有足够的步数；学习率不随之改变",
    "train.tokens": "一批最多多少个词元（含填充），代替 batch_size 行；null 表示 batch_size 行",
    "train.accumulate": "一次更新累积的微批数",
    "train.optimizer": "优化器及其学习率。其余的键（momentum、nesterov、betas……）是它的参数",
    "train.optimizer.name": "短名称，或 package.module:Object",
    "train.optimizer.lr": "学习率峰值；auto 表示训练前用短暂的测试找到",
    "train.optimizer.weight_decay": "权重衰减，不作用于归一化层和偏置",
    "train.optimizer.args": "momentum、nesterov、betas……",
    "train.schedule": "学习率如何随训练变化",
    "train.warmup": "线性预热：占总步数的比例，或步数",
    "train.loss": "null 表示任务自己的损失",
    "train.l1": "参数 L1 惩罚的权重",
    "train.l1_by": "L1 的方式：加入梯度（penalty，权重变小），或近端步（proximal，得到零）",
    "train.sam": "锐度感知最小化（SAM）沿坡上行的步长，常用 0.05；null：不使用",
    "train.swa": "训练进行到此比例后保持学习率不变，并对各轮末的权重求平均，评估平均后的权重",
    "train.clip_norm": "梯度范数的上限",
    "train.ema": "权重滑动平均的衰减率；设置后用平均权重评估",
    "train.non_finite": "损失或梯度出现 NaN 或无穷的一步会怎样：停止训练，或略去这一步继续；无论如何它都不会改变任何东西",
    "train.precision": "auto 表示在真实的一批数据上与 fp32 一致的最快精度",
    "train.channels_last": "图像的内存布局",
    "train.device": "auto、cpu、cuda、cuda:1、mps……",
    "train.threads": "CPU 线程数；auto：每核一个；fastest：经短暂试验取同样多或更少"
    "（线程数会改变末位比特，机器繁忙时同一配方的结果可能不同）",
    "train.allocator": "keep：保留一步所释放的内存供下一步使用（glibc 本会将其归还系统）；auto：若短暂试验表明重新申请费时则保留",
    "train.compile": "训练的前向与反向使用 torch.compile；auto：经试验确认数值一致、更快且划算时使用。"
    "在 CPU 上很少划算，且试验需数分钟",
    "train.evaluate_every": "每隔多少轮评估一次",
    "train.best": "据以保留最佳权重的指标（val/accuracy）；null 表示任务自己的",
    "train.early_stop": "不再进步时停止；null 表示从不提前停止",
    "train.early_stop.monitor": "必须进步的指标：val/loss、val/accuracy……",
    "train.early_stop.patience": "连续多少次评估没有进步就停止",
    "train.early_stop.min_delta": "多大才算进步",
    "train.checkpoint": "何时保存训练状态",
    "train.checkpoint.every_steps": "两个检查点之间的更新步数",
    "train.checkpoint.every_minutes": "两个检查点之间的分钟数",
    "train.checkpoint.every_epochs": "两个检查点之间的轮数",
    "train.checkpoint.keep": "保留最近的多少个",
    "evaluate": "如何评估训练好的网络",
    "evaluate.batch_size": "null 表示训练批大小的两倍",
    "evaluate.confidence": "指标区间的置信水平",
    "evaluate.weights": "用哪份权重做测试：最佳或最后",
    "evaluate.thresholds": "按此指标在验证部分上调整各类别的判定阈值，此后网络作答时都采用，"
    "导出的产物也一样；null 表示取概率最大的类别",
    "evaluate.baselines": "在网络旁边评估简单模型（多数类、线性模型、最近邻）",
    "evaluate.views": "测试时增强：凡是网络作答之处（包括导出的模型），都对同一图像的若干视图取输出的平均",
    "evaluate.report": "训练结束后生成 report.html",
    "watch": "训练时记录什么",
    "watch.tensorboard": "同时写 TensorBoard 文件",
    "watch.histograms_every": "每隔多少轮记录参数和梯度的直方图",
    "watch.captures_every": (
        "每隔多少步查看一次网络内部（梯度、权重、更新量、激活值），供健康诊断使用；"
        "0 表示不查看；auto 表示全程约一百次，且至多每 20 步一次"
    ),
    "watch.log_seconds": "进程被杀死时，最多丢失这么多秒的事件",
    "deploy": "产物的形式",
    "deploy.quantize": "产物权重的数值格式",
    "deploy.format": "产物计算图的格式",
    "deploy.licence": "模型卡中的许可说明；null：未注明",
}


def reference(language: Language) -> str:
    """The whole page in one language."""
    set_language(language)
    by_hand, _, _ = (DOCS / language / "recipe.md").read_text(encoding="utf-8").partition(MARKER)
    parts = [by_hand.rstrip(), MARKER]
    own = [(name, field) for name, field in Recipe.model_fields.items() if not _section(field)]
    parts.append(_table("", own, language))
    for name, field in Recipe.model_fields.items():
        section = _section(field)
        if section is not None:
            parts.append(f"## `{name}`\n\n{_what(name, field, language)}")
            parts.append(_table(f"{name}.", list(_keys(section, "")), language))
    return "\n\n".join(parts) + "\n"


def _keys(section: type[Section], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in section.model_fields.items():
        yield prefix + name, field
        inner = _section(field)
        if inner is not None:
            yield from _keys(inner, f"{prefix}{name}.")


def _table(prefix: str, fields: list[tuple[str, FieldInfo]], language: Language) -> str:
    lines = [HEADS[language], "| --- | --- | --- | --- |"]
    for name, field in fields:
        inner = _section(field)
        default = "" if inner is not None else f"`{_default(field)}`"
        may_be = "" if inner is not None else allowed(field_type(field)).replace("|", "\\|")
        lines.append(f"| `{prefix}{name}` | {default} | {may_be} | {_what(prefix + name, field, language)} |")
    return "\n".join(lines)


def _section(field: FieldInfo) -> type[Section] | None:
    """The section a field holds; None for values and for choices by name, which have their own spelling."""
    found = [kind for kind in sections(field.annotation) if kind is not Named]
    return found[0] if found else None  # type: ignore[return-value]


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return "null"
    if isinstance(value, Named):
        return value.name
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[]"
    return "{}" if hasattr(value, "keys") else str(value)


def _what(key: str, field: FieldInfo, language: Language) -> str:
    return CHINESE[key] if language == "zh" else str(field.description)


def main() -> None:
    for language in ("en", "zh"):
        (DOCS / language / "recipe.md").write_text(reference(language), encoding="utf-8")


if __name__ == "__main__":
    main()
