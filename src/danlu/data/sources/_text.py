"""Text files of unknown encoding."""

from __future__ import annotations

import codecs
import errno
from hashlib import blake2b
from pathlib import Path

from danlu.errors import DataError, Problem
from danlu.messages import say

_BLOCK = 1 << 20


def encoding_of(path: Path) -> tuple[str, str]:
    """(encoding, digest of the content): by a byte order mark, else UTF-8 if the whole file is, else GB18030. Raises DataError."""
    digest = blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            start = file.read(4)
            mark = _marked(start)
            candidates = [mark] if mark else ["utf-8", "gb18030"]
            decoders = [(name, codecs.getincrementaldecoder(name)()) for name in candidates]
            block = start
            while True:
                digest.update(block)
                more = file.read(_BLOCK)
                decoders = [(name, decoder) for name, decoder in decoders if _decodes(decoder, block, final=not more)]
                if not more or not decoders:
                    break
                block = more
    except OSError as error:
        raise unreadable(path, error) from error
    if b"\0" in start and not mark:
        decoders = []
    if not decoders:
        raise DataError.of(str(path), say("data.text.encoding"), say("data.text.encoding.remedy"))
    return decoders[0][0], digest.hexdigest()


def unreadable(path: Path, error: OSError) -> DataError:
    """A file that can't be opened."""
    key = {errno.ENOENT: "data.file.missing", errno.EACCES: "data.file.forbidden", errno.EISDIR: "data.file.folder"}
    what = say(key.get(error.errno or 0, "data.file.unreadable"), reason=error.strerror or error)
    return DataError(Problem(str(path), what))


def _marked(start: bytes) -> str | None:
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, final: bool) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True
