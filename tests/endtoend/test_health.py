"""Eighteen runs broken on purpose get their verdict, twenty-three that go well get none, and what a patch promises it keeps.

The runs are data: ``ailing.py`` and ``thriving.py``. What is claimed of each (broken in this way, going well) is shown first, on its
weights and curves, so that no verdict is measured against itself. A part of them is tried in every test
run, all with ``make test-all``. What health does not yet see or mend stands in ``ailing.py`` with its reason.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

import danlu
from danlu import recipe as recipes
from danlu.cli.main import main
from danlu.errors import DanluError
from danlu.runs.captures import CaptureWriter
from danlu.watch.health.verdict import Verdict
from danlu.watch.journal import Journal
from tests.endtoend.ailing import AILING, Ailing
from tests.endtoend.ground import Ground
from tests.endtoend.health_data import WRITERS
from tests.endtoend.thriving import THRIVING

EXAMPLES = Path(__file__).parents[2] / "examples"
SAME = {  # what would be chosen by the machine, and no changes that a recipe does not name
    "data.augment": [],
    "train.device": "cpu",
    "train.precision": "fp32",
    "train.threads": 1,
    "train.checkpoint.every_minutes": None,
}
MENDED = [name for name, ailing in AILING.items() if ailing.mended is not None]


def slowly(names: Iterable[str], cases: Mapping[str, Any], gap: str = "") -> list[Any]:
    """Parameters. gap: the field that says why a case is expected to fail."""
    found = []
    for name in names:
        marks = [] if cases[name].often else [pytest.mark.slow]
        if gap and getattr(cases[name], gap):
            marks.append(pytest.mark.xfail(reason=getattr(cases[name], gap), strict=True, raises=AssertionError))
        found.append(pytest.param(name, marks=marks, id=name.replace(" ", "-")))
    return found


class Proofs:
    """Trains what it is asked for, once. sources: what a recipe's ``data.source`` may say → where it was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources: dict[str, Path] = {}
        self.made: dict[str, Ground] = {}

    def path(self, name: str) -> Path:
        return self.folder / "runs" / re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")

    def ailing(self, name: str) -> Ground:
        if name not in self.made:
            self._train(name, AILING[name].recipe, AILING[name].stops)
        return self.made[name]

    def thriving(self, name: str) -> Ground:
        if name not in self.made:
            begin = THRIVING[name].weights
            given = (
                {"model.pretrained": str(self.thriving(begin).run.path / "best" / "net.safetensors")} if begin else {}
            )
            self._train(name, {**THRIVING[name].recipe, **given})
        return self.made[name]

    def patched(self, name: str, verdict: Verdict) -> Ground:
        """As a person does it: the command writes a recipe, which is trained."""
        target = self.folder / f"{self.path(name).name}.yaml"
        assert main(["fix", str(self.path(name)), "--apply", verdict.name, "-o", str(target)]) == 0
        again = self.path(f"{name} mended")
        danlu.train(target, screen=False, run__name=again.name, run__folder=str(again.parent))
        return Ground(again)

    def _train(self, name: str, changes: Mapping[str, Any], stops: bool = False) -> None:
        path = self.path(name)
        wanted = {**SAME, **changes, "run.folder": str(path.parent), "run.name": path.name}
        task = wanted.pop("task", "image-classification")
        wanted["data.source"] = str(self._source(wanted["data.source"]))
        recipe = recipes.patch(recipes.from_dict({"task": task}), wanted)
        if stops:
            with pytest.raises(DanluError):
                danlu.train(recipe, screen=False)
        else:
            danlu.train(recipe, screen=False)
        self.made[name] = Ground(path)

    def _source(self, name: str) -> Path | str:
        if name in WRITERS and name not in self.sources:
            place = self.folder / name
            place.mkdir()
            self.sources[name] = WRITERS[name](place)
        return self.sources.get(name, name)


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proofs]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(EXAMPLES)])  # house_price
        yield Proofs(tmp_path_factory.mktemp("health"))


