"""Columns on disk, memory-mapped, filled once for each content (house rule 3)."""

from danlu.data.cache.fill import fill
from danlu.data.cache.rows import BadRow, Note
from danlu.data.cache.store import Cache

__all__ = ["BadRow", "Cache", "Note", "fill"]
