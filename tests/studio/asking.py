"""Asking an application as a server would, message by message: bodies in parts, slow ones, and people who leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

HOST = "127.0.0.1:8642"


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: BaseException | None = None  # what the application raised after its answer

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: ASGIApp,
    address: str = "/",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: Iterable[bytes] = (),
    left: asyncio.Event | None = None,
    stalls: bool = False,
) -> Answer:
    """left: who asks leaves when it is set. stalls: the body's last part never comes. Header None: left out."""
    path, _, query = address.partition("?")
    given: dict[str, Any] = {"host": HOST} | dict(headers or {})
    parts = list(body) or [b""]
    answer, done = Answer(), asyncio.Event()
    left = left or asyncio.Event()

    async def receive() -> Message:
        if parts:
            part = parts.pop(0)
            if part or not stalls:
                return {"type": "http.request", "body": part, "more_body": bool(parts) or stalls}
        if stalls:
            await left.wait()
        waits = [asyncio.ensure_future(each.wait()) for each in (done, left)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")
            if not message.get("more_body", False):
                done.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), str(value).encode()) for name, value in given.items() if value is not None],
        "server": ("127.0.0.1", 8642),
        "client": ("127.0.0.1", 50000),
    }
    try:
        await app(scope, receive, send)
    except Exception as error:  # noqa: BLE001 - a server writes it to its log
        answer.error = error
    return answer


def get(app: ASGIApp, address: str = "/", method: str = "GET", **headers: str | None) -> Answer:
    """``get(app, "/", if_none_match="…")``."""
    return asyncio.run(ask(app, address, method, _named(headers)))


def lesson(app: ASGIApp, name: str = "chain", controls: Any = None, query: str = "", **headers: str | None) -> Answer:
    """controls: a value, or bytes as they are."""
    body = controls if isinstance(controls, bytes) else json.dumps({} if controls is None else controls).encode()
    given = {"content-type": "application/json", "content-length": str(len(body))} | _named(headers)
    return asyncio.run(ask(app, f"/api/lessons/{name}{query}", "POST", given, [body]))


def _named(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


class Pretended:
    """Stands for a subject: its lesson does what ``work`` does."""

    name = "pretended"

    def __init__(self, work: Any = None) -> None:
        self.work = work
        self.asked: list[tuple[str, str, Any]] = []

    def offers(self, lesson: str) -> bool:
        return lesson == "chain"

    def diagrams(self, of: str, stop: Event) -> dict[str, Any]:
        return {"of": of}

    def lesson(self, name: str, of: str, controls: Mapping[str, Any], stop: Event) -> Any:
        self.asked.append((name, of, dict(controls)))
        return {"done": True} if self.work is None else self.work(controls, stop)
