"""Texts for people, in English and Chinese, looked up by key.

``say("recipe.unknown-key", key="epoch", nearest="epochs")`` reads ``messages/texts/recipe.py``: the part of the key before
the first dot names the file, which holds ``TEXTS: dict[str, tuple[str, str]]`` = (English, Chinese) with ``{named}`` places.
A text missing in either language is a failing test, never a silent fallback.
"""

from __future__ import annotations

import importlib
import os
from contextvars import ContextVar
from typing import Literal

from danlu.messages.visible import visible

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


def _from_environment() -> Language:
    """``DANLU_LANG`` first, then the locale; English where neither says Chinese."""
    for name in ("DANLU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


_language: ContextVar[Language | None] = ContextVar("danlu_language", default=None)


def language() -> Language:
    """The language texts are given in: what :func:`set_language` said, else the environment's."""
    return _language.get() or _from_environment()


def set_language(name: Language) -> None:
    if name not in LANGUAGES:
        raise ValueError(f"language {name!r} is not one of {LANGUAGES}")
    _language.set(name)


def say(key: str, /, **values: object) -> str:
    """The text of ``key`` in the current language, with ``values`` filled in, safe to be shown. Raises KeyError for an
    unknown key.

    A whole number chooses between two words: "{rows} {rows:row was|rows were} left out".
    """
    area = importlib.import_module(f"{__name__}.texts.{key.partition('.')[0]}")
    filled = {name: _Count(value) if type(value) is int else value for name, value in values.items()}
    return visible(choose(area.TEXTS[key]).format(**filled))


class _Count(int):
    """A number that can be written as one of two words, see :func:`say`."""

    def __format__(self, spec: str) -> str:
        one, mark, several = spec.partition("|")
        if not mark:
            return super().__format__(spec)
        return one if self == 1 else several


def choose(pair: tuple[str, str]) -> str:
    """Of (English, Chinese) the one in the current language; for texts that an application keeps in its own folder."""
    return pair[LANGUAGES.index(language())]
