"""Texts of health verdicts: key → (English, Chinese)."""

TEXTS = {
    # dead-relu
    "health.dead-relu": (
        "ReLUs have died in {layers} of {of} layers: up to {share} of a layer's units give 0 whatever comes, and learn nothing any more.",
        "{of} 个 ReLU 层中有 {layers} 层出现神经元死亡：某层多达 {share} 的单元无论输入什么都输出 0，也不再学习。",
    ),
    "health.dead-relu.layer": (
        "{layer}: {dead} of {units} units silent for every sample of {looks} looks (steps {first} to {last}); {born} of them from the "
        "first step on",
        "{layer}：{units} 个单元中有 {dead} 个在 {looks} 次查看（第 {first} 至 {last} 步）的所有样本上都无输出；其中 {born} 从第一步起就是如此",
    ),
    "health.dead-relu.killed": (
        "Lower the rate, whose steps pushed them there, and take an activation that keeps a slope below 0, or a normalisation layer.",
        "请降低学习率（过大的步长使单元死亡），并改用在负半轴仍有斜率的激活函数，或加入归一化层。",
    ),
    "health.dead-relu.born": (
        "They began dead: take an activation that keeps a slope below 0, or a normalisation layer; in a net of your own, mend the first "
        "weights and biases.",
        "这些单元从一开始就已死亡：请改用在负半轴仍有斜率的激活函数，或加入归一化层；若是自己的网络，请修正初始权重和偏置。",
    ),
    # saturated
    "health.saturated": (
        "{layers} of {of} hidden tanh or sigmoid layers are saturated: up to {share} of a layer's values lie where the slope is next to "
        "nothing.",
        "{of} 个隐藏的 tanh 或 sigmoid 层中有 {layers} 层饱和：某层多达 {share} 的输出落在斜率几乎为零的区域。",
    ),
    "health.saturated.layer": (
        "{layer}: {share} of its values saturated (median of steps {first} to {last}), {begin} at the first step",
        "{layer}：{share} 的输出饱和（第 {first} 至 {last} 步的中位数），第一步时为 {begin}",
    ),
    "health.saturated.born": (
        "It began so: a normalisation layer before the activation or smaller first weights; ReLU or GELU do not saturate above 0.",
        "从一开始就是如此：请在激活函数之前加归一化层，或减小初始权重；ReLU 和 GELU 在正半轴不会饱和。",
    ),
    "health.saturated.driven": (
        "Training drove it there: lower the rate, put a normalisation layer before the activation, or take one that does not saturate.",
        "训练使其饱和：请降低学习率，在激活函数之前加归一化层，或改用不会饱和的激活函数。",
    ),
    # vanishing-gradient
    "health.vanishing-gradient": (
        "Gradients vanish on their way to the input: what reaches the first layers is {times} times smaller than what reaches the last.",
        "梯度在传向输入的途中消失：到达前几层的梯度只有最后几层的 1/{times}。",
    ),
    "health.vanishing-gradient.none": (
        "No gradient at all reaches the first layers: it is exactly 0 there.",
        "前几层完全得不到梯度：那里的梯度恰好为 0。",
    ),
    "health.vanishing-gradient.parameters": (
        "gradient per element of the weights: {low} at {first}, {high} at {last} (medians of {looks} looks)",
        "权重每个元素的梯度：{first} 为 {low}，{last} 为 {high}（{looks} 次查看的中位数）",
    ),
    "health.vanishing-gradient.outputs": (
        "the loss's gradient with respect to their outputs: {low} at {first}, {high} at {last} (medians of {looks} looks)",
        "损失对各层输出的梯度：{first} 为 {low}，{last} 为 {high}（{looks} 次查看的中位数）",
    ),
    "health.vanishing-gradient.remedy": (
        "Put normalisation layers between the layers, take ReLU or GELU instead of an activation that squashes, or add residual "
        "connections.",
        "请在各层之间加归一化层，用 ReLU 或 GELU 代替会压缩数值的激活函数，或加入残差连接。",
    ),
    "health.vanishing-gradient.none.remedy": (
        "Look for weights that begin as 0 or all equal, dead units, or a result that is cut from the graph (detach, argmax, round).",
        "请检查权重是否初始化为 0 或全部相同、单元是否死亡，以及计算图是否被切断（detach、argmax、round）。",
    ),
    # exploding-gradient
    "health.exploding-gradient": (
        "Gradients explode on their way to the input: what reaches the first layers is {times} times what reaches the last.",
        "梯度在传向输入的途中爆炸：到达前几层的梯度是最后几层的 {times} 倍。",
    ),
    "health.exploding-gradient.outputs": (
        "the loss's gradient with respect to their outputs: {low} at {first}, {high} at {last} ({looks})",
        "损失对各层输出的梯度：{first} 为 {low}，{last} 为 {high}（{looks}）",
    ),
    "health.exploding-gradient.parameters": (
        "gradient per element of the weights: {low} at {first}, {high} at {last} ({looks})",
        "权重每个元素的梯度：{first} 为 {low}，{last} 为 {high}（{looks}）",
    ),
    "health.exploding-gradient.calls": (
        "Gradients explode on their way through a layer that is called again and again: within a few steps they became {times} times as "
        "large.",
        "梯度在反复经过同一层的途中爆炸：几步之内增大到原来的 {times} 倍。",
    ),
    "health.exploding-gradient.cliff": (
        "norm of the whole gradient: {before} as a rule, then {top} (up to step {step}), then not finite",
        "总梯度的范数：通常为 {before}，随后升至 {top}（截至第 {step} 步），之后不再是有限值",
    ),
    "health.exploding-gradient.call": (
        "{layer} is called {calls} times in one pass: what reaches its first call was {times} times what reaches its last, growing from "
        "call to call (step {step})",
        "{layer} 在一次前向计算中被调用 {calls} 次：到达第一次调用的梯度是最后一次的 {times} 倍，逐次增大（第 {step} 步）",
    ),
    "health.exploding-gradient.calls.remedy": (
        "Clip the norm of the gradient; begin with an orthogonal or smaller recurrent matrix, or take gated cells (LSTM, GRU), and lower "
        "the rate where it is called too high.",
        "请裁剪梯度范数；循环矩阵用正交或更小的初始值，或改用门控单元（LSTM、GRU）；若诊断指出学习率过高，请降低学习率。",
    ),
    "health.looks": ("medians of {count} looks", "{count} 次查看的中位数"),
    "health.look": ("at step {step}", "第 {step} 步"),
    "health.exploding-gradient.norm": (
        "norm of the whole gradient: median {median}, at most {top}",
        "总梯度的范数：中位数 {median}，最大 {top}",
    ),
    "health.exploding-gradient.remedy": (
        "Clip the norm of the gradient and put normalisation layers between the layers; in a net of your own, begin with smaller weights "
        "(Kaiming or Xavier).",
        "请裁剪梯度范数，并在各层之间加归一化层；若是自己的网络，请用更小的初始权重（Kaiming 或 Xavier 初始化）。",
    ),
    # unused-parameters, frozen-parameters
    "health.unused-parameters": (
        "{count} of {of} parameters ({share} of all values) are trained but never get a gradient: the loss does not depend on them.",
        "{of} 个参数张量中有 {count} 个（占全部数值的 {share}）参与训练，却从未得到梯度：损失与它们无关。",
    ),
    "health.unused-parameters.names": (
        "{names}: no gradient in any of {looks} looks",
        "{names}：{looks} 次查看中均无梯度",
    ),
    "health.unused-parameters.remedy": (
        "Use these layers in the net's forward, take them out, or mend what cuts them from the loss (detach, no_grad).",
        "请在网络的 forward 中使用这些层，或将其删除，或修正使其与损失断开的代码（detach、no_grad）。",
    ),
    "health.frozen-parameters": (
        "The net answers poorly, and {count} of {of} parameters ({share} of all values) are frozen by its own code.",
        "网络表现不佳，而 {of} 个参数张量中有 {count} 个（占全部数值的 {share}）被其自身代码冻结。",
    ),
    "health.frozen-parameters.names": ("{names}: requires_grad is False", "{names}：requires_grad 为 False"),
    "health.frozen-parameters.remedy": (
        "If that is not meant, let them be trained (requires_grad_(True)); if it is, give them weights that were trained before.",
        "若非有意为之，请让它们参与训练（requires_grad_(True)）；若是有意，请载入已训练好的权重。",
    ),
    # update-ratio
    "health.update-ratio": (
        "{layers} of {of} layers hardly move while the others learn: their updates are far too small for their weights.",
        "{of} 层中有 {layers} 层几乎不动，而其他层在学习：它们的更新量相对权重而言太小。",
    ),
    "health.update-ratio.layer": (
        "{name}: a step changes it by {moved} of its size, the others by {others} (medians of {looks} looks; about 1e-3 is usual)",
        "{name}：每步更新量与权重之比为 {moved}，其他层为 {others}（{looks} 次查看的中位数；通常约为 1e-3）",
    ),
    "health.update-ratio.remedy": (
        "Begin with smaller weights in these layers (Kaiming or Xavier), scale their inputs, or put a normalisation layer after them.",
        "请减小这些层的初始权重（Kaiming 或 Xavier 初始化），缩放其输入，或在其后加归一化层。",
    ),
    # divergence
    "health.divergence": (
        "The training comes apart: its loss ends far above where it was.",
        "训练发散：损失最终远高于先前的水平。",
    ),
    "health.divergence.refused": (
        "step {step} was not finite (loss {loss}, norm of the gradient {norm}), and training stopped",
        "第 {step} 步出现非有限值（损失 {loss}，梯度范数 {norm}），训练因此停止",
    ),
    "health.divergence.risen": (
        "training loss {first} at first, {lowest} at best (step {step}), {end} at the end (step {last})",
        "训练损失起初为 {first}，最低 {lowest}（第 {step} 步），最终 {end}（第 {last} 步）",
    ),
    "health.divergence.remedy": (
        "Lower the rate, clip the norm of the gradient, and begin with a warm-up.",
        "请降低学习率，裁剪梯度范数，并在开始时预热。",
    ),
    "health.divergence.remedy-rate": (
        "Lower the rate and begin with a warm-up.",
        "请降低学习率，并在开始时预热。",
    ),
    # rate-too-high, rate-too-low
    "health.rate-too-high": ("The learning rate (peak {rate}) is too high.", "学习率过高（峰值 {rate}）。"),
    "health.rate-too-high.leap": (
        "the training loss leapt from {first} to {top} (about step {step})",
        "训练损失从 {first} 跃升到 {top}（约第 {step} 步）",
    ),
    "health.rate-too-high.wild": (
        "the validation loss leapt to {top} (step {step}); a net that knows nothing has {nothing}",
        "验证损失跃升至 {top}（第 {step} 步），而一无所知的网络为 {nothing}",
    ),
    "health.rate-too-high.grown": (
        "the weights are {times} times as large as they were at first (median of {count} layers)",
        "权重的范数增大到起初的 {times} 倍（{count} 层的中位数）",
    ),
    "health.rate-too-high.updates": (
        "a step changes a weight by {ratio} of its size (median of {count} layers; about 1e-3 is usual)",
        "每步更新量与权重之比为 {ratio}（{count} 层的中位数；通常约为 1e-3）",
    ),
    "health.rate-too-high.remedy": (
        "Lower the rate (lr: auto lets a short test find it), begin with a warm-up, and let the rate fall towards the end.",
        "请降低学习率（lr: auto 用短测试自动确定），开始时预热，并让学习率在后期下降。",
    ),
    "health.rate-too-low": ("The learning rate (peak {rate}) is too low.", "学习率过低（峰值 {rate}）。"),
    "health.rate-too-low.updates": (
        "a step changes a weight by {ratio} of its size (median of {count} layers; about 1e-3 is usual)",
        "每步更新量与权重之比为 {ratio}（{count} 层的中位数；通常约为 1e-3）",
    ),
    "health.rate-too-low.loss": (
        "the training loss fell by {share} only, from {first} to {end}, in {steps} steps",
        "经过 {steps} 步，训练损失只下降了 {share}，从 {first} 到 {end}",
    ),
    "health.rate-too-low.remedy": (
        "Let a short test before training find the rate (lr: auto), or raise it tenfold until the loss falls quickly.",
        "请在训练前用短测试自动确定学习率（lr: auto），或每次提高十倍，直到损失快速下降。",
    ),
    # plateau
    "health.plateau": (
        "The training loss stands still, far from where it should be: most of the steps achieved nothing.",
        "训练损失停滞不前，且远未达到应有水平：大部分训练步没有带来进展。",
    ),
    "health.plateau.since": (
        "since step {step} of {end} ({share} of the steps at a rate that counts) it went from {begin} to {last}; it began at {first}",
        "自第 {step} 步（共 {end} 步，占学习率有效步数的 {share}）起，损失从 {begin} 变为 {last}；起初为 {first}",
    ),
    "health.plateau.remedy": (
        "Let a short test find the rate (lr: auto), and look at whether the net can learn these labels at all.",
        "请用短测试自动确定学习率（lr: auto），并检查网络究竟能否学会这些标签。",
    ),
    "health.plateau.spent": (
        "The schedule brings the rate near 0 long before the end: take one that spreads its fall over the whole run.",
        "学习率调度过早地将学习率降到接近 0：请改用在整个训练过程中逐渐下降的调度。",
    ),
    "health.causes-first": (
        "Mend first what the verdicts above name: this follows from it.",
        "请先处理上面诊断指出的问题：这是其后果。",
    ),
    # overfitting, underfitting
    "health.overfitting": (
        "The net has learnt its training samples by heart, and answers others far worse.",
        "网络记住了训练样本，对其他样本的表现差得多。",
    ),
    "health.overfitting.risen": (
        "The net learns its training samples by heart: on others it became worse again.",
        "网络在死记训练样本：对其他样本的表现反而变差。",
    ),
    "health.overfitting.losses": (
        "training loss {train}, validation loss {last} (step {end}); the lowest was {lowest} (step {step})",
        "训练损失 {train}，验证损失 {last}（第 {end} 步）；最低为 {lowest}（第 {step} 步）",
    ),
    "health.overfitting.remedy": (
        "More data help most; weight decay, dropout, augmentation and label smoothing narrow the gap. Where the validation loss rises "
        "again, stop early and keep the best weights.",
        "增加数据最有效；权重衰减、dropout、数据增强和标签平滑可以缩小差距。若验证损失重新上升，请提前停止并保留最佳权重。",
    ),
    "health.underfitting": (
        "The net learns too little: even of its training samples much is left.",
        "网络学得太少：连训练样本也远未学好。",
    ),
    "health.underfitting.linear": (
        "{metric} {net}, where a linear model reaches {linear}",
        "{metric} 为 {net}，而线性模型达到 {linear}",
    ),
    "health.underfitting.simple": (
        "{metric} {net}, no better than {simple}, which looks at no input",
        "{metric} 为 {net}，不优于完全不看输入的 {simple}",
    ),
    "health.underfitting.loss": (
        "the training loss went from {first} to {end}",
        "训练损失从 {first} 变为 {end}",
    ),
    "health.underfitting.remedy": (
        "A larger net, less regularisation (dropout, L1, weight decay) or more epochs.",
        "请使用更大的网络，减少正则化（dropout、L1、权重衰减），或训练更多轮。",
    ),
    "health.underfitting.frozen": (
        "The head alone is trained, and what is frozen does not suit these data: let everything be trained (model.unfreeze: all), at a rate "
        "that a short test finds for it.",
        "只训练了输出头，而被冻结的部分不适合这些数据：请训练整个网络（model.unfreeze: all），学习率由短测试重新确定。",
    ),
    "health.underfitting.falling": (
        "Train longer: the loss was still falling. Less regularisation (dropout, L1, weight decay) helps too.",
        "请训练更久：损失仍在下降。减少正则化（dropout、L1、权重衰减）也有帮助。",
    ),
    # label-noise
    "health.label-noise": (
        "About {share} of the labels are probably wrong.",
        "大约 {share} 的标签可能是错的。",
    ),
    "health.label-noise.against": (
        "of the {sure} held-out samples that the net is surest of, {against} ({share}) carry a label that the net and every baseline "
        "contradict with the same other one",
        "在网络最有把握的 {sure} 个未参与训练的样本中，有 {against} 个（{share}）的标签与网络和所有基线一致给出的另一标签相矛盾",
    ),
    "health.label-noise.estimated": (
        "confident learning estimates {share} wrong labels among {samples} samples",
        "置信学习估计 {samples} 个样本中有 {share} 的标签有误",
    ),
    "health.label-noise.ids": ("the most doubted: {ids}", "最可疑的样本：{ids}"),
    "health.label-noise.remedy": (
        "Look at the listed samples and correct their labels. Until then label smoothing and early stopping keep the net from learning "
        "wrong ones by heart.",
        "请查看列出的样本并更正标签。在此之前，标签平滑和提前停止可以避免网络死记错误标签。",
    ),
    "health.failed": ("The run's health could not be judged: {reason}", "无法诊断这次训练：{reason}"),
    "health.stopped": ("`danlu fix {path}` says more.", "`danlu fix {path}` 会给出更多说明。"),
    "health.next": ("see what ails it, and write a recipe that mends it", "查看诊断，并生成修正后的配方"),
    # danlu fix
    "health.fix.run": ("the folder of a run", "一次训练的文件夹"),
    "health.fix.apply": (
        "names of verdicts whose patches make the new recipe, or all",
        "要应用的诊断名称（用其补丁生成新配方），或 all 表示全部",
    ),
    "health.fix.output": (
        "the new recipe (default: the run's name with -fixed.yaml, here)",
        "新配方的文件名（默认为当前文件夹中的“训练名-fixed.yaml”）",
    ),
    "health.fix.nothing-named": (
        "no verdict is named whose patch should be written.",
        "没有指定要写入哪个诊断的补丁。",
    ),
    "health.fix.nothing-named.remedy": ("Say --apply NAME…, or --apply all.", "请使用 --apply 名称… 或 --apply all。"),
    "health.fix.healthy": ("Nothing ails this run, as far as was recorded.", "就已记录的内容看，这次训练没有问题。"),
    "health.fix.nothing-to-mend": ("There is nothing to mend.", "没有需要修正的地方。"),
    "health.fix.unseen": (
        "Nothing was seen inside the net: set watch.captures_every to be told of gradients and activations too.",
        "没有查看过网络内部：请设置 watch.captures_every，以便同时诊断梯度和激活值。",
    ),
    "health.fix.problem": ("✗ {name}: {text}", "✗ {name}：{text}"),
    "health.fix.warning": ("! {name}: {text}", "! {name}：{text}"),
    "health.fix.note": ("· {name}: {text}", "· {name}：{text}"),
    "health.fix.remedy": ("→ {remedy}", "→ {remedy}"),
    "health.fix.no-patch": (
        "No recipe mends this: it is for you to do.",
        "这些问题无法通过修改配方解决，需要您亲自处理。",
    ),
    "health.fix.how": ("Write a recipe that mends it:", "生成修正后的配方："),
    "health.fix.was": ("(was {before})", "（原为 {before}）"),
    "health.fix.written": ("The new recipe is {path}. Train it:", "新配方已写入 {path}。用它训练："),
    "health.head": (
        "The recipe of {run}, mended by danlu fix; each change says which verdict it answers",
        "{run} 的配方，经 danlu fix 修正；每处修改都注明所针对的诊断",
    ),
    "health.answers": ("answers {verdicts}; was {before}", "针对 {verdicts}；原为 {before}"),
    "health.nothing-to-apply": ("these verdicts have no patch.", "这些诊断没有补丁。"),
    "health.nothing-to-apply.remedy": (
        "`danlu fix RUN` says what to do by hand.",
        "`danlu fix 训练文件夹` 会说明需要手动做什么。",
    ),
    "health.contradiction": (
        "{one} wants {key} to be {value}, {other} wants {wanted}.",
        "{one} 要求 {key} 为 {value}，而 {other} 要求为 {wanted}。",
    ),
    "health.contradiction.remedy": (
        "Apply one of them, train, and look again.",
        "请先应用其中一个，训练后再看。",
    ),
    "health.not-the-same": (
        "the new recipe would not be read back as it was meant.",
        "新配方读回后与预期不符。",
    ),
    "health.collapse.point": (
        "The embeddings have collapsed: every sample is given nearly the same.",
        "嵌入已坍缩：每个样本得到的几乎相同。",
    ),
    "health.collapse.few": (
        "The embeddings lie along hardly more than one direction, so that they tell few samples apart.",
        "嵌入几乎只沿一个方向分布，难以区分样本。",
    ),
    "health.collapse.figures": (
        "at step {step}: deviation {deviation} (1: they point everywhere alike), effective rank {rank}",
        "第 {step} 步：离散程度 {deviation}（1 表示均匀指向各方向），有效秩 {rank}",
    ),
    "health.collapse.remedy": (
        "Take a lower rate, larger batches (train.accumulate counts) and more epochs, and look whether the augmentations leave anything to learn; "
        "nearest neighbours and the linear probe beside the untrained encoder tell whether it got better.",
        "请降低学习率、增大批次（train.accumulate 计入其中）并增加轮数，检查数据增强后是否还有可学的内容；最近邻与线性探针相对未训练编码器的结果会说明是否改善。",
    ),
}
