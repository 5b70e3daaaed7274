"""What question answering says to people: (English, Chinese)."""

from __future__ import annotations

NO_READER = (
    "{name} does not read a question beside a text.",
    "{name} 不能同时读取问题与原文。",
)
NO_READER_REMEDY = (
    "Take span-reader, hf:NAME, or a net of your own as package.module:Object.",
    "请用 span-reader、hf:NAME，或以 package.module:Object 给出自己的网络。",
)
NO_ANSWER = ("(no answer)", "（无答案）")
QUESTION = ("Question", "问题")
WANTED = ("Right", "正确答案")
ANSWER = ("Answered", "模型回答")
SHOWN = ("In the text", "在原文中")
