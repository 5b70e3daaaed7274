"""Writing the file that a person named, without spoiling one that exists."""

from __future__ import annotations

from pathlib import Path

from danlu.errors import DanluError
from danlu.messages import say


def write_new(path: str, text: str, force: bool) -> Path:
    """Write ``text`` as UTF-8. Raises DanluError where the file exists and ``force`` is not given."""
    target = Path(path)
    try:
        with target.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise DanluError.of(path, say("cli.exists"), say("cli.choose-another")) from error
    return target
