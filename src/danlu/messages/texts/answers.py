"""Answers that are parts of a text: what is wrong with them, and SQuAD's files."""

TEXTS = {
    "answers.not-there": (
        "The answer {answer!r} does not stand in the text.",
        "答案 {answer!r} 不在原文之中。",
    ),
    "answers.type": (
        "An answer is meant (a text, or SQuAD's text and answer_start), but this is {type}.",
        "这里应为答案（一段文本，或 SQuAD 的 text 与 answer_start），却是 {type}。",
    ),
    "answers.lengths": (
        "There are {texts} texts of answers, but {starts} starts.",
        "答案文本有 {texts} 个，起点却有 {starts} 个。",
    ),
    "answers.start": ("The start of an answer is no number: {value}.", "答案的起点不是数字：{value}。"),
    "answers.note.several": (
        "the answer stands in the text more than once and its start isn't told: the first place is taken",
        "答案在原文中出现多次而未给出起点：取第一处",
    ),
    "answers.note.moved": (
        "the answer doesn't stand where its start says: the nearest place is taken",
        "答案不在所给起点处：取最近的一处",
    ),
    "answers.squad.keys": (
        "This is no SQuAD file: under {place} a {key} is missing.",
        "这不是 SQuAD 文件：{place} 之下缺少 {key}。",
    ),
    "answers.squad.keys.remedy": (
        'Meant is {{"data": [{{"paragraphs": [{{"context": …, "qas": [{{"id": …, "question": …, "answers": […]}}]}}]}}]}}.',
        '应为 {{"data": [{{"paragraphs": [{{"context": …, "qas": [{{"id": …, "question": …, "answers": […]}}]}}]}}]}}。',
    ),
    "answers.tuned": (
        "From which point on the text is said not to answer was tuned for {metric} on the validation part, {before} → {after} there (too "
        "good an estimate: it was chosen on it). It holds for the test and for every answer from now on.",
        "“原文没有答案”的阈值已在验证部分按 {metric} 调整：{before} → {after}（因为就是在它上面选的，这一估计偏高）。此后测试和所有回答都采用它。",
    ),
    "answers.hub-no-reader": (
        "{net} is of the kind {kind}, of which Transformers has no net for question answering.",
        "{net} 属于 {kind} 类型，Transformers 没有这一类型的问答网络。",
    ),
    "answers.hub-window.remedy": (
        "Set options.passage: {{window: {window}, stride: {stride}}}",
        "请设置 options.passage: {{window: {window}, stride: {stride}}}",
    ),
    "answers.hub-too-short.remedy": (
        "Take a net that reads at least {least} tokens: question and window are read together.",
        "请选用至少能读 {least} 个词元的网络：问题与窗口是一起读入的。",
    ),
    "answers.hub-no-reader.remedy": (
        "Take an encoder such as BERT, RoBERTa, ALBERT or ELECTRA.",
        "请选用 BERT、RoBERTa、ALBERT、ELECTRA 之类的编码器。",
    ),
    "answers.squad.none": ("There is no question in it.", "其中没有任何问题。"),
    "answers.squad.parts": (
        "Several files, but their names don't say which are train and dev.",
        "有多个文件，但文件名没有说明哪个是 train、哪个是 dev。",
    ),
    "answers.squad.parts.remedy": (
        "Call them train….json, dev….json (and test….json), or name one file.",
        "请命名为 train….json、dev….json（及 test….json），或只给出一个文件。",
    ),
    "answers.squad.id-twice": ("The id {id} occurs {count} times.", "编号 {id} 出现了 {count} 次。"),
}
