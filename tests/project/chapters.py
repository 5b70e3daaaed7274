"""Chapters of the guide, cut into blocks, and how their code is run and what it says compared."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
GIVES = "# → "
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:,\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Block:
    """kind: the word after the fence, "" for none. line: of its first line of content, from 1."""

    kind: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    return [Block(m[1], m[2], page.count("\n", 0, m.start()) + 2) for m in FENCE.finditer(page)]


@dataclass(frozen=True)
class Told:
    """What the page says at a line, and what the code gave."""

    line: int
    expected: str
    found: str

    @property
    def same(self) -> bool:
        return alike(self.expected, self.found)


def run(page: str, name: str) -> list[Told]:
    """Run all ```python blocks of a page, one after the other in one namespace.

    An expression that ends in ``# → …`` is held to what follows the arrow (its repr); what a block prints, to the ```text block behind
    it. A block that prints must have one.
    """
    namespace: dict[str, Any] = {"__name__": name}
    told: list[Told] = []
    found = blocks(page)
    for place, block in enumerate(found):
        if block.kind != "python":
            continue
        printed = io.StringIO()
        with redirect_stdout(printed):
            told += _statements(block, name, namespace)
        behind = found[place + 1] if place + 1 < len(found) else None
        if behind is not None and behind.kind == "text":
            told.append(Told(behind.line, behind.text, printed.getvalue()))
        elif printed.getvalue():
            told.append(Told(block.line, "", printed.getvalue()))
    return told


def _statements(block: Block, name: str, namespace: dict[str, Any]) -> list[Told]:
    told = []
    wanted = _arrows(block.text)
    tree = ast.parse(block.text)
    ast.increment_lineno(tree, block.line - 1)
    for statement in tree.body:
        expected = wanted.pop(statement.end_lineno - block.line + 1 if statement.end_lineno else 0, None)
        if expected is None:
            exec(compile(ast.Module([statement], []), name, "exec"), namespace)
        else:
            assert isinstance(statement, ast.Expr), f"{name}:{statement.lineno}: only an expression gives something"
            value = eval(compile(ast.Expression(statement.value), name, "eval"), namespace)  # noqa: S307 - our own page
            told.append(Told(statement.lineno, expected, repr(value)))
    assert not wanted, f"{name}: an arrow that belongs to no statement"
    return told


def _arrows(text: str) -> dict[int, str]:
    """Line (from 1) → what stands behind its arrow."""
    return {
        token.start[0]: token.string.removeprefix(GIVES)
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT and token.string.startswith(GIVES)
    }


def alike(expected: str, found: str) -> bool:
    """The same text, spaces at the ends of lines aside, with numbers that agree to their last printed digit (one unit of it apart at
    most: machines round differently). Whole numbers are equal.
    """
    expected, found = ("\n".join(line.rstrip() for line in text.strip("\n").splitlines()) for text in (expected, found))
    if _NUMBER.sub("#", expected) != _NUMBER.sub("#", found):
        return False
    pairs = zip(_NUMBER.findall(expected), _NUMBER.findall(found), strict=True)
    return all(one == other or abs(_value(one) - _value(other)) <= 1.001 * _unit(one) for one, other in pairs)


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _unit(number: str) -> float:
    """Of the last printed digit; 0 of a whole number."""
    mantissa, _, exponent = number.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals) if "." in mantissa or exponent else 0.0


def code(block: Block) -> str:
    """A block without what a translation may change: comments of code (but for what an arrow says), spaces of commands."""
    if block.kind == "python":
        arrows = [_NUMBER.sub("#", text) for text in _arrows(block.text).values()]
        return ast.dump(ast.parse(block.text)) + repr(arrows)
    if block.kind in ("sh", "yaml"):
        lines = [re.sub(r"(^|\s+)#.*", "", line).rstrip() for line in block.text.splitlines()]
        return "\n".join(line for line in lines if line)
    return ""


def commands(block: Block) -> list[str]:
    """The command lines of a ```sh block that call danlu, with continued lines joined."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("danlu ")]


def chapters(root: Path, language: str) -> list[Path]:
    return sorted((root / "docs" / language / "guide").glob("[0-9][0-9]-*.md"))
