"""What segmentation says to people: (English, Chinese)."""

from __future__ import annotations

CLASSIFIER = (
    "{name} names whole images, not their pixels.",
    "{name} 判断整幅图像，而不是逐个像素。",
)
CLASSIFIER_REMEDY = (
    "Take auto, smp:Unet, torchvision:fcn_resnet50, hf:NAME, or a net of your own as package.module:Object.",
    "请用 auto、smp:Unet、torchvision:fcn_resnet50、hf:NAME，或以 package.module:Object 给出自己的网络。",
)
NO_TIMM = (
    "timm's nets name whole images, not their pixels.",
    "timm 的网络判断整幅图像，而不是逐个像素。",
)
NO_TIMM_REMEDY = (
    "smp:Unet takes them as encoders: args {{encoder_name: tu-{name}}}.",
    "smp:Unet 可以把它们作为编码器：args {{encoder_name: tu-{name}}}。",
)
UNTAKEN = ("{net} takes no {key} from here.", "{net} 不接受这里的 {key}。")
UNTAKEN_REMEDY = ("Say it in model.args, as the net calls it.", "请写在 model.args 中，用该网络自己的名称。")
COLOUR = ("{net} takes images of three channels.", "{net} 只接受三通道图像。")
COLOUR_REMEDY = ("Set data.image.channels to 3.", "请把 data.image.channels 设为 3。")
NONE_PUBLISHED = ("There are no published weights of the own U-Net.", "自带的 U-Net 没有公开的权重。")
NONE_PUBLISHED_REMEDY = (
    "Name a file of weights, or take smp:Unet with pretrained: true.",
    "请指定权重文件，或用 smp:Unet 并设 pretrained: true。",
)
MIXED = (
    "classes are named by numbers or by colours, not by both",
    "类别应全部用数字或全部用颜色表示，不能混用",
)
TWICE = ("two classes have the same value", "两个类别的值相同")
NAMES = (
    "classes are a list of different names, or a mapping from names to values or colours",
    "classes 应为互不相同的名称列表，或由名称到值或颜色的映射",
)
