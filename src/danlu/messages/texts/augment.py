"""Texts of augmentation: key → (English, Chinese)."""

TEXTS = {
    "augment.cannot-mix": (
        "{name} mixes pairs of samples, and column '{column}' ({kind}) can't be mixed.",
        "{name} 会混合成对样本，而列“{column}”（{kind}）无法混合。",
    ),
    "augment.cannot-mix.remedy": (
        "Leave {name} out of data.augment for this task.",
        "请在该任务的 data.augment 中去掉 {name}。",
    ),
    "augment.many-sizes": (
        "{name} mixes pairs of images, and those of column '{column}' are of many sizes.",
        "{name} 会混合成对图像，而列“{column}”中的图像尺寸各不相同。",
    ),
    "augment.many-sizes.remedy": (
        "Set data.image.size, so that all images have one size, or leave {name} out.",
        "请设置 data.image.size 使所有图像尺寸一致，或去掉 {name}。",
    ),
    "augment.no-image": (
        "{name} changes images, and there is no image column.",
        "{name} 作用于图像，但数据中没有图像列。",
    ),
    "augment.no-image.remedy": ("Leave {name} out of data.augment.", "请从 data.augment 中去掉 {name}。"),
    "augment.not-an-augmentation": (
        "{name} is not an augmentation that can be put into the list.",
        "{name} 不是可以放入列表的数据增强。",
    ),
    "augment.not-an-augmentation.remedy": (
        "Derive it from Geometric, Colouring, Covering or Mixing of danlu.data.augment.parts, or give it "
        "the methods of danlu.data.augment.base.BatchTransform.",
        "请继承 danlu.data.augment.parts 中的 Geometric、Colouring、Covering 或 Mixing，"
        "或实现 danlu.data.augment.base.BatchTransform 的方法。",
    ),
    "augment.boxes-only": (
        "'{name}' puts images with boxes together; other columns can't follow it.",
        "“{name}”拼合带边界框的图像；其他列无法随之变换。",
    ),
    "augment.boxes-only.remedy": (
        "Leave it out of data.augment; flip, crop, scale and colours suit every task with images.",
        "请从 data.augment 中去掉它；flip、crop、scale 和颜色变换适合所有图像任务。",
    ),
    "augment.two-mixers": (
        "{name} asks for partners of its own, beside {other}; a batch can serve only one of them.",
        "{name} 与 {other} 都要求各自的配对样本；一个批次只能满足其中之一。",
    ),
    "augment.two-mixers.remedy": (
        "Leave one of the two out (mixup and cutmix together are possible).",
        "请去掉其中之一（mixup 与 cutmix 可以同时使用）。",
    ),
    "augment.flip.alternating": (
        "alternating shows each image both ways in turn, so p is always 0.5, not {p}",
        "alternating 会让每张图像的两种朝向轮流出现，因此 p 恒为 0.5，不能是 {p}",
    ),
    "augment.erase.sizes": (
        "smallest ({smallest}) is above largest ({largest})",
        "smallest（{smallest}）大于 largest（{largest}）",
    ),
}
