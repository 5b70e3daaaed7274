"""A recipe as it was written: plain values, each with the place it came from, before anything is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass
class Node:
    """value: a scalar, a dict of str → Node or a list of Nodes. origin: ``file:line``, ``command line`` or nothing."""

    value: Any
    origin: str = ""


def grow(value: Any, origin: str = "") -> Node:
    """The tree of plain data. Nodes inside stay as they are; a section counts as the keys that were set in it."""
    if isinstance(value, Node):
        return value
    if isinstance(value, BaseModel):
        value = {key: getattr(value, key) for key in type(value).model_fields if key in value.model_fields_set}
    if isinstance(value, Mapping):
        return Node({str(key): grow(item, origin) for key, item in value.items()}, origin)
    if isinstance(value, list | tuple):
        return Node([grow(item, origin) for item in value], origin)
    return Node(value, origin)


def plain(node: Node) -> Any:
    """The data alone."""
    if isinstance(node.value, dict):
        return {key: plain(item) for key, item in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def inside(node: Node) -> Iterator[tuple[str, Node]]:
    """(key or index, node) one level below."""
    if isinstance(node.value, dict):
        yield from node.value.items()
    elif isinstance(node.value, list):
        yield from ((str(index), item) for index, item in enumerate(node.value))


def origins(node: Node, prefix: str = "") -> dict[str, str]:
    """Dotted key → where it was written, in the order of writing; list items by their index (``data.augment.1.value``)."""
    found: dict[str, str] = {}
    for key, item in inside(node):
        if item.origin:
            found[prefix + key] = item.origin
        found |= origins(item, f"{prefix}{key}.")
    return found