def serious(verdicts: tuple[Verdict, ...]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.severity != "note"]


def awaited(ailing: Ailing, verdicts: tuple[Verdict, ...]) -> list[Verdict]:
    return [verdict for verdict in serious(verdicts) if verdict.name in ailing.verdicts]


@pytest.mark.parametrize("name", slowly(AILING, AILING, "unseen"))
def test_what_is_broken_gets_its_verdict(proofs: Proofs, name: str) -> None:
    ailing, ground = AILING[name], proofs.ailing(name)
    ailing.broken(ground)
    verdicts = danlu.health(ground.run)
    found = awaited(ailing, verdicts)
    assert found, [verdict.name for verdict in verdicts]
    assert not ailing.absurd & {verdict.name for verdict in serious(verdicts)}
    for verdict in found:
        assert verdict.text
        assert verdict.remedy
        assert verdict.evidence
        assert all(evidence.text for evidence in verdict.evidence)
    named = [layer for verdict in found for evidence in verdict.evidence for layer in evidence.layers]
    assert not ailing.guilty or any(ailing.guilty in layer for layer in named), named


@pytest.mark.parametrize("name", slowly(MENDED, AILING, "unmended"))
def test_the_patch_mends_it(proofs: Proofs, name: str) -> None:
    """Of the first verdict among the awaited that has one; another of them may not take its place afterwards."""
    ailing, before = AILING[name], proofs.ailing(name)
    patching = [verdict for verdict in awaited(ailing, danlu.health(before.run)) if verdict.patch]
    assert patching
    after = proofs.patched(name, patching[0])
    assert ailing.mended is not None
    ailing.mended(before, after)
    assert not awaited(ailing, danlu.health(after.run))


@pytest.mark.parametrize("name", slowly(THRIVING, THRIVING))
def test_what_goes_well_gets_none(proofs: Proofs, name: str) -> None:
    ground = proofs.thriving(name)
    THRIVING[name].content(ground)
    assert not [(verdict.name, verdict.text) for verdict in serious(danlu.health(ground.run))]


def test_at_least_twelve_eight_and_ten() -> None:
    assert len([ailing for ailing in AILING.values() if not ailing.unseen]) >= 12
    assert len([name for name in MENDED if not AILING[name].unmended]) >= 8
    assert len(THRIVING) >= 10


def own_loop(folder: Path, net: nn.Module, lr: float) -> float:
    """``danlu.fit`` with what leaves a trace of it in ``folder``; accuracy on held-out digits."""
    digits = load_digits()
    images, labels = torch.tensor(digits.images / 16.0, dtype=torch.float32).flatten(1), torch.tensor(digits.target)
    journal, writer = Journal(folder / "events.jsonl", 1), CaptureWriter(folder / "captures", 1)
    danlu.fit(
        net, F.cross_entropy, (images[:1500], labels[:1500]), validation=(images[1500:], labels[1500:]), epochs=15,
        batch_size=64, optimizer="adamw", lr=lr, schedule="one-cycle", captures_every=10, watchers=(journal, writer),
    )  # fmt: skip
    journal.close()
    writer.close()
    with torch.inference_mode():
        return float((net.eval()(images[1500:]).argmax(1) == labels[1500:]).float().mean())


def mlp(bias: float = 0.0) -> nn.Module:
    hidden = nn.Linear(64, 96)
    nn.init.constant_(hidden.bias, bias)
    return nn.Sequential(hidden, nn.ReLU(), nn.Linear(96, 10))


def test_an_own_loop_that_goes_well(tmp_path: Path) -> None:
    assert own_loop(tmp_path, mlp(), 3e-3) > 0.88
    assert not serious(danlu.health(tmp_path))


def test_an_own_loop_with_dead_units(tmp_path: Path) -> None:
    net = mlp(bias=-9.0)
    assert own_loop(tmp_path, net, 3e-3) < 0.3
    assert "dead-relu" in {verdict.name for verdict in serious(danlu.health(tmp_path))}
