"""The data card: what a run's data are, what was mended, what was left out, and what may mislead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from danlu.data.cache.rows import BadRow, Note
from danlu.data.chains import Chain
from danlu.data.clean import lost
from danlu.data.columns import Column
from danlu.data.dataset import Dataset
from danlu.data.split import PARTS, Split
from danlu.data.table import Table
from danlu.data.tabular.cells import NONE
from danlu.large.arrays import blocks, where
from danlu.large.sorting import sort_order
from danlu.messages import say

_HARDLY = 1e-4  # of the pixels: less is a speck, or values that are a mistake
_LISTED = 1000  # bad rows, and as many missing ones, in full; beyond that their number alone
_EXAMPLES = 5
_SPAN = 4096  # ids made at once


@dataclass
class Findings:
    """What preparing found, gathered for the card.

    codes: int8 (N,), part of each kept row, -1 for those in none. labels: column → class indices int64 (N,), or
    sets uint8 (N, K). target: the column by which the split was stratified. disjoint: the column whose classes the parts don't share.
    facts: what the application's own division found. called: columns that were taken by their names → how the file calls them.
    chain: the most rows that are together because copies join groups that were asked for.
    """

    source: str
    format: str
    table: Table
    found: int
    bad: Sequence[BadRow]
    notes: Sequence[Note]
    keys: np.ndarray
    hashes: np.ndarray
    split: Split
    codes: np.ndarray
    seed: int
    duplicates: Mapping[str, Any]
    dropped: int
    layout: str
    columns: Mapping[str, Mapping[str, Any]]
    classes: Mapping[str, Sequence[str]]
    labels: Mapping[str, np.ndarray]
    target: str | None = None
    groups: np.ndarray | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    disjoint: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    called: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    chain: Chain | None = None


def card(found: Findings) -> dict[str, Any]:
    """JSON-able.

    ``fingerprint`` is of the content (ids, prepared values, labels, parts): equal wherever the files lie and whenever they were copied.
    """
    order = sort_order(found.keys)
    missing = [row for row in found.bad if row.missing]
    broken = [{"row": row.origin, "column": row.column, "reason": row.reason} for row in found.bad if not row.missing]
    broken += [{"row": origin, "column": "", "reason": reason} for origin, reason in found.table.problems]
    counts: dict[str, int] = {part: int((found.codes == code).sum()) for code, part in enumerate(PARTS)}
    classes = {
        name: _by_part(found.classes[name], labels, found.codes)
        for name, labels in found.labels.items()
        if name in found.classes
    }
    made = {
        "source": found.source,
        "format": found.format,
        "storage": found.layout,
        "fingerprint": _fingerprint(found, order),
        "rows": {
            "found": found.found,
            "used": int((found.codes >= 0).sum()),
            **counts,
            "bad": len(broken),
            "missing": len(missing),
            "duplicates_dropped": found.dropped,
        },
        "columns": {
            name: dict(described) | ({"called": found.called[name]} if found.called.get(name, name) != name else {})
            for name, described in found.columns.items()
        },
        "classes": classes,
        "missing": {
            "columns": _tally(row.column for row in missing),
            "rows": [{"row": row.origin, "column": row.column} for row in missing[:_LISTED]],
        },
        "bad": broken[:_LISTED],
        "bad_reasons": _tally(entry["reason"] for entry in broken),
        "notes": _notes(found),
        "duplicates": dict(found.duplicates),
        "groups_leaking": _leaking_groups(found),
        "split": {
            "how": found.split.how,
            "seed": found.seed,
            "shares": dict(found.shares),
            "membership": {part: _membership(found, order, code) for code, part in enumerate(PARTS)},
            "undivided_classes": [
                found.classes[found.target][label] for label in found.split.small if label >= 0 and found.target
            ],
        },
    }
    if found.facts:
        made["facts"] = dict(found.facts)
    made["warnings"] = list(_warnings(found, made))
    return made


def membership(data: Dataset) -> Iterator[tuple[str, str]]:
    """(sample id, part) of every row that is in one, in the order of rows."""
    codes = np.full(len(data), -1, np.int8)
    for code, part in enumerate(PARTS):
        codes[data.parts.get(part, np.empty(0, np.int64))] = code
    rows = where(codes >= 0)
    for start in range(0, len(rows), _SPAN):
        some = rows[start : start + _SPAN]
        names = data.ids.at(some) if isinstance(data.ids, Column) else [data.ids[row] for row in some.tolist()]
        yield from zip(names, (PARTS[code] for code in codes[some].tolist()), strict=True)


def _tally(values: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1])[:100])


def _by_part(names: Sequence[str], labels: np.ndarray, codes: np.ndarray) -> dict[str, dict[str, int]]:
    counts = {}
    for code, part in enumerate(PARTS):
        inside = labels[codes == code]
        counts[part] = inside.sum(0) if labels.ndim > 1 else np.bincount(inside[inside >= 0], minlength=len(names))
    return {name: {part: int(counts[part][place]) for part in PARTS} for place, name in enumerate(names)}


def _notes(found: Findings) -> list[dict[str, Any]]:
    """What was mended or passed over, each with how often and where first."""
    notes = [
        {"column": note.column, "note": note.text, "count": note.count, "examples": list(note.examples)}
        for note in found.notes
    ]
    counts: dict[str, list[str]] = {}
    numbers: dict[str, int] = {}
    for origin, text in found.table.notes:
        numbers[text] = numbers.get(text, 0) + 1
        examples = counts.setdefault(text, [])
        if len(examples) < _LISTED:
            examples.append(origin)
    notes += [
        {"column": "", "note": text, "count": numbers[text], "examples": examples} for text, examples in counts.items()
    ]
    return notes


def _leaking_groups(found: Findings) -> int:
    """Groups (patients, users) that the source's own parts tear apart."""
    if found.groups is None:
        return 0
    inside = found.codes >= 0
    pairs = np.unique(np.stack([found.groups[inside], found.codes[inside].astype(np.int64)]), axis=1)
    return int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())


