"""Texts of explanations."""

TEXTS: dict[str, tuple[str, str]] = {
    "explain.no-class": ("There is no such class: {classes}.", "没有这个类别，可选：{classes}。"),
    "explain.no-image": (
        "Explanations are of images, and this run's inputs are none.",
        "解释针对图像，而这次训练的输入不是图像。",
    ),
    "explain.no-image.remedy": (
        'Name a run of an image task. Of a run on texts: danlu explain RUN "a text", or danlu.evaluation.explain.words.',
        '请指定图像任务的训练。文本训练请用 danlu explain RUN "一段文本"，或 danlu.evaluation.explain.words。',
    ),
    "explain.no-method": ("There is no such method: {methods}.", "没有这种方法，可选：{methods}。"),
    "explain.layer-unused": ("{method} reads no layer.", "{method} 不读取任何层。"),
    "explain.layer-unused.remedy": ("Leave the layer out, or use grad-cam.", "请去掉层名，或使用 grad-cam。"),
    "explain.no-layer": (
        "The net has no feature map to read: no layer gives out maps of more than one pixel.",
        "网络没有可读取的特征图：没有任何层输出大于一个像素的图。",
    ),
    "explain.no-layer.remedy": (
        "Name another layer (danlu inspect RUN lists them), or use integrated-gradients or occlusion; roll-out for Transformers.",
        "请指定别的层（danlu inspect RUN 会列出各层），或使用 integrated-gradients 或 occlusion；Transformer 可用 roll-out。",
    ),
    "explain.layer-no-map": (
        "This layer gives out no feature maps (B, C, H, W), or runs more than once.",
        "这一层不输出特征图 (B, C, H, W)，或者会运行多次。",
    ),
    "explain.unknown-layer": ("The net has no layer of this name.", "网络中没有这个名称的层。"),
    "explain.no-gradient": (
        "What is to be explained doesn't depend on any feature map.",
        "要解释的量不依赖任何特征图。",
    ),
    "explain.no-captum": (
        "This method needs captum, which is not installed.",
        "这种方法需要 captum，而它没有安装。",
    ),
    "explain.no-captum.remedy": (
        'Install it: pip install "danlu[explain]"; Grad-CAM and roll-out work without.',
        '请安装：pip install "danlu[explain]"；Grad-CAM 和 roll-out 不需要它。',
    ),
    "explain.no-attention": (
        "The net has no attention layers: roll-out is for Transformers.",
        "网络没有注意力层：roll-out 只适用于 Transformer。",
    ),
    "explain.no-attention.remedy": ("Use grad-cam.", "请使用 grad-cam。"),
    "explain.windows": (
        "Roll-out needs attention over all patches in every layer; this net attends within windows or merges patches.",
        "roll-out 要求每一层都在全部图块之间计算注意力；这个网络在窗口内计算注意力，或会合并图块。",
    ),
    "explain.read-at": (
        "read from {layer}, maps of {height} × {width}",
        "取自 {layer}，特征图为 {height} × {width}",
    ),
    "explain.nothing-for": (
        "nothing in these maps speaks for the target",
        "这些特征图中没有支持该目标的内容",
    ),
    "explain.complete": (
        "attributions add up to {total}, the outputs differ by {apart}: {missed} % apart",
        "归因之和为 {total}，输出之差为 {apart}：相差 {missed} %",
    ),
    "explain.incomplete": (
        "attributions add up to {total} where the outputs differ by {apart}: {missed} % apart, so take this map with care",
        "归因之和为 {total}，而输出之差为 {apart}：相差 {missed} %，请谨慎看待这张图",
    ),
    "explain.covered": (
        "each value: by how much the score falls where a square of {side} pixels covers the image",
        "每个值表示：用边长 {side} 像素的方块遮住该处时，得分下降多少",
    ),
    "explain.rolled": (
        "of {layers} attention layers; it follows attention, so it is the same for every class",
        "由 {layers} 个注意力层得出；它只跟随注意力，因此对所有类别都相同",
    ),
    "explain.line": (
        "{input}: {method} of {target} ({score}) → {picture}",
        "{input}：{target}（{score}）的 {method} → {picture}",
    ),
    "explain.inputs": (
        "images, or folders of them; for a run on texts: a text itself, .txt files, tables, or - for standard input",
        "图像文件，或其所在文件夹；文本训练：文本本身、.txt 文件、表格，或用 - 表示标准输入",
    ),
    "explain.words": ("{input}: words for and against {target}", "{input}：支持与反对 {target} 的词"),
    "explain.words.coarse": (
        "they add up to the answer but for {gap} % of their sizes: take them with care",
        "各词之和与回答相差其总量的 {gap} %，请谨慎看待",
    ),
    "explain.no-words": (
        "What its answers rest on can't be told word by word: {reason}",
        "无法逐词说明回答的依据：{reason}",
    ),
    "explain.of-texts": (
        "This is for images. Of texts the words are told, by integrated gradients.",
        "这一项只用于图像。文本的解释是逐词的，方法为 integrated gradients。",
    ),
    "explain.of-texts.remedy": ("Leave it out.", "请去掉它。"),
    "explain.method": ("how: {methods} (default: grad-cam)", "方法：{methods}（默认 grad-cam）"),
    "explain.class": (
        "what is explained: a class, or what the application calls what it finds (default: what the net answers)",
        "要解释什么：某个类别，或应用对其结果的称呼（默认：网络给出的回答）",
    ),
    "explain.layer": (
        "layer that grad-cam reads (default: the last feature map)",
        "grad-cam 读取的层（默认：最后的特征图）",
    ),
    "explain.beside": (
        "another image, for nets whose answers compare two",
        "另一张图像，用于比较两张图像的网络",
    ),
    "explain.out": (
        "folder for the pictures (default: RUN/explanations)",
        "存放图片的文件夹（默认：RUN/explanations）",
    ),
    "explain.section": ("What answers rest on", "回答的依据"),
    "explain.about": (
        "Grad-CAM (Selvaraju et al. 2017) of what the net answered: bright is what spoke for it, read from {layer}. Beside each image as "
        "the net saw it. It shows where, not why, and is no proof that the net is right for good reasons.",
        "对网络所给回答的 Grad-CAM（Selvaraju 等，2017）：越亮越支持该回答，取自 {layer}。左侧是网络看到的图像。它只说明位置，不说明原因，也不能证明网络的理由是对的。",
    ),
    "explain.worst": ("Answered worst", "回答最差的样本"),
    "explain.right": ("Answered rightly", "回答正确的样本"),
    "explain.answered": ("for {target}", "支持 {target}"),
    "explain.unmade": ("There are no explanations here: {reason}", "这里没有解释：{reason}"),
    "explain.slow": (
        "Only {shown} of {wanted} samples were explained: more would have taken long.",
        "{wanted} 个样本中只解释了 {shown} 个：再多会花费很长时间。",
    ),
    "explain.more": (
        "Of your own images: danlu explain {run} PHOTO.png",
        "解释自己的图像：danlu explain {run} PHOTO.png",
    ),
}
