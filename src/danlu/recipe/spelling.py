"""Short spellings written out in a tree (see :data:`danlu.recipe.schema.SPELLINGS`), so that every value has one dotted key."""

from __future__ import annotations

from typing import Any

from danlu.recipe.schema import SPELLINGS
from danlu.recipe.shape import alternatives, child
from danlu.recipe.tree import Node, grow, inside


def spell_out(node: Node, annotation: Any) -> None:
    """Write out every short spelling below ``node``, which stands where ``annotation`` is expected. Wrong values stay."""
    write_out(node, annotation)
    for key, item in inside(node):
        below = child(annotation, int(key) if isinstance(node.value, list) else key)
        if below is not None:
            spell_out(item, below)


def write_out(node: Node, annotation: Any) -> None:
    """Write out ``node`` itself."""
    for _, metadata in alternatives(annotation):
        for spelling in (getattr(item, "func", None) for item in metadata):
            if spelling in SPELLINGS:
                node.value = grow(spelling(_view(node)), node.origin).value


def _view(node: Node) -> Any:
    """What a spelling looks at: a scalar, or a mapping in which mappings can be told from other values."""
    if not isinstance(node.value, dict):
        return node.value
    return {key: item.value if isinstance(item.value, dict) else item for key, item in node.value.items()}
