"""What a command says: lines and tables for people, or one JSON value for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import PurePath
from typing import Any, TextIO

from danlu.messages.visible import visible


class Output:
    """Where a command writes. With ``as_json``, texts and tables are silent; only :meth:`result` writes, to stdout."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json

    def line(self, text: str = "") -> None:
        """One line for a person, on stdout."""
        if not self.as_json:
            sys.stdout.write(f"{visible(text)}\n")

    def aside(self, text: str) -> None:
        """One line for a person that is no part of the answer, on stderr; also with ``--json``."""
        sys.stdout.flush()
        sys.stderr.write(f"{visible(text)}\n")
        sys.stderr.flush()

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
        """Columns aligned by the width a terminal gives them (a Chinese character takes two cells).

        right: indices of the columns aligned to the right. Cells are printed as they are, without markup.
        """
        if self.as_json:
            return
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for index, head in enumerate(heads):
            table.add_column(Text(head), justify="right" if index in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(visible(cell, line=True)) for cell in row))
        # To a file or a pipe nothing is folded: programs and eyes alike want one row a line.
        width = None if sys.stdout.isatty() else 10_000
        console = Console(file=sys.stdout, width=width, highlight=False)
        with console.capture() as captured:
            console.print(table)
        sys.stdout.write("".join(f"{text.rstrip()}\n" for text in captured.get().splitlines()))

    def result(self, value: Any) -> None:
        """The answer as one line of JSON on stdout (only with ``--json``). See :func:`plain` for what becomes what."""
        if self.as_json:
            sys.stdout.write(f"{to_json(value, sys.stdout)}\n")


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: paths become text, arrays lists, and numbers that are not finite null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, PurePath):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return plain(value.tolist())
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)


def to_json(value: Any, stream: TextIO, indent: int | None = None) -> str:
    """JSON text of ``value`` that ``stream``'s encoding can carry without loss."""
    utf8 = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    return json.dumps(plain(value), ensure_ascii=not utf8, allow_nan=False, indent=indent)


def use_utf8() -> None:
    """Let stdout and stderr carry Chinese also where the locale is C, and never die of a character they can't carry."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:  # replaced by something of the caller's (a test, a notebook)
            continue
        encoding = (stream.encoding or "ascii").lower()
        if encoding in {"ascii", "us-ascii", "ansi_x3.4-1968", "646"}:
            reconfigure(encoding="utf-8", errors="replace")
        else:
            reconfigure(errors="replace")
