"""Compiling a page of C with the system's compiler, once for each machine, source and compiler; nothing is fetched, no shell is asked.

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
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

TURN = Path(__file__).with_name("turn.h")  # which several pages include
_FLAGS = ("-O3", "-march=native", "-fPIC", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")
_COMPILERS = ("cc", "gcc", "clang")
_LONGEST = 120  # seconds


class NoKernelError(Exception):
    """The library can't be had; why, as a key of ``native.no-kernel`` and its value."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(why, detail)
        self.why, self.detail = why, detail


@dataclass(frozen=True)
class Source:
    """A page of C. path: of the file that is compiled. parts: of what it includes. flags: beside what all are compiled with.

    threads: compiled for OpenMP where the compiler has it and torch's own runtime takes the calls, for one thread else.
    version: what its ``danlu_version()`` gives.
    """

    path: Path
    parts: tuple[Path, ...] = ()
    flags: tuple[str, ...] = ("-std=gnu11",)
    threads: bool = False
    version: int = 1

    @property
    def ways(self) -> tuple[tuple[str, ...], ...]:
        """Flags to try, best first."""
        plain = (*_FLAGS, *self.flags)
        return ((*plain, "-fopenmp"), plain) if self.threads else (plain,)


def built(source: Source, folder: Path | None = None) -> ctypes.CDLL:
    """The library, compiled where it is not there yet. folder: where it lies. Raises NoKernelError."""
    if os.environ.get("DANLU_NATIVE", "1") == "0":
        raise NoKernelError("off")
    if sys.platform not in ("linux", "darwin"):
        raise NoKernelError("system", sys.platform)
    compiler = next((found for name in _COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        raise NoKernelError("compiler")
    *better, last = source.ways
    for flags in better:
        with suppress(NoKernelError):
            return _loaded(source, compiler, flags, folder)
    return _loaded(source, compiler, last, folder)


@cache
def library(source: Source) -> ctypes.CDLL | NoKernelError:
    """The library, or why there is none; asked once in a process, and then remembered."""
    try:
        return built(source)
    except NoKernelError as reason:
        return reason


def _loaded(source: Source, compiler: str, flags: tuple[str, ...], folder: Path | None) -> ctypes.CDLL:
    try:
        place = _own(_cache() if folder is None else folder) / f"{source.path.stem}-{_key(source, compiler, flags)}.so"
        if not place.is_file():
            _compile(source, compiler, flags, place)
        library = ctypes.CDLL(str(place))
        library.danlu_version.restype = ctypes.c_int64
        if library.danlu_version() != source.version:
            raise NoKernelError("load", place.name)
    except OSError as error:
        raise NoKernelError("load", str(error)) from error
    except subprocess.SubprocessError as error:
        raise NoKernelError("failed", str(error)) from error
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
def _key(source: Source, compiler: str, flags: tuple[str, ...]) -> str:
    """Of everything that the library depends on."""
    told = subprocess.run([compiler, "--version"], capture_output=True, timeout=_LONGEST, check=False).stdout
    texts = (path.read_bytes() for path in (source.path, *source.parts))
    parts = (*texts, " ".join(flags).encode(), told, platform.machine().encode(), _features())
    return blake2b(b"\0".join(parts), digest_size=12).hexdigest()


def _features() -> bytes:
    """What this processor can do: a library that was made for another one would be killed on this one."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_bytes().splitlines():
            if line.startswith((b"flags", b"Features")):
                return line
    return platform.processor().encode()


def _compile(source: Source, compiler: str, flags: tuple[str, ...], place: Path) -> None:
    """Linked without OpenMP, whose calls are left to the runtime that torch has loaded: no second one comes."""
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".building-") as folder:
        made, linked = Path(folder) / "made.o", Path(folder) / "made.so"
        _run([compiler, *flags, "-c", "-o", str(made), str(source.path)])
        _run([compiler, "-shared", "-o", str(linked), str(made), "-lm"])
        linked.replace(place)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)
    if done.returncode:
        raise NoKernelError("failed", (done.stderr.strip().splitlines() or [str(done.returncode)])[0])
