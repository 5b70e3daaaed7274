"""Sources of texts in two languages."""

TEXTS = {
    "parallel.two": (
        "Two columns of texts are read from here, and nothing else.",
        "此来源只提供两列文本。",
    ),
    "parallel.unit": ("{file}, unit {number}", "{file} 第 {number} 单元"),
    "parallel.lacks": ("It lacks a text in one of {languages}.", "缺少以下语言之一的文本：{languages}。"),
    "parallel.none": (
        "No two languages belong together here; there are: {languages}.",
        "这里没有两种语言的对应文本；已有：{languages}。",
    ),
    "parallel.no-language": (
        "There is no language {language}; there are: {languages}.",
        "没有语言 {language}；已有：{languages}。",
    ),
    "parallel.xml": ("It is no sound XML: {reason}.", "不是合法的 XML：{reason}。"),
    "parallel.entities": (
        "It declares entities, which could fetch or blow up anything, and which a translation memory does not need.",
        "文件声明了实体，可能引入外部内容或无限膨胀，而翻译记忆库并不需要它们。",
    ),
    "parallel.no-pairs": (
        "There are no pairs of files such as train.en and train.fr.",
        "没有 train.en 与 train.fr 这样成对的文件。",
    ),
    "parallel.no-pairs.remedy": (
        "Put nothing but such pairs into the folder, or give a table or a .tmx file.",
        "请让文件夹中只有这样的成对文件，或改用表格或 .tmx 文件。",
    ),
    "parallel.lines": (
        "{one} has {lines} lines, but {other} has {others}.",
        "{one} 有 {lines} 行，而 {other} 有 {others} 行。",
    ),
    "parallel.lines.remedy": (
        "Line n of one is the translation of line n of the other.",
        "两个文件的第 n 行应互为译文。",
    ),
}
