"""A run becomes an artifact that is proven equal to it, or nothing is left behind."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import danlu
from danlu.cli.main import main
from danlu.data.kinds.image import Image
from danlu.deploy import export as exporting
from danlu.deploy import parity, raws
from danlu.deploy.artifact import Artifact
from danlu.errors import ArtifactError
from danlu.runs.predicting import RunPredictor
from danlu.training import manifest
from tests.deploy.given import ARTIFACTS, RUNS
from tests.runs.nearness import near

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of runs and their raw data, in which the process stands."""
    shutil.copytree(RUNS, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    before = set(sys.modules)
    yield tmp_path / "place"
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "house_price":
            del sys.modules[name]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph is that of an earlier export of the same run; all else is done."""

    def copied(net: Any, kinds: Any, given: Any, path: Path) -> Any:
        name = "boxes" if isinstance(next(iter(given.values())), tuple) else "shapes"
        shutil.copy(ARTIFACTS / name / "model.onnx", path)
        return json.loads((ARTIFACTS / name / "artifact.json").read_text(encoding="utf-8"))["outputs"]

    monkeypatch.setattr(exporting, "write_graph", copied)


def test_an_artifact_is_whole_proven_and_says_so(place: Path, capsys: Captured) -> None:
    assert main(["export", "runs/shapes", "--weights", "best", "--licence", "CC-BY-4.0", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    folder = Path(said["artifact"])
    assert folder == Path("runs/shapes/artifact")
    names = {"model.onnx", "artifact.json", "profile.json", "card.md", "MANIFEST.json"}
    assert {path.name for path in folder.iterdir()} == names
    assert said["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    described = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))
    proven = described["parity"]
    assert proven == said["parity"]
    assert (proven["source"], proven["samples"], proven["batches"]) == ("test", 8, [1, 3, 17])
    assert 0 < proven["largest_difference"] < 1e-4
    assert (proven["equal_answers"], proven["near_a_threshold"]) == (8, [])
    assert {each["name"]: each["shape"] for each in described["inputs"][0]["tensors"]} == {
        "image": ["batch", 3, 16, 16]
    }
    assert str(place) not in "".join(path.read_text("utf-8", "replace") for path in folder.iterdir())
    card = (folder / "card.md").read_text(encoding="utf-8")
    metrics = danlu.Run("runs/shapes").metrics
    for text in ("# Model card: shapes", "# 模型卡：shapes", "Licence\n\nCC-BY-4.0", "许可\n\nCC-BY-4.0"):
        assert text in card
    assert card.count(f"| test/accuracy | {metrics['test/accuracy']:.4g} |") == 2
    for name in ("model.onnx", "artifact.json", "profile.json"):
        assert card.count(f"- `{name}` {manifest.digest(folder / name)}") == 2
    inputs = sorted(Path("shapes").glob("*/*.png"))
    best, last = (RunPredictor("runs/shapes", use=use).predict(inputs) for use in ("best", "last"))
    assert not near(best, last)
    assert near(danlu.load(folder).predict(inputs), best)


@pytest.mark.usefixtures("quick")
def test_the_profile_is_of_the_training_rows(place: Path) -> None:
    danlu.export("runs/shapes", "out")
    profile = Artifact("out").profile
    run = RunPredictor("runs/shapes")
    rows = raws.of_run(run).rows["train"]
    table = raws.of_run(run).table
    images = [run.prepare({"image": table.columns["image"][row]}).values["image"] for row in rows.tolist()]
    assert profile["rows"] == len(images)
    image = profile["inputs"]["image"]
    brightness = [value.mean() for value in images]
    assert image["brightness"]["0.5"] == pytest.approx(np.median(brightness))
    assert image["contrast"]["0.95"] == pytest.approx(np.quantile([value.std() for value in images], 0.95))
    assert image["channels"][1]["0"] == pytest.approx(min(value[..., 1].mean() for value in images))
    assert image["missing"] == 0.0
    assert image["statistics"]["mean"] == pytest.approx(np.stack(images).mean((0, 1, 2)).tolist())
    assert sum(profile["targets"]["label"]["shares"].values()) == pytest.approx(1.0)


@pytest.mark.usefixtures("quick")
def test_an_earlier_artifact_gives_way_only_when_asked_to(place: Path, capsys: Captured) -> None:
    out = Path("out")
    out.mkdir()  # an empty folder is no obstacle
    assert danlu.export("runs/shapes", out) == out
    before = manifest.digest(out / "MANIFEST.json")
    assert main(["export", "runs/shapes", "--out", "out"]) == 2
    assert "--replace" in capsys.readouterr().err
    assert manifest.digest(out / "MANIFEST.json") == before
    assert main(["export", "runs/shapes", "--out", "out", "--replace", "--licence", "MIT"]) == 0
    assert "danlu predict out" in capsys.readouterr().out
    assert "MIT" in (out / "card.md").read_text(encoding="utf-8")
    Artifact(out)
    (place / "mine").mkdir()
    (place / "mine" / "thesis.txt").write_text("years of work")
    for words in ([], ["--replace"]):
        assert main(["export", "runs/shapes", "--out", "mine", *words]) == 2
    assert (place / "mine" / "thesis.txt").read_text() == "years of work"
    assert not [path for path in place.rglob(".*") if "out" in path.name or "mine" in path.name]


@pytest.mark.usefixtures("quick")
def test_weights_that_differ_are_found_and_nothing_is_left(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph of other weights than the run's: the gate names the worst sample, its output and the difference."""
    build = RunPredictor.__init__

    def other(self: RunPredictor, *words: Any) -> None:
        build(self, *words)
        with torch.no_grad():
            next(iter(self.net.parameters())).mul_(1.05)

    monkeypatch.setattr(RunPredictor, "__init__", other)
    with pytest.raises(ArtifactError, match=r"output of \w+/\d+\.png, the worst, differs by \d\.\d\de-0[1-3]"):
        danlu.export("runs/shapes", "out")
    assert not Path("out").exists()
    assert not list(place.glob(".*"))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("wrong", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_what_is_interrupted_leaves_nothing(wrong: BaseException, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gate(*words: Any) -> Any:
        raise wrong

    monkeypatch.setattr(parity, "gate", gate)
    with pytest.raises((KeyboardInterrupt, ArtifactError)):
        danlu.export("runs/shapes", "out")
    assert not Path("out").exists()
    assert not list(place.glob(".*"))


@pytest.mark.usefixtures("quick")
def test_without_raw_inputs_there_is_no_artifact(place: Path, capsys: Captured) -> None:
    Path("shapes").rename("elsewhere")
    assert main(["export", "runs/shapes"]) == 2
    assert "--inputs" in capsys.readouterr().err
    assert not Path("runs/shapes/artifact").exists()
    empty = place / "empty"
    empty.mkdir()
    (empty / "a.txt").write_text("no image")
    assert main(["export", "runs/shapes", "--inputs", "empty"]) == 2
    assert "none of the inputs can be used" in capsys.readouterr().err
    assert main(["export", "runs/shapes", "--inputs", "elsewhere/circle", "--inputs", "elsewhere/cross/3.png"]) == 0
    described = json.loads(Path("runs/shapes/artifact/artifact.json").read_text(encoding="utf-8"))
    assert (described["parity"]["source"], described["parity"]["samples"]) == ("inputs", 15)
    profile = Artifact("runs/shapes/artifact").profile
    assert profile["rows"] == 0
    assert "brightness" not in profile["inputs"]["image"]
    assert profile["inputs"]["image"]["statistics"]["mean"]


@pytest.mark.usefixtures("quick")
def test_raw_files_that_are_gone_are_passed_over(place: Path) -> None:
    kept = sorted(Path("shapes").glob("*/*.png"))[::4]
    for path in Path("shapes").glob("*/*.png"):
        if path not in kept:
            path.write_bytes(b"")
    danlu.export("runs/shapes", "out")
    described = json.loads(Path("out/artifact.json").read_text(encoding="utf-8"))
    assert 0 < described["parity"]["samples"] < 8


@pytest.mark.usefixtures("quick")
def test_images_of_many_sizes_are_proven_one_by_one_too(place: Path) -> None:
    danlu.export("runs/boxes", "out")
    described = json.loads(Path("out/artifact.json").read_text(encoding="utf-8"))
    assert described["parity"]["equal_answers"] == described["parity"]["samples"] == 3
    shapes = {each["name"]: each["shape"] for each in described["inputs"][0]["tensors"]}
    assert shapes == {"image": ["batch", 3, "image_2", "image_3"], "image.sizes": ["batch", 2]}


def test_a_task_that_decodes_by_itself_is_told_what_to_do(place: Path) -> None:
    with pytest.raises(ArtifactError, match="name it in the task's SPEC"):
        danlu.export("runs/houses")


def test_what_is_no_run_is_refused(tmp_path: Path, capsys: Captured) -> None:
    assert main(["export", str(tmp_path)]) == 2
    assert main(["export", str(tmp_path), "--weights", "worst"]) == 2
    assert "best, last" in capsys.readouterr().err


# ---- the gate -----------------------------------------------------------------------------------------------


class Answering:
    """The parts of a predictor that the gate asks; answers with what it is given."""

    def __init__(self, outputs: np.ndarray, shift: float = 0.0) -> None:
        self.table, self.shift = outputs, shift
        self.folder = type("Folder", (), {"path": "run"})()
        self.batches: list[int] = []

    def prepare(self, raw: Any) -> Any:
        return type("Row", (), {"values": {"x": np.asarray(raw)}})()

    def given(self, rows: Any) -> Any:
        return {"x": np.stack([row.values["x"] for row in rows])}

    def outputs(self, given: Any) -> Any:
        self.batches.append(len(given["x"]))
        return self.table[given["x"]]

    def decode(self, outputs: Any, given: Any) -> Any:
        return {"label": (outputs + self.shift).argmax(1)}


def samples(count: int) -> list[raws.Sample]:
    ask = Answering(np.zeros((1, 1)))
    return [raws.Sample(f"row {index}", index, ask.prepare(index)) for index in range(count)]


def logits(count: int = 21) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 5)).astype(np.float32) * 3


def gate(reference: np.ndarray, found: np.ndarray, **other: Any) -> parity.Figures:
    run, made = Answering(reference), Answering(found, **other)
    result = parity.gate(run, made, samples(len(reference)))  # type: ignore[arg-type]
    assert made.batches == [1, 3, 17]
    return result


def test_every_sample_is_asked_and_figures_are_the_differences() -> None:
    reference = logits()
    found = reference.copy()
    found[13, 2] += 5e-5
    found[2, 0] -= 2e-5
    figures = gate(reference, found)
    assert figures.largest == pytest.approx(5e-5, rel=0.02)
    assert figures.worst == "row 13"
    assert figures.share == pytest.approx(5e-5 / (1e-4 + 1e-5 * abs(float(reference[13, 2]))), rel=0.02)
    assert figures.equal == 21


@pytest.mark.parametrize(("place", "batch"), [(0, 1), (2, 3), (20, 17)])
def test_the_worst_sample_is_named(place: int, batch: int) -> None:
    found = logits()
    found[place, 1] += 3e-4
    with pytest.raises(ArtifactError, match=rf"row {place}, the worst, differs by 3\.\d\de-04 .*batch of {batch}\."):
        gate(logits(), found)


def test_large_outputs_may_differ_by_their_own_seventh_digit() -> None:
    reference = logits() * 1000
    gate(reference, reference * np.float32(1 + 5e-6))
    with pytest.raises(ArtifactError):
        gate(reference, reference * np.float32(1 + 1e-4))


def test_an_answer_at_a_threshold_is_told_as_what_it_is() -> None:
    reference = logits()
    reference[7] = [1.0, 1.0 + 2e-5, 0.0, 0.0, 0.0]
    found = reference.copy()
    found[7, 0] += 4e-5
    figures = gate(reference, found)
    assert (figures.equal, figures.near) == (20, ["row 7"])


def test_another_decoder_is_refused_however_equal_the_outputs() -> None:
    reference = logits()
    with pytest.raises(ArtifactError, match="decodes the same outputs in another way"):
        gate(reference, reference, shift=np.asarray([9.0, 0, 0, 0, 0]))


def test_what_is_not_finite_is_refused() -> None:
    reference = logits()
    reference[5, 1] = np.nan
    with pytest.raises(ArtifactError, match="row 5 is not finite"):
        gate(reference, reference)
    found = logits()
    found[4, 0] = np.inf
    with pytest.raises(ArtifactError, match="row 4, the worst"):
        gate(logits(), found)


def test_other_shapes_and_other_preparation_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArtifactError, match=r"\(1, 4\)"):
        gate(logits(), logits()[:, :4])
    made = Answering(logits())
    monkeypatch.setattr(made, "prepare", lambda raw: Answering.prepare(made, raw + 1 if raw == 3 else raw))
    with pytest.raises(ArtifactError, match="prepares x of row 3"):
        parity.gate(Answering(logits()), made, samples(21))  # type: ignore[arg-type]


def test_places_are_spread_whatever_their_number() -> None:
    for count, most in ((5, 21), (21, 21), (100, 21), (10_000, 21)):
        places = list(raws.spread(count, most))
        assert len(set(places)) == len(places) >= min(count, most)
        first = sorted(places[:most])
        assert max(np.diff(first), default=0) <= 2 * max(1, -(-count // most))
    assert list(raws.spread(0, 21)) == []


def test_every_kind_stacks_as_it_collates() -> None:
    """What a net is called with is the same with torch and without."""
    random = np.random.default_rng(0)
    fixed, ragged = Image(6, 5, 3), Image(None, None, 3)
    images = [random.integers(0, 255, (6, 5, 3), dtype=np.uint8) for _ in range(3)]
    value = fixed.collate(np.stack(images))
    assert np.array_equal(fixed.stack(images), value.numpy())  # type: ignore[union-attr]
    many = [random.integers(0, 255, (*size, 3), dtype=np.uint8) for size in ((2, 9), (7, 1))]
    padded, sizes = ragged.stack(many)
    collated: Any = ragged.collate(many)
    assert np.array_equal(padded, collated.values.numpy())
    assert np.array_equal(sizes, collated.sizes.numpy())
