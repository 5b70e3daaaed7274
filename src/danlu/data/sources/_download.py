"""Fetch a file once: resumable, proven by its checksum, moved into place in one step."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from danlu.data.cache.lock import locked
from danlu.data.progress import Pace, Progress
from danlu.errors import DataError
from danlu.messages import say

_BLOCK = 1 << 16
_TIMEOUT = 30.0
_TRIES = 3


def fetch(urls: Sequence[str], target: Path, checksum: str, progress: Progress | None = None) -> Path:
    """``target``, downloaded from the first of ``urls`` that gives it, if it isn't there.

    checksum: "sha256:…" or "md5:…" (what old data sets publish). What a broken connection left in ``target.part`` is continued (HTTP
    Range). Two processes don't disturb each other. Raises DataError: offline, no such file, a checksum that doesn't fit (the
    file is then deleted), a disk that is full.
    """
    if target.exists():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent, f"{target.name}.download", waiting=lambda: None):
            if not target.exists():
                _fetch(urls, target, checksum, progress)
    except OSError as error:
        reason = say("data.download.disk", reason=error.strerror or error)
        raise DataError.of(str(target), reason, say("data.download.disk.remedy")) from error
    return target


def _fetch(urls: Sequence[str], target: Path, checksum: str, progress: Progress | None) -> None:
    part = target.with_name(f"{target.name}.part")
    reasons: list[str] = []
    for url in urls:
        reason = _whole(url, part, progress)
        if reason is None:
            found = _digest(part, checksum)
            if found == checksum:
                part.replace(target)
                return
            part.unlink()
            reason = say("data.download.checksum", found=found, expected=checksum)
        reasons.append(f"{url}: {reason}")
    remedy = say("data.download.failed.remedy", folder=target.parent)
    raise DataError.of(str(target), say("data.download.failed", reasons="; ".join(reasons)), remedy)


def _whole(url: str, part: Path, progress: Progress | None) -> str | None:
    """All of ``url`` in ``part``, taken up again as long as each try brings some of it; the reason where it can't be had."""
    for _ in range(_TRIES):
        before = _size(part)
        reason = _continue(url, part, progress)
        if reason is None or _size(part) <= before:
            return reason
    return reason


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _continue(url: str, part: Path, progress: Progress | None) -> str | None:
    """Fetch what is missing of ``part``; the reason where the connection broke."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            resumed = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            have = have if resumed else 0
            length = answer.headers.get("Content-Length")
            total = have + int(length) if length else 0
            pace = Pace(progress, say("data.downloading", file=part.name.removesuffix(".part")), total)
            with part.open("ab" if resumed else "wb") as file:
                while block := answer.read(_BLOCK):
                    file.write(block)
                    have += len(block)
                    pace(have)
            pace.end(have)
            if total and have < total:
                return say("data.download.short", found=have, expected=total)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # it was complete already, or is of another file: the checksum decides
            return None
        return f"HTTP {error.code} {error.reason}"
    except urllib.error.URLError as error:
        return str(error.reason)
    except (http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
        return str(error) or type(error).__name__
    return None


def _digest(path: Path, like: str) -> str:
    """The file's checksum by the method that ``like`` names."""
    method = like.partition(":")[0]
    digest = hashlib.new(method, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return f"{method}:{digest.hexdigest()}"
