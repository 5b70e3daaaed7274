"""Texts of the nets and the terms."""

TEXTS = {
    "nn.ngrams.fitting": ("Looking for runs of words in the training texts", "在训练文本中查找词串"),
    "nn.unknown-name": ("There is no {group} called {name!r}.", "没有名为 {name!r} 的 {group}。"),
    "nn.known-names": ("Known: {names}; or package.module:Object.", "可用的有：{names}；也可写 包.模块:对象。"),
    "nn.image-too-small": (
        "The images ({size}) are too small for {net}, which needs at least {least} pixels a side.",
        "图像（{size}）对 {net} 来说太小，每边至少需要 {least} 像素。",
    ),
    "nn.image-too-small-remedy": (
        "Take another net (resnet, mlp) or larger images (data.image.size).",
        "请换用其他网络（resnet、mlp），或使用更大的图像（data.image.size）。",
    ),
    "nn.stages-differ": (
        "A residual net needs as many widths as blocks as strides, but got {widths}, {blocks} and {strides}.",
        "残差网络的 widths、blocks 与 strides 个数必须相同，现在分别是 {widths}、{blocks} 和 {strides}。",
    ),
    "nn.stages-differ-remedy": (
        "Give one number for each stage, or leave widths and strides out.",
        "请为每个阶段各写一个数，或省略 widths 和 strides。",
    ),
    "nn.maps-vanish": (
        "After the last stage the maps are {size} pixels, which is too small with norm {norm!r}.",
        "最后一个阶段之后特征图只有 {size} 像素，对归一化 {norm!r} 来说太小。",
    ),
    "nn.maps-vanish-remedy": (
        "Take fewer stages, smaller strides or stem_pool: 1, or larger images (data.image.size).",
        "请减少阶段、减小 strides、设 stem_pool: 1，或使用更大的图像（data.image.size）。",
    ),
    "nn.halvings": (
        "Images of {size} pixels, seen in patches of {patch}, can't be halved {count} times (once for each of widths).",
        "{size} 像素的图像按 {patch} 像素的小块观察后，无法减半 {count} 次（widths 中每项一次）。",
    ),
    "nn.halvings-remedy": (
        "Name fewer widths, or take larger images (data.image.size).",
        "请减少 widths 的项数，或使用更大的图像（data.image.size）。",
    ),
    "nn.one-pixel": (
        "views of images that are {size} pixels can't be moved by one.",
        "{size} 像素的图像无法平移一个像素来得到视图。",
    ),
    "nn.one-pixel-remedy": ("Take flip or none, or larger images.", "请改用 flip 或 none，或使用更大的图像。"),
    "nn.shapes-differ": (
        "{term}: the net's output has shape {output}, which does not fit a target of shape {target}.",
        "{term}：网络输出的形状为 {output}，与目标的形状 {target} 不相配。",
    ),
    "nn.squeeze": (
        "Let the net drop its last dimension (output.squeeze(-1)): side by side the two would broadcast to a square.",
        "请让网络去掉最后一维（output.squeeze(-1)）：否则两者会被广播成方阵。",
    ),
    "nn.same-shape-remedy": (
        "This loss compares element by element: both must have one shape. For exclusive classes take cross-entropy.",
        "该损失逐元素比较，两者形状必须相同。互斥类别请用 cross-entropy。",
    ),
    "nn.classes-remedy": (
        "This loss needs logits (B, K, …) beside labels (B, …) or probabilities (B, K, …).",
        "该损失需要形如 (B, K, …) 的 logits，以及 (B, …) 的标签或 (B, K, …) 的概率。",
    ),
    "nn.focal-alpha": (
        "alpha weighs yes against no and has no meaning for exclusive classes.",
        "alpha 用于权衡“是”与“否”，对互斥类别没有意义。",
    ),
    "nn.focal-alpha-remedy": (
        "Take class_weights (or data.balance: class-weights) instead.",
        "请改用 class_weights（或 data.balance: class-weights）。",
    ),
    "nn.class-weights": (
        "there are {given} class weights for {classes} classes ({names}).",
        "给出了 {given} 个类别权重，而类别有 {classes} 个（{names}）。",
    ),
    "nn.logit-offsets": (
        "there are {given} offsets of logits for {classes} classes ({names}).",
        "给出了 {given} 个 logit 偏移，而类别有 {classes} 个（{names}）。",
    ),
    "nn.logit-offsets.remedy": (
        "Give one for each class, in this order, or use data.balance: logit-adjustment.",
        "请按此顺序为每个类别各给一个，或使用 data.balance: logit-adjustment。",
    ),
    "nn.class-weights.remedy": (
        "Give one for each class, in this order, or use data.balance: class-weights.",
        "请按此顺序为每个类别各给一个，或使用 data.balance: class-weights。",
    ),
    "nn.focal-weights": (
        "{name} belong to exclusive classes, not to independent answers.",
        "{name} 适用于互斥类别，不适用于相互独立的判断。",
    ),
    "nn.focal-weights-remedy": ("Take alpha instead.", "请改用 alpha。"),
    "nn.no-head": ("No head was found in {net}.", "在 {net} 中找不到输出头。"),
    "nn.no-head-remedy": (
        "Give the net's last layer the attribute name head, classifier or fc.",
        "请让网络的最后一层使用属性名 head、classifier 或 fc。",
    ),
    "nn.weights-unreadable": ("{file} can't be read: {reason}", "无法读取 {file}：{reason}"),
    "nn.weights-missing": (
        "there is no file {file}. Write true for the published weights, or the path of a file of weights (danlu list weights).",
        "没有文件 {file}。用 true 表示公开的预训练权重，或写一个权重文件的路径（见 danlu list weights）。",
    ),
    "nn.weights-pickled": (
        "{file} holds more than tensors, which could run any code: it was not loaded.",
        "{file} 中不只有张量，可能执行任意代码，因此未予加载。",
    ),
    "nn.weights-pickled-remedy": (
        "Ask whoever made it for the tensors alone: safetensors.torch.save_file(net.state_dict(), …).",
        "请向制作者索取只含张量的文件：safetensors.torch.save_file(net.state_dict(), …)。",
    ),
    "nn.weights-unnamed": ("it holds no tensors by name", "其中没有具名张量"),
    "nn.not-in-package": (
        "the package {package} has no such file of weights: {path}",
        "软件包 {package} 中没有这样的权重文件：{path}",
    ),
    "nn.none-in-package": ("the package {package} has no file of weights.", "软件包 {package} 中没有权重文件。"),
    "nn.none-in-package.remedy": (
        "danlu list weights shows what there is.",
        "danlu list weights 会列出现有的权重。",
    ),
    "nn.several-in-package": (
        "the package {package} has several files of weights: which is meant?",
        "软件包 {package} 中有多个权重文件，指的是哪一个？",
    ),
    "nn.weights-differ": (
        "{file} does not fit the net: {count} tensors are missing or have another shape ({names}).",
        "{file} 与网络不符：有 {count} 个张量缺失或形状不同（{names}）。",
    ),
    "nn.size-refused": (
        "{net} needs square images whose side is a multiple of {patch} pixels, but they are {size}.",
        "{net} 需要边长为 {patch} 像素整数倍的正方形图像，而现在是 {size}。",
    ),
    "nn.size-remedy": (
        "Set data.image.size to a multiple of {patch}.",
        "请把 data.image.size 设为 {patch} 的整数倍。",
    ),
    "nn.refused": ("{net} can't be made as asked: {reason}", "无法按要求创建 {net}：{reason}"),
    "nn.refused-remedy": (
        "Look at model.args, model.dropout and data.image.size.",
        "请检查 model.args、model.dropout 与 data.image.size。",
    ),
    "nn.no-weights": (
        "The published weights of {net} could not be had: {reason}",
        "无法取得 {net} 的预训练权重：{reason}",
    ),
    "nn.no-weights-remedy": (
        "Offline, give a safetensors file (model.pretrained: path.safetensors) or train from scratch (pretrained: false).",
        "离线时请给出 safetensors 文件（model.pretrained: 路径.safetensors），或从头训练（pretrained: false）。",
    ),
    "nn.no-configuration": (
        "The configuration of {net} could not be had: {reason}.",
        "无法取得 {net} 的配置：{reason}。",
    ),
    "nn.no-configuration-remedy": (
        "Check the name, or the network; offline, name a folder with config.json and model.safetensors (hf:./folder).",
        "请检查名称或网络连接；离线时请写含 config.json 与 model.safetensors 的文件夹（hf:./文件夹）。",
    ),
    "nn.no-weights-file": ("there is neither of {files}", "其中没有 {files}"),
    "nn.hub-tag": (
        "{tag!r} is no file of weights, and nets of the hub have no tags.",
        "{tag!r} 不是权重文件，而 Hub 上的网络没有标签。",
    ),
    "nn.hub-tag-remedy": (
        "Write pretrained: true; a revision stands behind the name (hf:{net}@{tag}).",
        "请写 pretrained: true；版本写在名称之后（hf:{net}@{tag}）。",
    ),
    "nn.hub-elsewhere": ("{net} is a net of another library: write {form}.", "{net} 属于其他库的网络：请写 {form}。"),
    "nn.hub-key": (
        "its configuration has {key}, which is not supported",
        "其配置中有 {key}，这不受支持",
    ),
    "nn.hub-channels": (
        "{net} takes images of three channels only.",
        "{net} 只接受三通道图像。",
    ),
    "nn.hub-channels-remedy": ("Set data.image.channels to 3.", "请把 data.image.channels 设为 3。"),
    "nn.hub-no-net.label": (
        "{net} ({kind}) is no net that Transformers has for image classification.",
        "{net}（{kind}）不是 Transformers 中用于图像分类的网络。",
    ),
    "nn.hub-no-net.label.remedy": (
        "Take another one: https://huggingface.co/models?pipeline_tag=image-classification.",
        "请另选一个：https://huggingface.co/models?pipeline_tag=image-classification。",
    ),
    "nn.hub-no-net.mask": (
        "{net} ({kind}) is no net that Transformers has for semantic segmentation.",
        "{net}（{kind}）不是 Transformers 中用于语义分割的网络。",
    ),
    "nn.hub-no-net.mask.remedy": (
        "Take another one: https://huggingface.co/models?pipeline_tag=image-segmentation.",
        "请另选一个：https://huggingface.co/models?pipeline_tag=image-segmentation。",
    ),
    "nn.hub-no-net.boxes": (
        "{net} ({kind}) is no net that Transformers has for object detection.",
        "{net}（{kind}）不是 Transformers 中用于目标检测的网络。",
    ),
    "nn.hub-no-net.boxes.remedy": (
        "Take another one: https://huggingface.co/models?pipeline_tag=object-detection.",
        "请另选一个：https://huggingface.co/models?pipeline_tag=object-detection。",
    ),
    "nn.hub-square": (
        "perhaps it takes square images only, and these are {size} ({reason})",
        "它可能只接受正方形图像，而现在是 {size}（{reason}）",
    ),
    "nn.hub-misfit": (
        "The weights of {net} can't be fitted to images of {size} pixels: {count} tensors have another shape ({names}).",
        "{net} 的权重无法用于 {size} 像素的图像：有 {count} 个张量形状不同（{names}）。",
    ),
    "nn.hub-misfit-remedy": (
        "Set data.image.size to {size}, which it was trained with.",
        "请把 data.image.size 设为其训练时的 {size}。",
    ),
    "nn.no-targets": (
        "There is no layer in {net} below its head that an adapter could be put into.",
        "在 {net} 的头部以下，没有可放入适配器的层。",
    ),
    "nn.no-such-target": (
        "There is no linear layer or plain convolution below the head whose name ends in {target!r}.",
        "头部以下没有名称以 {target!r} 结尾的线性层或普通卷积。",
    ),
    "nn.no-such-target.remedy": ("Names end in: {some}.", "名称的结尾有：{some}。"),
    "nn.none-published": ("{net} has no published weights.", "{net} 没有公开的预训练权重。"),
    "nn.none-published-remedy": (
        "Give a safetensors file, or take a net of timm: or torchvision:.",
        "请给出 safetensors 文件，或选用 timm: 或 torchvision: 的网络。",
    ),
    "nn.not-a-net": ("{name} is not a net, but of type {kind}.", "{name} 不是网络，而是 {kind}。"),
    "nn.not-a-layer": (
        "{name} makes no nn.Module, but something of type {kind}.",
        "{name} 给出的不是 nn.Module，而是 {kind}。",
    ),
    "nn.not-a-net-remedy": (
        "Name an nn.Module class, a function that returns a module, or a module.",
        "请写 nn.Module 类、返回模块的函数，或模块对象。",
    ),
    "nn.takes-no": ("{net} takes no {argument}.", "{net} 不接受 {argument}。"),
    "nn.published-takes-no": (
        "Nets of {package} come with their own {argument}.",
        "{package} 的网络自带 {argument}，不能另行指定。",
    ),
    "nn.no-branches": (
        "Stochastic depth leaves out residual branches, and {net} has none that can be left out.",
        "随机深度会略去残差分支，而 {net} 没有可以略去的残差分支。",
    ),
    "nn.no-branches-remedy": (
        "Leave it out, or take resnet, timm:NAME, or torchvision's convnext, efficientnet or swin nets.",
        "请省略它，或选用 resnet、timm:名称，或 torchvision 的 convnext、efficientnet、swin 网络。",
    ),
    "nn.untaken-remedy": (
        "Leave it out, or take an own net: resnet, mlp, image-classifier.",
        "请省略它，或选用自带网络：resnet、mlp、image-classifier。",
    ),
    "nn.run-unreadable": (
        "the recipe of the run {run} can't be read: {reason}",
        "无法读取运行 {run} 的配方：{reason}",
    ),
    "nn.run-empty": ("the run {run} has no weights yet.", "运行 {run} 还没有权重。"),
    "nn.run-empty.remedy": (
        "Let it end (danlu resume), or take another run.",
        "请让其运行结束（danlu resume），或换用其他运行。",
    ),
    "nn.run-damaged": (
        "{file} is not as it was written.",
        "{file} 与写入时不一致。",
    ),
    "nn.run-channels": (
        "the run {run} ({task}, {net}) learnt from images of {theirs} channels, and these have {own}.",
        "运行 {run}（{task}，{net}）学习的图像有 {theirs} 个通道，而这里有 {own} 个。",
    ),
    "nn.run-channels.remedy": (
        "Set data.image.channels to {channels}.",
        "请将 data.image.channels 设为 {channels}。",
    ),
    "nn.run-differs": (
        "the run {run} ({task}, {net}) learnt another net: {count} tensors differ, {name} is {own} here and {theirs} there.",
        "运行 {run}（{task}，{net}）学习的是另一个网络：{count} 个张量不同，{name} 在此为 {own}，在彼为 {theirs}。",
    ),
    "nn.run-differs.remedy": (
        "Let `model` say what {run}/recipe.yaml says.",
        "请使 `model` 与 {run}/recipe.yaml 一致。",
    ),
    "nn.vit": (
        "a vision transformer cuts {size} pixels into patches of {patch}, which must divide them; width {width} must be a multiple of 4 and of heads {heads}.",
        "视觉 Transformer 将 {size} 像素切成边长 {patch} 的图块，必须能整除；width {width} 必须是 4 和 heads {heads} 的倍数。",
    ),
    "nn.vit.remedy": (
        "Change model.args (patch, width, heads) or data.image.size.",
        "请修改 model.args（patch、width、heads）或 data.image.size。",
    ),
    "nn.no-views": (
        "{term} compares views of the same sample, (samples, views, features), and the net gives {output}.",
        "{term} 比较同一样本的多个视图，需要 (样本, 视图, 特征)，而网络给出 {output}。",
    ),
    "nn.no-views.remedy": (
        "Use it with task: self-supervised, or with a net of your own that gives such outputs.",
        "请用于 task: self-supervised，或改用给出此类输出的自定义网络。",
    ),
}
