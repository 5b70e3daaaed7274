"""The server as it is started: a process that listens, answers, loads torch only when it is asked for numbers, and ends on Ctrl-C."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import pytest

from danlu.cli.main import main
from danlu.errors import DanluError
from danlu.studio import serve as serving
from danlu.studio.serve import address, exposed, listening, open_browser

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends a process signals")

LINUX = Path("/proc/self/maps").exists()
OLD = Path(__file__).parents[1] / "fixtures" / "runs" / "0.1"


def free() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


class Server:
    """``danlu learn …`` in a process of its own."""

    def __init__(self, *words: str, cwd: Path | None = None) -> None:
        self.port = free()
        command = [sys.executable, "-m", "danlu", "learn", "--port", str(self.port), *words]
        environment = os.environ | {"DANLU_LANG": "en"}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=cwd
        )

    def line(self) -> str:
        return _stream(self.process.stdout).readline()

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        made = http.client.HTTPConnection("127.0.0.1", self.port, timeout=200)
        try:
            given = {"Content-Type": "application/json"} if body is not None else {}
            made.request(method, path, body, {**given, **(headers or {})})
            answer = made.getresponse()
            return answer.status, answer.read()
        finally:
            made.close()

    def has_torch(self) -> bool:
        return "libtorch" in Path(f"/proc/{self.process.pid}/maps").read_text(encoding="utf-8")

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """(exit code, the rest of what was written on stdout, stderr)."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=200)
        return self.process.returncode, out, err


def _stream(found: IO[str] | None) -> IO[str]:
    assert found is not None
    return found


@pytest.fixture
def started() -> Iterator[list[Server]]:
    """Servers to be ended with the test."""
    found: list[Server] = []
    yield found
    for server in found:
        server.process.kill()
        server.process.communicate()


def start(started: list[Server], *words: str, cwd: Path | None = None) -> Server:
    server = Server(*words, cwd=cwd)
    started.append(server)
    return server


def test_it_says_its_address_answers_without_torch_and_ends(started: list[Server]) -> None:
    server = start(started)
    assert f"http://127.0.0.1:{server.port}/" in server.line()
    assert "small net" in server.line()
    status, page = server.ask("/")
    assert (status, page[:15].lower()) == (200, b"<!doctype html>")
    for name in re.findall(rb'(?:src|href)="\.?/?([^":]+)"', page):
        assert server.ask(f"/{name.decode()}")[0] == 200
    status, about = server.ask("/api/about")
    assert json.loads(about)["run"] is None
    assert server.ask("/api/about", headers={"Host": "evil.example"})[0] == 421
    assert not LINUX or not server.has_torch()
    status, said = server.ask("/api/lessons/chain", "POST", b"{}")
    assert (status, len(json.loads(said)["gradients"])) == (200, 13)
    assert not LINUX or server.has_torch()
    code, out, err = server.end()
    assert (code, err) == (0, "")
    assert "ended" in out
    with pytest.raises(OSError, match="refused"):
        server.ask("/")


@pytest.mark.parametrize(
    "path",
    [
        "/../../../etc/passwd",
        "/..%2f..%2fserve.py",
        "/%2e%2e/%2e%2e/serve.py",
        "//etc/passwd",
        "/assets/..%5c..%5cserve.py",
    ],
)
def test_only_the_page_can_be_had(served: Server, path: str) -> None:
    status, said = served.ask(path)
    assert status == 404
    assert "error" in json.loads(said)


def test_malformed_requests_do_not_end_it(served: Server) -> None:
    for raw in (
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as made:
            made.sendall(raw)
            made.shutdown(socket.SHUT_WR)
            while made.recv(4096):
                pass
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as made:
        made.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000)
        said = made.recv(4096)
    assert said.startswith(b"HTTP/1.1 4")
    assert served.ask("/api/about")[0] == 200


@pytest.fixture(scope="module")
def served() -> Iterator[Server]:
    server = Server()
    assert "http" in server.line()
    yield server
    server.end()


def test_ctrl_c_ends_it_while_a_lesson_is_computed(started: list[Server]) -> None:
    server = start(started)
    server.line()
    answers: list[int] = []

    def ask() -> None:
        try:
            answers.append(server.ask("/api/lessons/rate", "POST", b'{"factor": 2}')[0])
        except OSError:
            answers.append(0)

    waiting = threading.Thread(target=ask)
    waiting.start()
    while LINUX and not server.has_torch() and server.process.poll() is None:
        waiting.join(0.05)
    code, out, err = server.end()
    waiting.join(60)
    assert code == 0
    assert "ended" in out
    assert err == ""
    assert len(answers) == 1


def test_sigterm_ends_it_too(started: list[Server]) -> None:
    server = start(started)
    server.line()
    assert server.end(signal.SIGTERM)[0] == 0


def test_a_run_and_json(started: list[Server]) -> None:
    server = start(started, "runs/houses", "--json", cwd=OLD)
    said = json.loads(server.line())
    assert said == {"url": f"http://127.0.0.1:{server.port}/", "run": "houses"}
    found = json.loads(server.ask("/api/diagrams?of=run")[1])
    assert found["name"] == "houses"
    assert str(OLD) not in json.dumps(found)
    code, out, err = server.end()
    assert (code, out, err) == (0, "", "")


def test_beyond_this_machine_it_warns(started: list[Server]) -> None:
    server = start(started, "--host", "0.0.0.0")
    assert f"http://127.0.0.1:{server.port}/" in server.line()
    assert server.ask("/api/about", headers={"Host": "10.1.2.3"})[0] == 200
    assert server.ask("/api/about", headers={"Host": "evil.example"})[0] == 421
    code, _, err = server.end()
    assert code == 0
    assert "Everybody who can reach this machine" in err


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["learn", "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"127.0.0.1:{port}: No port can be listened on:")
    assert "--port" in said


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999999999999999999", "http", "", "8642.0", "٣"])
def test_ports_that_are_none(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", f"--port={port}"]) == 2
    assert "1 to 65535" in capsys.readouterr().err


def test_hosts_that_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "--host", "203.0.113.7"]) == 2  # an address for documentation: nobody's
    assert "203.0.113.7" in capsys.readouterr().err


def test_what_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
    assert main(["learn", str(tmp_path), str(tmp_path)]) == 2


def test_an_installation_without_its_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serving, "STATIC", tmp_path)
    assert main(["learn"]) == 2
    assert "npm run build" in capsys.readouterr().err


def test_the_first_free_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr(serving, "PORT", port)
        monkeypatch.setattr(serving, "TRIES", 1)
        made = listening("127.0.0.1", None)
        try:
            assert made.getsockname()[1] != port
            assert address(made) == f"http://127.0.0.1:{made.getsockname()[1]}/"
        finally:
            made.close()
        with pytest.raises(DanluError, match="port"):
            listening("127.0.0.1", port)


def test_who_can_reach_it() -> None:
    assert not any(map(exposed, ("127.0.0.1", "127.0.0.2", "localhost", "::1")))
    assert all(map(exposed, ("0.0.0.0", "::", "", "192.168.0.7", "workstation")))


def test_no_browser_where_there_is_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not open_browser("http://127.0.0.1:1/")
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", lambda url: not opened.append(url))
    assert open_browser("http://127.0.0.1:1/")
    assert opened == ["http://127.0.0.1:1/"]
