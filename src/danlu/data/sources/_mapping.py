"""Which column of a file is which of the task's: as the recipe says, else by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from danlu.data.sources._listing import is_image
from danlu.data.table import Guess
from danlu.errors import DataError, Problem
from danlu.messages import say
from danlu.recipe.names import load_object, resolve
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_ANSWERS = frozenset(("0", "1", "0.0", "1.0", "True", "False", "true", "false", "yes", "no"))
_SHOWN = 40
_NUMBER = re.compile(r"[-+]?\W{0,2}\d[\d.,' ]*([eE][-+]?\d+)?\s?\W?")
_PLAIN = frozenset(
    ("text", "tokens", "gapped", "category", "number", "id", "moment")
)  # kinds that no object can be a value of

# For each kind the names people give such columns, most telling first; compared without case, spaces, dashes and underscores.
_NAMES: dict[str, tuple[str, ...]] = {
    "image": (
        "image", "images", "img", "imagepath", "imgpath", "imagefile", "imagefilename", "imagename", "path", "filepath",
        "file", "filename", "filenames", "imageid", "pixels", "x", "data", "features",
    ),
    "category": ("label", "labels", "class", "classname", "category", "categories", "target", "targets", "y", "classid", "labelname"),
    "text": (
        "text", "texts", "sentence", "sentences", "review", "reviews", "reviewtext", "content", "comment", "body", "message",
        "document", "title", "文本", "内容", "评论", "句子", "正文",
    ),
    "number": ("target", "targets", "value", "y", "number", "label", "score", "rating", "price"),
    "labels": ("labels", "tags", "label", "classes", "categories", "keywords", "attributes", "targets", "y"),
    "mask": ("mask", "masks", "maskpath", "maskfile", "segmentation", "annotation", "label", "labels", "gt", "target", "y"),
    "boxes": ("boxes", "objects", "annotations", "bboxes", "bbox"),
}  # fmt: skip


@dataclass(frozen=True)
class Mapped:
    """columns: the task's column → the file's, or several of it. guessed: those that the recipe did not name."""

    columns: Mapping[str, str | tuple[str, ...]]
    guessed: Mapping[str, Guess]


def mapping(
    where: str,
    offered: Sequence[str],
    wanted: Mapping[str, Column],
    data: DataSection,
    sample: Callable[[str], Sequence[Any]] = lambda name: (),
    reserved: Sequence[str] = (),
    objects: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Mapped:
    """offered: the file's columns. sample: a few values of one of them, to propose what the recipe should say. reserved: those by
    which rows are divided, which no kind gets that takes the rest. objects: a column that is offered in parts as well → these parts.

    Raises DataError that lists the file's columns and a mapping, where a wanted column is named wrongly or can't be guessed.
    """
    found: dict[str, str | tuple[str, ...]] = {}
    problems: list[Problem] = []
    for name, column in data.columns.items():
        if name not in wanted:
            problems.append(_unknown(f"data.columns.{name}", name, list(wanted), "data.columns.not-wanted"))
            continue
        several = (column,) if isinstance(column, str) else column
        if not isinstance(column, str) and spans(wanted[name].kind) == "one":
            what = say("labels.several", column=name, kind=wanted[name].kind)
            problems.append(Problem(f"data.columns.{name}", what, say("labels.several.remedy")))
        absent = [each for each in several if each not in offered]
        problems += [_unknown(f"data.columns.{name}", each, offered, "data.columns.not-there") for each in absent]
        problems += [
            Problem(f"data.columns.{name}", say("data.columns.objects", name=each, names=listed(objects[each])))
            for each in several
            if each in objects and wanted[name].kind in _PLAIN
        ]
        found[name] = several if spans(wanted[name].kind) == "rest" else column
    if problems:
        raise DataError(problems)
    guessed: list[str] = []
    rest = [name for name, wish in wanted.items() if name not in found and spans(wish.kind) == "rest"]
    for name, wish in wanted.items():
        if name not in found and name not in rest:
            free = _free(offered, found)
            parts = [column for column in free if column not in objects]
            guess = _guess(name, wish.kind, parts, wish.also)
            if guess is None and wish.kind not in _PLAIN:
                guess = _guess(name, wish.kind, free, wish.also)
            if guess is None:
                raise DataError.of(
                    where,
                    say("data.columns.unclear", column=name, kind=wish.kind, columns=listed(offered)),
                    say("data.columns.propose", mapping=_proposal(wanted, found, parts, sample)),
                )
            second = _beside(wish.kind, _free(offered, {**found, name: guess}))
            found[name] = (guess, second) if second else guess
            guessed.append(name)
    alone = {name: column for name, column in found.items() if not wanted[name].shared}
    for name in rest:
        left = [column for column in _free(offered, alone) if column not in reserved and column not in objects]
        alone[name] = found[name] = tuple(left)
    left = [column for column in _free(offered, found) if column not in reserved and column not in objects]
    return Mapped(
        found, {name: Guess(found[name], _instead(name, found[name], wanted[name], left)) for name in guessed}
    )


def _beside(kind: str, free: Sequence[str]) -> str | None:
    """A second column that belongs to one of this kind, see :attr:`danlu.data.kinds.base.Kind.beside`."""
    simple = {plain(column): column for column in reversed(free)}
    names: tuple[str, ...] = load_object(resolve("kind", kind)).beside
    return next((simple[name] for name in names if name in simple), None)


def spans(kind: str) -> str:
    """How many of a file's columns a kind takes, see :attr:`danlu.data.kinds.base.Kind.spans`."""
    found: str = load_object(resolve("kind", kind)).spans
    return found


