"""Which texts of the dictionary the source and the page name, read off their code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Formatter

CHINESE = re.compile("[\u3400-\u9fff\uff01-\uff5e\u3001-\u3011]")  # punctuation too
WORDS = re.compile("[\u3400-\u9fff]")


def places(text: str) -> set[str]:
    """Names of the {places} in a text."""
    return {name.partition(".")[0].partition("[")[0] for _, name, _, _ in Formatter().parse(text) if name is not None}


@cache
def trees(source: Path) -> dict[Path, ast.Module]:
    """Every module but the dictionary's own."""
    found = (path for path in sorted(source.rglob("*.py")) if path.parent.name != "texts")
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in found}


@dataclass
class Named:
    """whole: string literals. patterns: regular expression of a key that has places → where it stands; a place is a group.
    words: what a place may stand for: literals, names of modules, fields, arguments and functions.
    """

    whole: set[str] = field(default_factory=set)
    patterns: dict[str, str] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)

    def uses(self, key: str) -> bool:
        """Whether the key stands somewhere, whole or as a pattern whose places are words of the source."""
        found = (re.fullmatch(pattern, key) for pattern in self.patterns)
        return key in self.whole or any(m is not None and all(map(self._word, m.groups())) for m in found)

    def _word(self, text: str) -> bool:
        return text.isdigit() or text in self.words


@cache
def in_source(source: Path, areas: tuple[str, ...]) -> Named:
    """What Python names. A pattern is an f-string that begins with an area and a dot, and has no spaces."""
    named = Named()
    for path, tree in trees(source).items():
        named.words.add(path.stem)
        for node in ast.walk(tree):
            match node:
                case ast.Constant(value=str(text)):
                    named.whole.add(text)
                case ast.FunctionDef(name=text) | ast.ClassDef(name=text) | ast.arg(arg=text):
                    named.words.add(text)
                case ast.AnnAssign(target=ast.Name(id=text)) | ast.keyword(arg=str(text)):
                    named.words.add(text)
                case ast.JoinedStr(values=[ast.Constant(value=str(head)), *_] as values) if head.startswith(areas):
                    parts = [re.escape(str(v.value)) if isinstance(v, ast.Constant) else "(.+)" for v in values]
                    if " " not in "".join(parts):
                        named.patterns["".join(parts)] = f"{path.relative_to(source)}:{node.lineno}"
    named.words |= named.whole
    named.words |= {word.replace("_", "-") for word in named.words} | {word.lstrip("-") for word in named.words}
    return named


def in_page(page: Path, words: set[str]) -> Named:
    """What the page's sources name: 'learn.x', and `learn.x.${place}`, whose places are words of its own or of the server's."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(page.rglob("*.*")))
    named = Named(whole=set(re.findall(r"""['"](learn\.[a-z0-9.-]+)['"]""", text)))
    for key in re.findall(r"`(learn\.[^`]*)`", text):
        named.patterns["(.+)".join(map(re.escape, re.split(r"\$\{[^}]*\}", key)))] = key
    named.words = words | set(re.findall(r"""['"]([\w-]+)['"]""", text)) | set(re.findall(r"\b(\w+):", text))
    return named


def said(source: Path) -> Iterator[tuple[str, str, set[str] | None]]:
    """(where, key, keywords) of every ``say("literal", …)``; keywords None where ``**`` is used.

    Of ``say(f"area.{name}") for name in ("a", "b")`` each key that comes of it.
    """
    for path, tree in trees(source).items():
        for node, loops in _with_loops(tree):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say" and node.args
            ):
                continue
            names = [keyword.arg for keyword in node.keywords]
            given = None if None in names else {name for name in names if name is not None}
            for key in _values(node.args[0], loops):
                yield f"{path.relative_to(source)}:{node.lineno}", key, given


Loops = dict[str, list[str]]


def _with_loops(tree: ast.AST) -> Iterator[tuple[ast.AST, Loops]]:
    """Every node with the names that run over literals there."""
    waiting: list[tuple[ast.AST, Loops]] = [(tree, {})]
    while waiting:
        node, loops = waiting.pop()
        over: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.For):
            over = [(node.target, node.iter)]
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
            over = [(each.target, each.iter) for each in node.generators]
        for target, values in over:
            if isinstance(target, ast.Name) and isinstance(values, ast.Tuple | ast.List):
                texts = [each.value for each in values.elts if isinstance(each, ast.Constant)]
                if len(texts) == len(values.elts) and all(isinstance(text, str) for text in texts):
                    loops = loops | {target.id: [str(text) for text in texts]}
        yield node, loops
        waiting.extend((child, loops) for child in ast.iter_child_nodes(node))


def _values(key: ast.expr, loops: Loops) -> list[str]:
    """The texts that an expression can be, where the code says so; else none."""
    match key:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=one, orelse=other):
            return [*_values(one, loops), *_values(other, loops)]
        case ast.JoinedStr(values=[ast.Constant(value=str(head)), ast.FormattedValue(value=ast.Name(id=name)), *rest]):
            tails = [each.value for each in rest if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if name in loops and len(tails) == len(rest):
                return [head + text + "".join(tails) for text in loops[name]]
    return []


def said_by_page(page: Path) -> Iterator[tuple[str, str, set[str]]]:
    """(file, key, names of the places given) of every t('key'), t('key', { a: …, b }) of the page."""
    for path in sorted(page.rglob("*.*")):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"\bt\('(learn\.[^']+)'(?:,\s*\{|\))", text):
            inside = "" if match[0].endswith(")") else _balanced(text, match.end())
            yield path.name, match[1], {part.partition(":")[0].strip() for part in _parts(inside) if part.strip()}


def _balanced(text: str, start: int) -> str:
    """What stands between the brace before ``start`` and its partner."""
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return text[start:place]
    raise AssertionError("a brace without its partner")


def _parts(text: str) -> list[str]:
    """Split at the commas that stand in no brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(char, 0)
        if char == "," and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def pairs(source: Path) -> Iterator[tuple[str, str, str]]:
    """(where, English, Chinese) of every pair of literals outside the dictionary: texts that an application keeps itself."""
    for path, tree in trees(source).items():
        for node in ast.walk(tree):
            match node:
                case ast.Tuple(elts=[ast.Constant(value=str(one)), ast.Constant(value=str(other))]) if CHINESE.search(
                    one + other
                ):
                    yield f"{path.relative_to(source)}:{node.lineno}", one, other


def alone(source: Path) -> Iterator[tuple[str, str]]:
    """(where, literal) of Chinese that stands in no pair; docstrings aside."""
    for path, tree in trees(source).items():
        passed: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Tuple) and len(node.elts) == 2:
                passed |= {id(each) for part in node.elts for each in ast.walk(part)}
            elif isinstance(node, ast.Expr):
                passed.add(id(node.value))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
                yield from [(f"{path.relative_to(source)}:{node.lineno}", node.value)] * bool(WORDS.search(node.value))
