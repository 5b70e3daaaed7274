"""The native kernel: equal to torch's operations, the same bits every time, and done without where it can't be had."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from danlu.messages import say
from danlu.nn.embedding.native import kernel
from danlu.nn.embedding.products import scored
from danlu.nn.embedding.table import table
from danlu.nn.native import building
from danlu.nn.native.building import NoKernelError, Source, built
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.runs import kernels
from danlu.training.optimisers.rowwise_adagrad import RowwiseAdagrad
from danlu.training.optimisers.sparse_adam import SparseAdam
from danlu.training.plan import Plan

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
OPTIMISERS: dict[str, Any] = {"rowwise-adagrad": RowwiseAdagrad, "sparse-adam": SparseAdam}


def trained(name: str, decay: float, biases: bool, pair: bool) -> dict[str, torch.Tensor]:
    """Weights after steps over few users and items, so that many come twice in a batch."""
    torch.manual_seed(0)
    net = CollaborativeFiltering(40, 30, embedding=24, biases=biases, scale=0.3, sparse=True)
    optimiser = OPTIMISERS[name]([{"params": list(net.parameters())}], lr=0.05, weight_decay=decay)
    generator = torch.Generator().manual_seed(1)
    for _ in range(12):
        users = torch.randint(40, (64,), generator=generator)
        items = torch.randint(30, (64,) if pair else (64, 3), generator=generator)
        optimiser.zero_grad()
        (net(users, items) - 1.0).square().mean().backward()
        optimiser.step()
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


@needs_compiler
@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize(("decay", "biases", "pair"), [(0.0, False, True), (0.1, True, True), (0.1, True, False)])
def test_training_is_that_of_torchs_operations(
    monkeypatch: pytest.MonkeyPatch, name: str, decay: float, biases: bool, pair: bool
) -> None:
    assert kernel.missing() is None
    mine, again = trained(name, decay, biases, pair), trained(name, decay, biases, pair)
    monkeypatch.setattr(kernel, "usable", lambda *_: False)
    theirs = trained(name, decay, biases, pair)
    for key, value in mine.items():
        assert torch.equal(value, again[key])
        torch.testing.assert_close(value, theirs[key], rtol=2e-4, atol=2e-5)


@needs_compiler
@pytest.mark.parametrize("most", [1, 5, 2_000, 3_000_000, 2**40])
def test_runs_are_those_of_a_stable_sort(most: int) -> None:
    ids = torch.randint(most, (777,), generator=torch.Generator().manual_seed(3))
    once, order, starts = kernel.runs(ids)
    wanted, place = torch.sort(ids, stable=True)
    assert torch.equal(order, place)
    assert torch.equal(ids[order][starts], once)
    assert torch.equal(once, torch.unique(wanted))


@needs_compiler
@pytest.mark.parametrize(("user", "item"), [(-1, 0), (40, 0), (0, -5), (0, 30), (2**62, 0)])
def test_an_unknown_id_is_refused_before_memory_is_touched(user: int, item: int) -> None:
    net = CollaborativeFiltering(40, 30, embedding=8, sparse=True)
    with pytest.raises(IndexError, match="out of range"):
        net(torch.tensor([1, user]), torch.tensor([item, 2]))


@needs_compiler
def test_nan_and_infinity_stay_what_they_are() -> None:
    one, other = torch.full((2, 8), float("inf")), torch.zeros(2, 8)
    place = torch.tensor([0, 1])
    assert bool(torch.isnan(kernel.scores(one, other, None, place, place, False)[0]).all())
    assert bool(torch.isinf(kernel.scores(one, other + 1, None, place, place, False)[0]).all())


@needs_compiler
def test_the_library_is_built_once_and_only_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    built(kernel.SOURCE, tmp_path / "mine")
    (place,) = (tmp_path / "mine").iterdir()
    before = place.stat().st_mtime_ns
    built(kernel.SOURCE, tmp_path / "mine")
    assert place.stat().st_mtime_ns == before
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(NoKernelError, match="folder"):
        built(kernel.SOURCE, tmp_path / "open")


@needs_compiler
def test_a_compiler_that_fails_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "rows.c"
    source.write_text("no C at all")
    for threads in (False, True):  # with OpenMP a second way is tried
        with pytest.raises(NoKernelError, match="failed"):
            built(building.Source(source, threads=threads), tmp_path / "mine")
    assert not list((tmp_path / "mine").iterdir())


@needs_compiler
def test_a_compiler_that_does_not_answer_is_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def hangs(command: list[str], **others: object) -> None:
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(subprocess, "run", hangs)
    page = tmp_path / "page.c"
    page.write_text("int nothing;")
    with pytest.raises(NoKernelError, match="failed"):
        built(Source(page), tmp_path)


@pytest.mark.parametrize("why", ["off", "system", "compiler", "folder", "failed", "load"])
def test_its_lack_is_said(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    monkeypatch.setattr(kernel, "_library", lambda: NoKernelError(why, "detail"))
    net = CollaborativeFiltering(4, 3, embedding=8, sparse=True)
    ((text, level),) = kernels.lines(net, Plan())
    assert say(f"native.no-kernel.{why}", detail="detail") in text
    assert level == ("info" if why == "off" else "warning")
    assert kernels.used(net, Plan()) == {"kernels": {"embeddings": "torch"}}
    ((whole, level),) = kernels.lines(
        CollaborativeFiltering(4, 3, embedding=8), Plan()
    )  # its pairs are scored without, too
    assert say(f"native.no-kernel.{why}", detail="detail") in whole
    assert level == "info"
    assert whole != text
    assert kernels.lines(torch.nn.Linear(4, 3), Plan()) == []
    net(torch.tensor([1]), torch.tensor([2])).sum().backward()  # and all the same it learns


def test_it_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANLU_NATIVE", "0")
    with pytest.raises(NoKernelError, match="off"):
        built(kernel.SOURCE, tmp_path)


@needs_compiler
def test_ids_of_other_forms_are_no_affair_of_the_kernel() -> None:
    """One user for many items, and ids of another type: torch's answers, and its own errors, as without the kernel."""
    one, other = table(6, 4, 0.3, True), table(5, 4, 0.3, True)
    many = torch.arange(5)
    expected = (one.weight[2] * other.weight).sum(1)
    assert torch.allclose(scored(one, other, torch.tensor([2]), many)[0], expected)
    assert torch.allclose(scored(one, other, torch.full((5,), 2, dtype=torch.int32), many.int())[0], expected)
    with pytest.raises(RuntimeError):
        scored(one, table(5, 3, 0.3, True), many, many)


def test_tables_that_are_moved_whole_are_said_where_they_are_long_and_need_not_be() -> None:
    def said(net: torch.nn.Module) -> list[str]:
        return [text for text, _ in kernels.lines(net, Plan())]

    whole = say("native.embeddings-whole", count="70,000")
    assert whole in said(CollaborativeFiltering(70_000, 30, embedding=64))
    assert whole not in said(CollaborativeFiltering(70_000, 30, embedding=64, sparse=True))
    assert said(CollaborativeFiltering(40, 30, embedding=64)) == []
    assert said(torch.nn.Embedding(70_000, 64)) == []  # nobody offers to make it otherwise
