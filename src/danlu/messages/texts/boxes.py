"""Boxes on images: their files, what is wrong in them, errors of a detector."""

TEXTS: dict[str, tuple[str, str]] = {
    "boxes.left-out": ("left out: {reason}", "已舍去：{reason}"),
    "boxes.relative": (
        "these boxes are shares of an image, and there is no image",
        "这些边界框是图像宽高的比例，而这里没有图像",
    ),
    "boxes.id-twice": (
        "{count} annotations have this id; all of them are kept",
        "有 {count} 条标注使用同一个 id；全部保留",
    ),
    "boxes.twice": ("the same box of the same class stands here before", "前面已有同一类别的同一边界框"),
    "boxes.no-number": ("'{value}' is no number", "“{value}”不是数字"),
    "boxes.negative": ("width or height is negative", "宽或高为负"),
    "boxes.no-area": ("the box has no area", "边界框面积为零"),
    "boxes.outside": ("the box lies outside of the image", "边界框在图像之外"),
    "boxes.swapped": ("corners swapped; the same rectangle is meant", "两个角颠倒；按同一矩形处理"),
    "boxes.no-image": ("there is no image of that name", "没有同名的图像"),
    "boxes.coco.ids": (
        "{count} annotations name ids as texts where the list has numbers, or the other way round; taken for the same",
        "有 {count} 条标注把列表中的数字 id 写成文本（或相反）；按同一个 id 处理",
    ),
    "boxes.coco.crowd": (
        "left out: iscrowd is {value}, neither 0 nor 1",
        "已舍去：iscrowd 为 {value}，既不是 0 也不是 1",
    ),
    "boxes.coco.shares": (
        "all boxes lie within the first pixel: these look like shares of the image, and COCO's boxes are pixels",
        "所有边界框都在第一个像素之内：看起来是图像宽高的比例，而 COCO 的边界框以像素为单位",
    ),
    "boxes.coco.corners": (
        "these look like corners (x1, y1, x2, y2), and COCO's boxes are x, y, width, height",
        "看起来是两个角（x1, y1, x2, y2），而 COCO 的边界框是 x、y、宽、高",
    ),
    "boxes.lost": (
        "{lost} of {all} objects were left out (most often {reason}; first: {where}).",
        "{all} 个目标中有 {lost} 个被舍去（最常见的原因：{reason}；第一个：{where}）。",
    ),
    "boxes.lost.remedy": (
        "What they show would be taught as background: mend the file; or raise data.max_bad to go on without them.",
        "它们所标的内容会被当作背景来学习：请修正文件；或提高 data.max_bad 以跳过它们。",
    ),
    "boxes.no-objects": ("No image has an object in it.", "没有任何图像带有目标。"),
    "boxes.no-objects.remedy": (
        "There is nothing to learn from: look whether the annotations are these images' own.",
        "没有可学习的内容：请检查标注是否属于这些图像。",
    ),
    "boxes.yolo.none": (
        "There is no data.yaml here, and no classes.txt beside images and labels.",
        "这里没有 data.yaml，images 与 labels 旁也没有 classes.txt。",
    ),
    "boxes.yolo.none.remedy": (
        "Set data.source to the data.yaml, or write one with path, train, val and names.",
        "请把 data.source 设为 data.yaml，或写一个含 path、train、val、names 的文件。",
    ),
    "boxes.yolo.names": ("There is no list of class names.", "没有类别名称列表。"),
    "boxes.yolo.names.remedy": (
        "Write them as a list, or as number: name.",
        "请写成列表，或写成“编号: 名称”。",
    ),
    "boxes.yolo.gaps": (
        "The classes must be numbered from 0 to {most} without a gap.",
        "类别编号必须从 0 到 {most} 连续。",
    ),
    "boxes.yolo.name-twice": ("The class '{name}' stands twice.", "类别“{name}”出现两次。"),
    "boxes.yolo.count": (
        "nc says {said} classes, and there are {found} names.",
        "nc 声明有 {said} 个类别，而名称有 {found} 个。",
    ),
    "boxes.yolo.place": (
        "This is no folder and no file of images: {value}",
        "这既不是图像文件夹，也不是图像列表：{value}",
    ),
    "boxes.yolo.no-places": ("Neither train nor val nor test is said.", "没有写明 train、val 或 test。"),
    "boxes.yolo.no-places.remedy": (
        "Write train: images/train, relative to path or to this file.",
        "请写 train: images/train，相对于 path 或本文件。",
    ),
    "boxes.yolo.missing": ("There is no {path}.", "{path} 不存在。"),
    "boxes.yolo.missing.remedy": (
        "Mend it in the file, or set data.root to the folder that it starts from.",
        "请在文件中改正，或把 data.root 设为其起始文件夹。",
    ),
    "boxes.yolo.no-labels": (
        "No image has a label file; the first was looked for at {file}.",
        "没有任何图像带有标注文件；第一个的查找位置是 {file}。",
    ),
    "boxes.yolo.no-labels.remedy": (
        "Put the texts into labels/… where the images lie in images/…, or beside them.",
        "图像在 images/… 时请把文本放在 labels/…，或与图像放在一起。",
    ),
    "boxes.yolo.no-image": ("'{name}' is no image by its name.", "从名称看，“{name}”不是图像。"),
    "boxes.yolo.again": (
        "{count} images of {part} stand in an earlier part too, and are that one's alone",
        "{part} 中有 {count} 幅图像在前面的部分已出现，只归前者",
    ),
    "boxes.yolo.columns": (
        "a line has five numbers (class, middle x and y, width, height), not {count}",
        "每行应有五个数（类别、中心 x、y、宽、高），而这里有 {count} 个",
    ),
    "boxes.yolo.class": ("there is no class {value}; they go from 0 to {most}", "没有类别 {value}；编号为 0 到 {most}"),
    "boxes.yolo.pixels": (
        "these are pixels; shares of the image's width and height are wanted",
        "这里写的是像素；应为图像宽高的比例",
    ),
    "boxes.yolo.outline": ("an outline; the box around it is taken", "这是轮廓；取其外接矩形"),
    "boxes.yolo.score": ("a sixth number, a score, is passed over", "忽略第六个数（得分）"),
    "boxes.voc.none": ("There is no XML annotation here.", "这里没有 XML 标注。"),
    "boxes.voc.none.remedy": (
        "Set data.source to the folder that holds Annotations, or the XML files themselves.",
        "请把 data.source 设为含有 Annotations 或 XML 文件的文件夹。",
    ),
    "boxes.voc.broken": ("broken XML ({reason})", "XML 已损坏（{reason}）"),
    "boxes.voc.root": ("an <annotation> is wanted, not <{found}>", "应为 <annotation>，而不是 <{found}>"),
    "boxes.voc.deep": ("elements are nested too deep", "元素嵌套过深"),
    "boxes.voc.entity": ("entities of the file's own are not read", "不读取文件自定义的实体"),
    "boxes.voc.no-name": ("the object has no name", "目标没有名称"),
    "boxes.voc.no-box": ("the object has no bndbox", "目标没有 bndbox"),
    "boxes.voc.no-edge": ("bndbox has no {edge}", "bndbox 缺少 {edge}"),
    "boxes.voc.continuous": (
        "a corner of 0: corners are taken as coordinates from 0, not as pixels from 1",
        "有坐标为 0 的角：按从 0 起的坐标处理，而不是从 1 起的像素",
    ),
    "boxes.voc.image-twice": ("Two files describe the image {name}.", "有两个文件描述图像 {name}。"),
    "boxes.voc.two-parts": (
        "{name} stands in two parts, or twice in one.",
        "{name} 出现在两个部分中，或在同一部分出现两次。",
    ),
    "boxes.write.name": (
        "A name that leads out of the folder can't be written.",
        "不能写入指向文件夹之外的名称。",
    ),
    "boxes.convert.words": (
        "what data.source may name; coco, yolo or voc; a new or empty folder",
        "data.source 可以写的内容；coco、yolo 或 voc；新的或空的文件夹",
    ),
    "boxes.convert.from": ("format of the source (default: auto)", "数据源的格式（默认自动识别）"),
    "boxes.convert.done": (
        "{images} images with {boxes} boxes written; data.source: {path}",
        "已写出 {images} 幅图像、{boxes} 个框；data.source: {path}",
    ),
    "boxes.convert.used": ("This folder is in use.", "该文件夹中已有内容。"),
    "boxes.convert.used.remedy": ("Name a new or an empty one.", "请指定新的或空的文件夹。"),
    "boxes.convert.unreadable": ("the image can't be opened", "无法打开图像"),
}
