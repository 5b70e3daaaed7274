"""SIGTERM ends a command as Ctrl-C does, with words and exit code 130; a handler that the program has is left alone."""

from __future__ import annotations

import os
import signal
from types import FrameType

import pytest

from danlu.cli._faults import INTERRUPTED, guarded
from danlu.cli._output import Output

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals that a process can send itself")


@pytest.fixture(autouse=True)
def _default() -> object:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def terminate() -> int:
    os.kill(os.getpid(), signal.SIGTERM)
    return 0


def test_sigterm_is_said_like_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    cleared = []

    def work() -> int:
        try:
            return terminate()
        finally:
            cleared.append(True)

    assert guarded(work, Output(as_json=False)) == INTERRUPTED
    assert cleared
    assert "danlu resume" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_handler_of_the_program_is_left_alone() -> None:
    asked = []

    def mine(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    signal.signal(signal.SIGTERM, mine)
    assert guarded(terminate, Output(as_json=False)) == 0
    assert asked == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is mine
