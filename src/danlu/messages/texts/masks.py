"""Texts of masks: key → (English, Chinese)."""

TEXTS = {
    "masks.type": ("a mask can't be read from {type}", "无法从 {type} 读取掩码"),
    "masks.size": (
        "the mask is {said} pixels, its image {found}; a mask must lie on its image pixel by pixel",
        "掩码为 {said} 像素，图像为 {found} 像素；掩码必须与图像逐像素对应",
    ),
    "masks.coloured": (
        'the mask is coloured, but classes are known by numbers; say options.mask.classes: {{name: "#rrggbb"}}',
        '掩码是彩色的，而类别是用数字表示的；请写 options.mask.classes: {{名称: "#rrggbb"}}',
    ),
    "masks.many": (
        "the masks hold more than {most} different values: they are photographs or JPEGs, not masks of classes",
        "掩码中有超过 {most} 种不同的值：它们是照片或 JPEG，不是类别掩码",
    ),
    "masks.unknown": (
        "{pixels} pixels have values that are no class: {values}; name them in options.mask.classes or options.mask.ignore",
        "{pixels} 个像素的值不属于任何类别：{values}；请在 options.mask.classes 或 options.mask.ignore 中列出",
    ),
    "masks.unknown-many": (
        "{pixels} pixels have {count} values that are no class ({values}): a JPEG, or a mask that was resized smoothly, is none",
        "{pixels} 个像素的 {count} 种值不属于任何类别（{values}）：JPEG 或经过平滑缩放的掩码不能使用",
    ),
    "masks.no-code": (
        '{value} is neither a grey value, nor a palette index, nor a colour ("#ff0000", [255, 0, 0])',
        '{value} 既不是灰度值或调色板序号，也不是颜色（"#ff0000"、[255, 0, 0]）',
    ),
    "masks.array": (
        "an array {dtype} ({shape}) is no mask: whole numbers (height, width), or colours uint8 (height, width, 3), are",
        "数组 {dtype}（{shape}）不是掩码：应为整数 (高, 宽)，或颜色 uint8 (高, 宽, 3)",
    ),
    "masks.fractions": (
        "the mask holds fractions or NaN; every pixel must be a whole number",
        "掩码中有小数或 NaN；每个像素都必须是整数",
    ),
    "masks.negative": ("the mask holds {value}; values must not be negative", "掩码中有 {value}；值不能为负数"),
    "masks.objects": (
        "the objects of an image must be a list of {{label, segmentation}}",
        "一幅图像的物体应为 {{label, segmentation}} 的列表",
    ),
    "masks.no-size": ("the size that outlines refer to is not known", "轮廓所对应的图像尺寸未知"),
    "masks.no-shape": ("object {object} has no segmentation", "物体 {object} 没有 segmentation"),
    "masks.polygon": (
        "object {object}: a polygon needs three or more points, as numbers x1, y1, x2, y2, …",
        "物体 {object}：多边形至少需要三个点，写成 x1, y1, x2, y2, …",
    ),
    "masks.polygon-far": (
        "object {object}: a polygon's points must be finite, and within a million pixels",
        "物体 {object}：多边形的点必须是有限的数，且不超过一百万像素",
    ),
    "masks.rle": (
        "object {object}: its run lengths are damaged, or don't fill its size",
        "物体 {object}：游程编码已损坏，或与其尺寸不符",
    ),
    "masks.rle-size": (
        "object {object}: its run lengths are of {said} pixels, the image is {found}",
        "物体 {object}：游程编码的尺寸为 {said}，图像为 {found}",
    ),
    "masks.note.turned": (
        "mask drawn on the unturned file: turned as EXIF says",
        "掩码画在未旋转的文件上：已按 EXIF 旋转",
    ),
    "masks.note.lossy": (
        "mask saved as {format}, which blurs values; PNG keeps them",
        "掩码保存为 {format}，会使值失真；请用 PNG",
    ),
    "masks.rare": (
        "Classes of '{column}' with hardly a pixel in training: {classes}; values that are mistakes belong into options.mask.ignore.",
        "“{column}”中在训练部分几乎没有像素的类别：{classes}；若是错误的值，请写入 options.mask.ignore。",
    ),
    "masks.note.two-levels": (
        "mask saved as {format}, which blurs values: taken as black and white, by the nearer one",
        "掩码保存为 {format}，会使值失真：按较接近的一方取黑或白",
    ),
    "masks.blurred": (
        "a {format} blurs the values of a mask: save it as PNG",
        "{format} 会使掩码的值失真：请保存为 PNG",
    ),
    "masks.note.grey": ("grey mask saved in colour", "灰度掩码存成了彩色"),
    "masks.no-folders": (
        "There is no folder of images with one of masks beside it.",
        "没有图像文件夹及与之并列的掩码文件夹。",
    ),
    "masks.no-folders.remedy": (
        "Put them into images/ and masks/, under the same names; or below train/, val/ and test/.",
        "请将它们以相同的名称放入 images/ 和 masks/；也可以放在 train/、val/、test/ 之下。",
    ),
    "masks.no-pairs": (
        "No image has a mask of its name. {first}",
        "没有任何图像有同名的掩码。{first}",
    ),
    "masks.none": ("there is no mask of this name in {folder}", "{folder} 中没有同名的掩码"),
    "masks.two-images": (
        "several images are called {name}: it is not clear whose the mask is",
        "有多幅图像名为 {name}：无法确定掩码属于哪一幅",
    ),
    "masks.two-masks": ("two masks fit it: {one} and {other}", "有两个掩码与之对应：{one} 和 {other}"),
    "masks.note.no-image": ("a mask without an image", "没有对应图像的掩码"),
    "masks.classes-mixed": (
        "Some lines name a value or a colour, others don't.",
        "有些行写了值或颜色，有些没有。",
    ),
    "masks.classes-twice": ("The class {name} stands in it twice.", "类别 {name} 出现了两次。"),
    "masks.classes-json": (
        "It must hold a list of names, or {{name: value or colour}}.",
        "应为名称的列表，或 {{名称: 值或颜色}}。",
    ),
    "masks.line": ("{file}, line {number}", "{file}，第 {number} 行"),
    "masks.no-classes": (
        "The masks hold no classes: no mask could be read (a JPEG of more than black and white can't: save it as PNG), or each holds hundreds of different values.",
        "掩码中没有类别：没有任何掩码能够读取（除黑白之外的 JPEG 不能使用，请保存为 PNG），或者每个掩码含有数百种不同的值。",
    ),
}
