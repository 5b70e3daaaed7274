"""YAML 1.2 as recipes use it: the core schema, no tags, no surprises, every value with its file and line.

PyYAML reads the structure; what a scalar means is decided here, since PyYAML follows YAML 1.1 (``no`` false, ``1e-4`` text, dates).
https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from yaml import events

from danlu.errors import DanluError, Problem, RecipeError
from danlu.messages import say
from danlu.recipe.tree import Node

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_VALUES = 20_000  # with every alias written out: a few lines of aliases of aliases can mean billions

_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + dot: float(sign + "inf") for sign in ("", "+", "-") for dot in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_LONGEST_NUMBER = 400
_MARKS = (b"\xff\xfe", b"\xfe\xff")


def scalar(text: str) -> Any:
    """What a plain (unquoted) scalar means by the core schema: None, bool, int, float or the text itself."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text[2:], {"0o": 8, "0x": 16}[text[:2]]) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def read(path: Path) -> Node:
    """The mapping in a file. Raises RecipeError with ``file:line`` for whatever is not readable as one."""
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise RecipeError.of(str(path), say("recipe.unreadable", reason=error.strerror or error)) from None
    if size > MAX_BYTES:
        raise RecipeError.of(
            str(path), say("recipe.too-large", size=size, limit=MAX_BYTES), say("recipe.too-large.remedy")
        )
    if raw.count(0) * 4 > len(raw) and raw[:2] not in _MARKS:  # UTF-16 or UTF-32 that doesn't say so, or no text at all
        raise RecipeError.of(f"{path}:1", say("recipe.encoding"), say("recipe.encoding.remedy"))
    encoding = "utf-16" if raw[:2] in _MARKS else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RecipeError.of(f"{path}:{line}", say("recipe.encoding"), say("recipe.encoding.remedy")) from None
    return document(text, str(path))


def document(text: str, name: str) -> Node:
    """The mapping that ``text`` holds; ``name`` stands in the origins."""
    root = _Reader(text, f"{name}:").document()
    if not isinstance(root.value, dict):
        if isinstance(root.value, str) and re.match(r"[\w-]+\s*[:：]", root.value):
            raise RecipeError.of(root.origin, say("recipe.yaml.no-colon"), say("recipe.yaml.no-colon.remedy"))
        key = "recipe.empty" if root.value is None else "recipe.not-a-mapping"
        raise RecipeError.of(root.origin or name, say(key), say("recipe.not-a-mapping.remedy"))
    return root


def value(text: str, origin: str) -> Node:
    """One value as it stands after ``key=``: a quoted text, a flow list or mapping, else a scalar taken as it is."""
    text = text.strip()
    return _Reader(text, origin, lines=False).document() if text[:1] in tuple("[{'\"") else Node(scalar(text), origin)


