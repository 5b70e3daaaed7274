"""The one error type people see: where it is, what is wrong, what to do.

Everything that is the user's to mend (recipe, data, disk, a net that does not fit) is raised as a
:class:`DanluError`; it holds one or many :class:`Problem`, so that all mistakes of a recipe are told at once.
Anything else that escapes is a defect of Danlu, and the command line says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from danlu.messages.visible import visible

_LONGEST = 2000  # characters
_FULL = ("。", "！", "？", "；")  # they bring their own space


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    where: ``file:line``, ``column 'x', row 17``, a path or a dotted recipe key; may be empty.
    what: one sentence, already in the reader's language.
    remedy: one sentence that says what to do; may be empty.
    Whatever others wrote into them (a file's name, a label) is made safe to be shown, and cut where
    it has thousands of characters.
    """

    where: str
    what: str
    remedy: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", _cut(visible(self.where, line=True)))
        object.__setattr__(self, "what", _cut(visible(self.what)))
        object.__setattr__(self, "remedy", _cut(visible(self.remedy)))

    def __str__(self) -> str:
        head = f"{self.where}: " if self.where else ""
        gap = "" if self.what.endswith(_FULL) or not self.remedy else " "
        return f"{head}{self.what}{gap}{self.remedy}"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


class DanluError(Exception):
    """One or more problems that a person can mend. ``exit_code`` is what the command line ends with."""

    exit_code = 2

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        if not self.problems:
            raise ValueError("a DanluError needs at least one problem")
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def of(cls, where: str, what: str, remedy: str = "") -> DanluError:
        """Short for an error with a single problem."""
        return cls(Problem(where, what, remedy))


class RecipeError(DanluError):
    """The recipe can't be carried out as written."""


class DataError(DanluError):
    """The data can't be used as they are."""


class RunError(DanluError):
    """A run folder is missing, damaged, in use, or doesn't fit what was asked."""


class TrainingError(DanluError):
    """Training stopped because going on would have spoilt it (NaN, …)."""

    exit_code = 3


class ArtifactError(DanluError):
    """A net can't be exported, or an artifact is damaged, foreign or doesn't fit what is here."""
