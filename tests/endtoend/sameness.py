"""What two runs of one recipe must have in common, however often one of them was killed: everything but clocks and attempts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from safetensors.numpy import load_file

import danlu

CLOCKS = {"time", "seconds", "waited", "attempt"}
_FIGURE = re.compile(r"<data [^>]*>")
# Of a checkpoint after which it was killed at once nobody tells again; what memory and time it took is no part of what it came to.
PASSING = {"said", "checkpoint-saved", "foreseen", "happened"}


def differences(whole: Path, killed: Path, stopped: bool = False) -> list[str]:
    """What differs between two workplaces, in words; empty where every bit that must be equal is.

    Compared: which files there are, in the run and in the cache; every checkpoint that is kept and the best weights, byte by byte;
    recipe, environment, card and columns likewise; split and predictions as values; all that the events tell in the end, and that
    nothing they told twice was told in two ways; what ``Run`` gives. stopped: the run was asked to stop, for which it saved a
    checkpoint more; of those the last is compared.
    """
    return [
        *_files(whole, killed, stopped),
        *_events(whole / "runs" / "it", killed / "runs" / "it"),
        *_views(whole, killed),
    ]


def _files(whole: Path, killed: Path, stopped: bool) -> Iterator[str]:
    mine, theirs = _listed(whole, stopped), _listed(killed, stopped)
    for name in sorted(mine.keys() ^ theirs.keys()):
        yield f"{name} is only in the {'uninterrupted' if name in mine else 'killed'} one"
    for name in sorted(mine.keys() & theirs.keys()):
        first, second = mine[name], theirs[name]
        if name.endswith("events.jsonl"):
            continue
        if name.endswith(".parquet"):
            one, other = pq.read_table(first), pq.read_table(second)
            if not one.schema.equals(other.schema) or one.to_pydict() != other.to_pydict():
                yield f"{name}: other values"
        elif name.endswith(
            "report.html"
        ):  # tells when it began and what was said on the way; its figures are the run's
            if _FIGURE.findall(first.read_text("utf-8")) != _FIGURE.findall(second.read_text("utf-8")):
                yield f"{name}: other figures"
        elif name.endswith("baselines.json"):  # tells how long each took
            if _timeless(json.loads(first.read_bytes())) != _timeless(json.loads(second.read_bytes())):
                yield f"{name}: other values"
        elif first.read_bytes() != second.read_bytes():
            yield f"{name}: {_what(first, second)}"


def _listed(folder: Path, last: bool) -> dict[str, Path]:
    """Every file by name, those beside the run and its cache (locks, TensorBoard's with a time in their names) left out."""
    found = {}
    older = sorted((folder / "runs" / "it" / "checkpoints").iterdir())[:-1] if last else []
    for part in ("runs", "cache"):
        for path in (folder / part).rglob("*"):
            name = str(path.relative_to(folder))
            if any(path.is_relative_to(checkpoint) for checkpoint in older):
                continue
            if ".lock" not in name and "tensorboard" not in name and (path.is_file() or not any(path.iterdir())):
                found[name] = path
    return found


def _timeless(value: Any) -> Any:
    """Without clocks, at any depth; every number as it is written (for a NaN is not equal to itself)."""
    if isinstance(value, dict):
        return {name: _timeless(item) for name, item in value.items() if name not in CLOCKS}
    return [_timeless(item) for item in value] if isinstance(value, list) else repr(value)


def _what(first: Path, second: Path) -> str:
    if first.suffix != ".safetensors":
        return f"{first.read_bytes()[:2000]!r} is not {second.read_bytes()[:2000]!r}"
    one, other = load_file(first), load_file(second)
    if one.keys() != other.keys():
        return f"other tensors: {sorted(one.keys() ^ other.keys())[:5]}"
    different = [name for name in one if one[name].tobytes() != other[name].tobytes()]
    return f"{len(different)} of {len(one)} tensors differ: {different[:5]}"


def _events(whole: Path, killed: Path) -> Iterator[str]:
    """The story in the end, step by step; and that every attempt told the same of what more than one lived through."""
    mine, doubts = story(whole / "events.jsonl")
    theirs, more = story(killed / "events.jsonl")
    yield from doubts + more
    for key in sorted(mine.keys() | theirs.keys(), key=str):
        if mine.get(key) != theirs.get(key):
            yield f"event {key}: {mine.get(key)} is not {theirs.get(key)}"


def story(path: Path) -> tuple[dict[tuple[Any, ...], Any], list[str]]:
    """What (kind, place) → what was told of it last; and what was told of one place in two ways."""
    told: dict[tuple[Any, ...], Any] = {}
    doubts = []
    raw = path.read_bytes()
    if not raw.endswith(b"\n"):
        doubts.append(f"{path}: torn")
    for line in raw.decode().splitlines():
        for key, value in _told(json.loads(line)):
            if told.get(key, value) != value and key[0] != "fit-started":
                doubts.append(f"{path}: {key} was {told[key]}, then {value}")
            told[key] = value
    return told, doubts


def _told(event: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """One event, in pieces that don't depend on how it was cut: every step of a block for itself."""
    kind = event["type"]
    if kind in PASSING or event.get("reason") == "interrupted":
        return
    if kind == "steps-done":
        for index, step in enumerate(event["steps"]):
            values = {name: _timeless(found[index]) for name, found in event["values"].items()}
            yield (kind, step), values | {"epoch": event["epoch"]}
        return
    place = () if kind.startswith("fit-") else (event.get("part"), event["step"])
    place += (event["name"],) if kind == "diagnosed" else ()  # there may be several at a time
    skipped = {"step", "epoch"} if kind == "fit-started" else set()
    yield (kind, *place), {name: _timeless(value) for name, value in event.items() if name not in CLOCKS | skipped}


def _views(whole: Path, killed: Path) -> Iterator[str]:
    one, other = danlu.Run(whole / "runs" / "it"), danlu.Run(killed / "runs" / "it")
    if one.status not in ("finished", "early-stop"):
        yield f"the uninterrupted run is {one.status}"
    for name in ("status", "metrics", "intervals"):
        if repr(getattr(one, name)) != repr(getattr(other, name)):
            yield f"{name}: {getattr(one, name)} is not {getattr(other, name)}"
