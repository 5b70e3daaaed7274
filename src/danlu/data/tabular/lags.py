"""Series: what stood in a column some steps earlier, never later, becomes a column of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from danlu.data.moments import groups, moments
from danlu.data.table import Table
from danlu.data.tabular.records import Records
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.nearest import did_you_mean


def lagged(table: Table, column: str, lags: Mapping[str, Sequence[int]]) -> Table:
    """The table with ``NAME -k`` among the columns of ``column``, for each k of ``lags``; a column that has lags is itself left out.

    lags: name of a column of the file, or of the task (its target) → steps back. A step is the most frequent distance between two
    moments of ``data.split.time``, within a group of ``data.split.group`` where there is one. What no row has is missing.
    Raises DataError without time, and for names that are not there.
    """
    where = "options.features.lags"
    if "time" not in table.extra:
        raise DataError.of(where, say("tables.lags-no-time"), say("tables.lags-no-time.remedy"))
    records = table.columns[column]
    assert isinstance(records, Records)
    own = {name: values for name, values in table.columns.items() if name != column}
    times = moments(table.extra["time"], table.origins)
    units = groups(table.extra["group"], table.origins) if "group" in table.extra else np.zeros(len(table), np.int64)
    step = _step(times, units)
    columns = dict(records.columns)
    for name, backs in lags.items():
        values = records.columns.get(name, own.get(name))
        if values is None:
            offered = [*records.columns, *own]
            what = say("tables.no-column", name=name, names=", ".join(offered[:40]))
            raise DataError.of(where, what, did_you_mean(name, offered))
        columns.pop(name, None)
        for back in backs:
            rows = _earlier(times, units, back * step, step)
            columns[f"{name} -{back}"] = [None if row < 0 else values[row] for row in rows.tolist()]
    made = Records(columns, len(records))
    notes = (*table.notes, *_oddities(table.origins, times, units, step))
    return replace(table, columns={**table.columns, column: made}, notes=notes)


def _oddities(origins: Sequence[str], times: np.ndarray, units: np.ndarray, step: float) -> Iterator[tuple[str, str]]:
    """(where first, what to know of it): moments that stand twice, steps that are missing."""
    order = np.lexsort((times, units))
    apart = np.where(np.diff(units[order]) == 0, np.diff(times[order]), step)
    twice, gaps = np.flatnonzero(apart == 0), np.flatnonzero(apart > 1.5 * step)
    if len(twice):
        yield origins[order[twice[0] + 1]], say("tables.note.twice", count=len(twice))
    if len(gaps):
        yield origins[order[gaps[0] + 1]], say("tables.note.gaps", count=len(gaps))


def _step(times: np.ndarray, units: np.ndarray) -> float:
    """The most frequent distance between two moments that follow each other."""
    order = np.lexsort((times, units))
    apart = np.diff(times[order])[np.diff(units[order]) == 0]
    apart = apart[apart > 0]
    if not len(apart):
        return 1.0
    values, counts = np.unique(np.round(apart, 9), return_counts=True)
    return float(values[counts.argmax()])


def _earlier(times: np.ndarray, units: np.ndarray, back: float, step: float) -> np.ndarray:
    """int64 (N,): for each row the row of its group that stands ``back`` earlier, to within a hundredth of a step; -1 where none is."""
    order = np.lexsort((times, units))
    found = np.full(len(times), -1, np.int64)
    for unit in np.unique(units):
        rows = order[units[order] == unit]
        wanted = times[rows] - back
        at = np.searchsorted(times[rows], wanted - 0.01 * step)
        inside = np.minimum(at, len(rows) - 1)
        near = np.abs(times[rows][inside] - wanted) <= 0.01 * step
        found[rows] = np.where(near, rows[inside], -1)
    return found
