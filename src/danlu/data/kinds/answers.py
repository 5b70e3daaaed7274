"""Answers that are parts of a passage: where they stand in it, counted in characters and in the passage's tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Kind, Prepared, Storage
from danlu.data.kinds.passage import Quote
from danlu.messages import say

if TYPE_CHECKING:
    from torch import Tensor

    from danlu.data.batches.batch import Value

_HEAD = np.dtype("<i4")
NONE = -1  # first and last token where there is no answer


@dataclass(frozen=True)
class Answered:
    """text: the passage as it came in. answers: texts that count as right, () for a question that it does not answer."""

    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Answers(Kind):
    """Bytes, uint8 (n,): first and last token of the first answer as two little-endian int32 (:data:`NONE` where there is none), then
    JSON in UTF-8 with the passage and all answers, by which predictions are judged.

    Raw: SQuAD's ``{"text": […], "answer_start": […]}`` or a list of ``{"text", "answer_start"}``; a text, alone or beside its start
    (``[answer, answer_start]``). Without a start the first place where the text stands counts. Nothing at all means: no answer.

    unanswerable: whether any row of the data has none.
    """

    unanswerable: bool = False

    name: ClassVar[str] = "answers"
    follows: ClassVar[str | None] = "passage"
    spans: ClassVar[str] = "several"
    beside: ClassVar[tuple[str, ...]] = ("answerstart", "answerstarts", "start", "offset")

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Answers:
        return cls(any(map(_empty, raws)))

    def spec(self) -> dict[str, Any]:
        return {"unanswerable": self.unanswerable}

    def storage(self) -> Storage:
        return Storage("ragged", "uint8", (-1,))

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        if not isinstance(framing, Quote):
            raise TypeError("answers follow a passage")
        notes: list[str] = []
        span: tuple[int, int] | None = None
        texts: list[str] = []
        for text, told in answers_of(raw):
            texts.append(text)
            if span is not None:
                continue
            start = place(framing.text, text, told)
            if start is None:
                continue
            if told is None and framing.text.find(text, start + 1) >= 0:
                notes.append(say("answers.note.several"))
            elif told is not None and told != start:
                notes.append(say("answers.note.moved"))
            span = tokens(framing, start, start + len(text))
        if texts and span is None:
            raise BadValue(say("answers.not-there", answer=texts[0][:60]))
        first, last = span or (NONE, NONE)
        content = json.dumps({"text": framing.text, "answers": texts}, ensure_ascii=False).encode()
        head = np.asarray([first, last], _HEAD).view(np.uint8)
        return Prepared(np.concatenate([head, np.frombuffer(content, np.uint8)]), tuple(notes))

    def collate(self, values: Any) -> Value:
        import torch

        from danlu.data.batches.batch import Ragged

        offsets = np.cumsum([0, *map(len, values)], dtype=np.int64)
        block = np.concatenate(values) if len(values) else np.empty(0, np.uint8)
        return Ragged(torch.from_numpy(block), torch.from_numpy(offsets))

    def uncollate(self, value: Value) -> list[np.ndarray]:
        block, offsets = value.values.cpu().numpy(), value.offsets.cpu().numpy()  # type: ignore[union-attr]
        return [block[low:high] for low, high in pairwise(offsets)]

    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        """answerable (share), answers (mean number of those that have any), letters of an answer (median, longest)."""
        known = [answered(value).answers for value in values]
        some = [each for each in known if each]
        lengths = [len(text) for each in some for text in each]
        return {
            "answerable": len(some) / len(known) if known else 0.0,
            "answers": float(np.mean([len(each) for each in some])) if some else 0.0,
            "letters": {"median": float(np.median(lengths)), "most": max(lengths)} if lengths else {},
        }

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> str:
        return " | ".join(dict.fromkeys(answered(value).answers)) or "–"


def heads(value: Any) -> Tensor:
    """int64 (B, 2): first and last token of each row of a collated column, :data:`NONE` where there is no answer."""
    import torch

    at = value.offsets[:-1, None] + torch.arange(2 * _HEAD.itemsize, device=value.offsets.device)
    found: Tensor = value.values[at].contiguous().view(torch.int32).long()
    return found


def answered(value: np.ndarray) -> Answered:
    """What a stored value holds."""
    content = json.loads(bytes(np.asarray(value, np.uint8))[2 * _HEAD.itemsize :])
    return Answered(content["text"], tuple(content["answers"]))


def answers_of(raw: Any) -> Iterator[tuple[str, int | None]]:
    """(text, where it starts if that is told) of each answer. Raises :class:`BadValue` for what is none."""
    if _empty(raw):
        return
    if isinstance(raw, str):
        yield raw, None
    elif isinstance(raw, Mapping):
        yield from _mapped(raw)
    elif isinstance(raw, (list, tuple, np.ndarray)):
        for each in raw:
            yield from answers_of(each)
    elif isinstance(raw, (int, float)) and not isinstance(raw, bool):
        yield str(raw), None
    else:
        raise BadValue(say("answers.type", type=type(raw).__name__))


def _mapped(raw: Mapping[str, Any]) -> Iterator[tuple[str, int | None]]:
    """{"text", "answer_start"} whose values are one or lists of one length; or {a column of texts: …, a column of starts: …}."""
    values = [raw.get("text"), raw.get("answer_start")] if "text" in raw else list(raw.values())[:2]
    texts, starts = values[0], values[1] if len(values) > 1 else None
    if isinstance(texts, (list, tuple, np.ndarray)):
        given = list(starts) if isinstance(starts, (list, tuple, np.ndarray)) else [None] * len(texts)
        if len(given) != len(texts):
            raise BadValue(say("answers.lengths", texts=len(texts), starts=len(given)))
        for text, start in zip(texts, given, strict=True):
            yield _text(text), _start(start)
    elif not _empty(texts):
        yield _text(texts), _start(starts)


def _text(value: Any) -> str:
    if not isinstance(value, (str, int, float)) or value == "":
        raise BadValue(say("answers.type", type=type(value).__name__))
    return str(value)


def _start(value: Any) -> int | None:
    if value is None or value == "" or (isinstance(value, float) and value != value):
        return None
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise BadValue(say("answers.start", value=str(value)[:40])) from error


def _empty(raw: Any) -> bool:
    """Whether it says that there is no answer."""
    if raw is None or (isinstance(raw, float) and raw != raw) or (isinstance(raw, str) and not raw.strip()):
        return True
    if isinstance(raw, Mapping):
        return _empty(raw.get("text")) if "text" in raw else all(_empty(each) for each in list(raw.values())[:1])
    return isinstance(raw, (list, tuple, np.ndarray)) and all(_empty(each) for each in raw)


def place(passage: str, text: str, told: int | None) -> int | None:
    """Where the text starts: where it is told if it stands there, else the nearest place where it does; None for nowhere."""
    if told is None:
        found = passage.find(text)
        return found if found >= 0 else None
    if told >= 0 and passage[told : told + len(text)] == text:
        return told
    after, before = passage.find(text, max(0, told)), passage.rfind(text, 0, max(0, told) + len(text))
    known = [each for each in (after, before) if each >= 0]
    return min(known, key=lambda each: abs(each - told)) if known else None


def tokens(quote: Quote, start: int, end: int) -> tuple[int, int] | None:
    """First and last token that share a letter with [start, end); None where none does (it lies behind the cut)."""
    first = int(np.searchsorted(quote.ends, start, side="right"))
    last = int(np.searchsorted(quote.starts, end, side="left")) - 1
    return (first, last) if first <= last else None
