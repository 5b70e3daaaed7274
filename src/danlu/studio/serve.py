"""Listening, until Ctrl-C."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from danlu.errors import DanluError
from danlu.messages import say
from danlu.studio.app import application
from danlu.studio.assets import STATIC
from danlu.studio.desk import Desk
from danlu.studio.guard import LOOPBACK
from danlu.studio.subject import Subject

PORT = 8642
TRIES = 20


class _Server(uvicorn.Server):
    """Ctrl-C and SIGTERM end it, and are not raised again: to stop is what was asked for, not a failure."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        def end(number: int, frame: FrameType | None) -> None:
            self.force_exit = self.should_exit
            self.should_exit = True
            self._desk.stop()  # at once: the server waits for answers that are under way

        before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def listening(host: str, port: int | None) -> socket.socket:
    """A bound socket: ``port`` itself, or where None the first free one from :data:`PORT` on. Raises DanluError."""
    wanted = range(PORT, PORT + TRIES) if port is None else [port]
    refusal: OSError | None = None
    for number in [*wanted, *([0] if port is None else [])]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":  # elsewhere it would share a port that another program listens on
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((host, number))
            made.listen(64)
        except OSError as error:
            made.close()
            refusal = error
            if error.errno == errno.EADDRINUSE:
                continue
            break
        made.set_inheritable(False)
        return made
    reason = (refusal.strerror if refusal else None) or str(refusal)
    where = host if port is None else f"{host}:{port}"
    raise DanluError.of(where, say("studio.no-port", reason=reason), say("studio.no-port.remedy"))


def address(listener: socket.socket) -> str:
    """What to type into a browser."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(subject: Subject, host: str, port: int | None, ready: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted. ready: is told the address once it answers. Raises DanluError."""
    if not (STATIC / "index.html").is_file():
        raise DanluError.of("", say("studio.no-page"), say("studio.no-page.remedy"))
    listener = listening(host, port)
    desk = Desk()
    config = uvicorn.Config(
        application(subject, host, desk),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        loop="asyncio",
        http="h11",
        ws="none",
        limit_concurrency=64,
        h11_max_incomplete_event_size=16_384,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config, desk)

    async def run() -> None:
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            ready(address(listener))
        await serving

    try:
        asyncio.run(run())
    finally:
        listener.close()


def exposed(host: str) -> bool:
    """Whether others than this machine's users can reach the page."""
    try:
        return host not in LOOPBACK and not ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return True


def open_browser(url: str) -> bool:
    """Whether a graphical browser was asked to show it: one in the terminal would take the terminal away."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
