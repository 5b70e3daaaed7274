"""The server's addresses: the page, its texts, the diagrams' numbers, the lessons."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from danlu.errors import DanluError
from danlu.messages import LANGUAGES, Language, choose, language, say, set_language
from danlu.messages.texts.learn import TEXTS
from danlu.studio.assets import Asset, assets
from danlu.studio.desk import BusyError, Desk
from danlu.studio.guard import Guard
from danlu.studio.subject import Subject

_FOLDERS = re.compile(r"(?:[A-Za-z]:)?(?:[/\\][^\s/\\'\":;,]+)+[/\\]")


def without_folders(text: str) -> str:
    """A text for the page: of an absolute path only the last part is left."""
    return _FOLDERS.sub("", text)


def application(subject: Subject, bound: str = "127.0.0.1") -> Starlette:
    """bound: the address that the server listens on."""
    desk, held = Desk(), assets()
    spoken = language()

    def asked_for(request: Request) -> Language:
        wanted = request.query_params.get("lang", spoken)
        return next((each for each in LANGUAGES if each == wanted), spoken)

    async def static(request: Request) -> Response:
        found = held.get(request.url.path)
        return _missing() if found is None else _file(request, found)

    async def about(request: Request) -> Response:
        texts = {each: _texts(each) for each in LANGUAGES}
        set_language(spoken)
        return JSONResponse({"language": spoken, "texts": texts, "run": subject.name})

    async def answered(request: Request, work: Callable[[], Any]) -> Response:
        try:
            return JSONResponse(await desk.do(work, asked_for(request)))
        except ValidationError as error:
            fields = ", ".join(sorted({".".join(map(str, each["loc"])) for each in error.errors()}))
            return _problem(400, say("studio.misasked", fields=fields))
        except BusyError as error:
            return _problem(503, error.problems[0].what)
        except DanluError as error:
            texts = (" ".join((each.what, each.remedy)).strip() for each in error.problems)
            return _problem(422, " ".join(texts))

    async def diagrams(request: Request) -> Response:
        return await answered(request, lambda: subject.diagrams(request.query_params.get("of", "")))

    async def lesson(request: Request) -> Response:
        try:
            controls = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError):
            controls = None
        if not isinstance(controls, dict):
            return _problem(400, say("studio.no-json"))
        name, of = request.path_params["name"], request.query_params.get("of", "")
        if not subject.offers(name):
            return _missing()
        return await answered(request, lambda: subject.lesson(name, of, controls, desk.stop))

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        yield
        desk.close()

    routes = [
        Route("/api/about", about, methods=["GET"]),
        Route("/api/diagrams", diagrams, methods=["GET"]),
        Route("/api/lessons/{name}", lesson, methods=["POST"]),
        Route("/{path:path}", static, methods=["GET"]),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Guard, bound=bound)], lifespan=life)
    app.add_exception_handler(Exception, _defect)
    return app


def _texts(name: Language) -> dict[str, str]:
    set_language(name)
    return {key: choose(pair) for key, pair in TEXTS.items()}


def _file(request: Request, found: Asset) -> Response:
    cache = "public, max-age=31536000, immutable" if found.fixed else "no-cache"
    headers = {"ETag": found.tag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    if found.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if found.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=found.kind)
    return Response(found.body, headers=headers, media_type=found.kind)


def _problem(status: int, text: str) -> JSONResponse:
    return JSONResponse({"error": without_folders(text)}, status)


def _missing() -> JSONResponse:
    return _problem(404, say("studio.missing"))


async def _defect(request: Request, error: Exception) -> Response:
    return _problem(500, say("studio.defect", kind=type(error).__name__))
