from __future__ import annotations

import io
import re
import shlex
from dataclasses import replace
from itertools import pairwise

import pytest

from danlu.messages import set_language
from danlu.training.events import EvaluationProgress, FitStarted, Said, StepsDone
from danlu.watch.plain import Plain
from tests.watch.stories import Clock, Story, block


def parsed(text: str) -> list[dict[str, str]]:
    return [dict(pair.split("=", 1) for pair in shlex.split(line)) for line in text.splitlines()]


def lines_of(story: Story, stream: io.StringIO | None = None) -> list[dict[str, str]]:
    stream = stream or io.StringIO()
    watcher = Plain(stream, story.clock)
    for event in story.events():
        watcher.on(event)
    watcher.close()
    return parsed(stream.getvalue())


def test_one_line_an_epoch_with_all_its_numbers() -> None:
    lines = [line for line in lines_of(Story(Clock(), epochs=4)) if line["event"] == "epoch"]
    assert [line["epoch"] for line in lines] == ["1/4", "2/4", "3/4", "4/4"]
    assert [line["step"] for line in lines] == ["20/80", "40/80", "60/80", "80/80"]
    assert [float(line["train/loss"]) for line in lines] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4], rel=1e-5)
    assert [float(line["val/accuracy"]) for line in lines] == pytest.approx([0.5, 0.6, 0.7, 0.7])
    assert float(lines[0]["val/accuracy/low"]) == pytest.approx(0.48)
    assert [line.get("best") for line in lines] == ["yes", "yes", "yes", None]
    assert [float(line["seconds"]) for line in lines] == pytest.approx([7.0] * 4)
    assert lines[-1]["eta_run"] == "0s" or float(lines[-1]["eta_run"].removesuffix("s")) < 2


def test_start_checkpoints_warnings_tests_and_end_are_said_in_their_order() -> None:
    lines = lines_of(Story(Clock(), epochs=2))
    assert [line["event"] for line in lines] == [
        "start",
        "epoch",
        "checkpoint",
        "warning",
        "info",
        "epoch",
        "checkpoint",
        "end",
        "test",
    ]
    start, warning, end, test = lines[0], lines[3], lines[-2], lines[-1]
    assert (start["epochs"], start["step"], start["monitor"]) == ("2", "0/40", "val/accuracy")
    assert warning["text"] == "标签 7 在验证集中没有样本，准确率的区间会偏宽。"
    assert (end["reason"], end["best/val/accuracy"]) == ("finished", "0.6")
    assert (test["test/accuracy"], test["test/accuracy/low"], test["test/accuracy/high"]) == ("0.71", "0.68", "0.74")


def test_every_half_minute_within_an_epoch() -> None:
    clock = Clock()
    story = Story(clock, epochs=1, steps_per_epoch=1000, step_seconds=0.2, evaluation_seconds=100.0)
    stamps: list[float] = []

    class Stamped(io.StringIO):
        def write(self, text: str) -> int:
            stamps.append(clock.now)
            return super().write(text)

    lines = lines_of(story, Stamped())
    within = [line for line in lines if line["event"] == "progress"]
    assert len(within) == 6  # 200 s of training
    assert within[2]["epoch"] == "1/1"
    assert within[2]["step"] == "450/1000"
    assert float(within[2]["eta_epoch"].removesuffix("s")) == pytest.approx(110, abs=3)
    assert float(within[2]["samples/s"]) == pytest.approx(160, rel=0.01)
    assert within[2]["waiting"] == "10%"
    assert {"train/loss", "lr", "grad_norm", "eta_run"} < set(within[2])
    judging = [line for line in lines if line["event"] == "evaluating"]
    assert [line["done"] for line in judging] == ["1/4", "3/4"]
    assert float(judging[0]["eta"].removesuffix("s")) == pytest.approx(75, abs=1)
    gaps = [after - before for before, after in pairwise(stamps[: len(within) + 1])]
    assert min(gaps) >= 30


