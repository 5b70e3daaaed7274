"""Hostile files are refused in one line, or set aside and listed; nothing crashes, hangs, fills the memory or steers the terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from danlu.data.images import modes
from danlu.data.sources._listing import readable
from danlu.messages.visible import visible
from tests.data.hostile import CASES, LARGE, Case
from tests.data.hostile.case import classes, csv, lines
from tests.data.hostile.child import examined

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def judge(case: Case, found: Mapping[str, Any]) -> None:
    told, card = found["told"], found["card"]
    assert found["code"] == (0 if case.says is None else 2), told
    assert not found["escaped"]
    assert case.secret not in told
    listed = {entry["row"]: entry["reason"] for entry in card.get("bad", [])}
    if case.says is not None:
        assert case.says in told
    else:
        expected = case.listed or {}
        assert len(listed) == len(expected), listed
        for part, why in expected.items():
            assert any(part in row and why in reason for row, reason in listed.items()), (part, why, listed)
    if case.used is not None:
        assert len(card["ids"]) == case.used
        assert len(set(card["ids"])) == case.used
    notes = [note["note"] for note in card.get("notes", [])]
    assert any(case.noted in note for note in notes) or not case.noted
    shown = [*told.splitlines(), *listed, *listed.values(), *notes, *card.get("ids", []), *card.get("warnings", [])]
    for line in shown:
        assert "\n" not in line
        assert not CONTROL.search(line), ascii(line)
        assert "Traceback" not in line
    assert all(len(line) < 800 for line in (*told.splitlines(), *listed.values(), *notes))
    assert all(case.secret not in line for line in shown)


@pytest.mark.filterwarnings("ignore::Warning:PIL")
@pytest.mark.parametrize("name", CASES)
def test_told_in_one_line_or_listed(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "inside" / "data"
    folder.mkdir(parents=True)
    judge(CASES[name], examined(CASES[name], folder))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_in_little_time_and_memory(tmp_path: Path) -> None:
    """The same, and larger ones, with limits of the system on memory and time of CPU."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "DANLU_LANG": "en"}
    command = [sys.executable, "-m", "tests.data.hostile.child", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=1500)
    found = json.loads(done.stdout)
    assert found.keys() == {**CASES, **LARGE}.keys()
    wrong = []
    for name, case in {**CASES, **LARGE}.items():
        try:
            assert found[name]["status"] == 0, "killed by a limit"
            judge(case, found[name])
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    assert not wrong, "\n".join(wrong)
    assert len(found) >= 150


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    (classes(tmp_path / "a" / "data") / "secret").mkdir()
    monkeypatch.setattr(os, "scandir", refuse)
    found = examined(Case(lambda root: {"source": str(root), "max_bad": 0.5}), tmp_path / "a" / "data")
    judge(Case(classes, listed={"secret": "permission"}, used=24), found)


def test_in_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from danlu.messages import set_language

    set_language("zh")
    for number, (name, words) in enumerate(
        {
            "a gzip bomb that says so": "解压",
            "a quotation mark that swallows the rest": "引号",
            "UTF-16 without a mark": "NUL",
            "a manifest without end": "设备",
        }.items()
    ):
        folder = tmp_path / str(number) / "data"
        folder.mkdir(parents=True)
        assert words in examined(CASES[name], folder)["told"]


# ---- what is mended on the way ------------------------------------------------------------------------------------------


def test_names_are_shown_safely_and_stay_different() -> None:
    names = [
        "a",
        "a\x1b[2J",
        "a\\x1b[2J",
        "a\udcff",
        "a\\xff",
        "\x85",
        "\udc85",
        "\\u0085",
        "\ud800",
        "\u202ea",
        "a\nb",
        "é 图　猫",
    ]
    shown = [readable(name) for name in names]
    assert len(set(shown)) == len(names)
    assert not any(CONTROL.search(each) or "\n" in each for each in shown)
    assert readable("é 图　猫/👩‍👩‍👧.png") == "é 图　猫/👩‍👩‍👧.png"
    assert visible("two\nlines\tand \x07") == "two\nlines\tand \\x07"


@pytest.mark.parametrize("mode", ["RGBA", "LA", "La", "PA", "RGBa", "P", "L", "RGB"])
def test_large_transparent_images_are_put_on_white_in_strips(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.effect_noise((13, 17), 90).convert("RGB")
    image.putalpha(Image.linear_gradient("L").resize((13, 17)))
    chosen = (
        image.convert("LA").convert("La") if mode == "La" else image.quantize(9).convert(mode) if mode == "PA" else None
    )
    if mode in ("P", "L", "RGB"):
        chosen = image.convert("RGB").quantize(9) if mode == "P" else image.convert(mode)
        chosen.info["transparency"] = (9, 9, 9) if mode == "RGB" else 3
    chosen = image.convert(mode) if chosen is None else chosen
    whole, said = modes.to_eight_bits(chosen)
    monkeypatch.setattr(modes, "_STRIP", 13 * 3)
    strips, also = modes.to_eight_bits(chosen)
    assert (whole.mode, whole.tobytes(), said) == (strips.mode, strips.tobytes(), also)


def test_true_and_one_are_two_classes_in_any_order(tmp_path: Path) -> None:
    from tests.data.made import IMAGES, table

    for order in ((True, 1, "1", 1.0), (1.0, 1, "1", True)):
        (tmp_path / "a.jsonl").write_text(
            "\n".join(json.dumps({"image": f"{label!r}", "label": label}) for label in order)
        )
        for label in order:
            (tmp_path / repr(label)).write_bytes(b"")
        found = table(tmp_path / "a.jsonl", IMAGES)
        assert [("True" if label is True else "1") for label in order] == list(found.columns["label"])


def test_rows_that_only_the_split_tells_apart_keep_their_ids(tmp_path: Path) -> None:
    from tests.data.made import table

    body = ["0.png,a,ann", "0.png,a,bob", "1.png,b,ann"]
    found = []
    for order in (body, body[::-1]):
        lines(tmp_path)
        csv(tmp_path, "\n".join(["image,label,who", *order]))
        made = table(tmp_path / "rows.csv", split={"group": "who"})
        found.append({(row, who) for row, who in zip(made.ids, made.extra["group"], strict=True)})
    assert found[0] == found[1]
