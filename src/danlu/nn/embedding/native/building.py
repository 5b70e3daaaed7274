"""Compiling ``rows.c`` with the system's compiler, once for each machine, source and compiler; nothing is fetched, no shell is asked.

The library lies in the user's cache folder. It is written aside and renamed, so that several processes may build at once; a folder that
belongs to somebody else, or that others may write to, is not used.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path

SOURCE = Path(__file__).with_name("rows.c")
VERSION = 1
_FLAGS = (
    *("-O3", "-march=native", "-std=c11", "-shared", "-fPIC", "-ffp-contract=fast"),
    *(
        "-fno-math-errno",
        "-fassociative-math",
        "-fno-signed-zeros",
        "-fno-trapping-math",
    ),  # NaN and infinity stay what they are
)
_COMPILERS = ("cc", "gcc", "clang")
_LONGEST = 120  # seconds


class NoKernelError(Exception):
    """The library can't be had; why, as a key of ``embedding.native`` and its value."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(why, detail)
        self.why, self.detail = why, detail


def built(folder: Path | None = None) -> ctypes.CDLL:
    """The library, compiled where it is not there yet. folder: where it lies. Raises NoKernelError."""
    if os.environ.get("DANLU_NATIVE", "1") == "0":
        raise NoKernelError("off")
    if sys.platform not in ("linux", "darwin"):
        raise NoKernelError("system", sys.platform)
    compiler = next((found for name in _COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        raise NoKernelError("compiler")
    try:
        place = _own(_cache() if folder is None else folder) / f"rows-{_key(compiler)}.so"
        if not place.is_file():
            _compile(compiler, place)
        library = ctypes.CDLL(str(place))
        library.danlu_version.restype = ctypes.c_int64
        if library.danlu_version() != VERSION:
            raise NoKernelError("load", place.name)
    except OSError as error:
        raise NoKernelError("load", str(error)) from error
    return library


def _cache() -> Path:
    root = os.environ.get("DANLU_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "danlu"
    return Path(root) / "native"


def _own(folder: Path) -> Path:
    """The folder, made where it is missing. Raises NoKernelError where others could put something into it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.stat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise NoKernelError("folder", str(folder))
    return folder


@cache
def _key(compiler: str) -> str:
    """Of everything that the library depends on."""
    told = subprocess.run([compiler, "--version"], capture_output=True, timeout=_LONGEST, check=False).stdout
    parts = (SOURCE.read_bytes(), " ".join(_FLAGS).encode(), told, platform.machine().encode(), _features())
    return blake2b(b"\0".join(parts), digest_size=12).hexdigest()


def _features() -> bytes:
    """What this processor can do: a library that was made for another one would be killed on this one."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_bytes().splitlines():
            if line.startswith((b"flags", b"Features")):
                return line
    return platform.processor().encode()


def _compile(compiler: str, place: Path) -> None:
    number, name = tempfile.mkstemp(suffix=".so", dir=place.parent)
    os.close(number)
    try:
        command = [compiler, *_FLAGS, "-o", name, str(SOURCE), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)
        if done.returncode:
            raise NoKernelError("failed", (done.stderr.strip().splitlines() or [str(done.returncode)])[0])
        Path(name).replace(place)
    except subprocess.SubprocessError as error:
        raise NoKernelError("failed", str(error)) from error
    finally:
        Path(name).unlink(missing_ok=True)
