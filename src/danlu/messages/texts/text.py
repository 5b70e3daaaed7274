"""Texts as data: tokenizers, what was mended, near duplicates."""

TEXTS = {
    "text.type": ("A text is meant, but this is {type}.", "这里应为文本，却是 {type}。"),
    "text.long": (
        "It has {count} characters or bytes, more than the {most} that are taken for a text.",
        "它有 {count} 个字符或字节，超过了一段文本的上限 {most}。",
    ),
    "text.copies": ("Looking for equal texts", "查找相同文本"),
    "text.learning": ("Learning the words of the training texts", "从训练文本中学习词元"),
    "text.describing": ("Counting tokens", "统计词元"),
    "text.near-copies": ("Looking for texts that are nearly equal", "查找相近文本"),
    "text.empty-after": (
        "Nothing that the tokenizer knows as a token is left of it.",
        "分词之后没有剩下任何词元。",
    ),
    "text.note.controls": (
        "control characters (NUL among them) read as spaces",
        "控制字符（含 NUL）按空格处理",
    ),
    "text.note.replaced": (
        "holds replacement characters (U+FFFD): it was once decoded wrongly",
        "含替换字符（U+FFFD）：曾被错误解码",
    ),
    "text.note.longer": (
        "longer than the {most} tokens that are learnt to be written",
        "超过学习书写的 {most} 个词元",
    ),
    "text.far-too-long": ("This has {most} tokens or more.", "此文本有 {most} 个或更多词元。"),
    "text.note.cut": ("cut to {most} tokens", "截断为 {most} 个词元"),
    "text.unknown-tokenizer": ("There is no tokenizer called {name}.", "没有名为 {name} 的分词器。"),
    "text.no-tokenizer": ("There is no {file} of {name}.", "找不到 {name} 的 {file}。"),
    "text.no-tokenizer.remedy": (
        "Name a folder that holds it, or a repository that is in the hub's cache.",
        "请给出含有该文件的文件夹，或已在 hub 缓存中的仓库名。",
    ),
    "text.bad-tokenizer": (
        "The tokenizer of {name} can't be read ({reason}).",
        "无法读取 {name} 的分词器（{reason}）。",
    ),
    "text.bad-sentencepiece": (
        "{name} is no SentencePiece model that can be read ({reason}).",
        "{name} 不是可以读取的 SentencePiece 模型（{reason}）。",
    ),
    "text.bad-sentencepiece.remedy": (
        "Name a .model that SentencePiece's trainer wrote, of the kind unigram or bpe.",
        "请给出 SentencePiece 训练器写出的 unigram 或 bpe 类型的 .model 文件。",
    ),
    "text.no-languages": (
        "This tokenizer has no codes of languages.",
        "该分词器没有语言代码。",
    ),
    "text.no-languages.remedy": (
        "Leave the option out, or take the tokenizer of mBART, NLLB or M2M100: data.text.tokenizer: hf:NAME",
        "请去掉该选项，或使用 mBART、NLLB、M2M100 的分词器：data.text.tokenizer: hf:名称",
    ),
    "text.unknown-language": (
        "The tokenizer has no language {code}. It has: {codes}.",
        "分词器没有语言 {code}。可用的有：{codes}。",
    ),
    "text.no-end": (
        "The tokenizer {name} has no token that ends a text.",
        "分词器 {name} 没有表示文本结束的词元。",
    ),
    "text.no-end.remedy": (
        "Take one with </s>, [SEP], <|endoftext|>, <|end_of_text|> or <eos> among its added tokens.",
        "请用附加词元中含有 </s>、[SEP]、<|endoftext|>、<|end_of_text|> 或 <eos> 的分词器。",
    ),
    "text.run-words": (
        "{run} has learnt other words: its tokenizer gives other ids than this one.",
        "{run} 学的是另一套词：它的分词器给出的编号与这里的不同。",
    ),
    "text.run-words.remedy": (
        "Leave data.text.tokenizer at auto: the run's own is then taken.",
        "请让 data.text.tokenizer 保持 auto：这样会采用该运行自己的分词器。",
    ),
    "text.no-lengths": (
        "No input is a sequence whose length is known before it is read.",
        "没有任何输入是读取之前就知道长度的序列。",
    ),
    "text.no-lengths.remedy": (
        "Leave out data.bucket and train.tokens, or data.storage: stream.",
        "请去掉 data.bucket 与 train.tokens，或去掉 data.storage: stream。",
    ),
    "text.folder.empty": ("There is no .txt file in this folder.", "该文件夹中没有 .txt 文件。"),
    "text.folder.no-classes": (
        "{count} {count:text lies|texts lie} here, but none in a folder that names its class.",
        "这里有 {count} 个文本，但没有一个位于以类别命名的文件夹中。",
    ),
    "text.folder.layout": (
        "One folder for each class is meant: good/1.txt, bad/2.txt, …; or name a CSV, JSON lines or Parquet file.",
        "应为每个类别一个文件夹：good/1.txt、bad/2.txt……；也可以给出 CSV、JSON Lines 或 Parquet 文件。",
    ),
    "text.note.not-a-text": ("no .txt file, passed over", "不是 .txt 文件，已跳过"),
    "text.claimed": (
        "{twins} of {rows} rows have a copy, or nearly one. Divided at random, {baseline} would have claimed {metric} {naive}; with "
        "copies kept on one side it has {honest}.",
        "{rows} 行中有 {twins} 行存在相同或近乎相同的副本。若随机划分，{baseline}会声称 {metric} 达到 {naive}；"
        "把副本留在同一部分后为 {honest}。",
    ),
    "text.report.claimed": ("What duplicates would have claimed", "重复数据会带来的虚高"),
    "text.report.equal": ("Rows with an equal copy", "有完全相同副本的行"),
    "text.report.near": ("Rows with an equal or nearly equal copy", "有相同或近乎相同副本的行"),
    "text.report.naive": ("{baseline}, rows divided at random", "{baseline}，随机划分"),
    "text.report.honest": ("{baseline}, copies on one side", "{baseline}，副本在同一部分"),
    "text.report.words": ("Words that the answers rest on", "答案所依据的词"),
    "text.report.words.about": (
        "Integrated gradients of the answer's logit, from empty embeddings to the text's own ({steps} steps; {part}). "
        "Green speaks for the answer, red against it; [?] is a word that the vocabulary lacks.",
        "对答案的 logit 从空嵌入到文本嵌入做积分梯度（{steps} 步；{part}）。绿色支持该答案，红色反对；[?] 是词表中没有的词。",
    ),
    "text.report.unknown": ("not in the vocabulary", "不在词表中"),
    "text.report.words.label": ("label explained", "所解释的标签"),
    "text.report.words.none": (
        "What the answers rest on could not be told ({reason}).",
        "无法说明答案的依据（{reason}）。",
    ),
    "text.report.text": ("text", "文本"),
    "text.none": (
        "There is no usable text in this column ({reason}).",
        "该列中没有可用的文本（{reason}）。",
    ),
    "text.not-a-text-net": (
        "The net {name} does not take texts: a class that takes the number of ids (vocabulary) and of classes is meant.",
        "网络 {name} 不接收文本：这里需要一个以词元数（vocabulary）和类别数为参数的类。",
    ),
    "text.other-tokenizer": (
        "The weights of {net} know {rows} ids, but the tokenizer has {ids}.",
        "{net} 的权重只有 {rows} 个词元编号，而分词器有 {ids} 个。",
    ),
    "text.not-its-tokenizer": (
        "The weights of {net} know the ids of its own tokenizer alone.",
        "{net} 的权重只认识其配套分词器的词元编号。",
    ),
    "text.other-tokenizer.remedy": (
        "Use the tokenizer that they were learnt with: data.text.tokenizer: hf:{net}",
        "请使用与权重配套的分词器：data.text.tokenizer: hf:{net}",
    ),
    "text.too-long": (
        "{net} takes at most {most} tokens, and texts are cut to {longest}.",
        "{net} 最多接收 {most} 个词元，而文本截断到 {longest} 个。",
    ),
    "text.too-long.remedy": ("Set data.text.max_length: {most}", "请设置 data.text.max_length: {most}"),
    "text.hub-no-filler": (
        "{net} is a net of kind {kind}, of which Transformers has no version that fills in hidden words.",
        "{net} 属于 {kind} 类网络，Transformers 没有它的“填补被隐藏的词”的版本。",
    ),
    "text.hub-no-filler.remedy": (
        "Take an encoder such as BERT, RoBERTa or DistilBERT.",
        "请选用 BERT、RoBERTa、DistilBERT 之类的编码器。",
    ),
    "text.hub-no-text": (
        "{net} is a net of kind {kind}, of which Transformers has no text classifier.",
        "{net} 属于 {kind} 类网络，Transformers 没有它的文本分类版本。",
    ),
}
