"""Which class was taken for which; every cell leads to its samples."""

from __future__ import annotations

import numpy as np

from danlu.evaluation.confusion import Confusion
from danlu.messages import say
from danlu.report.choice import MATRIX, pairs
from danlu.report.html import Child, Html, join, name_of, tag
from danlu.report.sections.base import Page, Section, class_of, more, note, plainly, share, table
from danlu.report.sections.cards import Entry, gallery, labelled, pictured

_FEW, _MANY = 10, 20  # mistakes that are listed: beside the whole matrix, or a part of it
_LONGEST = 60  # characters of a class in a sentence
_HEAD = 20  # characters of a class at the matrix: its beginning and its end
_DENSE = 14  # classes from which cells are small
_DARK = 0.55  # strength of a cell's colour from which its number is light


def section(page: Page) -> Section | None:
    found = page.facts.confusion
    if found is None:
        return None
    parts: list[Child] = [
        tag("p", say("report.confusion.about", part=page.part, samples=f"{len(found.predictions):,}"))
    ]
    shown = np.arange(len(found.classes))
    if len(found.classes) > MATRIX:
        shown = _worst(found.matrix)
        parts.append(note(say("report.confusion.some", shown=len(shown), total=f"{len(found.classes):,}")))
    parts.append(tag("div", _matrix(page, found, shown), _mistakes(page, found), class_="flow"))
    parts.append(tag("div", [_cell(page, found, *cell) for cell in page.choice.cells], class_="cells"))
    return Section("confusion", say("report.confusion"), join(parts))


def _worst(matrix: np.ndarray) -> np.ndarray:
    """int64: the classes of the fullest wrong cells, in their own order."""
    found: dict[int, None] = {}
    for cell in pairs(matrix, 4 * MATRIX):
        if len(found.keys() | set(cell)) > MATRIX:
            break
        found.update(dict.fromkeys(cell))
    return np.asarray(sorted(found) or range(MATRIX), np.int64)


def _matrix(page: Page, found: Confusion, shown: np.ndarray) -> Html:
    names = [name_of(found.classes[place], _HEAD) for place in shown.tolist()]
    head = [tag("td", class_="corner"), *(tag("th", tag("span", name), scope="col") for name in names), tag("td")]
    rows = []
    for name, true in zip(names, shown.tolist(), strict=True):
        total = int(found.matrix[true].sum())
        cells = [_number(page, found, true, predicted, total) for predicted in shown.tolist()]
        rows.append(tag("tr", tag("th", name, scope="row"), cells, tag("td", f"{total:,}", class_="sum")))
    caption = tag("caption", say("report.confusion.caption"))
    made = tag(
        "table",
        caption,
        tag("thead", tag("tr", head)),
        tag("tbody", rows),
        class_="matrix dense" if len(shown) > _DENSE else "matrix",
    )
    return tag("div", made, class_="scroll", tabindex="0", role="region", aria_label=say("report.confusion"))


def _number(page: Page, found: Confusion, true: int, predicted: int, total: int) -> Html:
    count = int(found.matrix[true, predicted])
    if not count:
        return tag("td", class_="hit" if true == predicted else None)
    part = count / total
    strength = part if true == predicted else min(1.0, part**0.5 * 1.2)
    classes = ("hit" if true == predicted else "miss") + (" hi" if strength > _DARK else "")
    link = _link(page, found, true, predicted)
    return tag("td", link, class_=classes, style=f"--v:{strength:.2f}", data_cell=f"{true},{predicted}")


def _link(page: Page, found: Confusion, true: int, predicted: int) -> Child:
    """The count of a cell, leading to its samples where they are shown."""
    count = f"{int(found.matrix[true, predicted]):,}"
    if (true, predicted) not in page.choice.cells:
        return count
    told = f"{_told(found, true, predicted)}: {count}"
    return tag("a", count, href=f"#cell-{true}-{predicted}", title=told, aria_label=told)


def _told(found: Confusion, true: int, predicted: int) -> str:
    names = [plainly(found.classes[place], _LONGEST) for place in (true, predicted)]
    if true == predicted:
        return say("report.confusion.right", name=names[0])
    return say("report.confusion.taken", true=names[0], predicted=names[1])


def _mistakes(page: Page, found: Confusion) -> Html:
    """The most frequent ones in words, with a way to their samples; that there are none where there are none."""
    cells = pairs(found.matrix, page.most(_FEW if len(found.classes) <= MATRIX else _MANY))
    if not cells:
        return tag("p", say("report.confusion.none"))
    rows = []
    for true, predicted in cells:
        taken = [class_of(found.classes[true]), " → ", class_of(found.classes[predicted])]
        part = found.matrix[true, predicted] / found.matrix[true].sum()
        rows.append([taken, _link(page, found, true, predicted), share(float(part))])
    heads = [say("report.labelled"), say("report.samples"), say("report.share-of-class")]
    filled = int(np.count_nonzero(found.matrix) - np.count_nonzero(np.diagonal(found.matrix)))
    listed = table(heads, rows, say("report.confusion.most"), right=(1, 2))
    return tag("div", listed, more(len(rows), filled), class_="side")


def _cell(page: Page, found: Confusion, true: int, predicted: int) -> Html:
    answers = found.predictions.answers
    ids = page.choice.cells[true, predicted]
    rows = found.rows(true, predicted)
    rows = rows[::-1][: len(ids)] if true == predicted else rows[: len(ids)]
    entries = [
        Entry(name, labelled(found.classes[true], found.classes[predicted], float(answers.sure[row])))
        for name, row in zip(ids, rows.tolist(), strict=True)
    ]
    entries = pictured(page, entries) or entries[: page.most(len(entries), least=1)]
    title = _told(found, true, predicted)
    count, total = int(found.matrix[true, predicted]), int(found.matrix[true].sum())
    name = plainly(found.classes[true], _LONGEST)
    said = say("report.confusion.count", count=f"{count:,}", share=share(count / total), name=name)
    which = say("report.confusion.least-sure") if true == predicted else say("report.confusion.most-sure")
    return tag(
        "section",
        tag("h3", title),
        tag("p", said, " ", which if len(entries) < count else None),
        gallery(page, entries, [say("report.given-label"), say("report.predicted")], title),
        tag("p", tag("a", say("report.confusion.back"), href="#confusion")),
        id=f"cell-{true}-{predicted}",
        class_="cell",
        aria_label=title,
    )
