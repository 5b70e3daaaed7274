"""Addresses and what they answer: lessons, languages, mistakes, files."""

from __future__ import annotations

import asyncio
import gzip
import json
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from danlu.errors import DanluError, RunError
from danlu.learn.chain import WEIGHTS, ChainAsked, chain
from danlu.messages import LANGUAGES, language, say, set_language
from danlu.messages.texts.learn import TEXTS
from danlu.studio import app as app_module
from danlu.studio.app import application, without_folders
from danlu.studio.assets import Asset, assets
from danlu.studio.desk import Desk
from danlu.studio.subject import LESSONS, Subject
from tests.studio.asking import HOST, Answer, Pretended, ask, get, lesson

JSON = {"content-type": "application/json"}


def test_a_lesson_is_answered(app: ASGIApp) -> None:
    controls = {"inputs": [0.5, -1], "chosen": 7}
    answer = lesson(app, "chain", controls)
    assert answer.status == 200
    assert answer.json() == json.loads(json.dumps(chain(ChainAsked(inputs=(0.5, -1.0), chosen=7))))
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert lesson(app, "chain", b"").json() == json.loads(json.dumps(chain(ChainAsked())))


@pytest.mark.parametrize("name", LESSONS)
def test_every_lesson_and_the_diagrams_of_the_small_net(app: ASGIApp, name: str) -> None:
    said = lesson(app, name).json()
    assert said
    wanted = {"chain": "links", "slope": "layers", "activation": "units", "rate": "finder"}[name]
    assert said[wanted]
    assert get(app, "/api/diagrams").json()["name"] is None
    assert get(app, "/api/diagrams?of=run").json()["data"]["source"] == "spiral"


@pytest.mark.parametrize("name", ["none", "Chain", "chain%00", "..%2fabout", "chain%2f", "rate.json", "%E9%93%BE"])
def test_there_are_no_other_lessons(app: ASGIApp, name: str) -> None:
    assert lesson(app, name).status in (404, 405)  # 405: a file's address


@pytest.mark.parametrize(
    "body",
    [
        *(b"[", b"{", b"[]", b"1", b"null", b'"x"', b"{} {}", b"\xff\xfe{}", b"\x00", b"{'a': 1}", b'{"a": 1,}'),
        *(b"[" * 8000, b'{"a":' * 1600, b'{"rate": ' + b"9" * 6000 + b"}", "{“a”: 1}".encode()),
    ],
)
def test_what_is_no_json_object_is_refused(app: ASGIApp, body: bytes) -> None:
    answer = lesson(app, "chain", body)
    assert answer.status == 400
    assert answer.json() == {"error": "The request is not a JSON object."}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"rate": NaN}', "rate"),
        (b'{"rate": Infinity}', "rate"),
        (b'{"rate": 1e999}', "rate"),
        (b'{"rate": -1}', "rate"),
        (b'{"rate": "fast"}', "rate"),
        (b'{"rate": null}', "rate"),
        (b'{"inputs": [0, -3]}', "inputs.1"),
        (b'{"inputs": [0, [0, [0]]]}', "inputs.1"),
        (b'{"inputs": {"0": 1}}', "inputs"),
        (b'{"weights": [1, 2]}', "weights"),
        (b'{"speed": 1}', "speed"),
        (b'{"__class__": 1}', "__class__"),
        (b'{"self": 1}', "self"),
        (b'{"": 1}', ""),
    ],
)
def test_other_controls_are_named(app: ASGIApp, body: bytes, field: str) -> None:
    answer = lesson(app, "chain", body)
    assert answer.status == 400
    assert answer.json()["error"] == f"These controls have no such value: {field}."


CONTROLS = st.dictionaries(
    st.sampled_from(["inputs", "target", "weights", "chosen", "rate", "other"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=WEIGHTS) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=20,
    ),
)


def test_whatever_is_asked_is_answered_or_refused_never_a_defect(app: ASGIApp) -> None:
    @settings(max_examples=60)
    @given(CONTROLS)
    def holds(controls: dict[str, Any]) -> None:
        answer = lesson(app, "chain", controls)
        assert answer.status in (200, 400, 413)
        assert answer.error is None

    holds()


