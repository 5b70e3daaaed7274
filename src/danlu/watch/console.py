"""The live screen of a terminal: epochs scroll by above, the present stands below. The only entry to rich."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from contextvars import copy_context
from typing import TextIO

from rich.console import Console as RichConsole
from rich.console import Group
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.text import Text

from danlu.training.events import Event, FitStarted, Said
from danlu.watch import frame
from danlu.watch.eta import Clock
from danlu.watch.rows import Row, Rows
from danlu.watch.stages import Stage
from danlu.watch.state import State
from danlu.watch.table import Table

REFRESH = 0.5  # seconds between pictures while things happen
IDLE = 1.0  # seconds between pictures while only clocks go on


class Console:
    """A watcher. :meth:`on` only remembers; a thread draws at most twice a second, so that clocks go on while a step
    takes long.

    What others print meanwhile appears above the screen. The terminal is given back as it was by :meth:`close`, also
    where the process ends without calling it. A terminal that goes away ends the drawing, never the training.
    """

    wants_snapshots = False

    def __init__(self, stream: TextIO | None = None, clock: Clock = time.monotonic, refresh: float = REFRESH) -> None:
        self._console = RichConsole(
            file=stream or sys.stdout, force_terminal=True, highlight=False, markup=False, emoji=False, soft_wrap=False
        )
        self.state = State(clock)
        self._rows, self._table = Rows(), Table()
        self._stage: Stage | None = None
        self._began, self._told = clock(), 0
        self._above: list[Text] = []  # lines to be written above the screen
        self._lock = threading.Lock()  # of the state; never held while something is written
        self._live: Live | None = None
        self._thread: threading.Thread | None = None
        self._over, self._gone, self._closed = threading.Event(), False, False
        self._refresh, self._process = refresh, os.getpid()

    def on(self, event: Event) -> None:
        with self._lock:
            row = self._rows.on(event)
            self.state.on(event)
            self._told += 1
            self._stage = None if isinstance(event, FitStarted) else self._stage
        self._show(row)
        if isinstance(event, FitStarted):
            self._start()
        if isinstance(event, Said) and event.level != "warning":
            self._print(Text(event.text, "dim"))

    def progress(self, stage: str, done: int, total: int) -> None:
        """How far a stage of the preparation is. Nothing is shown of one that takes less than two seconds."""
        left_behind: list[Stage] = []
        with self._lock:
            if self._stage is not None and self._stage.name != stage:
                self._stage.end()
                left_behind += [self._stage] if self._stage.shown else []
                self._stage = None
            if self._stage is None:
                self._stage = Stage(stage, done, total, self.state.clock)
            self._stage.tell(done, total)
            self._told += 1
            shown = self._stage.shown
            if self._stage.over:
                left_behind += [self._stage] if shown else []
                self._stage = None
        if shown:
            self._start()
        for old in left_behind:
            self._print(frame.finished(old, self._console.width))

    def close(self) -> None:
        """The last picture stays. May be called more than once."""
        if self._closed or self._process != os.getpid():  # a forked worker that ends is not the end of the screen
            return
        self._closed = True
        with self._lock:
            row = self._rows.flush()
        self._show(row)
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._write_above()
        live, self._live = self._live, None
        width, started = self._console.width, self.state.started is not None
        try:
            if live is not None:
                live.update(frame.summary(self.state, width) if started else Text())
                live.transient = not started
                live.stop()
            if self.state.warnings and not started:
                self._console.print(frame.warned(self.state, width))
        except (OSError, ValueError):
            _give_back_streams()
        atexit.unregister(self.close)
        _screens.discard(self)

    def view(self) -> Text:
        """What stands below now."""
        with self._lock:
            width, state = self._console.width, self.state
            trained = state.ended is not None and self._stage is not None and self._stage.shown
            if state.started is not None and not trained:
                return frame.running(state, width)
            return frame.preparing(self._stage, self._began, state.clock(), width, trained)

    def _start(self) -> None:
        if self._live is not None or self._over.is_set():
            return
        self._live = Live(
            self.view(),
            console=self._console,
            auto_refresh=False,
            redirect_stdout=sys.stdout.isatty(),  # what goes to a file or a pipe goes on going there
            redirect_stderr=sys.stderr.isatty(),
            vertical_overflow="crop",
        )
        try:
            self._live.start(refresh=True)
        except OSError:
            _give_back_streams()
            self._lose()
            return
        atexit.register(self.close)
        _screens.add(self)
        draw = copy_context().run  # a thread starts without the context, in which the language is
        self._thread = threading.Thread(target=draw, args=(self._draw,), name="danlu-screen", daemon=True)
        self._thread.start()

    def _draw(self) -> None:
        drawn, told = 0.0, -1
        while not self._over.wait(self._refresh):
            now = time.monotonic()
            if told == self._told and now - drawn < IDLE:
                continue
            drawn, told = now, self._told
            with _writing:
                self._write_above()
                self._update(self.view())

    def _update(self, picture: Text) -> None:
        try:
            if self._live is not None:
                self._live.update(picture, refresh=True)
        except (OSError, ValueError):
            self._lose()

    def _lose(self) -> None:
        """The terminal is gone."""
        self._gone = True
        self._over.set()

    def _show(self, row: Row | None) -> None:
        if row is not None:
            self._print(*self._table.lines(row, self.state.monitor, self._console.width))

    def _print(self, *lines: Text) -> None:
        """Above the screen: with its next picture, so that epochs of milliseconds wait for no terminal."""
        with self._lock:
            self._above += lines
        if self._live is None:
            self._write_above()

    def _write_above(self) -> None:
        with self._lock:
            lines, self._above = self._above, []
        try:
            if lines and not self._gone:
                self._console.print(Group(*lines))
        except (OSError, ValueError):
            self._lose()


_screens: set[Console] = set()
_writing = threading.Lock()


def _give_back_streams() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, FileProxy):
            setattr(sys, name, stream.rich_proxied_file)


def _in_child() -> None:
    """A forked worker has no drawing thread: what it prints must not go through the screen."""
    _writing.release()
    if _screens:
        _give_back_streams()


if hasattr(os, "register_at_fork"):  # nothing is forked in the middle of a picture, with the stream's lock held
    os.register_at_fork(before=_writing.acquire, after_in_parent=_writing.release, after_in_child=_in_child)