def test_no_escape_codes_and_one_line_each_whatever_is_said() -> None:
    stream = io.StringIO()
    watcher = Plain(stream, Clock())
    odd = 'two\nlines, a "quote", a=b, \x1b[31mred\x1b[0m and \\ back'
    watcher.on(Said(0, 0, odd, "warning"))
    for event in Story(Clock()).events():
        watcher.on(event)
    text = stream.getvalue()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    assert all(line.startswith("event=") for line in text.splitlines())
    assert text.splitlines()[0].endswith(r'text="two\nlines, a \"quote\", a=b, \u001b[31mred\u001b[0m and \\ back"')


def test_keys_stay_english_in_chinese() -> None:
    english = lines_of(Story(Clock()))
    set_language("zh")
    chinese = lines_of(Story(Clock()))
    assert [list(line) for line in chinese] == [list(line) for line in english]


def test_an_encoding_without_chinese_is_no_reason_to_die() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Plain(stream, Clock()).on(Said(0, 0, "警告", "warning"))
    assert b"text=" in raw.getvalue()
    assert raw.getvalue().isascii()


def test_a_reader_that_goes_away_ends_the_lines_only() -> None:
    class Gone(io.StringIO):
        calls = 0

        def write(self, text: str) -> int:
            Gone.calls += 1
            raise BrokenPipeError

    story = Story(Clock())
    watcher = Plain(Gone(), story.clock)
    for event in story.events():
        watcher.on(event)
    watcher.close()
    assert Gone.calls == 1
    assert watcher.state.step == 80


def test_an_epoch_without_evaluation_is_said_as_well() -> None:
    lines = lines_of(Story(Clock(), epochs=4, evaluate_every=2))
    epochs = [line for line in lines if line["event"] == "epoch"]
    assert ["val/loss" in line for line in epochs] == [False, True, False, True]


def test_the_last_epoch_is_said_also_where_the_run_breaks_off() -> None:
    stream, clock = io.StringIO(), Clock()
    watcher = Plain(stream, clock)
    for event in Story(clock).events():
        watcher.on(event)
        if isinstance(event, EvaluationProgress):
            break
    assert not [line for line in parsed(stream.getvalue()) if line["event"] == "epoch"]
    watcher.close()
    assert [line["epoch"] for line in parsed(stream.getvalue()) if line["event"] == "epoch"] == ["1/4"]


def prepare(clock: Clock, watcher: Plain, stage: str, seconds: float, total: int = 1000) -> None:
    for done in range(0, total + 1, total // 40):
        watcher.progress(stage, done, total)
        clock.now += seconds / 40


def test_preparation_is_said_only_where_it_is_long() -> None:
    stream, clock = io.StringIO(), Clock()
    watcher = Plain(stream, clock)
    prepare(clock, watcher, "reading a.csv", 1.25)
    assert stream.getvalue() == ""
    prepare(clock, watcher, "decoding images", 120.0)
    lines = parsed(stream.getvalue())
    assert [line["event"] for line in lines] == ["stage", "stage", "stage", "stage", "stage-done"]
    assert lines[0]["stage"] == "decoding images"
    assert lines[1]["done"] == "275/1000"
    assert float(lines[1]["eta"].removesuffix("s")) == pytest.approx(87, abs=1)
    assert lines[-1]["seconds"] == "120.0"


def test_preparation_of_unknown_length_has_no_eta() -> None:
    stream, clock = io.StringIO(), Clock()
    watcher = Plain(stream, clock)
    for done in range(10):
        watcher.progress("listing", done * 100, 0)
        clock.now += 1
    watcher.progress("next", 0, 10)
    lines = parsed(stream.getvalue())
    assert [line["event"] for line in lines] == ["stage", "stage-done"]
    assert "eta" not in lines[0]
    assert lines[0]["done"] == "200"
    assert lines[1]["done"] == "900"


def test_values_that_are_not_finite_are_said() -> None:
    stream, clock = io.StringIO(), Clock()
    watcher = Plain(stream, clock, every=0.0)
    watcher.on(FitStarted(0, 0, 10, 1, 10, 32))
    clock.now += 1
    watcher.on(replace(block(0, 2), values={"train/loss": (float("nan"), 1.0), "grad_norm": (float("inf"), 1.0)}))
    line = parsed(stream.getvalue())[-1]
    assert (line["train/loss"], line["grad_norm"]) == ("nan", "inf")
    assert isinstance(block(0, 1), StepsDone)
