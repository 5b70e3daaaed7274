"""What the things are that a recipe can name, for ``danlu list``: key → (English, Chinese). Things of one's own have their docstring."""

TEXTS = {
    # ---- nets
    "names.net.bag": (
        "The mean of embeddings of tokens and of hashed runs of tokens (fastText): token ids (B, T) → logits (B, classes).",
        "词元及其连续组合（哈希）的嵌入取均值（fastText）：词元编号 (B, T) → logits (B, 类别数)。",
    ),
    "names.net.ngrams": (
        "N-grams of training texts by TF-IDF and naive Bayes' ratios, linear models and a hidden layer: token ids (B, T) → logits (B, classes).",
        "训练文本中的 n 元组按 TF-IDF 与朴素贝叶斯对数比加权，线性模型并联隐藏层：词元编号 (B, T) → logits (B, 类别数)。",
    ),
    "names.net.tabm": (
        "TabM: small nets for tables that share their weights, with embeddings of numbers and categories (Gorishniy et al. 2024).",
        "TabM：面向表格、共享权重的小网络集成，带数值与类别嵌入（Gorishniy 等，2024）。",
    ),
    "names.net.logistic": (
        "Logistic regression with a weight for every number and every code: rows of a table → logits (B,).",
        "逻辑回归，每个数值和每个编码各有一个权重：表格的行 → logits (B,)。",
    ),
    "names.net.fm": (
        "A factorisation machine (Rendle 2010): weights, and products of each pair of fields' vectors → logits (B,).",
        "因子分解机（Rendle，2010）：各字段的权重，加上两两字段向量的内积 → logits (B,)。",
    ),
    "names.net.deepfm": (
        "A factorisation machine and layers over the same vectors (Guo et al. 2017): rows of a table → logits (B,).",
        "因子分解机与共享同一组向量的深层网络（Guo 等，2017）：表格的行 → logits (B,)。",
    ),
    "names.net.dcnv2": (
        "Cross layers that multiply with what came in, then deep ones (Wang et al. 2021): rows of a table → logits (B,).",
        "与输入相乘的交叉层，再接深层网络（Wang 等，2021）：表格的行 → logits (B,)。",
    ),
    "names.net.table-mlp": (
        "A multi-layer perceptron for tables, with embeddings of numbers and categories.",
        "面向表格的多层感知机，带数值与类别嵌入。",
    ),
    "names.net.text-cnn": (
        "Convolutions over tokens and each one's largest answer (Kim 2014): token ids (B, T) → logits (B, classes).",
        "在词元上卷积，各取最大响应（Kim，2014）：词元编号 (B, T) → logits (B, 类别数)。",
    ),
    "names.net.span-reader": (
        "Question answering: question and text as one sequence, convolutions and attention; points at the answer.",
        "阅读理解问答：问题与原文连成一个序列，经卷积与注意力，指出答案所在。",
    ),
    "names.net.text-transformer": (
        "A small pre-norm Transformer encoder, mean over real tokens: token ids (B, T) → logits (B, classes).",
        "前置归一化的小型 Transformer 编码器，对真实词元取均值：词元编号 (B, T) → logits (B, 类别数)。",
    ),
    "names.net.ease": (
        "The best linear model of items by items, in closed form (Steck 2019): user ids (B,) → scores of all items.",
        "物品对物品的最优线性模型，闭式求解（Steck，2019）：用户编号 (B,) → 全部物品的得分。",
    ),
    "names.net.item-knn": (
        "Items that the same users met, by cosine (Sarwar et al. 2001): user ids (B,) → scores of all items.",
        "由相同用户接触过的物品，按余弦相似度（Sarwar 等，2001）：用户编号 (B,) → 全部物品的得分。",
    ),
    "names.net.lightgcn": (
        "Embeddings averaged over the graph of who met what (He et al. 2020): user and item ids → scores.",
        "嵌入在“谁接触过什么”的图上传播并取均值（He 等，2020）：用户和物品编号 → 得分。",
    ),
    "names.net.neumf": (
        "A product of embeddings beside layers over others (He et al. 2017): user and item ids → scores.",
        "嵌入的乘积与另一组嵌入上的多层网络并用（He 等，2017）：用户和物品编号 → 得分。",
    ),
    "names.net.sasrec": (
        "What comes next, by causal attention to what was met before (Kang & McAuley 2018): user and item ids → scores.",
        "对先前接触过的物品做因果自注意力，预测下一个（Kang 与 McAuley，2018）：用户和物品编号 → 得分。",
    ),
    "names.net.two-tower": (
        "A vector of the user, and one of the item made of its words, tags and numbers: user and item ids → scores.",
        "用户向量，以及由物品的文字、标签和数值得到的物品向量：用户和物品编号 → 得分。",
    ),
    "names.net.tf-idf": (
        "Items whose words and tags are those of what a user met, rare ones counting more: user ids → scores of all items.",
        "文字与标签同用户接触过的物品相近的物品，稀有词权重更大：用户编号 → 全部物品的得分。",
    ),
    "names.net.popularity": ("The same for everybody: what most users met.", "对所有人相同：最多用户接触过的物品。"),
    "names.net.collaborative-filtering": (
        "The inner product of an embedding of the user and one of the item: user and item ids (B,) → scores (B,).",
        "用户嵌入与物品嵌入的内积：用户和物品编号 (B,) → 得分 (B,)。",
    ),
    "names.net.image-classifier": (
        "Two convolutions with pooling, then one linear layer (the guide's net): images → logits (B, classes).",
        "两个带池化的卷积层加一个线性层（原指南的网络）：图像 → logits (B, 类别数)。",
    ),
    "names.net.ir": (
        "A residual net for faces, flattened without pooling (IR-18 and IR-50 by widths and blocks): images → embeddings (B, D).",
        "用于人脸的残差网络，不做池化直接展平（由 widths 与 blocks 得到 IR-18、IR-50）：图像 → 嵌入 (B, D)。",
    ),
    "names.net.mlp": (
        "Linear layers on everything flattened: images or numbers → logits (B, classes).",
        "把输入展平后的多层线性网络：图像或数值 → logits (B, 类别数)。",
    ),
    "names.net.resnet": (
        "Residual blocks (He et al. 2016), sized by width, blocks and strides: images → logits (B, classes).",
        "残差网络（He 等，2016），大小由 width、blocks、strides 决定：图像 → logits (B, 类别数)。",
    ),
    "names.net.text-classifier": (
        "Embedding, RNN, LSTM or GRU, and a linear layer on the last real token: token ids (B, T) → logits (B, classes).",
        "嵌入，RNN、LSTM 或 GRU，再对最后一个真实词元用线性层：词元编号 (B, T) → logits (B, 类别数)。",
    ),
    "names.net.vit": (
        "A small vision transformer: patches, attention, their mean (Dosovitskiy et al. 2021): images → classes.",
        "小型视觉 Transformer：图块、注意力、取平均（Dosovitskiy 等 2021）：图像 → 类别。",
    ),
    "names.net.whitened": (
        "Whitened patches, then plain convolutions that begin as the identity (airbench, Jordan 2024): images → logits (B, classes).",
        "先白化图像小块，再用以恒等映射开始的普通卷积（airbench，Jordan，2024）：图像 → logits (B, 类别数)。",
    ),
    # ---- losses
    "names.loss.arcface": (
        "Softmax over cosines, the true one replaced by cos(θ + margin): for embeddings of identities (Deng et al. 2019).",
        "对余弦做 softmax，真实类别的余弦换成 cos(θ + margin)：用于身份嵌入（Deng 等，2019）。",
    ),
    "names.loss.binary-cross-entropy": (
        "-y·log σ(z) - (1 - y)·log(1 - σ(z)) for logits z: one yes-or-no answer, or many independent ones.",
        "-y·log σ(z) - (1 - y)·log(1 - σ(z))，z 为 logits：一个是或否的答案，或许多互不相干的答案。",
    ),
    "names.loss.bpr": (
        "Bayesian personalised ranking: what was met above what was not (Rendle et al. 2009).",
        "贝叶斯个性化排序：接触过的应排在未接触的之前（Rendle 等，2009）。",
    ),
    "names.loss.pointwise": (
        "Met or not, each item by itself, with drawn items (He et al. 2017).",
        "逐个判断物品是否接触过，并抽取未接触的物品（He 等，2017）。",
    ),
    "names.loss.info-nce": (
        "The item that a user met, among those that the others in the batch met (van den Oord et al. 2018).",
        "在同批次其他人接触过的物品中找出用户接触过的那个（van den Oord 等，2018）。",
    ),
    "names.loss.sampled-softmax": (
        "The item that was met among drawn ones: softmax cross entropy.",
        "在抽取的物品中辨认接触过的那个：softmax 交叉熵。",
    ),
    "names.loss.cosface": (
        "Softmax over cosines, the true one lowered by a margin: for embeddings of identities (Wang et al. 2018).",
        "对余弦做 softmax，真实类别的余弦减去边距：用于身份嵌入（Wang 等，2018）。",
    ),
    "names.loss.cross-entropy": (
        "-log softmax(z)[label] for logits z: one of several classes.",
        "-log softmax(z)[标签]，z 为 logits：若干类别之一。",
    ),
    "names.loss.dice": (
        "1 - 2·overlap / (predicted + true), by class, for masks; over each image, or over the batch (Milletari et al. 2016).",
        "1 - 2·重叠 /（预测 + 真实），按类别计算，用于掩码；逐图或整批（Milletari 等，2016）。",
    ),
    "names.loss.focal": (
        "(1 - p)^gamma · (-log p), p the probability given to the truth: what is easy counts less (Lin et al. 2017).",
        "(1 - p)^gamma · (-log p)，p 为给真实答案的概率：容易的样本份量更轻（Lin 等，2017）。",
    ),
    "names.loss.huber": (
        "½·e² where |e| ≤ delta, else delta·(|e| - ½·delta): squared, but forgiving of outliers.",
        "|e| ≤ delta 时为 ½·e²，否则为 delta·(|e| - ½·delta)：平方误差，但能容忍离群值。",
    ),
    "names.loss.l1": (
        "|output - target|. (The L1 penalty on parameters is train.l1, not a loss.)",
        "|输出 - 目标|。（对参数的 L1 惩罚是 train.l1，不是损失。）",
    ),
    "names.loss.mse": ("(output - target)²: the squared error.", "(输出 - 目标)²：平方误差。"),
    "names.loss.nt-xent": (
        "SimCLR's: views of a sample attract each other, all others of the effective batch repel (Chen et al. 2020). For outputs (B, V, D).",
        "SimCLR 的损失：同一样本的视图相互吸引，有效批次中的其他样本相互排斥（Chen 等 2020）。输出形如 (B, V, D)。",
    ),
    # ---- optimisers
    "names.optimizer.adam": (
        "Mean and size of each gradient (Kingma and Ba 2015). Its decay is not decoupled: with decay prefer adamw.",
        "利用每个梯度的均值与大小（Kingma 与 Ba，2015）。其权重衰减未解耦：需要衰减时请用 adamw。",
    ),
    "names.optimizer.adamw": (
        "Adam with decoupled weight decay (Loshchilov and Hutter 2019).",
        "带解耦权重衰减的 Adam（Loshchilov 与 Hutter，2019）。",
    ),
    "names.optimizer.lion": (
        "The sign of a momentum, and decoupled weight decay (Chen et al. 2023).",
        "取动量的符号，并带解耦权重衰减（Chen 等，2023）。",
    ),
    "names.optimizer.muon": (
        "Momentum whose matrices are made orthogonal by Newton-Schulz steps; vectors move by AdamW (Jordan et al. 2024).",
        "用 Newton-Schulz 迭代把矩阵的动量正交化；向量由 AdamW 更新（Jordan 等，2024）。",
    ),
    "names.optimizer.rmsprop": (
        "The gradient over its usual size (Tieleman and Hinton 2012), with momentum where asked.",
        "梯度除以它平常的大小（Tieleman 与 Hinton，2012），可加动量。",
    ),
    "names.optimizer.schedule-free": (
        "AdamW or SGD (form) whose steps are averaged in place of a falling rate; needs schedule: constant (Defazio et al. 2024).",
        "AdamW 或 SGD（form），以各步的平均代替学习率的下降；需要 schedule: constant（Defazio 等，2024）。",
    ),
    "names.optimizer.rowwise-adagrad": (
        "Adagrad with one number for each row of an embedding, touching only the batch's rows (Duchi et al. 2011).",
        "嵌入的每一行只记一个数的 Adagrad，只更新批次涉及的行（Duchi 等，2011）。",
    ),
    "names.optimizer.sparse-adam": (
        "Adam that touches only the batch's rows of an embedding; all else learns by AdamW.",
        "只更新批次涉及的嵌入行的 Adam；其余参数用 AdamW。",
    ),
    "names.optimizer.sgd": (
        "Stochastic gradient descent with (Nesterov) momentum; weight decay is L2 (Sutskever et al. 2013).",
        "带（Nesterov）动量的随机梯度下降；权重衰减为 L2（Sutskever 等，2013）。",
    ),
    # ---- schedules
    "names.schedule.constant": ("The same learning rate from beginning to end.", "自始至终同样的学习率。"),
    "names.schedule.cosine": (
        "Falls along half a cosine to floor of the rate, with restarts where asked (Loshchilov and Hutter 2017).",
        "沿半个余弦下降到学习率的 floor 倍，可重启（Loshchilov 与 Hutter，2017）。",
    ),
    "names.schedule.one-cycle": (
        "Rises to the peak, then falls far below the start, the momentum inversely (Smith and Topin 2018).",
        "先升到峰值，再降到远低于起点，动量反向变化（Smith 与 Topin，2018）。",
    ),
    "names.schedule.reduce-on-plateau": (
        "The rate times factor when more than patience evaluations in a row did not improve (as torch's).",
        "连续没有进步的评估超过 patience 次时，学习率乘以 factor（与 torch 相同）。",
    ),
    "names.schedule.step": (
        "The rate times gamma after each period of so many epochs (every).",
        "每过若干轮（every），学习率乘以 gamma。",
    ),
    # ---- unfreezing
    "names.unfreeze.all": ("Everything learns at one rate.", "全部参数以同一学习率训练。"),
    "names.unfreeze.frozen": (
        "Feature extraction: the head alone learns.",
        "特征提取：只训练头部。",
    ),
    "names.unfreeze.gradual": (
        "From the head down, stage by stage: by steps or on a plateau (Howard and Ruder 2018).",
        "自头部起逐段解冻：按步数，或在指标停滞时（Howard 与 Ruder，2018）。",
    ),
    "names.unfreeze.layerwise": (
        "Each stage at decay times the rate of the one above it (Clark et al. 2020).",
        "每一段的学习率是其上一段的 decay 倍（Clark 等，2020）。",
    ),
    # ---- adapters
    "names.adapter.lora": (
        "To each layer's frozen weight a product of two small trained matrices is added (Hu et al. 2021), by peft.",
        "在每层冻结的权重上加上两个可训练小矩阵之积（Hu 等，2021），由 peft 实现。",
    ),
    # ---- augmentations
    "names.augmentation.color-jitter": (
        "Brightness, contrast, saturation and hue, each changed by a random factor.",
        "亮度、对比度、饱和度、色相，各按随机系数改变。",
    ),
    "names.augmentation.crop": (
        "The image is padded, then a window of its own size taken at a random place.",
        "先在四周填充，再在随机位置取一个与原图同大的窗口。",
    ),
    "names.augmentation.mosaic": (
        "Four images in the quarters of one, with their boxes.",
        "把四幅图像连同边界框拼入一幅的四个角。",
    ),
    "names.augmentation.copy-paste": (
        "Objects of another image copied in, with their boxes.",
        "把另一幅图像中的目标连同边界框复制进来。",
    ),
    "names.augmentation.scale": (
        "Content made larger or smaller within the image's frame.",
        "在图像尺寸不变的情况下放大或缩小内容。",
    ),
    "names.augmentation.cutmix": (
        "A rectangle of the image comes from another one, targets are mixed by area (Yun et al. 2019).",
        "图像中的一个矩形来自另一张图，目标按面积混合（Yun 等，2019）。",
    ),
    "names.augmentation.erase": (
        "With probability p a rectangle of the image is painted over (Zhong et al. 2017).",
        "以概率 p 涂掉图像中的一个矩形（Zhong 等，2017）。",
    ),
    "names.augmentation.flip": (
        "Left and right, or top and bottom, swapped with probability p.",
        "以概率 p 左右或上下翻转。",
    ),
    "names.augmentation.mixup": (
        "Two images are blended, and their targets alike: λ·x₁ + (1 - λ)·x₂ (Zhang et al. 2017).",
        "把两张图像及其目标按同样的比例混合：λ·x₁ + (1 - λ)·x₂（Zhang 等，2017）。",
    ),
    "names.augmentation.randaugment": (
        "A few changes for each image, drawn from 14, all of one magnitude (Cubuk et al. 2019).",
        "每张图像从 14 种变换中抽取几种，强度相同（Cubuk 等，2019）。",
    ),
    "names.augmentation.random-resized-crop": (
        "A window of a random share of the area, at a random place, stretched to the image's size.",
        "在随机位置取面积比例随机的窗口，再拉伸到原图大小。",
    ),
    "names.augmentation.rotate": (
        "Turned about the middle by up to so many degrees, either way.",
        "绕中心向任一方向旋转，至多若干度。",
    ),
    # ---- activations
    "names.activation.relu": ("max(0, x)", "max(0, x)"),
    "names.activation.leaky-relu": ("x above 0, else 0.01·x", "正数为 x，负数为 0.01·x"),
    "names.activation.prelu": ("x above 0, else a·x, with a learnt", "正数为 x，负数为 a·x，a 由训练得到"),
    "names.activation.elu": ("x above 0, else exp(x) - 1", "正数为 x，负数为 exp(x) - 1"),
    "names.activation.silu": ("x·σ(x), also called swish", "x·σ(x)，又名 swish"),
    "names.activation.gelu": ("x·Φ(x), Φ being the normal distribution", "x·Φ(x)，Φ 为正态分布函数"),
    "names.activation.mish": ("x·tanh(log(1 + exp(x)))", "x·tanh(log(1 + exp(x)))"),
    "names.activation.hard-swish": (
        "x·min(max(x + 3, 0), 6) / 6: nearly silu, without exp",
        "x·min(max(x + 3, 0), 6) / 6：近似 silu，不用 exp",
    ),
    "names.activation.softplus": ("log(1 + exp(x)): a smooth relu", "log(1 + exp(x))：光滑的 relu"),
    "names.activation.sigmoid": ("1 / (1 + exp(-x)), from 0 to 1", "1 / (1 + exp(-x))，介于 0 与 1 之间"),
    "names.activation.tanh": ("from -1 to 1, its slope at 0 is 1", "介于 -1 与 1 之间，0 处斜率为 1"),
    "names.activation.identity": ("x itself: no activation", "x 本身：没有激活"),
    # ---- norms
    "names.norm.batch": (
        "Every channel over the batch and all positions (Ioffe and Szegedy 2015).",
        "每个通道，对整批和所有位置（Ioffe 与 Szegedy，2015）。",
    ),
    "names.norm.layer": (
        "Every sample and position over its channels (Ba et al. 2016).",
        "每个样本的每个位置，对其所有通道（Ba 等，2016）。",
    ),
    "names.norm.instance": (
        "Every sample and channel over its positions (Ulyanov et al. 2016).",
        "每个样本的每个通道，对其所有位置（Ulyanov 等，2016）。",
    ),
    "names.norm.group": (
        "Every sample over groups of channels and all positions (Wu and He 2018).",
        "每个样本，对每组通道和所有位置（Wu 与 He，2018）。",
    ),
    "names.norm.none": ("No normalisation.", "不做归一化。"),
    # ---- kinds
    "names.kind.boxes": ("Boxes in an image, each of a class.", "图像中的框，各有其类别。"),
    "names.kind.category": ("One of several classes.", "若干类别之一。"),
    "names.kind.image": ("An image, grey or in colour.", "图像，灰度或彩色。"),
    "names.kind.features": (
        "A row of a table: numbers, categories, dates and yes or no, scaled and coded.",
        "表格的一行：数值、类别、日期和是/否，经过缩放与编码。",
    ),
    "names.kind.labels": ("Any number of several classes.", "若干类别中的任意多个。"),
    "names.kind.mask": ("One class for each pixel of an image.", "图像每个像素的类别。"),
    "names.kind.text": ("A text, as ids of its tokens.", "文本，以词元编号表示。"),
    "names.kind.catalogue": (
        "Items by their ids, with the words, tags and numbers that a table knows of them.",
        "以编号表示的物品，附带物品表中的文字、标签和数值。",
    ),
    "names.kind.asker": (
        "A user by an id, or an item to which others shall be alike.",
        "以编号表示的用户，或要求相似物品的那个物品。",
    ),
    "names.kind.id": (
        "Which user or item: one of many that are learnt one by one.",
        "某个用户或物品：逐个学习的众多对象之一。",
    ),
    "names.kind.moment": ("When something happened.", "某事发生的时间。"),
    "names.kind.number": ("A number.", "一个数。"),
    # ---- sources
    "names.source.builtin": (
        "Data that come with Danlu, or are fetched by name: builtin:fashion, builtin:fashion-full, builtin:digits.",
        "丹炉自带或按名称下载的数据：builtin:fashion、builtin:fashion-full、builtin:digits。",
    ),
    "names.source.coco": (
        "Object boxes or outlines in COCO's JSON: one file, or a folder with one for each part.",
        "COCO JSON 格式的目标框或轮廓：一个文件，或每部分一个文件的文件夹。",
    ),
    "names.source.criteo": (
        "Criteo's click logs: tab-separated without a header; label, 13 counts, 26 categories.",
        "Criteo 点击日志：无表头、以制表符分隔；标签、13 个计数、26 个类别。",
    ),
    "names.source.csv": (
        "A CSV file (also with semicolons or tabs) with a header line.",
        "带表头的 CSV 文件（也可以用分号或制表符分隔）。",
    ),
    "names.source.folder": (
        "One folder for each class: photos/cat/1.jpg; also below train, val and test folders.",
        "每个类别一个文件夹：photos/cat/1.jpg；也可以放在 train、val、test 文件夹之下。",
    ),
    "names.source.inter": (
        "RecBole's interactions: NAME.inter, tab-separated with a header of name:type.",
        "RecBole 的交互文件：NAME.inter，以制表符分隔，表头为 名称:类型。",
    ),
    "names.source.idx": (
        "MNIST's idx files, plain or gzipped: train-images-…, train-labels-…, t10k-images-…, t10k-labels-…",
        "MNIST 的 idx 文件，可用 gzip 压缩：train-images-…、train-labels-…、t10k-images-…、t10k-labels-…",
    ),
    "names.source.jsonl": (
        "A file with one JSON object a line, or one JSON list of objects.",
        "每行一个 JSON 对象的文件，或一个由对象组成的 JSON 列表。",
    ),
    "names.source.npz": (
        "A NumPy archive: x and y, images and labels, x_train and x_test, …",
        "NumPy 归档：x 与 y，images 与 labels，x_train 与 x_test……",
    ),
    "names.source.pairs": (
        "Images and masks of the same names in two folders: images/7.jpg and masks/7.png; PASCAL VOC's; below train, val and test.",
        "两个文件夹中同名的图像与掩码：images/7.jpg 与 masks/7.png；PASCAL VOC 的文件夹；也可以放在 train、val、test 之下。",
    ),
    "names.source.parquet": (
        "A Parquet file, or a folder of them (train-00000.parquet, test-00000.parquet, …).",
        "一个 Parquet 文件，或装有若干个的文件夹（train-00000.parquet、test-00000.parquet……）。",
    ),
    "names.source.voc": (
        "Boxes on images in Pascal VOC's XML, one file an image.",
        "Pascal VOC 的 XML 边界框标注，每幅图像一个文件。",
    ),
    "names.source.yolo": (
        "Boxes on images in YOLO's text files, with a data.yaml or a list of classes.",
        "YOLO 的文本边界框标注，配有 data.yaml 或类别列表。",
    ),
    "names.loss.next-token": (
        "Cross entropy of the next token, over real tokens.",
        "下一个词元的交叉熵，只计真实词元。",
    ),
    "names.net.gpt": (
        "A small decoder-only Transformer that writes on: token ids (B, T) → logits of the next (B, T, V).",
        "续写文本的小型纯解码器 Transformer：词元编号 (B, T) → 下一个词元的 logits (B, T, V)。",
    ),
    "names.net.seq2seq-transformer": (
        "A pre-norm Transformer that reads one text and writes another, with a key-value cache.",
        "前置归一化的编码器-解码器 Transformer：读一段文本、写另一段，带键值缓存。",
    ),
    "names.source.squad": (
        "Questions with answers in their text, in SQuAD's JSON (1.1 and 2.0).",
        "SQuAD JSON 格式（1.1 与 2.0）的阅读理解问答。",
    ),
    "names.source.cmrc": (
        "Questions with answers in their text, in CMRC's JSON.",
        "CMRC JSON 格式的阅读理解问答。",
    ),
    "names.source.tmx": ("A translation memory (TMX).", "翻译记忆文件（TMX）。"),
    "names.source.txt": ("Plain text files, divided into passages.", "纯文本文件，分成若干段落。"),
    "names.source.parallel": (
        "A folder of two languages' plain texts whose lines belong together: corpus.en, corpus.fr.",
        "逐行对应的两种语言纯文本文件夹：corpus.en、corpus.fr。",
    ),
    "names.kind.passage": (
        "A text in which answers stand, in windows of tokens.",
        "答案所在的文本，按窗口切分为词元。",
    ),
    "names.kind.query": ("A question, as ids of its tokens.", "问题，以词元编号表示。"),
    "names.kind.answers": ("Where answers stand in a passage, in characters.", "答案在文本中的位置，以字符计。"),
    "names.kind.tokens": ("A text to be written, as ids of its tokens.", "要写出的文本，以词元编号表示。"),
    "names.kind.gapped": ("A text of which words are hidden.", "部分词被遮住的文本。"),
}
