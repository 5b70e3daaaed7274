"""What every request must pass, and what every answer carries: the page is for this machine's user, not for other web sites."""

from __future__ import annotations

import asyncio
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from danlu.messages import say

BODY = 8192  # bytes of a request
DIGITS = 9  # of a body's length
SECONDS = 10.0  # until a request must have arrived whole
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def host_name(value: str) -> str:
    """The name in a Host header or an Origin's authority, without port and brackets; "" where it is none."""
    try:
        return (urlsplit(f"//{value}").hostname or "") if value and "@" not in value else ""
    except ValueError:
        return ""


def known_host(value: str, bound: str) -> bool:
    """Whether a Host header names this server. A page of another site that lets its own name lead here (DNS rebinding) names itself.

    bound: what the server listens on. Beyond loopback any numeric address may lead here: those can't be rebound.
    """
    name = host_name(value)
    if name in LOOPBACK or (name and name == bound.lower()):
        return True
    if bound in LOOPBACK:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """Refuses foreign hosts and origins, bodies that are large, slow or no JSON; sets the headers of :data:`HEADERS`."""

    def __init__(self, app: ASGIApp, bound: str) -> None:
        self._app = app
        self._bound = bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refused = self._refused(scope)
        body = b""
        if refused is None and scope["method"] == "POST":
            try:
                async with asyncio.timeout(SECONDS):
                    found = await _body(receive)
            except TimeoutError:
                found, refused = b"", (408, "studio.too-slow")
            if found is None:
                refused = (413, "studio.too-large")
            body = found or b""
        if refused is not None:
            await PlainTextResponse(say(refused[1]) + "\n", refused[0])(scope, receive, sending)
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, sending)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """(status, key of the reason) where a request is turned away by its head."""
        headers = Headers(scope=scope)
        if not known_host(headers.get("host", ""), self._bound):
            return 421, "studio.other-host"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "studio.other-method"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers.get("host", ""):
            return 403, "studio.other-site"
        if scope["path"].startswith("/api") and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return 403, "studio.other-site"
        if scope["method"] == "POST":
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                return 415, "studio.other-content"
            length = headers.get("content-length", "0")
            if not (length.isascii() and length.isdecimal() and len(length) <= DIGITS and int(length) <= BODY):
                return 413, "studio.too-large"
        return None


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is larger than allowed."""
    found = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return found
        found += bytes(message.get("body", b""))
        if len(found) > BODY:
            return None
        if not message.get("more_body", False):
            return found
