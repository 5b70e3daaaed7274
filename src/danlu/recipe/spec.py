"""What a task says about itself before torch is loaded. Each application's ``spec.py`` holds one ``SPEC``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from danlu.recipe.schema import Section


@dataclass(frozen=True)
class Column:
    """A column that a task needs. kind: name of a :mod:`danlu.data.kinds` module; options: given to that kind's constructor.

    role "aside": neither the net nor the loss sees it; it only judges what was learnt. optional: data without it will do.
    also: what such a column is called in people's files, most telling first, before what its kind is called. shared: a column that
    takes the rest of a file's takes this one too (the user of a click is looked at, and judged by).
    """

    kind: str
    role: Literal["input", "target", "aside"]
    options: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False
    also: tuple[str, ...] = ()
    shared: bool = False


@dataclass(frozen=True)
class TaskSpec:
    """An application, without torch.

    name: as written in a recipe. title: (English, Chinese). columns: in the order in which inputs are given to the net.
    defaults: nested recipe values that hold where the user says nothing; nets: net → section → keys whose defaults are others with
    that net (what it learns by). options: class of the recipe's ``options``.
    task: ``module:Class`` of the :class:`danlu.tasks.base.Task`, imported only when a run is assembled.
    decoder: ``module:Class`` of the :class:`danlu.tasks.decoding.Decoder`, torch-free; that of numbers and categories suits most.
    monitor: metric whose best weights are kept, with +1 where larger is better, -1 where smaller is.
    unused: dotted keys that mean nothing to this task; to set one is refused rather than passed over.
    example: a commented recipe in YAML for ``danlu new``.
    disjoint: target category none of whose classes may be in two parts: the split divides classes, and what the source says otherwise
    is refused.
    divide: ``module:function`` of the application's own division into parts, (recipe, table) → :class:`danlu.data.dividing.Divided`,
    given ``progress`` as well where it takes that, for rows that can't be exchanged (a user's items). clean: ``module:function``,
    (recipe, table) → table, without the rows that the application leaves out of its own data before they are divided. alike: columns
    by whose content rows are equal; empty: the inputs.
    """

    name: str
    title: tuple[str, str]
    columns: Mapping[str, Column]
    task: str
    monitor: tuple[str, Literal[1, -1]]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    nets: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    options: type[Section] = Section
    unused: tuple[str, ...] = ()
    example: str = ""
    decoder: str = "danlu.tasks.decoding:ByTarget"
    disjoint: str | None = None
    divide: str = ""
    clean: str = ""
    alike: tuple[str, ...] = ()
    chancy: bool = False
