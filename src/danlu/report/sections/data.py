"""The data card: what the run's data are, what was left out, what may mislead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from danlu.data.tabular.types import TYPES
from danlu.messages import say
from danlu.report.described import held, how_of, kind_of, storage_of
from danlu.report.html import Child, Html, cut, join, name_of, tag
from danlu.report.sections.base import Page, Section, class_of, folded, more, pairs, table, told

_PARTS = ("train", "val", "test")
_CLASSES, _LISTED, _COLUMNS = 60, 30, 200
_COUNTS = (  # of what an application's own division found
    *(
        "users",
        "items",
        "interactions",
        "repeated",
        "cold_users_val",
        "cold_users_test",
        "cold_items_val",
        "cold_items_test",
    ),
    "negatives_left_out",
)
_SHARES = ("density", "head_share")
_NOT_HELD = ("kind", "role", "layout", "together", "table", "suspects")
_FOLDED = 24  # classes from which their table is folded


def section(page: Page) -> Section | None:
    card = page.facts.card
    if not card:
        return None
    parts: list[Child] = [
        _warnings(page, card),
        tag("div", _rows(card), _source(card), class_="beside"),
        _facts(card.get("facts", {})),
        _columns(page, card),
        *[_table(page, column["table"]) for column in card.get("columns", {}).values() if column.get("table")],
        *[_classes(page, name, counts) for name, counts in card.get("classes", {}).items()],
        _left_out(page, card),
        _notes(page, card),
    ]
    return Section("data", say("report.data"), join(parts))


def _warnings(page: Page, card: Mapping[str, Any]) -> Html:
    texts = card.get("warnings", [])
    if not texts:
        return told("good", say("report.data.no-warnings"))
    shown = [tag("li", cut(str(text), 600)) for text in texts[: page.most(_LISTED)]]
    return told("warn", tag("ul", shown), more(len(shown), len(texts)))


def _rows(card: Mapping[str, Any]) -> Html:
    rows = card.get("rows", {})
    names = ("found", "used", *_PARTS, "bad", "missing", "duplicates_dropped")
    shown = [(say(f"report.data.{name.replace('_', '-')}"), f"{rows[name]:,}") for name in names if name in rows]
    return pairs(shown, say("report.data.rows"), right=True)


def _facts(facts: Mapping[str, Any]) -> Html | None:
    """Whom and what the rows are of, where the application says it."""
    shown: list[tuple[Child, Child]] = []
    for name in (*_COUNTS, *_SHARES):
        value = facts.get(name)
        if isinstance(value, (int, float)):
            said = f"{value:,}" if name in _COUNTS else f"{100 * value:.3g}\u00a0%"
            shown.append((say(f"report.fact.{name}"), tag("data", said, value=repr(value), data_name=f"facts/{name}")))
    return pairs(shown, say("report.facts"), right=True) if shown else None


def _source(card: Mapping[str, Any]) -> Html:
    split, duplicates = card.get("split", {}), card.get("duplicates", {})
    shown = [
        (say("report.data.source"), name_of(str(card.get("source", "–")), 60)),
        (say("report.data.format"), str(card.get("format", "–"))),
        (say("report.data.storage"), storage_of(str(card.get("storage", "–")))),
        (say("report.data.split"), how_of(split)),
        (say("report.data.twins"), f"{duplicates.get('groups', 0):,}"),
        (say("report.data.fingerprint"), tag("code", str(card.get("fingerprint", "–")))),
    ]
    return pairs(shown, say("report.data.where"))


def _columns(page: Page, card: Mapping[str, Any]) -> Html:
    columns = card.get("columns", {})
    rows = []
    for name, column in list(columns.items())[:_COLUMNS]:
        role = say(f"report.data.role.{column.get('role', 'input')}")
        rows.append(
            [name_of(page.facts.called(name), 60), kind_of(str(column.get("kind", "–"))), role, _described(column)]
        )
    heads = [say(f"report.data.{name}") for name in ("column", "kind", "role", "holds")]
    return join([table(heads, rows, say("report.data.columns")), more(len(rows), len(columns))])


def _table(page: Page, told: Sequence[Mapping[str, Any]]) -> Html:
    """The columns of a table with the types that were told, those first that are left out."""
    order = sorted(told, key=lambda one: bool(one["used"]))
    shown = order[: page.most(_COLUMNS)]
    rows = []
    for one in shown:
        used = say(f"tables.report.{'yes' if one['used'] else 'no'}")
        type_ = say(f"tables.type.{one['type']}") if one["type"] in TYPES else str(one["type"])
        rows.append([name_of(str(one["name"]), 60), type_, used, cut(str(one["why"]) or "–", 120)])
    heads = [say("report.data.column"), *(say(f"tables.report.{name}") for name in ("type", "used", "why"))]
    title = say("tables.report")
    made = table(heads, rows, title, titled=len(told) <= _FOLDED)
    return (
        folded(title, made, more(len(rows), len(told)))
        if len(told) > _FOLDED
        else join([made, more(len(rows), len(told))])
    )


def _described(column: Mapping[str, Any]) -> Html:
    """What the kind says of itself, short: lists and classes as their number."""
    words: list[str] = []
    for key, value in column.items():
        if key in _NOT_HELD or value in (None, {}, []) or (key == "called" and isinstance(value, str)):
            continue
        if key == "statistics":
            told = ("counts", "quantiles", *column)  # what is said already is not said twice
            words += [held(name, found) for name, found in value.items() if name not in told]
        elif key == "classes":
            words.append(say("report.data.classes", count=f"{len(value):,}"))
        else:
            words.append(held(key, value))
    return name_of(", ".join(words) or "–", 200)


def _classes(page: Page, name: str, counts: Mapping[str, Mapping[str, int]]) -> Html:
    limit = page.most(_CLASSES)
    order = list(counts)
    if len(order) > limit:  # the smallest and the largest are what a person asks for
        order.sort(key=lambda each: counts[each].get("train", 0))
        order = order[: limit // 2] + order[-(limit - limit // 2) :]
    most = max((sum(each.values()) for each in counts.values()), default=1) or 1
    rows = [
        [class_of(each), _bar(counts[each], most), *(f"{counts[each].get(part, 0):,}" for part in _PARTS)]
        for each in order
    ]
    keys = [tag("span", say(f"report.part.{part}"), class_=f"of {part}") for part in _PARTS]
    title = say("report.data.of-class", column=cut(page.facts.called(name), 40))
    fold = len(counts) > _FOLDED
    body = table([say("report.class"), Html(""), *keys], rows, title, right=(2, 3, 4), titled=not fold)
    return folded(title, body, more(len(order), len(counts))) if fold else body


def _bar(counts: Mapping[str, int], most: int) -> Html:
    shares = {part: counts[part] / most for part in _PARTS if counts.get(part)}
    pieces = [tag("i", class_=part, style=f"--v:{value:.4f}") for part, value in shares.items()]
    return tag("span", pieces, class_="stack", aria_hidden="true")


def _left_out(page: Page, card: Mapping[str, Any]) -> Html | None:
    bad, reasons = card.get("bad", []), card.get("bad_reasons", {})
    if not bad:
        return None
    limit = page.most(_LISTED)
    rows = []
    for one in bad[:limit]:
        rows.append(
            [name_of(str(one["row"]), 60), name_of(str(one["column"] or "–"), 60), cut(str(one["reason"]), 200)]
        )
    counted = [(cut(str(reason), 200), f"{count:,}") for reason, count in list(reasons.items())[:limit]]
    heads = [say("report.sample"), say("report.data.column"), say("report.data.reason")]
    title = say("report.data.bad-rows")
    listed = table(heads, rows, title, titled=False)
    total = int(card.get("rows", {}).get("bad", len(rows)))
    return join([pairs(counted, say("report.data.reasons"), right=True), folded(title, listed, more(len(rows), total))])


def _notes(page: Page, card: Mapping[str, Any]) -> Html | None:
    notes = card.get("notes", [])[: page.most(_LISTED)]
    if not notes:
        return None
    rows = []
    for one in notes:
        examples = name_of(", ".join(map(str, one["examples"][:3])), 80)
        rows.append([cut(str(one["note"]), 200), name_of(str(one["column"] or "–"), 60), f"{one['count']:,}", examples])
    heads = [say(f"report.data.{name}") for name in ("note", "column", "times", "examples")]
    title = say("report.data.mended")
    return folded(title, table(heads, rows, title, right=(2,), titled=False))
