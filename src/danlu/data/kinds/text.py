"""Texts: token ids of a tokenizer that was learnt from training rows, or is a published one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Kind, Prepared, Storage
from danlu.data.progress import Progress, paced
from danlu.data.text.begun import of_run
from danlu.data.text.cleaning import normal, text_of
from danlu.data.text.likeness import Likeness, likeness
from danlu.data.text.scripts import is_solid
from danlu.data.text.tokenizers import PAD, Characters, Tokenizer, Words, tokenizer_of
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.nearest import nearest

if TYPE_CHECKING:
    from danlu.data.batches.batch import Value

LEARNT = ("auto", "words", "characters", "bpe", "unigram")  # tokenizers; any other is a published one
_LEARNT = 500_000  # texts, at most, that a vocabulary is learnt from
_LOOKED = 2000  # by which the script and the usual length are told
_LONGEST = 512  # tokens, where the length is chosen
_COVERED = 0.99  # share of the texts that are then whole


@dataclass(frozen=True)
class Text(Kind):
    """A text as ids of ``tokenizer`` (its spec), at least one and at most ``max_length``; cached as int32 (n,).

    In a batch: :class:`Padded`, int32 (B, T) with zeros behind, sizes (B, 1). normalize, lower: what is done before. cut: which
    end gives way in longer texts. ends: begin and end tokens are put around it (what a decoder learns to say).
    """

    tokenizer: Mapping[str, Any]
    max_length: int = 256
    normalize: str = "nfkc"
    lower: bool = True
    cut: str = "end"
    ends: bool = False
    found: Mapping[str, Any] = field(default_factory=dict)  # about the column, for nets and baselines: solid (script)

    name: ClassVar[str] = "text"
    asked: ClassVar[str] = "text"
    learns: ClassVar[bool] = True
    sequence: ClassVar[bool] = True

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Text:
        """raws: of training rows alone. options: those of ``data.text``; "ends" and "lossless" of the column; "together": columns
        from which the vocabulary is learnt, instead of this one; "language": (the task's option, what it says).
        """
        form, lower = options.get("normalize", "auto"), options.get("lower", "auto")
        wanted = str(options.get("tokenizer", "auto"))
        published = wanted.startswith("hf:") or wanted.endswith(".model")
        form = ("none" if published else "nfkc") if form == "auto" else form
        lower = (not published) if lower == "auto" else lower
        some = list(_texts(_spread(raws, _LOOKED), form, lower))
        if not some:
            raise DataError.of("data.columns", say("text.none", reason=_reason(raws)))
        solid = is_solid(some)
        begun = of_run(str(options.get("begun") or ""))
        if begun is not None:  # weights that a run has learnt know its ids alone
            longest = options.get("max_length", "auto")
            more = {} if longest == "auto" else {"max_length": int(longest)}
            return cls(**{**cls.fitting(begun), **more, "found": {"solid": solid}})
        if wanted == "auto":
            wanted = "characters" if solid else "words"
        columns = options.get("together") or [raws]
        count = sum(min(len(column), _LEARNT) for column in columns)
        raw = paced((each for column in columns for each in _spread(column, _LEARNT)), say("text.learning"), count)
        texts = _texts(raw, form, lower)
        made = _learnt(wanted, texts, options)
        option, language = options.get("language") or ("", None)
        if language is not None:
            from danlu.data.text.languages import speaking

            made = speaking(made, language, f"options.{option}")
        ends = bool(options.get("ends", False))
        longest = options.get("max_length", "auto")
        if longest == "auto":
            lengths = [len(made.encode(text)) for text in some]
            longest = int(np.clip(np.quantile(lengths, _COVERED, method="higher") + 2 * ends, 8, _LONGEST))
        return cls(made.spec(), int(longest), form, bool(lower), str(options.get("cut", "end")), ends, {"solid": solid})

    @classmethod
    def fitting(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        """What of another text kind's spec this one takes over: the tokenizer and what stands before it."""
        return {key: spec[key] for key in ("tokenizer", "max_length", "normalize", "lower") if key in spec}

    @classmethod
    def likeness(cls, raws: Sequence[Any], near: float | None, progress: Progress | None = None) -> Likeness:
        """Which of the texts are alike, before anything is learnt from them."""
        return likeness((_plain(raw) for raw in raws), len(raws), near, progress)

    @cached_property
    def words(self) -> Tokenizer:
        """The tokenizer itself."""
        return tokenizer_of(self.tokenizer)

    @property
    def vocabulary(self) -> int:
        """Number of ids."""
        return self.words.size

    @property
    def solid(self) -> bool:
        """Whether the texts are (mostly) written without spaces between words."""
        return bool(self.found.get("solid", False))

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """raw: a text, a file that holds one, its bytes. Raises :class:`BadValue`; an empty text is a missing value."""
        text, notes = text_of(raw)
        ids = self.words.encode(normal(text, self.normalize, self.lower))
        if not ids:
            raise BadValue(say("text.empty-after"))
        room = self.max_length - 2 * self.ends
        if len(ids) > room:
            ids = self._cut(ids, room)
            notes = (*notes, say("text.note.cut", most=self.max_length))
        if self.ends:
            ids = [self.words.begin, *ids, self.words.end]
        return Prepared(np.asarray(ids, np.int32), notes)

    def _cut(self, ids: list[int], room: int) -> list[int]:
        before, behind = map(list, self.words.around())
        last = behind if behind and ids[-len(behind) :] == behind else []
        first = before if before and ids[: len(before)] == before else []
        inner = ids[len(first) : len(ids) - len(last)]
        room -= len(first) + len(last)
        if self.cut == "start":
            inner = inner[len(inner) - room :]
        elif self.cut == "middle":
            inner = inner[: room - room // 2] + inner[len(inner) - room // 2 :]
        else:
            inner = inner[:room]
        return [*first, *inner, *last]

    def storage(self) -> Storage:
        return Storage("ragged", "int32", (-1,))

    def spec(self) -> dict[str, Any]:
        return {
            "tokenizer": dict(self.tokenizer),
            "max_length": self.max_length,
            "normalize": self.normalize,
            "lower": self.lower,
            "cut": self.cut,
            "ends": self.ends,
            "found": dict(self.found),
        }

    def stack(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        sizes = np.asarray([len(value) for value in values], np.int64)
        block = np.full((len(values), int(sizes.max(initial=1))), PAD, np.int32)
        block[np.arange(block.shape[1]) < sizes[:, None]] = np.concatenate(values) if values else block[:0, 0]
        return block, sizes[:, None]

    def collate(self, values: Any) -> Value:
        import torch

        from danlu.data.batches.batch import Padded

        block, sizes = self.stack(values)
        return Padded(torch.from_numpy(block), torch.from_numpy(sizes))

    def uncollate(self, value: Value) -> list[np.ndarray]:
        block, sizes = value.values.cpu().numpy(), value.sizes.cpu().numpy()  # type: ignore[union-attr]
        return [row[: int(size)] for row, size in zip(block, sizes[:, 0], strict=True)]

    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        """tokenizer, vocabulary, unknown (share of all tokens), tokens (median, 95 of 100, longest), longest allowed."""
        lengths = np.asarray([len(value) for value in values] or [0], np.int64)
        total = int(lengths.sum())
        every = paced(values, say("text.describing"), len(values))
        unknown = sum(int((np.asarray(value) == self.words.unknown).sum()) for value in every)
        return {
            "tokenizer": self.tokenizer["name"],
            "vocabulary": self.vocabulary,
            "max_length": self.max_length,
            "at_most_length": float((lengths == self.max_length).mean()) if len(values) else 0.0,
            "unknown": unknown / total if total else 0.0,
            "tokens": {
                "median": float(np.median(lengths)),
                "p95": float(np.quantile(lengths, 0.95)),
                "most": int(lengths.max()),
                "total": total,
            },
        }

    def statistics(self, values: Any) -> dict[str, Any]:
        """rows, tokens, unknown: of training rows."""
        rows = tokens = unknown = 0
        for block in values:
            rows += len(block)
            joined = np.concatenate(block) if len(block) else np.empty(0, np.int32)
            tokens += len(joined)
            unknown += int((joined == self.words.unknown).sum())
        return {"rows": rows, "tokens": tokens, "unknown": unknown}

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> str:
        return self.words.decode(np.asarray(value).tolist())


def _learnt(name: str, texts: Iterable[str], options: Mapping[str, Any]) -> Tokenizer:
    size, least = int(options.get("vocabulary", 20_000)), int(options.get("min_count", 2))
    buckets = int(options.get("buckets", 0))
    if name == "words":
        return Words.fit(texts, size, least, buckets)
    if name == "characters":
        return Characters.fit(texts, size, least, buckets)
    from danlu.data.text.pieces import Pieces

    if name == "bpe":
        return Pieces.learnt(texts, size, least, bool(options.get("lossless", False)))
    if name == "unigram":
        return Pieces.unigram(texts, size, least, bool(options.get("lossless", False)))
    if name.endswith(".model"):
        from danlu.data.text.converted import Converted

        return Converted.of_file(name, "data.text.tokenizer")
    near = nearest(name, LEARNT)
    if near is not None and ":" not in name and "/" not in name and not Path(name).is_dir():
        where = "data.text.tokenizer"
        raise DataError.of(where, say("text.unknown-tokenizer", name=name), say("recipe.did-you-mean", name=near))
    return Pieces.published(name.removeprefix("hf:"), "data.text.tokenizer")


def _spread(raws: Sequence[Any], most: int) -> Iterator[Any]:
    """All, or so many, evenly spread."""
    if len(raws) <= most:
        yield from raws
        return
    for row in np.linspace(0, len(raws) - 1, most).astype(np.int64).tolist():
        yield raws[row]


def _texts(raws: Iterable[Any], form: str, lower: bool) -> Iterator[str]:
    """Those that are usable, normal."""
    for raw in raws:
        try:
            yield normal(text_of(raw)[0], form, lower)
        except BadValue:
            continue


def _plain(raw: Any) -> str:
    """The text, or nothing where it can't be used."""
    try:
        return text_of(raw)[0]
    except BadValue:
        return ""


def _reason(raws: Sequence[Any]) -> str:
    try:
        text_of(raws[0] if len(raws) else None)
    except BadValue as error:
        return str(error)
    return ""
