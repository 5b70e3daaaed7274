"""Which script a text is written in, as far as it decides how it is divided."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Scripts that put no space between words: Han with its extensions, kana, Thai, Lao, Khmer, Burmese.
_SOLID = (
    "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\u3040-\u30ff\u31f0-\u31ff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
)
SOLID = re.compile(f"[{_SOLID}]")
WORD = re.compile(f"[{_SOLID}]|[^\\W{_SOLID}]+(?:['\u2019][^\\W{_SOLID}]+)*|[^\\w\\s]")
_LEAST = 0.3  # share of such letters from which on a column is taken for written without spaces


def solid_share(texts: Iterable[str]) -> float:
    """The share of letters that belong to scripts without spaces between words; 0 where there are no letters."""
    solid = letters = 0
    for text in texts:
        solid += len(SOLID.findall(text))
        letters += sum(map(str.isalpha, text))
    return solid / letters if letters else 0.0


def is_solid(texts: Iterable[str]) -> bool:
    """Whether texts are (mostly) written without spaces between words, as Chinese and Japanese are."""
    return solid_share(texts) > _LEAST


def words(text: str) -> list[str]:
    """Words, each letter of a script without spaces, and each other mark (punctuation, emoji) by itself; without spaces."""
    return WORD.findall(text)


def joined(tokens: Iterable[str]) -> str:
    """Words as a person reads them: a space only between two that need one."""
    made: list[str] = []
    for token in tokens:
        spaced = bool(made) and _takes_space(made[-1]) and (_takes_space(token) or token[:1] in "([\"'")
        made.append(f" {token}" if spaced or (made and made[-1].strip() in _AFTER and _takes_space(token)) else token)
    return "".join(made)


_AFTER = frozenset(",.;:!?)]")


def _takes_space(token: str) -> bool:
    last = token.strip()[-1:]
    return last.isalnum() and not SOLID.match(last)