def extra(where: str, key: str, column: str, offered: Sequence[str]) -> str:
    """``column`` if the file has it. Raises DataError."""
    if column not in offered:
        raise DataError(_unknown(key, column, offered, "data.columns.not-there"))
    return column


def plain(name: str) -> str:
    return re.sub(r"[\s_\-.]+", "", name).casefold()


def _guess(name: str, kind: str, free: Sequence[str], also: Sequence[str] = ()) -> str | None:
    simple = {plain(column): column for column in reversed(free)}
    for candidate in (plain(name), *also, *_NAMES.get(kind, ())):
        if candidate in simple:
            return simple[candidate]
    return None


def guessed(name: str, found: Guess) -> str:
    """What is told of a column that was taken by its name."""
    key = "data.note.guessed-among" if found.others else "data.note.guessed"
    words = {"others": listed([repr(other) for other in found.others])} if found.others else {}
    return say(key, column=name, found=found.column, **words)


def _instead(name: str, found: str | tuple[str, ...], wish: Column, left: Sequence[str]) -> tuple[str, ...]:
    """Columns that nothing was found in, and that are called as such columns are; none where one is called as the task calls it."""
    if isinstance(found, str) and plain(found) in (plain(name), *map(plain, wish.also)):
        return ()
    return tuple(column for column in left if plain(column) in (*wish.also, *_NAMES.get(wish.kind, ())))


def _unknown(where: str, name: str, names: Sequence[str], key: str) -> Problem:
    near = get_close_matches(name, names, n=1)
    remedy = say("data.columns.nearest", name=near[0]) if near else ""
    return Problem(where, say(key, name=name, names=listed(names)), remedy)


def listed(names: Sequence[str]) -> str:
    """The names, shortened, the first of them where there are hundreds."""
    return ", ".join(map(shortened, names[:_SHOWN])) + (" …" if len(names) > _SHOWN else "")


def shortened(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _proposal(
    wanted: Mapping[str, Column],
    found: Mapping[str, str | tuple[str, ...]],
    offered: Sequence[str],
    sample: Callable[[str], Sequence[Any]],
) -> str:
    """``{image: photo, label: diagnosis}`` from what the values look like."""
    chosen = dict(found)
    for name, wish in wanted.items():
        if spans(wish.kind) == "rest":
            continue
        free = _free(offered, chosen)
        guess = chosen.get(name) or _guess(name, wish.kind, free, wish.also) or _by_values(wish.kind, free, sample)
        if guess:
            chosen[name] = guess
    shown = {name: column if isinstance(column, str) else f"[{', '.join(column)}]" for name, column in chosen.items()}
    named = [name for name, wish in wanted.items() if name in shown or spans(wish.kind) != "rest"]
    return "{" + ", ".join(f"{name}: {shown.get(name, '…')}" for name in named) + "}"


def _free(offered: Sequence[str], found: Mapping[str, str | tuple[str, ...]]) -> list[str]:
    """The file's columns that nothing has been found for."""
    taken = {each for column in found.values() for each in ((column,) if isinstance(column, str) else column)}
    return [column for column in offered if column not in taken]


def _by_values(kind: str, free: Sequence[str], sample: Callable[[str], Sequence[Any]]) -> str | tuple[str, ...] | None:
    seen = {column: [value for value in sample(column) if value not in (None, "")] for column in free}
    if kind == "image":
        return next((c for c, values in seen.items() if any(isinstance(v, str) and is_image(v) for v in values)), None)
    if kind == "labels":
        answers = tuple(c for c, values in seen.items() if values and set(map(str, values)) <= _ANSWERS)
        if len(answers) > 1:
            return answers
    if kind == "text":
        long = {c: sum(len(str(v)) for v in values) / len(values) for c, values in seen.items() if values}
        return max(long, key=lambda column: long[column]) if long else None
    if kind == "number":
        numbers = [c for c, values in seen.items() if values and 20 * sum(map(_is_number, values)) >= 19 * len(values)]
        seen = {c: seen[c] for c in numbers} or seen
        return max(seen, key=lambda column: len(set(map(str, seen[column]))), default=None)
    few = {c: len(set(map(str, values))) for c, values in seen.items() if values}
    return min(few, key=lambda column: few[column]) if few else (free[0] if free else None)


def _is_number(value: Any) -> bool:
    """As people write them, with any signs between the digits."""
    return not isinstance(value, bool) and (
        isinstance(value, (int, float)) or (isinstance(value, str) and _NUMBER.fullmatch(value.strip()) is not None)
    )
