"""Who may ask, what is taken, and what every answer carries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from starlette.types import ASGIApp

from danlu.studio import guard
from danlu.studio.app import application
from danlu.studio.guard import BODY, HEADERS, host_name, known_host
from tests.studio.asking import HOST, Pretended, ask, get, lesson

JSON = {"content-type": "application/json"}


def test_every_answer_carries_the_headers(pretend: Callable[..., ASGIApp]) -> None:
    def work(controls: object, stop: object) -> None:
        raise RuntimeError

    app = pretend()
    answers = {
        200: get(app, "/api/about"),
        400: lesson(app, controls=b"["),
        403: get(app, "/", origin="http://evil.example"),
        404: get(app, "/nothing"),
        405: get(app, "/", "DELETE"),
        413: lesson(app, content_length="9999"),
        415: lesson(app, content_type="text/plain"),
        421: get(app, host="evil.example"),
        500: lesson(pretend(work)),
    }
    for status, answer in answers.items():
        assert answer.status == status
        for name, value in HEADERS.items():
            assert answer.headers[name.lower()] == value, (status, name)


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in HEADERS["Content-Security-Policy"].split(";"))
    assert rules.pop("default-src") == "'none'"
    assert rules.pop("img-src") == "'self' data:"
    for name in ("base-uri", "form-action", "frame-ancestors"):
        assert rules.pop(name) == "'none'"
    assert set(rules.values()) == {"'self'"}
    assert HEADERS["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", HOST, "localhost", "localhost:8642", "LocalHost:8642", "[::1]", "[::1]:8642", "127.0.0.1:80"]
)
def test_this_machine_is_known(app: ASGIApp, host: str) -> None:
    assert get(app, "/api/about", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *(None, "", " ", "evil.example", "evil.example:8642", "127.0.0.1.evil.example", "localhost.evil.example"),
        *("evil@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.2", "192.168.0.7:8642", "0.0.0.0", "[::]", "[::2]"),
        *("2130706433", "0x7f000001", "localhost.", "[127.0.0.1", "::1", "127.1", "127.0.0.1, evil.example"),
    ],
)
def test_other_names_are_refused(app: ASGIApp, host: str | None) -> None:
    """A page of another site whose name leads here (DNS rebinding) gives its own name."""
    answer = get(app, "/api/about", host=host)
    assert answer.status == 421
    assert "texts" not in answer.text


def test_beyond_this_machine_any_number_leads_here_but_no_name() -> None:
    for host in ("192.168.0.7:8642", "10.0.0.1", "[fe80::1]:8642", "localhost", "127.0.0.1"):
        assert known_host(host, "0.0.0.0"), host
    for host in ("evil.example", "", "10.0.0.1.evil.example"):
        assert not known_host(host, "0.0.0.0"), host
    assert known_host("workstation:8642", "Workstation")
    assert not known_host("other:8642", "workstation")
    assert get(application(Pretended(), "0.0.0.0"), "/api/about", host="10.1.2.3:8642").status == 200  # type: ignore[arg-type]


def test_names_of_hosts() -> None:
    assert host_name("a.b:1") == "a.b"
    assert host_name("[::1]:8") == "::1"
    assert host_name("[::1") == host_name("") == host_name("a@b") == ""


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://127.0.0.1:9999", "http://localhost:8642", "file://"]
)
def test_pages_of_other_origins_are_refused(app: ASGIApp, origin: str) -> None:
    assert get(app, "/api/about", origin=origin).status == 403
    assert lesson(app, origin=origin).status == 403


def test_the_page_itself_may_ask(pretend: Callable[..., ASGIApp]) -> None:
    assert lesson(pretend(), origin=f"http://{HOST}", sec_fetch_site="same-origin").status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_other_sites_cannot_make_it_compute_but_may_link_to_it(app: ASGIApp, site: str) -> None:
    assert get(app, "/api/diagrams", sec_fetch_site=site).status == 403
    assert get(app, "/", sec_fetch_site=site).status in (200, 404)  # 404: where no page is built


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get"])
def test_other_methods_are_refused(app: ASGIApp, method: str) -> None:
    assert get(app, "/api/about", method).status == 405


@pytest.mark.parametrize(("address", "method"), [("/api/about", "POST"), ("/", "POST"), ("/api/lessons/chain", "GET")])
def test_methods_that_an_address_does_not_have(app: ASGIApp, address: str, method: str) -> None:
    assert asyncio.run(ask(app, address, method, JSON)).status in (404, 405)


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"]
)
def test_only_json_is_taken(app: ASGIApp, kind: str | None) -> None:
    """What a form of another site can send without asking first is none."""
    assert lesson(app, content_type=kind).status == 415


def test_json_by_its_full_name(pretend: Callable[..., ASGIApp]) -> None:
    assert lesson(pretend(), content_type="Application/JSON; charset=utf-8").status == 200


@pytest.mark.parametrize("length", [str(BODY + 1), "-1", "1e3", "abc", "9" * 5000, "²", " 5", "0x10"])
def test_lengths_that_are_too_large_or_none(app: ASGIApp, length: str) -> None:
    assert lesson(app, content_length=length).status == 413


def test_bodies_without_a_length_are_counted(pretend: Callable[..., ASGIApp]) -> None:
    whole = b'{"a": "' + b"x" * (BODY - 9) + b'"}'
    assert len(whole) == BODY

    def status(parts: list[bytes]) -> int:
        return asyncio.run(ask(pretend(), "/api/lessons/chain", "POST", JSON, parts)).status

    assert status([whole[:5000], whole[5000:]]) == 200
    assert status([whole, b" "]) == 413
    assert status([b"x" * 1000] * 100) == 413


def test_a_body_that_does_not_come_is_not_waited_for(app: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SECONDS", 0.02)
    answer = asyncio.run(ask(app, "/api/lessons/chain", "POST", JSON, [b"{"], stalls=True))
    assert answer.status == 408


def test_who_leaves_in_the_middle_of_a_body_asks_nothing(desk: object) -> None:
    subject = Pretended()

    async def leave() -> int:
        left = asyncio.Event()
        left.set()
        app = application(subject, desk=desk)  # type: ignore[arg-type]
        return (await ask(app, "/api/lessons/chain", "POST", JSON, [b'{"a": '], left, stalls=True)).status

    assert asyncio.run(leave()) == 400
    assert subject.asked == []


def test_other_protocols_pass_by() -> None:
    """The server's start and end are told through the same door."""
    seen: list[str] = []

    async def inner(scope: dict[str, str], receive: object, send: object) -> None:
        seen.append(scope["type"])

    asyncio.run(guard.Guard(inner, "127.0.0.1")({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