def test_numbers_that_are_none_become_null(pretend: Callable[..., ASGIApp]) -> None:
    def work(controls: object, stop: object) -> Any:
        return {"a": float("nan"), "b": [1.5, float("inf"), (float("-inf"), 2)], "c": {"d": np.float64("nan")}}

    assert lesson(pretend(work)).json() == {"a": None, "b": [1.5, None, [None, 2]], "c": {"d": None}}


def test_all_texts_in_both_languages(app: ASGIApp) -> None:
    said = get(app, "/api/about").json()
    assert said["language"] == "en"
    assert said["run"] is None
    assert said["texts"] == {
        name: {key: pair[place] for key, pair in TEXTS.items()} for place, name in enumerate(LANGUAGES)
    }


def problem(controls: object, stop: object) -> None:
    raise DanluError.of("", say("learn.too-slow"), say("learn.use-builtin"))


TOO_SLOW = {
    name: f"{TEXTS['learn.too-slow'][place]} {TEXTS['learn.use-builtin'][place]}"
    for place, name in enumerate(LANGUAGES)
}


@pytest.mark.parametrize("name", LANGUAGES)
def test_each_request_is_answered_in_its_language(pretend: Callable[..., ASGIApp], name: str) -> None:
    app, before, query = pretend(problem), language(), f"?lang={name}"
    assert lesson(app, query=query).json()["error"] == TOO_SLOW[name]
    expected = dict(zip(LANGUAGES, ("The request is not a JSON object.", "请求不是 JSON 对象。"), strict=True))
    assert lesson(app, "chain", b"[", query).json()["error"] == expected[name]
    expected = dict(zip(LANGUAGES, ("There is nothing at this address.", "此地址没有内容。"), strict=True))
    assert get(app, f"/nothing{query}").json()["error"] == expected[name]
    assert language() == before
    assert lesson(app).json()["error"] == TOO_SLOW["en"]
    assert lesson(app, query="?lang=fr").json()["error"] == TOO_SLOW["en"]


def test_languages_of_requests_at_the_same_time_do_not_mix(pretend: Callable[..., ASGIApp]) -> None:
    app = pretend(problem)

    async def many() -> list[Answer]:
        return await asyncio.gather(
            *(
                ask(app, f"/api/lessons/chain?lang={name}", "POST", JSON, [b"{}"])
                for name in (*LANGUAGES, "en", "zh", "zh")
            )
        )

    said = [answer.json()["error"] for answer in asyncio.run(many())]
    assert said == [TOO_SLOW[name] for name in ("en", "zh", "en", "zh", "zh")]


def test_the_language_of_the_command_is_the_default(desk: Desk) -> None:
    set_language("zh")
    app = application(Pretended(problem), desk=desk)  # type: ignore[arg-type]
    set_language("en")
    assert lesson(app).json()["error"] == TOO_SLOW["zh"]
    assert get(app, "/api/about").json()["language"] == "zh"


SECRET = "/home/somebody/secret project/runs"


@pytest.mark.parametrize("kind", [RunError, RuntimeError, OSError, KeyError])
def test_errors_tell_no_folder(pretend: Callable[..., ASGIApp], kind: type[Exception]) -> None:
    def work(controls: object, stop: object) -> None:
        if kind is RunError:
            raise RunError.of(f"{SECRET}/fashion", f"{SECRET}/fashion is damaged", f"danlu resume '{SECRET}/fashion'")
        raise kind(f"{SECRET}/fashion")

    answer = lesson(pretend(work))
    assert answer.status == (422 if kind is RunError else 500)
    assert "/home" not in answer.text
    assert "somebody" not in answer.text
    if kind is not RunError:
        assert kind.__name__ in answer.json()["error"]
        assert isinstance(answer.error, kind)  # for the server's log


def test_a_run_that_cannot_be_read_tells_no_folder(tmp_path: Path, desk: Desk) -> None:
    run = tmp_path / "some" / "run"
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text("task: image-classification\ndata: {source: /nowhere/at/all}\n", encoding="utf-8")
    app = application(Subject(run), desk=desk)
    for answer in (get(app, "/api/diagrams"), lesson(app, "slope"), get(app, "/api/diagrams?lang=zh")):
        assert answer.status == 422
        assert answer.json()["error"]
        assert str(tmp_path) not in answer.text
        assert "/nowhere/" not in answer.text


NAMES = st.text(string.ascii_letters + string.digits + "-_.训练é", min_size=1, max_size=8).filter(
    lambda name: set(name) - {"."}
)


