"""A recipe as YAML: every key with its value, defaults too, so that reading it again gives the same recipe.

What is written is read alike by YAML 1.2 and by readers of YAML 1.1 (text that either might take for something else is quoted).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import yaml as pyyaml

from danlu.recipe.schema import Named, OptimizerSection, Recipe, Section
from danlu.recipe.yaml import scalar

_PLAIN = re.compile(r"[\w./~][\w./:+@%= ~-]*")
_YAML_1_1 = pyyaml.resolver.Resolver.yaml_implicit_resolvers
_WIDTH = 110


def dump(recipe: Recipe) -> str:
    """The whole recipe in the order of its schema; ``danlu.recipe.from_text(dump(recipe)) == recipe``."""
    return "".join(f"{line}\n" for line in _section(recipe, ""))


def flow(value: Any) -> str:
    """``value`` on one line, as it would stand in a recipe."""
    if isinstance(value, Named):
        return flow(short(value))
    if isinstance(value, Section):
        value = {key: getattr(value, key) for key in type(value).model_fields}
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return _number(value)
    return _text(value) if isinstance(value, str) else str(value)


def shown(value: Any, width: int = 60) -> str:
    """``value`` for a message, cut where it is long."""
    text = flow(value)
    return text if len(text) <= width else text[: width - 1] + "…"


def short(choice: Named) -> Any:
    """The shortest spelling that is read back as ``choice``."""
    own = Named.model_fields.keys()
    name, value, args = choice.name, choice.value, dict(choice.args)
    if name and name not in own and value is None and not args:
        return name
    if name and name not in own and not args and not isinstance(value, dict):
        return {name: value}
    whole = {key: item for key, item in (("name", name), ("value", value)) if item not in (None, "")}
    if args.keys() & own or not name:
        return {**whole, "args": args}
    return {**whole, **args}


def _section(section: Section, indent: str) -> list[str]:
    lines = []
    spread = isinstance(section, OptimizerSection)
    for key in type(section).model_fields:
        value = getattr(section, key)
        if key == "args" and spread and not value.keys() & type(section).model_fields.keys():
            lines += [f"{indent}{_text(name)}: {flow(item)}" for name, item in value.items()]
        else:
            lines += _entry(key, value, indent)
    return lines


def _entry(key: str, value: Any, indent: str) -> list[str]:
    head = f"{indent}{_text(key)}:"
    if isinstance(value, Section) and not isinstance(value, Named):
        return [head, *_section(value, indent + "  ")]
    line = f"{head} {flow(value)}"
    if len(line) <= _WIDTH or not value or isinstance(value, str):
        return [line]
    if isinstance(value, dict):
        return [head, *(line for name, item in value.items() for line in _entry(name, item, indent + "  "))]
    if isinstance(value, tuple):
        return [head, *(f"{indent}  - {flow(item)}" for item in value)]
    return [line]


def _number(value: float) -> str:
    """The shortest digits that give exactly this number, with a dot, which YAML 1.1 wants."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else "-.inf" if value < 0 else ".inf"
    text = repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _text(text: str) -> str:
    """Text, quoted where it could be taken for anything else."""
    plain = _PLAIN.fullmatch(text) and not re.search(r":( |$)| $", text)
    if plain and scalar(text) == text and not _means_something(text):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _means_something(text: str) -> bool:
    """Whether YAML 1.1 would read a plain ``text`` as a number, a date, yes or no, a merge."""
    resolvers = (*_YAML_1_1.get(text[:1], ()), *_YAML_1_1.get(None, ()))
    return any(pattern.match(text) for _, pattern in resolvers)


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable() and not 0xD800 <= ord(character) <= 0xDFFF:
        return character
    code = ord(character)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
