"""Text files of unknown encoding."""

from __future__ import annotations

import codecs
import errno
import os
import re
import stat
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from danlu.data.room import shown
from danlu.errors import DataError, Problem
from danlu.messages import say

LONGEST_LINE = 16_000_000  # bytes; a line is held in memory whole, and no row is so long
_BLOCK = 1 << 20
_JUDGED = 1 << 16  # characters


@dataclass(frozen=True)
class Examined:
    """A text file's encoding and the digest of its content. nul: the line of its first NUL byte, from 1; 0 where it has none."""

    encoding: str
    digest: str
    nul: int


def encoding_of(path: Path, longest: int | None = LONGEST_LINE) -> tuple[str, str]:
    """(encoding, digest of the content), see :func:`examined`. Raises DataError for NUL bytes too."""
    found = examined(path, longest)
    if found.nul:
        raise nul_in(path, found.nul)
    return found.encoding, found.digest


def nul_in(path: Path | str, line: int) -> DataError:
    """A file, or what a reader can't do without of it, that holds NUL bytes."""
    return DataError(Problem(f"{path}:{line}", say("data.text.nul"), say("data.text.nul.remedy")))


def examined(path: Path, longest: int | None = LONGEST_LINE) -> Examined:
    """The encoding: by a byte order mark, else UTF-8 if the whole file is, else GB18030 if that gives Chinese.

    For readers of rows, which set aside those that hold a NUL byte. longest: bytes that a line may have.
    Raises DataError: no plain file, another encoding, too long a line.
    """
    digest = blake2b(digest_size=16)
    found: _Candidates | None = None
    line = 0  # bytes of the line that isn't ended yet
    done = 0  # lines
    plain_file(path)
    try:
        with path.open("rb") as file:
            while True:
                block = file.read(_BLOCK)
                digest.update(block)
                found = found or _Candidates(path, block)
                found.take(block, done, final=not block)
                if not block:
                    return Examined(found.name, digest.hexdigest(), found.nul)
                end = max(block.rfind(b"\n"), block.rfind(b"\r"))
                line = line + len(block) if end < 0 else len(block) - end - 1
                done += block.count(b"\n")
                if longest is not None and line > longest:
                    raise DataError.of(
                        f"{path}:{done + 1}", say("data.text.line", most=shown(longest)), say("data.text.line.remedy")
                    )
    except OSError as error:
        raise unreadable(path, error) from error


def lines_in(path: Path) -> int:
    """How many lines a file ends: so many rows to expect."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))


def plain_file(path: Path) -> None:
    """Raises DataError for what is no file that has an end: a folder, a pipe, a socket, a device."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise unreadable(path, error) from error
    if stat.S_ISDIR(mode):
        raise unreadable(path, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))
    if not stat.S_ISREG(mode):
        raise DataError.of(str(path), say("data.file.special"), say("data.file.special.remedy"))


def unreadable(path: Path, error: OSError) -> DataError:
    """A file that can't be opened."""
    key = {errno.ENOENT: "data.file.missing", errno.EACCES: "data.file.forbidden", errno.EISDIR: "data.file.folder"}
    what = say(key.get(error.errno or 0, "data.file.unreadable"), reason=error.strerror or error)
    return DataError(Problem(str(path), what))


@dataclass
class _Candidates:
    """The encodings in which everything so far can be read, best first."""

    path: Path
    start: bytes
    decoders: list[tuple[str, codecs.IncrementalDecoder]] = field(init=False)
    judged: int = 0  # characters beyond ASCII that GB18030 gave
    chinese: int = 0  # of them
    within: int = 0  # of them, those with Latin letters at both sides: "größe" in a Western encoding
    nul: int = 0  # line of the first NUL byte

    def __post_init__(self) -> None:
        mark = _marked(self.start)
        self.decoders = [(name, codecs.getincrementaldecoder(name)()) for name in ([mark] if mark else _UNMARKED)]

    @property
    def name(self) -> str:
        return self.decoders[0][0]

    def take(self, block: bytes, lines: int, final: bool) -> None:
        """Raises DataError where no encoding is left. lines: before this block."""
        left = []
        for name, decoder in self.decoders:
            try:
                text = decoder.decode(block, final)
            except UnicodeDecodeError:
                continue
            if name == "gb18030" and not block.isascii():
                self._judge(text)
            left.append((name, decoder))
        self.decoders = left
        unlikely = self.chinese * 2 < self.judged or (0 < self.judged == self.within)
        if self.decoders and self.name == "gb18030" and unlikely:
            self.decoders = []
        if not self.decoders:
            raise DataError.of(str(self.path), say("data.text.encoding"), say("data.text.encoding.remedy"))
        if not self.nul and not self.name.startswith("utf-16") and (place := block.find(b"\0")) >= 0:
            self.nul = lines + block.count(b"\n", 0, place) + 1

    def _judge(self, text: str) -> None:
        """Most of Western text, of Big5 and of UTF-8 can be read as GB18030 too: as rare characters that nobody writes."""
        if self.judged < _JUDGED:
            foreign = [letter for letter in text[:_JUDGED] if letter >= "\x80"]
            usual = "".join(letter for letter in foreign if not any(low <= letter <= high for low, high in _UNUSUAL))
            self.judged += len(foreign)
            self.within += sum(map(len, _WITHIN.findall(text[:_JUDGED])))
            self.chinese += len(usual.encode("gb2312", "ignore")) // 2


_WITHIN = re.compile("(?<=[A-Za-z])[\x80-\U0010ffff]+(?=[A-Za-z])")
_UNUSUAL = (("\u0370", "\u04ff"), ("\u2500", "\u257f"), ("\u3040", "\u30ff"))  # Greek, Cyrillic, frames, kana
_UNMARKED = ("utf-8", "gb18030")


def _marked(start: bytes) -> str | None:
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def decoded(data: bytes, name: str = "") -> tuple[str, str]:
    """(text, encoding) of a whole file's bytes, by the rules of :func:`encoding_of`. Raises DataError."""
    found = _Candidates(Path(name), data)
    found.take(data, 0, final=True)
    if found.nul:
        raise nul_in(name, found.nul)
    return data.decode(found.name), found.name
