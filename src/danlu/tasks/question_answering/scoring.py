"""Exact match and F1 of an answer, by the official rules of SQuAD (v1.1, v2.0) and of CMRC 2018.

Sources: evaluate-v1.1.py and evaluate-v2.0.py of https://rajpurkar.github.io/SQuAD-explorer/; cmrc2018_evaluate.py of
https://github.com/ymcui/cmrc2018. Written anew from the rules.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

Score = tuple[float, float]  # exact match, F1; both in [0, 1]

_MARKS = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_CMRC_MARKS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》…·、「」（）－～『』") | {"……"}
_HAN = re.compile("[\u4e00-\u9fa5]")


def squad(prediction: str, answers: Sequence[str]) -> Score:
    """The best over ``answers``, by v2.0: none of them (or only such that nothing is left of) wants the empty prediction.

    v1.1 differs where nothing is left of both: its F1 is then 0, which its data never have.
    """
    wanted = [text for text in answers if plain(text)] or [""]
    scores = [_squad(prediction, answer) for answer in wanted]
    return max(exact for exact, _ in scores), max(f1 for _, f1 in scores)


def plain(text: str) -> str:
    """Lower case, no marks of ASCII, no articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_MARKS)).split())


def _squad(prediction: str, answer: str) -> Score:
    one, other = plain(prediction), plain(answer)
    mine, theirs = one.split(), other.split()
    exact = float(one == other)
    if not mine or not theirs:
        return exact, float(mine == theirs)
    common = sum((Counter(mine) & Counter(theirs)).values())
    return exact, _f1(common, len(mine), len(theirs))


def cmrc(prediction: str, answers: Sequence[str]) -> Score:
    """The best over ``answers``: equal without CMRC's marks; F1 by the longest stretch of segments that both hold.

    A question without an answer (CMRC has none) wants the empty prediction.
    """
    if not answers:
        return float(prediction == ""), float(prediction == "")
    scores = [_cmrc(prediction, answer) for answer in answers]
    return max(exact for exact, _ in scores), max(f1 for _, f1 in scores)


def _cmrc(prediction: str, answer: str) -> Score:
    exact = float(_bare(prediction) == _bare(answer))
    mine, theirs = segments(prediction), segments(answer)
    return exact, _f1(_stretch(mine, theirs), len(mine), len(theirs))


def _bare(text: str) -> str:
    return "".join(letter for letter in text.lower().strip() if letter not in _CMRC_MARKS)


def segments(text: str) -> list[str]:
    """Each Chinese character by itself; runs of anything else in words; CMRC's marks left out."""
    found: list[str] = []
    run = ""
    for letter in text.lower().strip():
        if letter in _CMRC_MARKS:
            continue
        if _HAN.match(letter):
            found += treebank(run)
            run = ""
            found.append(letter)
        else:
            run += letter
    return found + treebank(run)


def treebank(text: str) -> list[str]:
    """Words as the Penn Treebank cuts them (CMRC asks NLTK's word_tokenize), for the marks that stand in answers."""
    text = re.sub(r'^"', "`` ", text)
    text = re.sub(r'([ (\[{<])"', r"\1 `` ", text)
    text = re.sub(r"([:,])([^\d])", r" \1 \2", text)
    text = re.sub(r"([:,])$", r" \1 ", text)
    text = text.replace("...", " ... ")
    text = re.sub(r"[;@#$%&]", lambda found: f" {found[0]} ", text)
    text = re.sub(r"([^.])(\.)([\])}>\"'»”’ ]*)\s*$", r"\1 \2 \3 ", text)
    text = re.sub(r"[?!]", lambda found: f" {found[0]} ", text)
    text = re.sub(r"([^'])' ", r"\1 ' ", text)
    text = re.sub(r"[\]\[(){}<>]", lambda found: f" {found[0]} ", text)
    text = text.replace("--", " -- ")
    text = re.sub(r'"', " '' ", f" {text} ")
    text = re.sub(r"([^' ])('s|'m|'d|') ", r"\1 \2 ", text)
    text = re.sub(r"([^' ])('ll|'re|'ve|n't) ", r"\1 \2 ", text)
    text = re.sub(r"\b(can)(not)\b", r"\1 \2", text)
    return text.split()


def _stretch(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common stretch."""
    best = 0
    before = [0] * (len(other) + 1)
    for mine in one:
        row = [0] * (len(other) + 1)
        for place, theirs in enumerate(other, start=1):
            if mine == theirs:
                row[place] = before[place - 1] + 1
                best = max(best, row[place])
        before = row
    return best


def _f1(common: int, mine: int, theirs: int) -> float:
    if not common:
        return 0.0
    precision, recall = common / mine, common / theirs
    return 2 * precision * recall / (precision + recall)


RULES: dict[str, Callable[[str, Sequence[str]], Score]] = {"squad": squad, "cmrc": cmrc}
