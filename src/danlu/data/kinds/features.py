"""Rows of a table: many columns of numbers, categories, dates and answers as one vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Kind, Prepared, Storage
from danlu.data.progress import Pace
from danlu.data.tabular import leaks, types
from danlu.data.tabular.encoders import Encoder
from danlu.data.tabular.encoding import encoder_of, fitted
from danlu.data.tabular.hashing import Crossed
from danlu.data.tabular.lags import lagged
from danlu.data.tabular.records import cells, lacking, names_in
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.nearest import did_you_mean

if TYPE_CHECKING:
    from danlu.data.batches.batch import Value
    from danlu.data.table import Table

_EDGES = 33  # quantiles of each number that a net may be given
_SUSPECTED = 200_000  # rows that tell whether a column leaks
_CLASSES = 64  # of a category, that simple models see


@dataclass(frozen=True)
class Features(Kind):
    """A row as float32 (F,): first all numbers, scaled, with missing ones filled in; then the categories' codes. Batch: (B, F).

    columns: specs of encoders, which are learnt from training rows alone. told: every column of the table with its type, and why it is
    left out where it is. A raw value is a mapping name → raw cell; names that are not among the columns are passed over.
    """

    columns: tuple[Mapping[str, Any], ...]
    told: tuple[Mapping[str, Any], ...] = field(default=())

    name: ClassVar[str] = "features"
    by_sample: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    spans: ClassVar[str] = "rest"

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "told", tuple(self.told))

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Features:
        """raws: of training rows alone. options: ignore, types, missing, fill, indicator, scale, min_count; ids ("category": what looks
        like an id is one category among others), hash_above, buckets, number_buckets, crosses. progress: is told how far it is.

        Raises DataError for names that the table lacks, and where no column is left.
        """
        offered = names_in(raws)
        asked: Mapping[str, str] = options.get("types") or {}
        ignored = tuple(options.get("ignore") or ())
        crosses = [tuple(one) for one in options.get("crosses") or ()]
        crossed = tuple(name for one in crosses for name in one)
        for key, names in (("types", asked), ("ignore", ignored), ("crosses", crossed)):
            for name in names:
                if name not in offered:
                    what = say("tables.no-column", name=name, names=", ".join(offered[:40]))
                    raise DataError.of(f"options.features.{key}", what, did_you_mean(name, offered))
        made: list[Mapping[str, Any]] = []
        said: list[Mapping[str, Any]] = []
        pace = Pace(options.get("progress"), say("tables.looking"), len(offered) * len(raws))
        for done, name in enumerate(offered):
            pace(done * len(raws))
            values = cells(raws, name)
            found = types.chosen(name, asked[name], values) if name in asked else types.told(name, values)
            if name not in asked and found.type != "constant":
                if name in getattr(raws, "types", {}):
                    found = types.Told(raws.types[name])  # type: ignore[attr-defined]
                elif options.get("ids") == "category" and types.is_id(name, found, values):
                    found = types.Told("category")
            if name in ignored:
                said.append({"name": name, "type": found.type, "used": False, "why": say("tables.why.ignored")})
                continue
            said.append({"name": name, "type": found.type, "used": found.type in types.USED, "why": found.reason})
            if found.type in types.USED:
                made.append(fitted(name, found, values, options).spec())
        pace.end(len(offered) * len(raws))
        made += [Crossed(one, int(options.get("buckets") or 1 << 16)).spec() for one in crosses]
        if not made:
            shown = ", ".join(f"{one['name']} ({one['type']})" for one in said[:20])
            raise DataError.of("data.source", say("tables.none", columns=shown), say("tables.none.remedy"))
        return cls(tuple(made), tuple(said))

    @classmethod
    def arranged(cls, table: Table, column: str, options: Mapping[str, Any]) -> Table:
        lags = options.get("lags")
        return lagged(table, column, lags) if lags else table

    @cached_property
    def encoders(self) -> tuple[Encoder, ...]:
        return tuple(map(encoder_of, self.columns))

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numbers, the first of the vector."""
        return tuple(name for encoder in self.encoders for name in encoder.numbers)

    @cached_property
    def cardinalities(self) -> tuple[int, ...]:
        """Codes of each category, which follow them: 0 for rare and unseen, 1 for missing, known ones from 2."""
        return tuple(encoder.codes for encoder in self.encoders if encoder.codes)

    @cached_property
    def _sources(self) -> tuple[str, ...]:
        """Columns of the table that are read."""
        return tuple(dict.fromkeys(name for encoder in self.encoders for name in encoder.sources))

    @cached_property
    def _order(self) -> list[Encoder]:
        return sorted(self.encoders, key=lambda encoder: bool(encoder.codes))

    @property
    def names(self) -> tuple[str, ...]:
        """Of all F values."""
        return (*self.numbers, *(encoder.name for encoder in self.encoders if encoder.codes))

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """Raises :class:`BadValue` with the name of a column that is not there (an empty cell is), or whose cell is of another type."""
        if not isinstance(raw, Mapping):
            raise BadValue(say("tables.no-row", type=type(raw).__name__))
        absent = lacking([raw], self._sources)
        if absent:
            raise BadValue(say("tables.absent", names=", ".join(absent[:8])))
        return Prepared(self._encoded([raw])[0].astype(np.float32))

    def prepare_many(self, raws: Sequence[Any]) -> np.ndarray | None:
        try:
            if lacking(raws, self._sources):
                return None
            return self._encoded(raws).astype(np.float32)
        except (BadValue, TypeError):
            return None

    def _encoded(self, raws: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """float64 (N, F)."""
        blocks = []
        for encoder in self._order:
            try:
                blocks.append(encoder(_cells(raws, encoder.sources)))
            except BadValue as bad:
                raise type(bad)(say("tables.cell", column=encoder.name, reason=str(bad))) from bad
        return np.concatenate(blocks, axis=1)

    def storage(self) -> Storage:
        return Storage("fixed", "float32", (len(self.numbers) + len(self.cardinalities),))

    def spec(self) -> dict[str, Any]:
        return {"columns": [dict(each) for each in self.columns], "told": [dict(each) for each in self.told]}

    def collate(self, values: Any) -> Value:
        import torch

        return torch.from_numpy(np.ascontiguousarray(values, np.float32))

    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        """numbers, categories: how many the net sees. left_out: names of columns that it doesn't."""
        return {
            "numbers": len(self.numbers),
            "categories": len(self.cardinalities),
            "left_out": [one["name"] for one in self.told if not one["used"]],
            "table": [dict(one) for one in self.told],
        }

    def suspects(self, values: np.ndarray, target: np.ndarray, kind: Kind) -> list[dict[str, Any]]:
        every = [(encoder, name) for encoder in self._order for name in encoder.numbers or (encoder.name,)]
        # what the calendar says of a date is known beforehand: a season is no leak
        kept = [place for place, (encoder, name) in enumerate(every) if not encoder.calendar(name)]
        owners = [every[place][0].name for place in kept]
        codes = [bool(every[place][0].codes) for place in kept]
        some = slice(None, None, -(-len(values) // _SUSPECTED) or 1)
        return leaks.suspects(np.asarray(values)[some][:, kept], owners, codes, target[some], kind)

    def statistics(self, values: Any) -> dict[str, Any]:
        """quantiles: of each number, (numbers, 33), over training rows."""
        blocks = [np.asarray(block, np.float32)[:, : len(self.numbers)] for block in values]
        if not blocks or not self.numbers:
            return {}
        edges = np.quantile(np.concatenate(blocks).astype(np.float64), np.linspace(0, 1, _EDGES), axis=0).T
        return {"quantiles": edges.tolist()}

    def matrix(self, values: np.ndarray) -> np.ndarray:
        """float32 (N, D): for linear models; a category's codes become columns of 0 and 1, of its first classes."""
        blocks = [values[:, : len(self.numbers)]]
        for place, count in enumerate(self.cardinalities, len(self.numbers)):
            blocks.append((values[:, place, None] == np.arange(min(count, _CLASSES))).astype(np.float32))
        return np.concatenate(blocks, axis=1)

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> str:
        """Names with their (scaled) values, categories with their classes."""
        coded = [encoder for encoder in self.encoders if encoder.codes]
        shown = [f"{name} {float(each):.3g}" for name, each in zip(self.numbers, value, strict=False)]
        codes = np.asarray(value)[len(self.numbers) :].astype(np.int64).tolist()
        shown += [f"{each.name} {each.called(code)}" for each, code in zip(coded, codes, strict=True)]
        return ", ".join(shown[:12]) + (" …" if len(shown) > 12 else "")


def _cells(raws: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Any]:
    """Cells of one column, tuples of those of several."""
    return cells(raws, names[0]) if len(names) == 1 else list(zip(*(cells(raws, name) for name in names), strict=True))
