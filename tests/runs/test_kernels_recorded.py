"""A run says and records which kernel learnt its embeddings, and a resumed one is told where it was another."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import danlu
from danlu.messages import say
from danlu.nn.embedding.native import kernel, paired
from danlu.nn.maps import kernel as maps
from danlu.nn.maps import tiles
from danlu.nn.native.building import NoKernelError
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.nn.nets.neumf import Neumf
from danlu.nn.recurrent import kernel as recurrent
from danlu.runs import kernels
from danlu.runs.environment import differences
from danlu.training.plan import Plan


def test_torchs_operations_are_said_and_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_library", lambda: NoKernelError("compiler"))
    rng = np.random.default_rng(0)
    lines = [f"{u},{i},{r}" for u, i, r in zip(*rng.integers(1, 6, (3, 200)).tolist(), strict=True)]
    (tmp_path / "ratings.csv").write_text("user,item,rating\n" + "\n".join(lines) + "\n")
    run = danlu.train(
        {
            "task": "rating-prediction",
            "data": {"source": str(tmp_path / "ratings.csv"), "cache": str(tmp_path / "cache")},
            "train": {"epochs": 1, "optimizer": "rowwise-adagrad", "device": "cpu"},
            "options": {"split": "random"},
            "run": {"name": "one", "folder": str(tmp_path)},
        },
        screen=False,
    )
    found = json.loads((Path(run.path) / "environment.json").read_text())
    assert found["kernels"] == {"embeddings": "torch"}
    events = [json.loads(line) for line in (Path(run.path) / "events.jsonl").read_text().splitlines()]
    reason = say("native.no-kernel.compiler")
    assert sum(say("native.embeddings-torch", reason=reason) == event.get("text") for event in events) == 1
    texts, changing = differences(found, found | {"kernels": {"embeddings": "native"}})
    assert changing
    assert "kernels.embeddings" in texts[0]


def test_what_a_nets_convolutions_are_done_by_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the processor's tiles, where the net has what they know."""
    small = nn.Sequential(nn.Conv2d(1, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    for why, name in ((None, "native"), (NoKernelError("system", "no AMX"), "torch")):
        monkeypatch.setattr(tiles, "missing", lambda found=why: found)
        monkeypatch.setattr(maps, "missing", lambda: None)
        assert kernels.used(small, Plan(precision="bf16"))["kernels"] == {"maps": "native", "convolutions": name}
    assert kernels.used(nn.Sequential(nn.Conv2d(3, 10, 3)), Plan(precision="bf16")) == {}


def test_convolutions_that_no_tiles_are_asked_for_are_not_recorded_as_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32, compiled, on a graphics card nobody asks; of more threads than the tiles know, torch's operations are told."""
    small = nn.Sequential(nn.Conv2d(1, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    monkeypatch.setattr(tiles, "missing", lambda: None)
    monkeypatch.setattr(maps, "missing", lambda: None)
    for plan in (Plan(), Plan(precision="bf16", compiled=True), Plan(precision="bf16", device=torch.device("cuda"))):
        assert "convolutions" not in kernels.used(small, plan)["kernels"]
    monkeypatch.setattr(tiles, "THREADS", 0)
    assert kernels.used(small, Plan(precision="bf16"))["kernels"]["convolutions"] == "torch"


def test_what_recurrent_layers_are_done_by_is_recorded_and_their_lack_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bfloat16 is asked for; in float32 and compiled nobody asks a kernel."""
    net, half = nn.Sequential(nn.LSTM(4, 3)), Plan(precision="bf16")
    monkeypatch.setattr(recurrent, "missing", lambda: None)
    monkeypatch.setattr(recurrent, "threaded", lambda: True)
    assert kernels.used(net, half) == {"kernels": {"recurrent": "native"}}
    assert kernels.lines(net, half) == []
    monkeypatch.setattr(recurrent, "missing", lambda: NoKernelError("off"))
    assert kernels.used(net, half) == {"kernels": {"recurrent": "torch"}}
    assert kernels.lines(net, half) == [(say("native.recurrent-torch", reason=say("native.no-kernel.off")), "info")]
    for plan in (Plan(), Plan(precision="bf16", compiled=True), Plan(precision="bf16", device=torch.device("cuda"))):
        assert kernels.used(net, plan) == {}
        assert kernels.lines(net, plan) == []
    assert kernels.used(nn.Sequential(nn.RNN(4, 3)), half) == {}


def test_a_kernel_that_knows_one_thread_alone_is_told_where_there_are_more(monkeypatch: pytest.MonkeyPatch) -> None:
    net, half, before = nn.Sequential(nn.LSTM(4, 3)), Plan(precision="bf16"), torch.get_num_threads()
    monkeypatch.setattr(recurrent, "missing", lambda: None)
    monkeypatch.setattr(recurrent, "threaded", lambda: False)
    try:
        torch.set_num_threads(2)
        assert kernels.used(net, half) == {"kernels": {"recurrent": "torch"}}
        reason = say("native.no-kernel.threads")
        assert kernels.lines(net, half) == [(say("native.recurrent-torch", reason=reason), "info")]
        torch.set_num_threads(1)
        assert kernels.used(net, half) == {"kernels": {"recurrent": "native"}}
        assert kernels.lines(net, half) == []
    finally:
        torch.set_num_threads(before)


def test_a_net_over_pairs_says_where_it_is_learnt_by_torchs_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though its tables are dense: without the page of rows, or in layers over pairs without that of pairs."""
    layered, plain = Neumf(4, 3, embedding=2, hidden=(4,)), CollaborativeFiltering(4, 3, embedding=2)
    for page in (kernel, paired):
        monkeypatch.setattr(page, "missing", lambda: None)
    monkeypatch.setattr(paired, "threaded", lambda: True)
    for net in (layered, plain):
        assert kernels.used(net, Plan()) == {"kernels": {"embeddings": "native"}}
        assert kernels.lines(net, Plan()) == []
    monkeypatch.setattr(paired, "missing", lambda: NoKernelError("off"))
    told = [(say("native.pairs-torch", reason=say("native.no-kernel.off")), "info")]
    assert kernels.used(layered, Plan()) == {"kernels": {"embeddings": "torch"}}
    assert kernels.lines(layered, Plan()) == told
    assert kernels.lines(plain, Plan()) == []
    monkeypatch.setattr(kernel, "missing", lambda: NoKernelError("off"))
    for net in (layered, plain):
        assert kernels.used(net, Plan()) == {"kernels": {"embeddings": "torch"}}
        assert kernels.lines(net, Plan()) == told
