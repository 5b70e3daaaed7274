"""The watcher that writes ``events.jsonl``: append-only, whole lines or nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from danlu.errors import Problem, RunError
from danlu.messages import say
from danlu.training.events import CheckpointSaved, EvaluationProgress, Event, FitDone, Snapshot
from danlu.watch.history import curves, evaluations, last_attempt, read, records, whole
from danlu.watch.lines import line

__all__ = ["Journal", "curves", "evaluations", "last_attempt", "read", "records"]

PASSING = (EvaluationProgress, Snapshot)  # says nothing that lasts, or far too much
NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Journal:
    """Every event is in the file before :meth:`on` returns, and on the disk after checkpoints and at the end.

    So a killed process loses only the block that the loop was still gathering, and a power cut nothing that a
    checkpoint holds. Opening cuts off the torn last line of an earlier attempt. Raises RunError where the file can't
    be written, or another process is writing it.
    """

    wants_snapshots = False

    def __init__(self, path: str | os.PathLike[str], attempt: int) -> None:
        self.path, self.attempt = Path(path), attempt
        self._file = -1
        try:
            new = not self.path.exists()
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a link or a FIFO is no journal
            self._file = os.open(self.path, flags, 0o666)
            self._claim()
            if (end := whole(self._file)) < os.fstat(self._file).st_size:
                os.ftruncate(self._file, end)
            if new:
                _sync_folder(self.path.parent)
        except OSError as error:
            self._drop()
            raise self._failure(error) from error

    def on(self, event: Event) -> None:
        if isinstance(event, PASSING):
            return
        self._append(line(event, self.attempt))
        if isinstance(event, (CheckpointSaved, FitDone)):
            self.sync()

    def sync(self) -> None:
        """Returns once everything told so far is on the disk."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """May be called more than once."""
        if self._file < 0:
            return
        try:
            self.sync()
        finally:
            self._drop()

    def _append(self, data: bytes) -> None:
        """All of ``data`` or nothing: what was written of a line that can't be ended is taken back."""
        if self._file < 0:
            raise ValueError("the journal is closed")
        before = os.fstat(self._file).st_size
        rest = memoryview(data)
        try:
            while rest:  # once, unless the disk fills up just now
                rest = rest[os.write(self._file, rest) :]
        except BaseException as error:  # Ctrl-C between two writes must leave no half line either
            self._cut(before)
            if isinstance(error, OSError):
                raise self._failure(error) from error
            raise

    def _cut(self, size: int) -> None:
        try:
            os.ftruncate(self._file, size)
        except OSError:
            self._drop()  # nothing may follow half a line; the next opening cuts it off

    def _claim(self) -> None:
        """Of two processes that write one run the second is refused: it would cut the line the first is writing.

        A POSIX lock, for it ends with this process even where its workers live on. Where there are no locks, nothing
        is claimed.
        """
        try:
            import fcntl
        except ImportError:  # Windows
            return
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                self._drop()
                what, remedy = say("watch.journal-in-use"), say("watch.journal-in-use.remedy")
                raise RunError(Problem(str(self.path), what, remedy)) from error

    def _drop(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _failure(self, error: OSError) -> RunError:
        what = say("watch.journal-not-written", reason=error.strerror or str(error))
        remedy = "watch.journal-no-room.remedy" if error.errno in NO_ROOM else "watch.journal-not-written.remedy"
        return RunError(Problem(str(self.path), what, say(remedy)))


def _sync_folder(folder: Path) -> None:
    """So that a new file's name outlives a power cut too."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
