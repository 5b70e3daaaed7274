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
    """kind: media type. zipped: by gzip, None where that saves nothing. tag: an entity tag, weak since both forms have it. fixed: its
    name holds its hash, so it never changes.
    """

    kind: str
    body: bytes
    zipped: bytes | None
    tag: str
    fixed: bool


def asset(path: Path, fixed: bool) -> Asset:
    body = path.read_bytes()
    packed = gzip.compress(body, 9, mtime=0)
    zipped = packed if len(packed) < len(body) else None
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    return Asset(TYPES[path.suffix], body, zipped, tag, fixed)


def assets(folder: Path = STATIC) -> dict[str, Asset]:
    """Path in an address → asset; "/" is the page."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in TYPES)
    inside = {path: path.relative_to(folder) for path in files}
    found = {f"/{name.as_posix()}": asset(path, "assets" in name.parts) for path, name in inside.items()}
    if "/index.html" in found:
        found["/"] = found.pop("/index.html")
    return found
