"""The server's addresses: the page, its texts, the diagrams' numbers, the lessons."""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from threading import Event
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from danlu.errors import DanluError
from danlu.messages import LANGUAGES, Language, language, say, set_language
from danlu.messages.texts.learn import TEXTS
from danlu.studio.assets import Asset, assets
from danlu.studio.desk import BusyError, Desk, GoneError
from danlu.studio.guard import Guard
from danlu.studio.subject import Subject

# An absolute path up to its last part: not the slashes of "a/b", of an address, or between numbers.
_FOLDERS = re.compile(r"(?<![A-Za-z0-9/.~])(?:[A-Za-z]:)?(?:[/\\][^\s/\\'\":;,]+)*[/\\](?=[^\s/\\'\":;,])")


def without_folders(text: str) -> str:
    """A text for the page: of an absolute path only the last part is left."""
    return _FOLDERS.sub("", text)


def application(subject: Subject, bound: str = "127.0.0.1", desk: Desk | None = None) -> ASGIApp:
    """bound: the address that the server listens on. desk: where lessons are computed; closed when the server ends."""
    held, spoken = assets(), language()
    desk = desk or Desk()

    def endpoint(
        answer: Callable[[Request, Language], Awaitable[Response]],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            wanted = request.query_params.get("lang", spoken)
            heard = next((each for each in LANGUAGES if each == wanted), spoken)
            set_language(heard)  # for this request alone: each is a task with a context of its own
            return await answer(request, heard)

        return answered

    async def static(request: Request, heard: Language) -> Response:
        found = held.get(request.url.path)
        return _missing() if found is None else _file(request, found)

    async def about(request: Request, heard: Language) -> Response:
        texts = {each: {key: pair[place] for key, pair in TEXTS.items()} for place, each in enumerate(LANGUAGES)}
        return _json({"language": spoken, "texts": texts, "run": subject.name})

    async def computed(request: Request, heard: Language, work: Callable[[Event], Any]) -> Response:
        try:
            return _json(await desk.do(work, heard, lambda: _left(request)))
        except ValidationError as error:
            fields = ", ".join(sorted({".".join(map(str, each["loc"])) for each in error.errors()}))
            return _problem(400, say("studio.misasked", fields=fields))
        except (BusyError, GoneError) as error:
            return _problem(503, error.problems[0].what)
        except DanluError as error:
            texts = (" ".join((each.what, each.remedy)).strip() for each in error.problems)
            return _problem(422, " ".join(texts))

    async def diagrams(request: Request, heard: Language) -> Response:
        of = request.query_params.get("of", "")
        return await computed(request, heard, lambda stop: subject.diagrams(of, stop))

    async def lesson(request: Request, heard: Language) -> Response:
        name, of = request.path_params["name"], request.query_params.get("of", "")
        if not subject.offers(name):
            return _missing()
        try:
            controls = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError):
            controls = None
        if not isinstance(controls, dict):
            return _problem(400, say("studio.no-json"))
        return await computed(request, heard, lambda stop: subject.lesson(name, of, controls, stop))

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        yield
        desk.close()

    app = Starlette(
        routes=[
            Route("/api/about", endpoint(about), methods=["GET"]),
            Route("/api/diagrams", endpoint(diagrams), methods=["GET"]),
            Route("/api/lessons/{name}", endpoint(lesson), methods=["POST"]),
            Route("/{path:path}", endpoint(static), methods=["GET"]),
        ],
        exception_handlers={Exception: _defect},
        lifespan=life,
    )
    return Guard(app, bound)  # outside of everything: the answer to a defect carries its headers too


async def _left(request: Request) -> None:
    """Done when who asked is no longer there."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _file(request: Request, found: Asset) -> Response:
    cache = "public, max-age=31536000, immutable" if found.fixed else "no-cache"
    headers = {"ETag": found.tag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    if found.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if found.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=found.kind)
    return Response(found.body, headers=headers, media_type=found.kind)


def _json(value: Any, status: int = 200) -> JSONResponse:
    return JSONResponse(_finite(value), status, {"Cache-Control": "no-store"})


def _finite(value: Any) -> Any:
    """As JSON can hold it: NaN and the infinities become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def _problem(status: int, text: str) -> JSONResponse:
    return _json({"error": without_folders(text)}, status)


def _missing() -> JSONResponse:
    return _problem(404, say("studio.missing"))


async def _defect(request: Request, error: Exception) -> Response:
    return _problem(500, say("studio.defect", kind=type(error).__name__))
