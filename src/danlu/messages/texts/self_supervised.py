"""Texts about learning without labels: key → (English, Chinese)."""

TEXTS = {
    "self_supervised.sizes": (
        "self-supervision needs images of one size.",
        "自监督学习需要统一尺寸的图像。",
    ),
    "self_supervised.heads": (
        "{net} has several heads ({heads}), so it can't be used as an encoder.",
        "{net} 有多个输出头（{heads}），不能用作编码器。",
    ),
    "self_supervised.mae": (
        "masked autoencoding needs a net that can leave patches out, and {net} can't.",
        "掩码自编码需要能够略去图块的网络，{net} 做不到。",
    ),
    "self_supervised.square": (
        "images of {size} change their shape when they are turned.",
        "{size} 的图像旋转后形状会改变。",
    ),
    "self_supervised.square.remedy": ("Set data.image.size to a number.", "请将 data.image.size 设为一个数。"),
    "self_supervised.mixing": (
        "a view is of one image, so that it can't be mixed with another.",
        "一个视图只来自一张图像，不能与其他图像混合。",
    ),
    "self_supervised.mixing.remedy": (
        "Leave mixup and cutmix out of data.augment.",
        "请从 data.augment 中去掉 mixup 与 cutmix。",
    ),
}