class _Reader:
    """Events → nodes. Each value's origin is the line where its key (in a list: the item itself) stands."""

    def __init__(self, text: str, origin: str, lines: bool = True) -> None:
        self.origin = origin
        self.lines = lines
        self.text = text
        self.anchors: dict[str, Node | None] = {}
        self.values = 0

    def document(self) -> Node:
        try:
            self.events = yaml.SafeLoader(self.text)
            self.next()  # the stream begins
            if self.events.check_event(events.StreamEndEvent):
                return Node(None)
            self.next()  # the document begins
            root = self.node(0)
            self.next()  # the document ends
            extra = self.next()
        except yaml.YAMLError as error:
            raise RecipeError(self.syntax(error)) from None
        if not isinstance(extra, events.StreamEndEvent):
            raise self.refuse(extra, "second-document")
        return root

    def next(self) -> Any:
        return self.events.get_event()  # type: ignore[no-untyped-call]

    def at(self, line: int) -> str:
        return f"{self.origin}{line + 1}" if self.lines else self.origin

    def refuse(self, event: Any, text: str, /, **values: object) -> DanluError:
        return RecipeError.of(
            self.at(event.start_mark.line),
            say(f"recipe.yaml.{text}", **values),
            say(f"recipe.yaml.{text}.remedy", **values),
        )

    def node(self, depth: int) -> Node:
        event = self.next()
        if depth > MAX_DEPTH:
            raise self.refuse(event, "too-deep", limit=MAX_DEPTH)
        self.count(event, 1)
        origin = self.at(event.start_mark.line)
        if isinstance(event, events.AliasEvent):
            return self.alias(event, origin, depth)
        if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
            raise self.refuse(event, "tag", tag=event.tag.replace("tag:yaml.org,2002:", "!!"))
        if event.anchor:
            self.anchors[event.anchor] = None  # not yet whole: an alias inside would have no end
        if isinstance(event, events.SequenceStartEvent):
            node = Node([], origin)
            while not self.events.check_event(events.SequenceEndEvent):
                node.value.append(self.node(depth + 1))
            self.next()
        elif isinstance(event, events.MappingStartEvent):
            node = Node(self.mapping(depth), origin)
        else:
            text: str = event.value
            node = Node(scalar(text) if event.tag is None and event.style is None else text, origin)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def mapping(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not self.events.check_event(events.MappingEndEvent):
            key = self.next()
            if not isinstance(key, events.ScalarEvent):
                raise self.refuse(key, "key")
            if key.value == "<<" and key.style is None:
                raise self.refuse(key, "merge")
            if key.value in found:
                first = found[key.value].origin.rpartition(":")[2]
                raise self.refuse(key, "duplicate", key=key.value, line=first)
            item = self.node(depth + 1)
            found[key.value] = Node(item.value, self.at(key.start_mark.line))  # type: ignore[union-attr]
        self.next()
        return found

    def alias(self, event: Any, origin: str, depth: int) -> Node:
        target = self.anchors.get(event.anchor, event)
        if target is event:
            raise self.refuse(event, "alias", name=event.anchor)
        if target is None:
            raise self.refuse(event, "endless", name=event.anchor)
        return Node(self.copy(target, event, depth).value, origin)

    def copy(self, node: Node, event: Any, depth: int) -> Node:
        """A copy of its own, so that an override of one use of an anchor leaves the others alone."""
        if depth > MAX_DEPTH:
            raise self.refuse(event, "too-deep", limit=MAX_DEPTH)
        self.count(event, 1)
        if isinstance(node.value, dict):
            return Node({key: self.copy(item, event, depth + 1) for key, item in node.value.items()}, node.origin)
        if isinstance(node.value, list):
            return Node([self.copy(item, event, depth + 1) for item in node.value], node.origin)
        return Node(node.value, node.origin)

    def count(self, event: Any, more: int) -> None:
        self.values += more
        if self.values > MAX_VALUES:
            raise self.refuse(event, "too-many", limit=MAX_VALUES)

    def syntax(self, error: yaml.YAMLError) -> Problem:
        """PyYAML's complaint in words that help."""
        if isinstance(error, yaml.reader.ReaderError):
            line = self.text.count("\n", 0, error.position)
            character = f"U+{error.character:04X}" if isinstance(error.character, int) else str(error.character)
            return Problem(
                self.at(line), say("recipe.yaml.character", character=character), say("recipe.yaml.character.remedy")
            )
        reason = str(getattr(error, "problem", None) or error)
        mark = getattr(error, "problem_mark", None)
        key = next((key for sign, key in _COMPLAINTS.items() if sign in reason), "syntax")
        if key in ("bracket", "quote"):
            mark = (
                getattr(error, "context_mark", None) or mark
            )  # where it was opened says more than where the file ends
        where = self.at(mark.line) if mark else self.origin.rstrip(":")
        return Problem(where, say(f"recipe.yaml.{key}", reason=reason), say(f"recipe.yaml.{key}.remedy"))


_COMPLAINTS = {
    r"'\t'": "tab",
    "mapping values are not allowed": "colon",
    "could not find expected ':'": "no-colon",
    "expected <block end>": "indentation",
    "expected ',' or": "bracket",
    "end of stream": "quote",
    "unknown escape": "escape",
    "cannot start any token": "sign",
}
