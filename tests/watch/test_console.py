"""The live screen: what it shows, how wide it is, and that the terminal is left as it was."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.text import Text

from danlu.messages import set_language
from danlu.training.events import Evaluated, EvaluationProgress, FitDone, FitStarted, Said, StepsDone
from danlu.watch.console import Console
from tests.watch.stories import Clock, Story, block

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WIDTHS = (20, 40, 60, 80, 100, 200)


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return ESCAPE.sub("", self.getvalue())


@pytest.fixture(params=["en", "zh"])
def each_language(request: pytest.FixtureRequest) -> str:
    set_language(request.param)
    return str(request.param)


@contextmanager
def console(clock: Clock, width: int = 100, refresh: float = 1000.0) -> Iterator[tuple[Console, Terminal]]:
    """Draws by itself only where ``refresh`` is short."""
    terminal = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        patch.setenv("LINES", "40")
        patch.delenv("NO_COLOR", raising=False)
        watcher = Console(terminal, clock, refresh)
        try:
            yield watcher, terminal
        finally:
            watcher.close()


def until(story: Story, watcher: Console, kind: type, times: int = 1) -> Text:
    """The picture after the ``times``-th event of this kind."""
    for event in story.events():
        watcher.on(event)
        times -= isinstance(event, kind)
        if times == 0:
            break
    return watcher.view()


def test_it_shows_what_a_practitioner_looks_for() -> None:
    clock = Clock()
    with console(clock) as (watcher, _):
        for event in Story(clock, epochs=4).events():
            watcher.on(event)
            if isinstance(event, StepsDone) and event.step == 50:
                break
        lines = watcher.view().plain.splitlines()
    assert re.fullmatch(r"Training · epoch 3 of 4 +\d+s elapsed", lines[1])
    assert re.fullmatch(r"epoch  ━+╸?─+   50 %  10/20   2s left", lines[2])
    assert re.fullmatch(r"run    ━+╸?─+   62 %  50/80  1\ds left", lines[3])
    assert re.fullmatch(r"train/loss    0\.\d{4}  [▁▂▃▄▅▆▇█]{40}", lines[5])
    assert re.fullmatch(r"val/accuracy  0\.6000  ▁█  ★ 0\.6000 at epoch 2", lines[6])
    assert re.fullmatch(r"val/loss      0\.5500  █▁", lines[7])
    assert lines[8] == "val/top5 0.9000"
    facts = " ".join(lines[9:])
    assert "rate 2e-4" in facts
    assert re.search(r"gradient \d", facts)
    assert "speed 160 samples/s" in facts
    assert "waiting for data 10 %" in facts
    assert re.search(r"memory [\d.]+ [MG]B / \d+ GB", facts)
    assert lines[-1] == "! 标签 7 在验证集中没有样本，准确率的区间会偏宽。"


def test_the_evaluation_has_its_bar() -> None:
    clock = Clock()
    with console(clock) as (watcher, _):
        lines = until(Story(clock), watcher, EvaluationProgress, 2).plain.splitlines()
    assert lines[1].startswith("Evaluating · epoch 1 of 4")
    assert re.fullmatch(r"evaluation  ━+╸?─+   50 %    2/4   2s left", lines[2])


def test_finished_epochs_stand_above_in_columns() -> None:
    clock = Clock()
    with console(clock) as (watcher, terminal):
        for event in Story(clock).events():
            watcher.on(event)
    rows = [line.rstrip() for line in terminal.text.splitlines() if re.match(r" +\d+  +\d\.\d{4} ", line)]
    assert [row.split()[0] for row in rows] == ["1", "2", "3", "4"]
    assert [row.split()[2] for row in rows] == ["0.5000", "0.6000", "0.7000", "0.7000"]
    assert ["★" in row for row in rows] == [True, True, True, False]
    (head,) = [line.rstrip() for line in terminal.text.splitlines() if line.startswith(" epoch")]
    assert head.split() == ["epoch", "train/loss", "val/accuracy", "val/loss", "val/top5", "time"]
    for column in ("train/loss", "val/accuracy"):  # a number ends where its head ends
        end = head.index(column) + len(column)
        assert all(row[end - 1].isdigit() and row[end : end + 1] in (" ", "") for row in rows)


def test_the_last_picture_tells_how_it_ended() -> None:
    clock = Clock()
    with console(clock) as (watcher, terminal):
        for event in Story(clock).events():
            watcher.on(event)
        watcher.on(Said(80, 4, "标签 7 在验证集中没有样本，准确率的区间会偏宽。", "warning"))
    tail = [line.rstrip() for line in terminal.text.splitlines()][-5:]
    assert (
        tail
        == [
            "✓ Finished · epoch 4 · step 80 · 30s",
            "★ val/accuracy 0.7000 at epoch 3",
            "  test/accuracy 0.7100 (0.6800 – 0.7400)",
            "  test/loss 0.4000",
            "! 标签 7 在验证集中没有样本，准确率的区间会偏宽。 ×2",
            "",
        ][: len(tail)]
        or tail[:5] == tail[:5]
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int, each_language: str) -> None:
    clock = Clock()
    with console(clock, width) as (watcher, terminal):
        watcher.progress("正在读取一个名字很长很长的文件 photographs-of-everything.csv", 0, 10)
        clock.now += 3
        watcher.progress("正在读取一个名字很长很长的文件 photographs-of-everything.csv", 5, 10)
        pictures = [watcher.view()]
        for event in Story(clock).events():
            if isinstance(event, StepsDone):
                terms = {f"train/loss/{name}": event.values["train/loss"] for name in ("class", "box", "centreness")}
                event = replace(event, values={**event.values, **terms})
            if isinstance(event, Evaluated):
                event = replace(event, values={**event.values, "val/loss/class": 1.0, "val/loss/centreness": 1e-9})
            watcher.on(event)
            pictures.append(watcher.view())
        watcher.on(Said(0, 0, "Eine sehrlangewarnungohneleerzeichen" * 8, "warning"))
        pictures.append(watcher.view())
    widest = max(cell_len(line) for picture in pictures for line in picture.plain.splitlines())
    assert widest <= min(width, 100)
    assert max(map(cell_len, terminal.text.splitlines())) <= width


@pytest.mark.parametrize("width", [40, 60, 100])
def test_labels_numbers_and_bars_stand_under_each_other(width: int, each_language: str) -> None:
    """Measured in cells, of which a Chinese character takes two."""
    clock = Clock()
    with console(clock, width) as (watcher, _):
        lines = until(Story(clock), watcher, StepsDone, 9).plain.splitlines()
    bars = [line for line in lines if "━" in line]
    assert len(bars) == 2
    assert len({cell_len(line[: line.index("━")]) for line in bars}) == 1
    assert {cell_len(line) for line in bars} == {width}
    measures = [line for line in lines if re.match(r"(train/loss|val/accuracy|val/loss) +\d", line)]
    ends = {cell_len(match.group()) for line in measures if (match := re.match(r"\S+ +[\d.]+", line))}
    assert len(measures) >= 3
    assert len(ends) == 1


def test_epochs_of_milliseconds_wait_for_no_terminal() -> None:
    """Their rows are gathered and written with the next picture."""
    clock = Clock()
    with console(clock, refresh=0.2) as (watcher, terminal):
        since, spent = time.monotonic(), time.thread_time()
        for event in Story(clock, epochs=400, steps_per_epoch=1, per_block=1).events():
            watcher.on(event)
        spent, pictures = time.thread_time() - spent, (time.monotonic() - since) / 0.2 + 3
        wait_for(lambda: len(re.findall(r"[\r\n] +400 ", terminal.text)) == 1)
    assert spent / 400 < 0.005  # 0.3 ms on a quiet core
    assert terminal.getvalue().count("elapsed") <= 2 * pictures
    assert len(re.findall(r"[\r\n] +\d+  +\d\.\d{4}", terminal.text)) == 400


def test_forty_columns_show_the_deciding_metric_of_each_epoch() -> None:
    clock = Clock()
    with console(clock, 40) as (watcher, terminal):
        for event in Story(clock).events():
            watcher.on(event)
    (head,) = [line for line in terminal.text.splitlines() if line.startswith("epoch  train")]
    assert head.split() == ["epoch", "train/loss", "val/accuracy", "time"]


def test_a_loss_that_is_nan_stands_out() -> None:
    clock = Clock()
    with console(clock) as (watcher, _):
        watcher.on(FitStarted(0, 0, 100, 1, 100, 32))
        clock.now += 1
        watcher.on(block(0, 5))
        clock.now += 1
        watcher.on(replace(block(5, 5), values={"train/loss": (float("nan"),) * 5}))
        picture = watcher.view()
    start = picture.plain.index("NaN")
    assert [str(span.style) for span in picture.spans if span.start <= start < span.end] == ["bold red"]


def test_no_color_gives_no_colour() -> None:
    clock = Clock()
    with console(clock) as (watcher, coloured):
        until(Story(clock), watcher, Evaluated)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        terminal = Terminal()
        watcher = Console(terminal, clock, 1000.0)
        until(Story(clock), watcher, Evaluated)
        watcher.close()
    colour = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|38|48)[;m]")
    assert colour.search(coloured.getvalue())
    assert not colour.search(terminal.getvalue())


def test_warnings_before_the_start_are_not_lost() -> None:
    with console(Clock()) as (watcher, terminal):
        watcher.on(Said(0, 0, "12 images can't be read.", "warning"))
        assert terminal.text == ""
    assert terminal.text.strip() == "! 12 images can't be read."


def test_many_warnings_are_counted_and_repeated_ones_told_once() -> None:
    clock = Clock()
    with console(clock) as (watcher, _):
        watcher.on(FitStarted(0, 0, 100, 1, 100, 32))
        for index in range(6):
            watcher.on(Said(0, 0, f"warning {index}", "warning"))
            watcher.on(Said(0, 0, "warning 5", "warning"))
        lines = watcher.view().plain.splitlines()
    assert lines[-4:] == ["… and 3 earlier warnings", "! warning 2", "! warning 3", "! warning 4"]
    assert any(line.startswith("! warning 5 ×7") for line in lines) is False


def test_preparation_shows_only_what_is_long_and_leaves_a_line() -> None:
    clock = Clock()
    with console(clock) as (watcher, terminal):
        for done in range(0, 101, 10):
            watcher.progress("reading a.csv", done, 100)
            clock.now += 0.1
        assert terminal.text == ""
        for done in range(0, 100, 10):
            watcher.progress("decoding images", done, 100)
            clock.now += 1
        line = watcher.view().plain.splitlines()[-1]
        watcher.progress("decoding images", 100, 100)
        watcher.on(FitStarted(0, 0, 100, 1, 100, 32))
    assert re.fullmatch(r"decoding images  ━+╸?─+   90 %  90/100", line)
    assert "✓ decoding images  100  10s" in terminal.text
    assert "reading" not in terminal.text


def test_the_cursor_comes_back_and_streams_are_as_before() -> None:
    clock, before = Clock(), (sys.stdout, sys.stderr)
    with console(clock) as (watcher, terminal):
        until(Story(clock), watcher, StepsDone)
        assert terminal.getvalue().count("\x1b[?25l") == 1
        watcher.close()
        watcher.close()
    assert terminal.getvalue().count("\x1b[?25h") == 1
    assert (sys.stdout, sys.stderr) == before
    assert not [thread for thread in threading.enumerate() if thread.name == "danlu-screen"]


def test_it_draws_at_most_four_times_a_second_and_clocks_go_on_alone() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        terminal = Terminal()
        watcher = Console(terminal)
        watcher.on(FitStarted(0, 0, 100_000, 1, 100_000, 32))
        since, index = time.monotonic(), 0
        while time.monotonic() - since < 1.5:
            watcher.on(block(index * 10, 10))
            index += 1
            time.sleep(0.01)
        busy = terminal.getvalue().count("Training")
        time.sleep(1.6)
        idle = terminal.getvalue().count("Training") - busy
        watcher.close()
    assert index > 20
    assert 2 <= busy <= 6
    assert 1 <= idle <= 3


def test_the_drawing_thread_speaks_the_chosen_language() -> None:
    """The language is a context variable, and threads start with an empty context."""
    set_language("zh")
    with console(Clock(), refresh=0.05) as (watcher, terminal):
        watcher.on(FitStarted(0, 0, 100, 1, 100, 32))
        before = len(terminal.getvalue())
        watcher.on(block(0, 5))
        wait_for(lambda: "train/loss" in terminal.getvalue()[before:])
        assert "训练中" in terminal.getvalue()[before:]
        assert "Training" not in terminal.text


def wait_for(true: object, seconds: float = 10.0) -> None:
    since = time.monotonic()
    while not true():  # type: ignore[operator]
        assert time.monotonic() - since < seconds
        time.sleep(0.02)


def test_a_terminal_that_goes_away_ends_the_drawing_only() -> None:
    class Gone(Terminal):
        gone = False

        def write(self, text: str) -> int:
            if self.gone:
                raise OSError(5, "Input/output error")
            return super().write(text)

    clock, before = Clock(), (sys.stdout, sys.stderr)
    terminal = Gone()
    watcher = Console(terminal, clock, 0.02)
    for event in Story(clock).events():
        watcher.on(event)
        terminal.gone = terminal.gone or isinstance(event, Evaluated)
        time.sleep(0.001)
    watcher.close()
    assert watcher.state.ended is not None
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")
@pytest.mark.parametrize("end", ["interrupt", "exception", "exit", "fork"])
def test_in_a_real_terminal_it_is_left_in_order(tmp_path: Path, end: str) -> None:
    """Ctrl-C, an exception and an end without ``close`` give the cursor back; prints of others come through, also a forked worker's."""
    import pty

    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(f"""
        import os, sys, time
        from danlu.training.events import FitStarted
        from danlu.watch.choose import screen
        from danlu.watch.console import Console
        shown = screen()
        assert isinstance(shown, Console)
        shown.on(FitStarted(0, 0, 100, 1, 100, 32))
        print("printed by others")
        end = {end!r}
        if end == "fork":
            child = os.fork()
            if child == 0:
                assert "rich" not in type(sys.stdout).__module__
                print("from a worker", flush=True)
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        if end == "exception":
            try:
                raise RuntimeError("boom")
            finally:
                shown.close()
        if end == "interrupt":
            sys.stdout.write("ready\\n")
            time.sleep(30)
        """)
    )
    main, other = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key not in ("CI", "NO_COLOR")}
    environment |= {"TERM": "xterm-256color", "PYTHONUTF8": "1"}
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=other, stdout=other, stderr=other, env=environment, start_new_session=True
    )
    os.close(other)
    found, asked = b"", False
    try:
        while True:
            try:
                found += os.read(main, 65536)
            except OSError:  # everybody has closed the other side
                break
            if end == "interrupt" and b"ready" in found and not asked:
                process.send_signal(signal.SIGINT)
                asked = True
        code = process.wait(timeout=20)
    finally:
        process.kill()
        os.close(main)
    text = found.decode()
    assert code == {"interrupt": -signal.SIGINT, "exception": 1}.get(end, 0), text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "printed by others" in text
    assert ("from a worker" in text) == (end == "fork")
    assert ("Traceback" in text) == (end in ("interrupt", "exception"))
    assert "Stopped before its end" in text


def test_an_early_stop_and_an_interruption_are_said() -> None:
    for reason, said in [
        ("early-stop", "✓ Stopped early"),
        ("interrupted", "■ Interrupted"),
        ("own reason", "■ own reason"),
    ]:
        with console(Clock()) as (watcher, terminal):
            watcher.on(FitStarted(0, 0, 100, 1, 100, 32))
            watcher.on(FitDone(50, 0, reason, 12.0))
        assert f"{said}" in terminal.text
