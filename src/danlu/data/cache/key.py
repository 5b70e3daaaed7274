"""What a cache is found by: everything that decides its content."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.cache.files import FORMAT
from danlu.data.columns import Coded, Numbers, Numerals, Paths, Picked, Texts
from danlu.data.kinds.base import Kind
from danlu.data.table import Table
from danlu.large.arrays import blocks

_SAMPLES = 64
_LARGE = 64 << 20


def key_of(table: Table, kinds: Mapping[str, Kind], hashed: Sequence[str], values: bool) -> str:
    """32 hex digits, from the table's fingerprint and raw values, the kinds with their specs and versions, and the
    format.
    """
    content = {
        "format": FORMAT,
        "fingerprint": table.fingerprint,
        "rows": len(table),
        "raw": {name: _digest(table.columns[name]) for name in kinds},
        "kinds": {name: kind_of(kind) for name, kind in kinds.items()},
        "hashed": list(hashed),
        "values": values,
    }
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def kind_of(kind: Kind) -> dict[str, Any]:
    """A kind as JSON-able data."""
    target = f"{type(kind).__module__}:{type(kind).__qualname__}"
    storage = kind.storage()
    return {"kind": target, "version": kind.version, "spec": kind.spec(), "layout": storage.layout}


def _digest(raws: Sequence[Any]) -> str:
    """Tells apart two columns of the same file: a fingerprint of files says nothing of which column was chosen as the
    label.

    Numbers and texts are hashed whole; of other values, which the fingerprint covers, a sample is.
    """
    digest = blake2b(digest_size=16)
    if isinstance(raws, Paths):
        digest.update("\0".join(raws.names).encode("utf-8", "surrogatepass"))  # wherever the folder lies
    elif isinstance(raws, Coded):
        digest.update(repr(raws.values).encode())
        digest.update(raws.codes.data)
    elif isinstance(raws, Numbers | Numerals):
        digest.update(f"{type(raws).__name__}{raws.values.dtype.str}{len(raws)}".encode())
        for some in blocks(len(raws), raws.values):
            digest.update(np.ascontiguousarray(raws.values[some]).data)
    elif isinstance(raws, Texts):
        digest.update(raws.digest())
    elif isinstance(raws, Picked):
        digest.update(_digest(raws.column).encode())
        digest.update(raws.rows.data)
    elif isinstance(raws, np.ndarray) and not raws.dtype.hasobject:
        digest.update(f"{raws.dtype.str}{raws.shape}".encode())
        whole = raws if raws.nbytes <= _LARGE else raws[:: max(1, len(raws) // _SAMPLES)]
        digest.update(zlib.crc32(np.ascontiguousarray(whole).data).to_bytes(4, "little"))
    else:
        sampled = range(0, len(raws), max(1, len(raws) // _SAMPLES))
        plain = isinstance(raws, (list, tuple)) and all(isinstance(raws[row], (str, int, float)) for row in sampled)
        shown = map(str, raws) if plain else (_shown(raws[row]) for row in sampled)
        digest.update("\0".join(shown).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _shown(raw: Any) -> str:
    if isinstance(raw, np.ndarray) and not raw.dtype.hasobject:
        return f"{raw.dtype.str}{raw.shape}{zlib.crc32(np.ascontiguousarray(raw).data)}"
    if isinstance(raw, bytes):
        return f"bytes{len(raw)} {zlib.crc32(raw)}"
    plain = (str, int, float, type(None), Path, np.generic, list, tuple, dict)
    return repr(raw) if isinstance(raw, plain) else type(raw).__qualname__  # other reprs may hold an address
