"""Short keys of a data card and of baselines, in the reader's language; what is somebody's own stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from danlu.messages import say
from danlu.messages.texts.described import TEXTS

_HOW = {
    "given": "described.how.given",
    "random": "described.how.random",
    "stratified": "described.how.stratified",
    "grouped": "described.how.grouped",
    "grouped and stratified": "described.how.grouped-and-stratified",
    "by time": "described.how.by-time",
    "random for each user": "described.how.random-for-each-user",
    "leave one out": "described.how.leave-one-out",
}
_RAREST = "by each row's rarest label)"
_SHARES = ("at_most_length", "unknown", "answerable", "in_windows")
_PARTS = ("median", "p95", "most", "total", "min", "mean", "max")


def how_of(split: Mapping[str, Any]) -> str:
    """How rows were divided, with the seed where one was used."""
    told, _, behind = str(split.get("how", "–")).partition(" (")
    text = say(_HOW[told]) if told in _HOW else told
    if behind:
        behind = say("described.how.rarest") if behind == _RAREST else behind.removesuffix(")")
        text += f" ({behind})"
    return say("described.seed", how=text, seed=split.get("seed", "–"))


def storage_of(layout: str) -> str:
    return say(f"described.storage.{layout}") if f"described.storage.{layout}" in TEXTS else layout


def kind_of(name: str) -> str:
    return say(f"described.kind.{name}") if f"described.kind.{name}" in TEXTS else name


def held(key: str, value: Any) -> str:
    """One thing that a kind says of a column: "tokenizer words", "tokens of a text median 8, most 12"."""
    if key in _SHARES and isinstance(value, float):
        return _worded(key, f"{100 * value:.3g}\u00a0%")
    if isinstance(value, Mapping):
        if value.keys() <= set(_PARTS):
            return _worded(key, " · ".join(_worded(part, _short(each)) for part, each in value.items()))
        return _worded(key, "/".join(_short(each) for each in list(value.values())[:4]))
    return _worded(key, _short(value))


def setting(key: str, value: Any) -> str:
    """One choice of a baseline's fitting: "n-grams: words 1-2"."""
    kind, _, sizes = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if f"described.grams.{kind}" in TEXTS:
        value = say(f"described.grams.{kind}", sizes=sizes)
    known = f"described.setting.{key}" in TEXTS
    return say(f"described.setting.{key}", value=value) if known else f"{key} {value}"


def _worded(key: str, value: str) -> str:
    known = f"described.{key.replace('_', '-')}"
    return say(known, value=value) if known in TEXTS else f"{key.replace('_', ' ')} {value}"


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return "/".join(_short(each) for each in list(value.values())[:4])
    if isinstance(value, (list, tuple)):
        sizes = all(
            isinstance(each, int) for each in value
        )  # of a picture, say; else numbers that stand beside each other
        return ("×" if sizes else " · ").join(_short(each) for each in value[:4])
    return f"{value:.4g}" if isinstance(value, float) else str(value)
