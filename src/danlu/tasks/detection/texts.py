"""What detection says to people: (English, Chinese)."""

from __future__ import annotations

UNKNOWN = ("{name} is no detector that can be learnt here.", "{name} 不是这里可以训练的检测器。")
UNKNOWN_REMEDY = (
    "Take auto, one of {known}, hf:NAME (RT-DETR, RT-DETRv2, D-FINE), or a net of your own as package.module:Object.",
    "请用 auto、{known} 之一、hf:NAME（RT-DETR、RT-DETRv2、D-FINE），或以 package.module:Object 给出自己的网络。",
)
KIND = (
    "{name} is of the kind {kind}, whose losses and answers are not known here.",
    "{name} 属于 {kind} 一类，这里不了解它的损失与输出。",
)
KIND_REMEDY = (
    "Take one of the kinds rt_detr, rt_detr_v2 and d_fine.",
    "请选用 rt_detr、rt_detr_v2 或 d_fine 一类的网络。",
)
UNTAKEN = ("{net} takes no {key} from here.", "{net} 不接受这里的 {key}。")
UNTAKEN_REMEDY = ("Say it in model.args, as the net calls it.", "请写在 model.args 中，用该网络自己的名称。")
COLOUR = ("{net} takes images of three channels.", "{net} 只接受三通道图像。")
COLOUR_REMEDY = ("Set data.image.channels to 3.", "请把 data.image.channels 设为 3。")
SIDE = ("{net} wants images of one known size.", "{net} 需要已知的统一图像尺寸。")
SIDE_REMEDY = ("Set data.image.size, such as 320.", "请设置 data.image.size，例如 320。")
NONE_PUBLISHED = ("There are no published weights of this net.", "该网络没有公开的权重。")
NONE_PUBLISHED_REMEDY = (
    "Name a file of weights or the folder of a run, or take torchvision:fcos_resnet50_fpn.",
    "请指定权重文件或某次运行的文件夹，或用 torchvision:fcos_resnet50_fpn。",
)
NO_WEIGHTS = ("{net} has no published weights named {asked}.", "{net} 没有名为 {asked} 的公开权重。")
NO_WEIGHTS_REMEDY = ("There are {known}.", "可用的有 {known}。")
NO_GRAPH = (
    "{net} proposes regions and looks at them again: how many there are depends on the image, and a graph can't hold that.",
    "{net} 先提出候选区域再逐一细看：区域的数量随图像而变，计算图无法表达。",
)
NO_GRAPH_REMEDY = (
    "Predict with the run itself, or train torchvision:fcos_resnet50_fpn or retinanet_resnet50_fpn_v2 instead.",
    "请直接用该运行来预测，或改为训练 torchvision:fcos_resnet50_fpn 或 retinanet_resnet50_fpn_v2。",
)
NOTHING_EXPLAINED = (
    "{net} has no score that belongs to one place of the image.",
    "{net} 没有对应图像中某一位置的分数。",
)
