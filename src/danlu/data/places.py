"""Where data lie that a recipe only names."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(chosen: str | None = None) -> Path:
    """The folder for prepared and downloaded data: the recipe's, else ``$DANLU_CACHE``, else the user's cache folder."""
    if chosen:
        return Path(chosen).expanduser()
    if own := os.environ.get("DANLU_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "danlu"


def installed(name: str) -> list[Path]:
    """Folders in which a well-known data set may already lie, best first: ``$DANLU_DATA``, the system's, the user's cache."""
    own = os.environ.get("DANLU_DATA")
    roots = [Path(own)] if own else []
    roots += [Path("/usr/share/datasets"), Path("/usr/local/share/datasets"), cache_folder() / "datasets"]
    places = [root / name for root in roots]
    return [roots[0], *places] if own else places
