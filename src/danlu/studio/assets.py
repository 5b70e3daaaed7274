"""The built front end, held in memory: what isn't in the folder when the server starts can't be asked for."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).with_name("static")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class Asset:
    """kind: media type. zipped: by gzip, None where that saves nothing. fixed: its name holds its hash, so it never changes."""

    kind: str
    body: bytes
    zipped: bytes | None
    tag: str
    fixed: bool


def asset(path: Path, fixed: bool) -> Asset:
    body = path.read_bytes()
    zipped = None if path.suffix == ".woff2" else gzip.compress(body, 9, mtime=0)
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    return Asset(TYPES[path.suffix], body, zipped, tag, fixed)


def assets(folder: Path = STATIC) -> dict[str, Asset]:
    """Path in an address → asset; "/" is the page."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in TYPES)
    found = {f"/{path.relative_to(folder).as_posix()}": asset(path, "assets" in path.parts) for path in files}
    if "/index.html" in found:
        found["/"] = found.pop("/index.html")
    return found
