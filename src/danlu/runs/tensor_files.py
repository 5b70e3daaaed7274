"""Tensors and arrays as files hold them: safetensors, npy, npz. Never a pickle."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from danlu.errors import DataError
from danlu.messages import say

ENDINGS = (".safetensors", ".npy", ".npz")


def read(path: Path) -> Any:
    """An array (npy), or name → tensor or array, in the file's order. Raises DataError where it can't be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix.lower() == ".safetensors":
            return load_file(path)
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            return {name: found[name] for name in found.files}
    except FileNotFoundError as error:
        raise DataError.of(str(path), say("inspection.file-missing")) from error
    except (OSError, EOFError, ValueError, SafetensorError, zipfile.BadZipFile) as error:
        raise DataError.of(str(path), say("inspection.file-unreadable", reason=error)) from error