@given(st.lists(NAMES, min_size=1, max_size=5), st.sampled_from(["/", "\\", "C:\\", "D:/"]))
def test_of_an_absolute_path_the_last_part_is_left(parts: list[str], root: str) -> None:
    between = "\\" if root.endswith("\\") else "/"
    path = root + between.join(parts)
    for text in ("{}: gone", "in '{}' now", '"{}"', "文件{}损坏", "({})", "a={}", "at {}:12"):
        assert without_folders(text.format(path)) == text.format(parts[-1])


@pytest.mark.parametrize(
    "text",
    [
        "runs/fashion",
        "see docs/en/a.md",
        "https://a.org/b/c.html",
        "1/2",
        "n/a",
        "w / b",
        "./runs/x",
        "../x/y",
        "3×3 / 2",
        "~/x/y",
    ],
)
def test_other_slashes_stay(text: str) -> None:
    assert without_folders(text) == text


def blocked(number: int) -> tuple[Callable[[Mapping[str, Any], Event], Any], Event, Event]:
    """(a lesson that runs until it is let go, begun, go)."""
    begun, go = Event(), Event()

    def work(controls: Mapping[str, Any], stop: Event) -> Any:
        begun.set()
        assert go.wait(60)
        return {"number": controls.get("number")}

    return work, begun, go


def test_more_than_eight_at_a_time_are_turned_away_in_their_language(pretend: Callable[..., ASGIApp]) -> None:
    work, begun, go = blocked(0)
    app = pretend(work)

    async def many() -> tuple[list[Answer], list[Answer]]:
        def one(number: int, query: str = "") -> Any:
            return ask(app, f"/api/lessons/chain{query}", "POST", JSON, [json.dumps({"number": number}).encode()])

        first = [asyncio.ensure_future(one(number)) for number in range(8)]
        await asyncio.to_thread(begun.wait, 60)
        late = [await one(8), await one(9, "?lang=zh")]
        go.set()
        return list(await asyncio.gather(*first)), late

    answers, late = asyncio.run(many())
    assert [answer.status for answer in answers] == [200] * 8
    assert [answer.json()["number"] for answer in answers] == list(range(8))
    assert [answer.status for answer in late] == [503, 503]
    assert [answer.json()["error"] for answer in late] == [
        "Too much is being computed already; try again in a moment.",
        "正在进行的计算太多，请稍后再试。",
    ]
    assert lesson(app, controls={"number": 5}).json() == {"number": 5}  # there is room again


def test_a_lesson_ends_when_nobody_waits_for_it_and_one_that_waits_is_not_begun(desk: Desk) -> None:
    begun, ended = Event(), Event()

    def work(controls: Mapping[str, Any], stop: Event) -> Any:
        if "long" in controls:
            begun.set()
            assert stop.wait(60)
            ended.set()
        return {"number": controls.get("number")}

    subject = Pretended(work)
    app = application(subject, desk=desk)  # type: ignore[arg-type]

    async def leave() -> Answer:
        first, second = asyncio.Event(), asyncio.Event()
        running = asyncio.ensure_future(ask(app, "/api/lessons/chain", "POST", JSON, [b'{"long": 1}'], first))
        await asyncio.to_thread(begun.wait, 60)
        waiting = asyncio.ensure_future(ask(app, "/api/lessons/chain", "POST", JSON, [b'{"number": 1}'], second))
        await asyncio.sleep(0)
        second.set()
        await waiting
        assert not ended.is_set()
        first.set()
        await running
        return await ask(app, "/api/lessons/chain", "POST", JSON, [b'{"number": 2}'])

    answer = asyncio.run(leave())
    assert ended.is_set()
    assert answer.json() == {"number": 2}
    assert [controls for _, _, controls in subject.asked] == [{"long": 1}, {"number": 2}]


def test_when_the_server_ends_nobody_is_kept_waiting(desk: Desk) -> None:
    begun, ended, go = Event(), Event(), Event()

    def work(controls: Mapping[str, Any], stop: Event) -> None:
        begun.set()
        assert stop.wait(60)
        assert go.wait(60)  # it takes its time to notice
        ended.set()

    app = application(Pretended(work), desk=desk)  # type: ignore[arg-type]

    async def end() -> tuple[Answer, Answer]:
        running = asyncio.ensure_future(ask(app, "/api/lessons/chain", "POST", JSON, [b"{}"]))
        await asyncio.to_thread(begun.wait, 60)
        desk.stop()
        late = await ask(app, "/api/lessons/chain", "POST", JSON, [b"{}"])
        answer = await running
        assert not ended.is_set()
        go.set()
        return answer, late

    answer, late = asyncio.run(end())
    assert answer.status == late.status == 503
    assert ended.wait(60)


