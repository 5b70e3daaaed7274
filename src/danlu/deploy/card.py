"""The model card: what the model is, what it learnt from, how good it is and where its limits are; in English and in Chinese.

After Mitchell et al. (2019), "Model Cards for Model Reporting".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from danlu.messages import LANGUAGES, Language, choose, language, say, set_language

_CLASSES = 50  # named; of more, the rest is counted
_FEW = 10  # training rows of a class that can hardly be learnt


def model_card(described: Mapping[str, Any], data: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """Markdown. described: the artifact's description. data: the run's data card. hashes: file → BLAKE2b-128."""
    return "\n".join(_in(name, described, data, hashes) for name in LANGUAGES)


def _in(name: Language, described: Mapping[str, Any], data: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    with _speaking(name):
        sections = [
            ("deploy.card.what", _what(described)),
            ("deploy.card.data", _data(data)),
            ("deploy.card.metrics", _metrics(described)),
            ("deploy.card.limits", _limits(described, data)),
            ("deploy.card.parity", _parity(described)),
            ("deploy.card.licence", [described.get("licence") or say("deploy.card.no-licence")]),
            ("deploy.card.hashes", [f"- `{file}` {digest}" for file, digest in hashes.items()]),
        ]
        head = f"# {say('deploy.card.title', name=described['run']['name'])}\n"
        return head + "".join(f"\n## {say(key)}\n\n" + "\n".join(lines) + "\n" for key, lines in sections if lines)


@contextmanager
def _speaking(name: Language) -> Iterator[None]:
    before = language()
    set_language(name)
    try:
        yield
    finally:
        set_language(before)


def _what(described: Mapping[str, Any]) -> list[str]:
    inputs = ", ".join(f"{each['name']} ({each['kind']})" for each in described["inputs"])
    targets = ", ".join(f"{name} ({each['kind']})" for name, each in described["targets"].items())
    run = described["run"]
    return [
        say("deploy.card.task", task=choose(tuple(described["title"])), name=described["task"]),
        say("deploy.card.columns", inputs=inputs, targets=targets),
        say(
            "deploy.card.net",
            net=run["net"],
            parameters=f"{run['parameters']:,}",
            weights=say(f"deploy.card.weights.{run['weights']}"),
        ),
        say("deploy.card.made", danlu=described["danlu"], torch=described["made_with"]["torch"]),
    ]


def _data(data: Mapping[str, Any]) -> list[str]:
    rows = data.get("rows", {})
    if not rows:
        return []
    lines = [
        say("deploy.card.rows", **{part: f"{rows.get(part, 0):,}" for part in ("train", "val", "test")}),
        say(
            "deploy.card.left-out",
            bad=rows.get("bad", 0),
            missing=rows.get("missing", 0),
            duplicates=rows.get("duplicates_dropped", 0),
        ),
        say("deploy.card.fingerprint", fingerprint=data.get("fingerprint", "–")),
    ]
    for column, counts in data.get("classes", {}).items():
        lines += ["", say("deploy.card.classes", column=column, count=len(counts)), ""]
        lines += [f"| {say('deploy.card.class')} | train | val | test |", "| --- | ---: | ---: | ---: |"]
        lines += [
            f"| {_cell(name)} | {by_part['train']} | {by_part['val']} | {by_part['test']} |"
            for name, by_part in list(counts.items())[:_CLASSES]
        ]
        if len(counts) > _CLASSES:
            lines += ["", say("deploy.card.more-classes", count=len(counts) - _CLASSES)]
    return lines


def _metrics(described: Mapping[str, Any]) -> list[str]:
    metrics, intervals = described["metrics"], described["intervals"]
    if not metrics:
        return []
    level = f"{100 * described['confidence']:g} %"
    lines = [
        f"| {say('deploy.card.metric')} | {say('deploy.card.value')} | {say('deploy.card.interval', level=level)} |",
        "| --- | ---: | ---: |",
    ]
    for name, value in metrics.items():
        bounds = " – ".join("–" if bound is None else f"{bound:.4g}" for bound in intervals.get(name, ()))
        lines.append(f"| {name} | {'–' if value is None else f'{value:.4g}'} | {bounds} |")
    return lines


def _limits(described: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """What the figures of this very model give reason to say, and what holds for every one of its kind."""
    lines = []
    rows = data.get("rows", {})
    if rows:
        judged = rows.get("test") or 0
        lines.append(say("deploy.card.judged-on", count=f"{judged:,}") if judged else say("deploy.card.not-judged"))
    for counts in data.get("classes", {}).values():
        few = [name for name, by_part in counts.items() if by_part["train"] < _FEW]
        if few:
            lines.append(say("deploy.card.few", count=_FEW, classes=", ".join(few[:10])))
    if any(each["kind"] == "category" for each in described["targets"].values()):
        lines.append(say("deploy.card.closed"))
    lines.append(say("deploy.card.drift"))
    lines += list(data.get("warnings", ()))
    return [f"- {line}" for line in lines]


def _parity(described: Mapping[str, Any]) -> list[str]:
    found = described["parity"]
    return [
        say(
            "deploy.card.gate",
            samples=found["samples"],
            batches=", ".join(map(str, found["batches"])),
            source=found["source"],
            difference=f"{found['largest_difference']:.1e}",
            equal=found["equal_answers"],
        )
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
