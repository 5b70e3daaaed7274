"""The samples that a report shows, looked up where the run found them: pictures made small, other values as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from danlu import recipe as recipes
from danlu.errors import DanluError, Problem
from danlu.recipe import names
from danlu.report.facts import Facts
from danlu.report.thumbnails import Thumbnail, thumbnail

if TYPE_CHECKING:
    from danlu.data.dataset import Dataset

_AT_ONCE = 16
_PIXELS = 60_000_000  # that are decoded at most
_CHARACTERS, _TEXT = 80, 400  # of a value; of a text, which is there to be read


@dataclass(frozen=True)
class Seen:
    """One sample. origin: where a person finds it. values: column → text, of inputs that are no picture. boxes: column → (n, 7)."""

    id: str
    origin: str
    picture: Thumbnail | None
    values: Mapping[str, str]
    boxes: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """The run's data and application, opened again."""

    data: Dataset
    task: Any

    def look(
        self, wanted: Iterable[str], room: int, longest: int = 96, told: Mapping[str, Mapping[str, Any]] | None = None
    ) -> dict[str, Seen]:
        """Id → what is shown of it, in the order asked for; pictures until they would take more than ``room`` bytes of the page.

        told: id → its predictions, of samples that the task itself draws, or puts into words, with its prediction beside the truth.
        Ids that the data don't hold (any more) are left out.
        """
        often = Counter(wanted)
        place = {name: row for row, name in enumerate(self.data.ids) if name in often}
        known = [name for name in often if name in place]
        found: dict[str, Seen] = {}
        pixels = 0
        for start in range(0, len(known), _AT_ONCE):
            some = known[start : start + _AT_ONCE]
            for name, values in zip(some, self._values([place[each] for each in some]), strict=True):
                answer = None if told is None else told.get(name)
                picture = self._picture(values, answer) if room > 0 and pixels < _PIXELS else None
                small = None
                if picture is not None:
                    pixels += picture.shape[0] * picture.shape[1]
                    small = thumbnail(picture, longest)
                    room -= len(small.uri) * often[name]
                origin, shown = str(self.data.origins[place[name]]), small if room > 0 else None
                found[name] = self._seen(name, origin, values, shown, answer)
            if room <= 0 and not self._texts:
                break
        return found

    @property
    def _texts(self) -> list[str]:
        return [name for name in self.data.inputs if self.data.kinds[name].name != "image"]

    def _values(self, rows: list[int]) -> Iterator[dict[str, Any]]:
        """Prepared values of all columns, row by row."""
        order = np.argsort(rows, kind="stable")
        at = np.asarray(rows, np.int64)[order]
        gathered = {name: self.data.store.gather(name, at) for name in self.data.kinds}
        back = np.argsort(order, kind="stable")
        for place in back.tolist():
            yield {name: values[place] for name, values in gathered.items()}

    def _picture(self, values: Mapping[str, Any], told: Mapping[str, Any] | None = None) -> np.ndarray | None:
        """What the task shows of the inputs, else the first of them that can be drawn: RGB uint8 (H, W, 3)."""
        given = {name: values[name] for name in self.data.inputs}
        if told is not None and self.task is not None and self.task.drawn_faults:
            given, answers = values, {name: [value] for name, value in told.items()}  # type: ignore[assignment]
            shown = self.task.show(given, answers, 0)
        else:
            shown = None if self.task is None else self.task.show(given)
        if shown is None:
            drawn = (self.data.kinds[name].draw(value) for name, value in given.items())
            shown = next((one for one in drawn if isinstance(one, np.ndarray)), None)
        return shown if shown is not None and shown.size else None

    def _seen(
        self,
        name: str,
        origin: str,
        values: Mapping[str, Any],
        picture: Thumbnail | None,
        answer: Mapping[str, Any] | None = None,
    ) -> Seen:
        kinds = self.data.kinds
        words = self.task.told(values, answer) if answer is not None and self.task is not None else None
        if words is not None:
            return Seen(name, origin, picture, {head: text[:_TEXT] for head, text in words.items()})
        drawn = {each: kinds[each].draw(values[each]) for each in self._texts}
        long = {each: _TEXT if kinds[each].name == "text" else _CHARACTERS for each in drawn}
        told = self.data.card.get("columns", {})  # where the file's own names are
        texts = {
            str(told.get(each, {}).get("called", each)): text[: long[each]]
            for each, text in drawn.items()
            if isinstance(text, str)
        }
        boxes = {each: np.asarray(values[each]) for each in self.data.targets if kinds[each].name == "boxes"}
        return Seen(name, origin, picture, texts, boxes)


def open_source(facts: Facts) -> Source | None:
    """None where the data can't be had any more; the reason is among the report's problems."""
    if facts.spec is None or not facts.columns:
        return None
    from danlu.data.prepare import prepare  # loads torch, as the task does
    from danlu.runs.columns import restore

    try:
        recipe = recipes.resolved(facts.run.folder.recipe)
        data = facts.data or prepare(recipe, facts.spec, kinds=restore(facts.columns).kinds)
        return Source(data, names.load_object(facts.spec.task)(recipe, data))
    except DanluError as error:
        facts.problems.extend(error.problems)
    except Exception as error:  # noqa: BLE001 - columns.json may hold anything, and sources and tasks may be somebody's own
        facts.problems.append(Problem(str(facts.run.path), f"{type(error).__name__}: {error}"))
    return None