def _membership(found: Findings, order: np.ndarray, code: int) -> str:
    """order: int64 (N,), rows by their keys."""
    digest = blake2b(digest_size=16)
    for some in blocks(len(order), order, found.keys):
        rows = order[some]
        digest.update(found.keys[rows[found.codes[rows] == code]].astype("<u8").tobytes())
    return digest.hexdigest()


def _fingerprint(found: Findings, order: np.ndarray) -> str:
    """order: int64 (N,), rows by their keys."""
    digest = blake2b(digest_size=16)

    def add(values: np.ndarray, dtype: str) -> None:
        for some in blocks(len(order), order, values):
            digest.update(values[order[some]].astype(dtype).tobytes())

    for values, dtype in ((found.keys, "<u8"), (found.hashes, "<u8"), (found.codes, "<i1")):
        if len(values) == len(order):  # a stream that wasn't checked has no hashes
            add(values, dtype)
    for name in sorted(found.labels):
        add(found.labels[name], "<i8")
        digest.update("\0".join(found.classes.get(name, ())).encode())
    return digest.hexdigest()


def _alike(names: Sequence[str]) -> list[list[str]]:
    """Names that a person would take for one: "Cat" and "cat ", "1" and "1.0"."""
    together: dict[str, list[str]] = {}
    for name in names:
        plain = re.sub(r"[\s_-]+", " ", name).strip().casefold()
        together.setdefault(re.sub(r"^(\d+)\.0+$", r"\1", plain), []).append(name)
    return [each for each in together.values() if len(each) > 1]


def _warnings(found: Findings, made: Mapping[str, Any]) -> Iterator[str]:
    """What a person should know before trusting a number."""
    leaks = made["duplicates"].get("leaks", {}).get("groups", {})
    for parts, groups in leaks.items():
        yield say("data.card.leak", groups=groups, parts=parts)
    if conflicts := made["duplicates"].get("conflicts", {}).get("groups", 0):
        yield say("data.card.conflict", groups=conflicts)
    if made["groups_leaking"]:
        yield say("data.card.groups", groups=made["groups_leaking"])
    if found.chain is not None and 2 * found.chain.rows > len(found.codes):
        chain = found.chain
        share = f"{chain.rows / len(found.codes):.0%}"
        yield say("data.card.chain", chained=chain.groups, groups=chain.of, share=share, left=chain.of - chain.groups)
    if found.split.small:
        yield say("data.card.small-classes", count=len(found.split.small))
    for name, counts in made["classes"].items():
        unseen = [
            label for label, by_part in counts.items() if not by_part["train"] and (by_part["val"] or by_part["test"])
        ]
        if unseen and name != found.disjoint:
            yield say("data.card.unseen-classes", column=name, classes=", ".join(unseen[:10]))
        empty = [label for label, by_part in counts.items() if not any(by_part.values())]
        if empty and len(empty) < len(counts):  # all: names that only tell groups apart are none of its classes
            yield say("data.card.empty-classes", column=name, classes=", ".join(empty[:10]))
    for name, names in found.classes.items():
        if name != found.disjoint and (alike := _alike(names)):
            yield say("data.card.alike-classes", column=name, classes="; ".join(" = ".join(each) for each in alike[:5]))
    for name, counts in made["classes"].items():
        nothing = [
            f"{label} ({sum(by_part.values())})" for label, by_part in counts.items() if label.casefold() in NONE
        ]
        if nothing and name != found.disjoint:
            yield say("data.card.nothing-classes", column=name, classes=", ".join(nothing))
    for name, described in made["columns"].items():
        if described["kind"] == "mask":
            rare = [label for label, share in described.get("classes", {}).items() if share < _HARDLY]
            if rare:
                yield say("masks.rare", column=name, classes=", ".join(rare[:10]))
        for one in described.get("suspects", ()):
            yield say("tables.leak", name=one["name"], measure=one["measure"], score=one["score"])
    if found.table.lost:
        yield lost(found.table)
    if made["rows"]["bad"]:
        yield say("data.card.bad", count=made["rows"]["bad"])
    if made["rows"]["missing"]:
        yield say("data.card.missing", count=made["rows"]["missing"])
