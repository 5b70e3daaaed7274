"""Texts of kinds, sources, cleaning, splitting and the data card."""

TEXTS: dict[str, tuple[str, str]] = {
    # ---- stages of the work
    "data.listing": ("Listing the files", "正在列出文件"),
    "data.reading": ("Reading {file}", "正在读取 {file}"),
    "data.downloading": ("Downloading {file}", "正在下载 {file}"),
    "data.counting": ("Counting over the training rows", "正在统计训练数据"),
    "data.line": ("{file}, line {number}", "{file} 第 {number} 行"),
    "data.row": ("{file}, row {number}", "{file} 第 {number} 条"),
    "data.missing": ("there is no value", "没有值"),
    # ---- images: why one can't be used
    "data.image.missing": ("there is no such file", "文件不存在"),
    "data.image.broken-link": ("a link that leads nowhere", "链接指向的文件不存在"),
    "data.image.folder": ("a folder, not an image", "这是文件夹，不是图像"),
    "data.image.special": ("not a plain file (a pipe, a socket or a device)", "不是普通文件（管道、套接字或设备）"),
    "data.image.empty": ("the file is empty", "文件为空"),
    "data.image.forbidden": ("no permission to read the file", "没有读取该文件的权限"),
    "data.image.unreadable": ("the file can't be read: {reason}", "无法读取文件：{reason}"),
    "data.image.name": ("no valid file name", "文件名无效"),
    "data.image.huge-file": (
        "the file has {gigabytes} GiB, more than an image may have",
        "文件有 {gigabytes} GiB，超出图像文件的上限",
    ),
    "data.image.bomb": (
        "the image has more pixels than can be decoded safely; cut it into tiles",
        "图像的像素数超过安全解码的上限，请先切成小块",
    ),
    "data.image.not-an-image": ("not an image", "不是图像"),
    "data.image.zeros": ("the file holds nothing but zero bytes", "文件内容全是零字节"),
    "data.image.html": ("a web page, not an image; a download went wrong", "这是网页而不是图像，下载时出了错"),
    "data.image.svg": ("a vector drawing (SVG); export it as PNG", "这是矢量图（SVG），请先导出为 PNG"),
    "data.image.pdf": ("a PDF document; export its pages as images", "这是 PDF 文档，请先把页面导出为图像"),
    "data.image.archive": ("an archive, not an image; unpack it", "这是压缩包，不是图像，请先解压"),
    "data.image.lfs": (
        "a Git LFS pointer, not the image itself; run `git lfs pull`",
        "这是 Git LFS 指针而不是图像本身，请运行 `git lfs pull`",
    ),
    "data.image.heic": (
        "a HEIC image, which can't be decoded here; convert it to JPEG",
        "这是 HEIC 图像，此处无法解码，请转换为 JPEG",
    ),
    "data.image.truncated": ("the file ends too early (truncated)", "文件不完整（被截断）"),
    "data.image.broken": ("the file is damaged: {reason}", "文件已损坏：{reason}"),
    "data.image.nan": ("pixels are not numbers (NaN or infinite)", "像素值不是有效数字（NaN 或无穷大）"),
    "data.image.values": (
        "pixels of type {dtype} outside of their range: give uint8, uint16, or floats from 0 to 1",
        "{dtype} 类型的像素超出范围：请给出 uint8、uint16 或 0 到 1 的浮点数",
    ),
    "data.image.shape": ("an array of shape {shape} is no image", "形状为 {shape} 的数组不是图像"),
    "data.image.type": ("a value of type {type} is no image", "{type} 类型的值不是图像"),
    "data.image.url": ("a web address; download the image first", "这是网址，请先下载图像"),
    "data.image.outside": (
        "the name leads out of the data's folder; set data.root to a folder that holds all images",
        "路径超出了数据文件夹；请把 data.root 设为包含全部图像的文件夹",
    ),
    # ---- images: what was mended
    "data.image.note.exif": ("turned upright as EXIF says", "已按 EXIF 信息转正"),
    "data.image.note.animated": (
        "several pictures in one file: the first was taken",
        "文件中有多幅画面，只取第一幅",
    ),
    "data.image.note.16-bit-dark": (
        "16 bits reduced to 8, of which no value lies above 4095: almost black now; widen such files to 0–65535 first",
        "16 位已转为 8 位，但没有高于 4095 的值：几乎全黑；请先把这类文件扩展到 0–65535",
    ),
    "data.image.note.16-bit": ("16 bits reduced to 8", "16 位已转为 8 位"),
    "data.image.note.32-bit": ("32 bits reduced to 8", "32 位已转为 8 位"),
    "data.image.note.1-bit": ("black and white widened to 8 bits", "黑白图像已转为 8 位"),
    "data.image.note.float": ("floats brought to 0–255", "浮点像素已换算到 0–255"),
    "data.image.note.own-range": (
        "values beyond any usual range: scaled by the image's own darkest and lightest",
        "像素值超出常见范围，已按该图像自身的最暗与最亮值缩放",
    ),
    "data.image.note.cmyk": ("print colours (CMYK) converted to RGB", "印刷色（CMYK）已转为 RGB"),
    "data.image.note.palette": ("palette converted to RGB", "调色板已转为 RGB"),
    "data.image.note.mode": ("{mode} converted to RGB", "{mode} 已转为 RGB"),
    "data.image.note.transparent": ("transparent parts shown on white", "透明部分已叠加在白色背景上"),
    "data.image.note.grey": ("colour reduced to grey", "彩色已转为灰度"),
    # ---- other kinds
    "data.category.type": ("a value of type {type} is no category", "{type} 类型的值不是类别"),
    "data.category.text": ("no valid text", "不是有效的文本"),
    "data.category.none": ("No row has a usable class: {reason}.", "没有一行有可用的类别：{reason}。"),
    "data.category.unseen": ("unknown class '{value}'", "未知类别“{value}”"),
    "data.category.one-class": (
        "There is only one class ({classes}): nothing can be learnt.",
        "只有一个类别（{classes}）：没有可学的内容。",
    ),
    "data.category.one-class.remedy": (
        "Check that data.source is the folder that holds the class folders, or that the right column is taken as the label.",
        "请检查 data.source 是否为各类别文件夹的上一级文件夹，或标签列是否选对。",
    ),
    "data.category.too-many": (
        "{classes} different values in {rows} rows ({first} …) are no classes.",
        "{rows} 行中有 {classes} 个不同的值（{first} …），不像是类别。",
    ),
    "data.category.too-many.remedy": (
        "Name the column that holds the label: data.columns: {{{column}: …}}",
        "请指明标签所在的列：data.columns: {{{column}: …}}",
    ),
    "data.number.type": ("'{value}' is no number", "“{value}”不是数字"),
    "data.number.infinite": ("{value} is too large for a number here", "{value} 超出数值范围"),
    "data.boxes.type": ("this is no box: {value}", "这不是边界框：{value}"),
    "data.boxes.many": (
        "{count} boxes on one image; {most} are the most",
        "一幅图像上有 {count} 个边界框，上限为 {most} 个",
    ),
    "data.boxes.size": (
        "the boxes were drawn on an image of {said}, the file's has {found}",
        "边界框标注于 {said} 的图像，但文件中的图像为 {found}",
    ),
    "data.boxes.no-classes": ("No row has a box with a label.", "没有任何一行带有标签的边界框。"),
    "data.boxes.note.swapped": ("corners of a box swapped", "已交换边界框的两个角"),
    "data.boxes.note.turned": ("boxes turned with the image as EXIF says", "边界框已随图像按 EXIF 信息转正"),
    "data.boxes.note.scaled": (
        "boxes scaled from the annotated size to the file's",
        "边界框已从标注尺寸换算到文件中的尺寸",
    ),
    "data.boxes.note.outside": ("a box outside of the image left out", "已舍去图像之外的边界框"),
    "data.boxes.note.clipped": ("a box cut off at the image's edge", "边界框已按图像边缘裁剪"),
    "data.boxes.note.cropped": ("a box left out with the cropped edge", "边界框随裁掉的边缘一并舍去"),
    "data.boxes.note.empty": ("a box without area left out", "已舍去面积为零的边界框"),
    # ---- sources
    "data.source.missing": ("There is nothing at {path}.", "{path} 不存在。"),
    "data.source.missing.remedy": (
        "Relative paths start from {folder}.",
        "相对路径以 {folder} 为起点。",
    ),
    "data.source.url": (
        "{source} is a web address; data are read from files.",
        "{source} 是网址；数据只能从文件读取。",
    ),
    "data.source.url.remedy": (
        "Download it, and set data.source to the file.",
        "请先下载，再把 data.source 设为该文件。",
    ),
    "data.source.unknown": ("{path} is nothing that can be read as data.", "无法把 {path} 作为数据读取。"),
    "data.source.unknown.remedy": (
        "Set data.format to what it is: {formats}.",
        "请用 data.format 说明它的格式：{formats}。",
    ),
    "data.source.cannot": (
        "The source '{source}' has {offered}; the task wants '{column}' ({kind}).",
        "数据源“{source}”提供 {offered}；任务需要“{column}”（{kind}）。",
    ),
    "data.source.cannot.remedy": (
        "Choose another task, or another form of the data: a CSV or JSONL file can name any columns.",
        "请换一个任务，或换一种数据形式：CSV 或 JSONL 文件可以指定任意列。",
    ),
    "data.source.no-column": (
        "A source of the form '{source}' ({path}) has no column '{column}'.",
        "“{source}”形式的数据源（{path}）没有“{column}”这一列。",
    ),
    "data.source.no-column.remedy": (
        "List the files in a CSV file that has this column, and set data.source to it.",
        "请把文件列在含有该列的 CSV 文件中，并把 data.source 设为该文件。",
    ),
    "data.file.missing": ("There is no such file ({reason}).", "文件不存在（{reason}）。"),
    "data.file.forbidden": ("There is no permission to read it ({reason}).", "没有读取权限（{reason}）。"),
    "data.file.folder": ("This is a folder ({reason}).", "这是一个文件夹（{reason}）。"),
    "data.file.unreadable": ("It can't be read ({reason}).", "无法读取（{reason}）。"),
    "data.folder.empty": ("There is no image in this folder.", "该文件夹中没有图像。"),
    "data.folder.no-classes": (
        "{count} {count:image lies|images lie} here, but none in a folder that names its class.",
        "这里有 {count} 幅图像，但都不在以类别命名的文件夹中。",
    ),
    "data.folder.layout": (
        "One folder for each class is wanted: photos/cat/1.jpg, photos/dog/2.jpg; or photos/train/cat/1.jpg, photos/test/cat/3.jpg.",
        "需要每个类别一个文件夹：photos/cat/1.jpg、photos/dog/2.jpg；或 photos/train/cat/1.jpg、photos/test/cat/3.jpg。",
    ),
    "data.folder.manifest": (
        "If the labels stand in a file, set data.source to it: {path}",
        "如果标签写在文件中，请把 data.source 设为该文件：{path}",
    ),
    "data.folder.no-class": ("lies in no class folder", "不在任何类别文件夹中"),
    "data.folder.beside-parts": (
        "lies beside the train, val and test folders",
        "位于 train、val、test 文件夹之外",
    ),
    "data.folder.no-image-wanted": (
        "A folder holds images; the task wants none.",
        "文件夹中是图像，而任务不需要图像。",
    ),
    "data.folder.links": (
        "Links below it lead to the same folder more than {most} times ({folder}).",
        "其下的链接有 {most} 次以上指向同一文件夹（{folder}）。",
    ),
    "data.folder.links.remedy": ("Remove the links between its folders.", "请删除文件夹之间的链接。"),
    "data.folder.forbidden": ("no permission to list this folder ({reason})", "没有列出该文件夹的权限（{reason}）"),
    "data.folder.unreadable": ("this folder can't be listed ({reason})", "无法列出该文件夹（{reason}）"),
    "data.file.special": (
        "This is no plain file (a pipe, a socket or a device), so it may have no end.",
        "这不是普通文件（管道、套接字或设备），可能没有结尾。",
    ),
    "data.file.special.remedy": ("Save the data in a file.", "请把数据保存为文件。"),
    # ---- what doesn't fit
    "data.room.bomb": (
        "It unpacks to {size} from {packed}: no data pack so well, but files made to fill a memory do.",
        "它会从 {packed} 解压到 {size}：正常数据不会压缩得这么小，专门撑满内存的文件才会。",
    ),
    "data.room.bomb.remedy": ("If they are good, save them unpacked.", "如果数据没有问题，请不压缩地保存。"),
    "data.room.memory": (
        "It takes {size} of memory, and this machine has {memory}.",
        "它需要 {size} 内存，而这台机器只有 {memory}。",
    ),
    "data.room.memory.remedy": (
        "Divide it into several files, or save images as files in folders.",
        "请拆成多个文件，或把图像按文件夹保存为单独的文件。",
    ),
    "data.columns.unclear": (
        "Which column is the task's '{column}' ({kind})? The file has: {columns}.",
        "哪一列是任务所需的“{column}”（{kind}）？文件中有：{columns}。",
    ),
    "data.columns.propose": (
        "Say it in the recipe: data.columns: {mapping}",
        "请在配方中写明：data.columns: {mapping}",
    ),
    "data.columns.objects": (
        "The values of '{name}' are objects. Name what is meant in them: {names}.",
        "“{name}”的值是对象。请写明所指的是其中哪一项：{names}。",
    ),
    "data.columns.not-there": (
        "There is no column '{name}'. The file has: {names}.",
        "没有“{name}”这一列。文件中有：{names}。",
    ),
    "data.columns.substitutes": (
        "The model was learnt from a column '{column}'. There is none of that name, and it could be each of: {columns}.",
        "模型是从“{column}”列学来的。文件中没有此列，而以下各列都有可能：{columns}。",
    ),
    "data.columns.substitutes.remedy": (
        "Call the one that is meant '{column}'.",
        "请把所指的那一列改名为“{column}”。",
    ),
    "data.columns.substituted": (
        "{file}: there is no column '{column}'; '{found}' is taken for it, by its name.",
        "{file}：没有“{column}”列；按列名以“{found}”列代替。",
    ),
    "data.columns.not-wanted": (
        "The task has no column '{name}'. It wants: {names}.",
        "任务没有“{name}”这一列。它需要：{names}。",
    ),
    "data.columns.nearest": ("Did you mean '{name}'?", "是否想写“{name}”？"),
    "data.manifest.empty": ("There is no row in it.", "其中没有任何数据行。"),
    "data.images.none": (
        "None of the images it names is there; '{name}' was looked for at {tried}.",
        "它列出的图像都不存在；“{name}”的查找位置是 {tried}。",
    ),
    "data.images.none.remedy": (
        "Set data.root to the folder that these names start from.",
        "请把 data.root 设为这些路径的起始文件夹。",
    ),
    "data.text.encoding": (
        "It is no text in UTF-8, UTF-16 or GB18030.",
        "它不是 UTF-8、UTF-16 或 GB18030 编码的文本。",
    ),
    "data.text.encoding.remedy": (
        "Save it as UTF-8; for a Western European text: iconv -f cp1252 -t utf-8 OLD > NEW",
        "请另存为 UTF-8；西欧文字可用：iconv -f cp1252 -t utf-8 旧文件 > 新文件",
    ),
    "data.text.nul": (
        "There are NUL bytes: it is no text, or its end was never written, or it is UTF-16 without a byte order mark.",
        "其中有 NUL 字节：它不是文本，或末尾没有写完，或是没有字节顺序标记的 UTF-16。",
    ),
    "data.text.nul.remedy": (
        "Save it as UTF-8; single ones are taken out by: tr -d '\\000' < OLD > NEW",
        "请另存为 UTF-8；零星的 NUL 可这样去掉：tr -d '\\000' < 旧文件 > 新文件",
    ),
    "data.text.nul-row": (
        "there is a NUL byte in it (to keep such rows, take it out: tr -d '\\000' < OLD > NEW)",
        "其中有 NUL 字节（要保留这样的行，请去掉它：tr -d '\\000' < 旧文件 > 新文件）",
    ),
    "data.text.line": ("This line has more than {most}.", "这一行超过了 {most}。"),
    "data.text.line.remedy": (
        "Is a line break or a quotation mark missing? A row is one line, with images as files of their own.",
        "是否缺少换行或引号？每条数据占一行，图像应保存为单独的文件。",
    ),
    "data.csv.quote": (
        "A quotation mark that opens here is never closed, or closed within a later line.",
        "此处的引号没有闭合，或在后面某行的中间才闭合。",
    ),
    "data.csv.quote.remedy": (
        'Close it, and write a quotation mark within a cell twice ("").',
        '请将其闭合；单元格内的引号请写两次（""）。',
    ),
    "data.csv.quote-within": (
        "a cell goes on after its closing quotation mark",
        "单元格在闭合的引号之后还有内容",
    ),
    "data.csv.no-header": (
        "The first line is data ({line}); the names of the columns are missing.",
        "第一行就是数据（{line}），缺少列名。",
    ),
    "data.csv.no-header.remedy": ("Add a first line such as image,label.", "请在最前面加一行列名，例如 image,label。"),
    "data.csv.twice": ("Columns of the same name: {columns}.", "列名重复：{columns}。"),
    "data.csv.twice.remedy": (
        "Give each a name of its own in the file; which of them is meant can't be known.",
        "请在文件中为每列取不同的名称；无法判断指的是哪一列。",
    ),
    "data.csv.cells": ("{found} cells where the header has {expected}", "有 {found} 个单元格，而表头有 {expected} 个"),
    "data.json.broken": ("This is no valid JSON ({reason}).", "不是有效的 JSON（{reason}）。"),
    "data.json.no-object": ("no JSON object ({reason})", "不是 JSON 对象（{reason}）"),
    "data.json.twice": ("the key '{key}' stands there twice", "键“{key}”出现了两次"),
    "data.json.deep": ("it nests too deep", "嵌套过深"),
    "data.json.no-objects": ("There is no JSON object in its lines.", "各行中没有 JSON 对象。"),
    "data.parquet.none": ("There is no Parquet file here.", "这里没有 Parquet 文件。"),
    "data.parquet.broken": ("This is no readable Parquet file ({reason}).", "不是可读的 Parquet 文件（{reason}）。"),
    "data.parquet.memory": ("What it unpacks to doesn't fit into memory.", "解压后的内容超出内存。"),
    "data.parquet.columns": ("Its columns are others than those of {file}.", "它的列与 {file} 不同。"),
    "data.npz.broken": ("This is no readable npz file ({reason}).", "不是可读的 npz 文件（{reason}）。"),
    "data.npz.twice": ("The archive holds '{name}' twice.", "压缩包中有两个“{name}”。"),
    "data.npz.length": (
        "its head says {expected} bytes, but {found} are there",
        "文件头声明有 {expected} 字节，实际有 {found} 字节",
    ),
    "data.npz.head": ("its head is none of an array", "文件头不是数组的文件头"),
    "data.npz.password": ("it is protected by a password", "它有密码保护"),
    "data.npz.one-array": ("This is a single array, not an npz file.", "这是单个数组，不是 npz 文件。"),
    "data.npz.one-array.remedy": (
        "Save it with numpy.savez(file, x=…, y=…).",
        "请用 numpy.savez(文件, x=…, y=…) 保存。",
    ),
    "data.npz.pickled": (
        "This array holds Python objects; they are never unpickled.",
        "该数组含有 Python 对象；Danlu 从不反序列化 pickle。",
    ),
    "data.npz.pickled.remedy": (
        "Save numbers, or texts as numpy.str_ arrays.",
        "请保存为数字，或 numpy.str_ 类型的文本数组。",
    ),
    "data.arrays.dtype": (
        "An array of type {dtype} is neither images nor labels.",
        "{dtype} 类型的数组既不是图像也不是标签。",
    ),
    "data.arrays.flat": (
        "Rows of an array of shape {shape} can't be folded into square grey images.",
        "形状为 {shape} 的数组，其各行无法还原为正方形灰度图像。",
    ),
    "data.arrays.flat.remedy": (
        "Save images as (N, H, W) or (N, H, W, C).",
        "请把图像保存为 (N, H, W) 或 (N, H, W, C)。",
    ),
    "data.arrays.shape": ("An array of shape {shape} is no set of images.", "形状为 {shape} 的数组不是一组图像。"),
    "data.arrays.shape.remedy": (
        "Images are wanted as (N, H, W), (N, H, W, C) or (N, C, H, W).",
        "图像的形状应为 (N, H, W)、(N, H, W, C) 或 (N, C, H, W)。",
    ),
    "data.arrays.range": (
        "Pixels from {low:.4g} to {high:.4g}: floats are wanted in 0–1 or in 0–255.",
        "像素范围是 {low:.4g} 到 {high:.4g}：浮点数应在 0–1 或 0–255 之间。",
    ),
    "data.arrays.range.remedy": (
        "Save the images before they are normalised; the net normalises by itself.",
        "请保存归一化之前的图像；网络会自行归一化。",
    ),
    "data.arrays.labels": (
        "An array of shape {shape} holds no labels, one for each row.",
        "形状为 {shape} 的数组不是每行一个的标签。",
    ),
    "data.arrays.lengths": ("{images} images, but {labels} labels.", "有 {images} 幅图像，却有 {labels} 个标签。"),
    "data.idx.none": ("There is no idx file of images here.", "这里没有 idx 图像文件。"),
    "data.idx.no-labels": ("The labels of {images} are missing.", "缺少 {images} 的标签文件。"),
    "data.idx.magic": ("This is no idx file.", "这不是 idx 文件。"),
    "data.idx.broken": ("The idx file is damaged ({reason}).", "idx 文件已损坏（{reason}）。"),
    "data.idx.length": (
        "The idx file says shape {shape}, which is {expected} bytes, but holds {found}.",
        "idx 文件声明的形状为 {shape}，应有 {expected} 字节，实际有 {found} 字节。",
    ),
    "data.coco.none": ("There is no COCO annotation file here.", "这里没有 COCO 标注文件。"),
    "data.coco.none.remedy": (
        "Set data.source to the JSON file, or to a folder with instances_*.json.",
        "请把 data.source 设为 JSON 文件，或含有 instances_*.json 的文件夹。",
    ),
    "data.coco.keys": (
        "COCO's lists images, annotations and categories are wanted; the file has: {keys}.",
        "需要 COCO 的 images、annotations、categories 三个列表；文件中有：{keys}。",
    ),
    "data.coco.keys.remedy": ("Export the annotations as COCO instances.", "请把标注导出为 COCO instances 格式。"),
    "data.coco.id": (
        "An id must be a whole number or text, not {value}.",
        "id 必须是整数或文本，而不是 {value}。",
    ),
    "data.coco.no-key": ("This entry has no '{key}'.", "该条目没有“{key}”。"),
    "data.coco.categories": (
        "Category {id} is '{one}' in one file and '{other}' in this one.",
        "类别 {id} 在另一个文件中是“{one}”，在这里是“{other}”。",
    ),
    "data.coco.parts": (
        "The names of these annotation files don't say which is train, val or test.",
        "从这些标注文件的名称看不出哪个是 train、val 或 test。",
    ),
    "data.coco.parts.remedy": (
        "Set data.source to one of them, or name them instances_train.json, instances_val.json …",
        "请把 data.source 设为其中一个，或命名为 instances_train.json、instances_val.json 等。",
    ),
    "data.coco.no-images": ("No image is left in it.", "其中没有可用的图像。"),
    "data.coco.image-twice": ("The image {name} is listed twice.", "图像 {name} 被列出两次。"),
    "data.coco.image-id-twice": ("Two images have the same id.", "两幅图像的 id 相同。"),
    "data.coco.annotation": ("{file}, annotation {id} ({image})", "{file}，标注 {id}（{image}）"),
    "data.coco.unknown-image": ("left out: there is no image {id}", "已舍去：没有图像 {id}"),
    "data.coco.unknown-category": ("left out: there is no category {id}", "已舍去：没有类别 {id}"),
    "data.coco.no-box": ("left out: bbox is not four numbers", "已舍去：bbox 不是四个数字"),
    "data.coco.swapped": (
        "left out: the box is turned inside out (negative width or height)",
        "已舍去：边界框颠倒（宽或高为负）",
    ),
    "data.coco.no-area": ("left out: the box has no area", "已舍去：边界框面积为零"),
    "data.coco.outside": ("left out: the box lies outside of the image", "已舍去：边界框在图像之外"),
    "data.builtin.unknown": ("There is no {name}. There are: {names}.", "没有 {name}。可用的有：{names}。"),
    "data.builtin.nearest": ("Did you mean {name}?", "是否想写 {name}？"),
    "data.builtin.no-sklearn": (
        "These images come with scikit-learn, which is not installed.",
        "这些图像随 scikit-learn 提供，而它没有安装。",
    ),
    "data.builtin.no-sklearn.remedy": ("Run `pip install scikit-learn`.", "请运行 `pip install scikit-learn`。"),
    "data.builtin.not-fashion": ("The files are not those of Fashion-MNIST.", "这些文件不是 Fashion-MNIST。"),
    "data.builtin.not-fashion.remedy": (
        "Delete {folder}, then they are downloaded again.",
        "请删除 {folder}，之后会重新下载。",
    ),
    "data.download.failed": ("It can't be downloaded: {reasons}", "下载失败：{reasons}"),
    "data.download.failed.remedy": (
        "Try again with a network connection (what is there already is kept), or put the files into {folder} by hand.",
        "请联网后重试（已下载的部分会保留），或手动把文件放入 {folder}。",
    ),
    "data.download.short": (
        "the connection ended at {found} of {expected} bytes",
        "连接在第 {found} 字节中断，共 {expected} 字节",
    ),
    "data.download.checksum": ("checksum {found}, expected {expected}", "校验和为 {found}，应为 {expected}"),
    "data.download.disk": ("The download can't be stored ({reason}).", "无法保存下载的文件（{reason}）。"),
    "data.download.disk.remedy": (
        "Set data.cache, or DANLU_CACHE, to a folder you may write to.",
        "请把 data.cache 或 DANLU_CACHE 设为可写的文件夹。",
    ),
    # ---- what a source passed over or assumed
    "data.note.hidden": ("a hidden or system file, passed over", "隐藏或系统文件，已略过"),
    "data.note.not-an-image": ("no image by its name, passed over", "从文件名看不是图像，已略过"),
    "data.note.link-circle": ("a link back to a folder above, passed over", "链接指回上级文件夹，已略过"),
    "data.note.no-columns": (
        "data.columns is not used: a folder has no columns",
        "未使用 data.columns：文件夹没有列",
    ),
    "data.note.empty-class": ("a folder without images: no class", "文件夹中没有图像，不作为类别"),
    "data.note.one-inside": ("the only folder inside holds the data", "数据在唯一的下级文件夹中"),
    "data.note.zones": (
        "some times of '{column}' have a time zone and others none: those are taken as UTC",
        "“{column}”中有的时间带时区、有的不带：不带的按 UTC 处理",
    ),
    "data.note.absent": (
        "of '{column}' these count as missing, as in all columns of a table: {values}; a class that is called so needs another name",
        "“{column}”中的这些值算作缺失，与表格其他列一样：{values}；若确有类别叫这个名字，请改名",
    ),
    "data.note.guessed": ("'{column}' is the column '{found}', by its name", "按列名把“{found}”列作为“{column}”"),
    "data.note.guessed-among": (
        "'{column}' is the column '{found}', by its name; by theirs it could as well be {others}",
        "按列名把“{found}”列作为“{column}”；从列名看也可能是 {others}",
    ),
    "data.note.split-unused": (
        "the column '{column}' says parts, but also {values}: it is not used, and Danlu divides the rows; correct it, or rename it",
        "“{column}”列写有各部分，但也有 {values}：未使用该列，由 Danlu 划分；请更正，或改名",
    ),
    "data.note.split-column": ("the column '{column}' says train, val and test", "“{column}”列说明了 train、val、test"),
    "data.note.milliseconds": (
        "its time is in milliseconds where others are in seconds",
        "其时间以毫秒计，而其他行以秒计",
    ),
    "data.note.encoding": ("read as {encoding}", "按 {encoding} 编码读取"),
    "data.note.ending": ("'{ending}' added to the names of images", "已为图像名称补上“{ending}”"),
    "data.note.root": ("images found in {folder}", "图像在 {folder} 中找到"),
    "data.note.backslashes": ("backslashes in paths read as slashes", "路径中的反斜杠按斜杠处理"),
    "data.note.folded": ("rows of pixels folded to {side} × {side}", "像素行已还原为 {side} × {side} 的图像"),
    "data.note.channels-first": ("channels moved from first to last", "通道维已从最前移到最后"),
    "data.note.floats-01": ("floats from 0 to 1 brought to 0–255", "0 到 1 的浮点像素已换算到 0–255"),
    "data.note.floats-255": ("floats from 0 to 255 rounded", "0 到 255 的浮点像素已取整"),
    "data.note.one-hot": ("one-hot rows read as classes", "独热编码已还原为类别"),
    # ---- cleaning
    "data.clean.none-left": ("None of the {total} rows can be used.", "{total} 行中没有一行可用。"),
    "data.clean.too-many": (
        "{bad} of {total} rows can't be used: {share}, and at most {most} may be.",
        "{total} 行中有 {bad} 行不可用：占 {share}，上限为 {most}。",
    ),
    "data.clean.too-many.remedy": (
        "Mend the files (the first follow), or raise data.max_bad to go on without them.",
        "请修复这些文件（下面列出前几个），或提高 data.max_bad 以跳过它们。",
    ),
    "data.clean.missing": (
        "{count} of {total} {total:row has|rows have} no value.",
        "{total} 行中有 {count} 行缺少值。",
    ),
    "data.clean.missing.remedy": (
        "Fill them in, or set data.missing to drop.",
        "请补全，或把 data.missing 设为 drop。",
    ),
    "data.clean.missing-in": ("no value in '{column}'", "“{column}”没有值"),
    # ---- splitting
    "data.split.no-train": ("The source gives no row for training.", "数据源没有给出训练数据。"),
    "data.split.few-rows": (
        "{rows} {rows:row|rows} can't be divided into {parts} parts.",
        "{rows} 行无法分成 {parts} 个部分。",
    ),
    "data.split.few-rows.remedy": (
        "Add data, or set data.split.val or data.split.test to 0.",
        "请增加数据，或将 data.split.val 或 data.split.test 设为 0。",
    ),
    "data.split.few-groups": (
        "There are too few groups (or groups of equal rows) for {parts} parts.",
        "分组（或内容相同的行组）太少，无法分成 {parts} 个部分。",
    ),
    "data.split.few-times": (
        "There are too few different times for {parts} parts.",
        "不同的时间点太少，无法分成 {parts} 个部分。",
    ),
    "data.split.small-classes": (
        "{count} {count:class has|classes have} fewer than {parts} rows and can't be in every part.",
        "有 {count} 个类别不足 {parts} 行，无法出现在每个部分中。",
    ),
    "data.split.no-time": ("'{value}' is no time.", "“{value}”不是时间。"),
    "data.split.no-time.remedy": (
        "Write times as 2024-03-17 or 2024-03-17T15:30, or as numbers.",
        "请把时间写成 2024-03-17、2024-03-17T15:30 或数字。",
    ),
    "data.split.no-group": ("This row has no group.", "该行没有分组。"),
    "data.split.no-group.remedy": (
        "Fill in the column that data.split.group names.",
        "请补全 data.split.group 指定的列。",
    ),
    "data.split.column-values": (
        "The column '{column}' should say train, val or test, but says {values}.",
        "“{column}”列应写 train、val 或 test，但其中有 {values}。",
    ),
    "data.split.column-values.remedy": (
        "Correct the column '{column}', or leave out data.split.column.",
        "请更正“{column}”列，或去掉 data.split.column。",
    ),
    "data.split.column-values.unasked": (
        "Correct the column '{column}', or give it another name if it means something else.",
        "请更正“{column}”列；如果它另有含义，请改名。",
    ),
    # ---- the card's warnings
    "data.card.leak": (
        "{groups} {groups:group of identical inputs stands|groups of identical inputs stand} in more than one part ({parts}): the score will look too good.",
        "有 {groups} 组相同的输入同时出现在多个部分（{parts}）：评分会偏高。",
    ),
    "data.card.conflict": (
        "{groups} {groups:group of identical inputs has|groups of identical inputs have} different labels.",
        "有 {groups} 组相同的输入标签不一致。",
    ),
    "data.card.groups": (
        "{groups} {groups:group stands|groups stand} in more than one part, as the source divides them.",
        "按数据源的划分，有 {groups} 个分组同时出现在多个部分。",
    ),
    "data.card.chain": (
        "{chained} of {groups} groups, {share} of the rows, stay in one part because copies join them: the other parts come from the {left} "
        "{left:group|groups} left and may be unlike the rest. Where groups alone are to be kept apart, set data.duplicates: keep; copies "
        "may then stand on both sides.",
        "{groups} 个分组中有 {chained} 个（占全部行的 {share}）因含有相同或相近的内容而连在一起，只能放在同一部分：其余部分只来自剩下的 {left} 个"
        "分组，可能与整体不同。若只需分开各组，请把 data.duplicates 设为 keep；此时相同内容可能出现在不同部分。",
    ),
    "data.card.small-classes": (
        "{count} {count:class is too small to be divided: all its|classes are too small to be divided: all their} rows are for training, none is judged.",
        "有 {count} 个类别太小而无法划分：其全部行用于训练，不参与评测。",
    ),
    "data.card.unseen-classes": (
        "Classes of '{column}' that are judged but never trained on: {classes}.",
        "“{column}”中有类别参与评测却没有训练数据：{classes}。",
    ),
    "data.card.alike-classes": (
        "Classes of '{column}' that differ in nothing but case, spaces or decimals, and count as different: {classes}.",
        "“{column}”中仅大小写、空格或小数写法不同、却算作不同的类别：{classes}。",
    ),
    "data.card.nothing-classes": (
        "Classes of '{column}' that read like missing values, with their rows: {classes}. They are learnt as classes; where they mean that "
        "nobody knows, leave the cells empty: such rows are left out.",
        "“{column}”中有些类别像是缺失值（括号内为行数）：{classes}。它们被当作类别来学；若其实表示未知，请把这些单元格留空，这样的行会被略去。",
    ),
    "data.card.empty-classes": (
        "Classes of '{column}' without any row: {classes}.",
        "“{column}”中没有任何数据的类别：{classes}。",
    ),
    "data.card.bad": (
        "{count} {count:row could not be used and was|rows could not be used and were} set aside.",
        "有 {count} 行不可用，已搁置。",
    ),
    "data.card.missing": (
        "{count} {count:row has no value somewhere and was|rows have no value somewhere and were} left out.",
        "有 {count} 行缺少值，已舍去。",
    ),
    "data.without": (
        "read without what is optional: {columns}",
        "未读取可选列：{columns}",
    ),
    "data.titles": ("The table of titles can't be read: {reason}", "无法读取标题表：{reason}"),
    "data.titles.cells": (
        "There are {cells} cells where the first line has {expected}.",
        "有 {cells} 个单元格，而首行有 {expected} 个。",
    ),
    "data.titles.cell": ("item {item}, column {column}", "物品 {item}，列 {column}"),
    "data.titles.twice": ("Item {item} stands in line {line} already.", "物品 {item} 已在第 {line} 行出现。"),
    "data.titles.remedy": ("Mend it, or take it out of the table of items.", "请改正，或将其从物品表中删去。"),
    "data.no-inter": ("There is no single .inter file here.", "这里没有唯一的 .inter 文件。"),
    "data.no-inter.remedy": ("Name the file itself.", "请直接写出该文件。"),
}