def test_a_server_that_is_cut_off_stops_what_is_computed(desk: Desk) -> None:
    """A request's task that is cancelled takes its lesson with it."""
    begun, ended = Event(), Event()

    def work(controls: Mapping[str, Any], stop: Event) -> None:
        begun.set()
        assert stop.wait(60)
        ended.set()

    app = application(Pretended(work), desk=desk)  # type: ignore[arg-type]

    async def cut() -> None:
        running = asyncio.ensure_future(ask(app, "/api/lessons/chain", "POST", JSON, [b"{}"]))
        await asyncio.to_thread(begun.wait, 60)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.to_thread(ended.wait, 60)

    asyncio.run(cut())
    assert ended.is_set()


BODY = b"<!doctype html>" + b" " * 999
PAGE = Asset("text/html; charset=utf-8", BODY, gzip.compress(BODY), 'W/"1"', False)
SCRIPT = Asset("text/javascript; charset=utf-8", b"1", None, 'W/"2"', True)


@pytest.fixture
def built(pretend: Callable[..., ASGIApp], monkeypatch: pytest.MonkeyPatch) -> ASGIApp:
    monkeypatch.setattr(app_module, "assets", lambda: {"/": PAGE, "/assets/a-1.js": SCRIPT})
    return pretend()


def test_files_are_sent_once(built: ASGIApp) -> None:
    page = get(built)
    assert (page.status, page.body) == (200, PAGE.body)
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-type"] == PAGE.kind
    again = get(built, if_none_match=f'W/"0", {page.headers["etag"]}')
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == page.headers["etag"]
    assert get(built, if_none_match='W/"0"').status == 200
    script = get(built, "/assets/a-1.js")
    assert "immutable" in script.headers["cache-control"]


def test_files_are_packed_for_who_can_unpack_them(built: ASGIApp) -> None:
    packed = get(built, accept_encoding="br, gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == PAGE.body
    assert packed.headers["content-length"] == str(len(packed.body))
    plain = get(built)
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in get(built, "/assets/a-1.js", accept_encoding="gzip").headers


@pytest.mark.parametrize(
    "address",
    [
        *(
            "/index.html",
            "/../serve.py",
            "/%2e%2e/serve.py",
            "/..%2fserve.py",
            "/assets/../../serve.py",
            "//etc/passwd",
        ),
        *("/assets/%2e%2e/%2e%2e/serve.py", "/static/index.html", "/etc/passwd", "/assets", "/assets/", "/%00", "/.."),
        *("/..\\serve.py", "/%5c..%5cserve.py", "/assets/a-1.js/", "/ASSETS/a-1.js", "/api", "/api/", "/api/secrets"),
    ],
)
def test_nothing_else_can_be_had(built: ASGIApp, address: str) -> None:
    answer = get(built, address)
    assert answer.status == 404
    assert answer.json() == {"error": "There is nothing at this address."}


def test_only_files_of_the_page_are_held(tmp_path: Path) -> None:
    folder = tmp_path / "assets" / "static"  # a place that is called as the folder of fixed files
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<p>" * 100, encoding="utf-8")
    (folder / "assets" / "a-1.js").write_text("1", encoding="utf-8")
    (folder / "notes.md").write_text("secret", encoding="utf-8")
    (folder / ".hidden").write_text("secret", encoding="utf-8")
    found = assets(folder)
    assert set(found) == {"/", "/assets/a-1.js"}
    assert not found["/"].fixed
    assert found["/assets/a-1.js"].fixed
    page = found["/"].zipped
    assert page is not None
    assert gzip.decompress(page) == found["/"].body
    assert found["/assets/a-1.js"].zipped is None  # packed it would be larger
    assert assets(tmp_path / "nowhere") == {}


def test_the_subject(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        Subject(tmp_path)
    assert Subject().name is None
    assert not Subject().offers("secrets")
    assert HOST  # the address that all requests here name
