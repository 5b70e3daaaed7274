"""A text of which a part is quoted: tokens with their places in the raw text, read in windows where it is long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Prepared, Storage
from danlu.data.kinds.text import Text
from danlu.data.table import Table
from danlu.data.text import windows
from danlu.data.text.cleaning import spaced, text_of
from danlu.data.text.located import located
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.data.batches.batch import Value

_MOST = 100_000  # tokens, where the recipe doesn't say


@dataclass(frozen=True)
class Quote(Framing):
    """text: the raw text as it came in. starts, ends: int64 (tokens,), letters [start, end) of it that each token stands for.

    raw, size: (1, letters) and (1, tokens).
    """

    text: str = ""
    starts: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    ends: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass(frozen=True)
class Passage(Text):
    """A text as int32 (n, 3): the token's id, where it starts and where it ends in the raw text, in characters (code points).

    In a batch: (B, W, L, 3) in W windows of at most ``window`` tokens, of which each begins ``stride`` tokens after the one before it;
    sizes (B, 1): n. Rows of equal texts stay on one side of a split: what is asked about a text would tell of it.
    """

    window: int = 320
    stride: int = 160

    name: ClassVar[str] = "passage"
    section: ClassVar[str] = "text"
    asked: ClassVar[str] = "row"
    varies: ClassVar[tuple[int, ...] | None] = (1, 2)

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Passage:
        longest = options.get("max_length", "auto")
        made = super().fit(raws, {**options, "max_length": _MOST if longest == "auto" else longest})
        assert isinstance(made, Passage)
        window = int(options.get("window", cls.window))
        return replace(made, window=window, stride=min(int(options.get("stride", cls.stride)), window))

    @classmethod
    def arranged(cls, table: Table, column: str, options: Mapping[str, Any]) -> Table:
        if "group" in table.extra or len(table) == 0:
            return table
        return replace(table, extra={**table.extra, "group": [_key(raw) for raw in table.columns[column]]})

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        text, notes = text_of(raw)
        whole = raw if isinstance(raw, str) else text
        form = located(spaced(whole), self.normalize, self.lower)
        ids, spans = self.words.located(form.text)
        if not ids:
            raise BadValue(say("text.empty-after"))
        if len(ids) > self.max_length:
            ids, spans = ids[: self.max_length], spans[: self.max_length]
            notes = (*notes, say("text.note.cut", most=self.max_length))
        inside = np.asarray(spans, np.int64)
        inside[:, 1] = np.maximum(inside[:, 1], inside[:, 0] + 1)  # some tokenizers know tokens of no letter
        inside = np.minimum(inside, [max(0, len(form.text) - 1), len(form.text)])
        starts, ends = form.starts[inside[:, 0]], form.ends[inside[:, 1] - 1]
        value = np.column_stack([np.asarray(ids, np.int64), starts, ends]).astype(np.int32)
        return Prepared(value, notes, Quote((1, len(whole)), (1, len(ids)), text=whole, starts=starts, ends=ends))

    def storage(self) -> Storage:
        return Storage("ragged", "int32", (-1, 3))

    def spec(self) -> dict[str, Any]:
        return {**super().spec(), "window": self.window, "stride": self.stride}

    def stack(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        cut = [windows.cut(np.asarray(value), self.window, self.stride) for value in values]
        shape = np.max([each.shape[:2] for each in cut], axis=0) if cut else np.ones(2, np.int64)
        block = np.zeros((len(values), *shape, 3), np.int32)
        for row, each in zip(block, cut, strict=True):
            row[: each.shape[0], : each.shape[1]] = each
        return block, np.asarray([[len(value)] for value in values], np.int64).reshape(-1, 1)

    def uncollate(self, value: Value) -> list[np.ndarray]:
        block, sizes = value.values.cpu().numpy(), value.sizes.cpu().numpy()  # type: ignore[union-attr]
        return [windows.joined(row, int(size), self.stride) for row, size in zip(block, sizes[:, 0], strict=True)]

    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        """That of a text, with window, stride and the share of texts that need several windows."""
        told = super().describe([np.asarray(value)[:, 0] for value in values])
        several = float(np.mean([len(value) > self.window for value in values])) if len(values) else 0.0
        return {**told, "window": self.window, "stride": self.stride, "in_windows": several}

    def statistics(self, values: Any) -> dict[str, Any]:
        return super().statistics([np.asarray(value)[:, 0] for value in block] for block in values)

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> str:
        return super().draw(np.asarray(value)[:, 0])


def _key(raw: Any) -> str:
    try:
        return text_of(raw)[0]
    except BadValue:
        return f"#{raw!r}"  # no text at all: the row is set aside
