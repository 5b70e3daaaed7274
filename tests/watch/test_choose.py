from __future__ import annotations

import io
import subprocess
import sys

import pytest

from danlu.watch.choose import screen
from danlu.watch.console import Console
from danlu.watch.plain import Plain


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _a_common_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("CI", raising=False)


def test_a_terminal_gets_the_live_screen_and_a_file_plain_lines() -> None:
    assert isinstance(screen(Terminal()), Console)
    assert isinstance(screen(io.StringIO()), Plain)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("TERM", "dumb", Plain),
        ("CI", "true", Plain),
        ("CI", "1", Plain),
        ("CI", "false", Console),
        ("NO_COLOR", "1", Console),
    ],
)
def test_the_environment_is_respected(monkeypatch: pytest.MonkeyPatch, name: str, value: str, kind: type) -> None:
    monkeypatch.setenv(name, value)
    assert type(screen(Terminal())) is kind


def test_a_terminal_that_cannot_show_the_characters_gets_plain_lines() -> None:
    terminal = Terminal()
    terminal.encoding = "latin-1"  # type: ignore[misc]
    assert isinstance(screen(terminal), Plain)


def test_stdout_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    shown = screen()
    for done in range(2):
        shown.progress("reading", done, 2)
    shown.close()
    assert isinstance(shown, Plain)
    assert capsys.readouterr().out == ""


def test_watchers_load_what_they_need_when_they_need_it() -> None:
    """Neither torch for a journal and plain lines, nor rich where there is no terminal."""
    code = "import danlu.watch.choose, danlu.watch.journal, danlu.watch.tensorboard, sys; "
    code += "danlu.watch.choose.screen(); print(sorted({'torch', 'rich', 'tensorboard'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
