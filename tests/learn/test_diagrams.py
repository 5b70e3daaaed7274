"""Each figure of the diagrams is what the run's folder says: read here from its YAML, JSON and lines, with no code of Danlu."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch.nn.functional as F
import yaml
from safetensors.numpy import load_file
from torch import nn

import danlu
from danlu.learn.builtin import Builtin, spiral
from danlu.learn.diagrams import of_builtin, of_run
from danlu.learn.structure import structure
from danlu.training import events as told
from danlu.training import lock


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def steps(run: Path, name: str) -> list[float]:
    """One value a step, in order; of a run that was never interrupted."""
    return [value for line in lines(run) if line["type"] == "steps-done" for value in line["values"][name]]


def by_hand(run: Path) -> dict[str, Any]:
    recipe = yaml.safe_load((run / "recipe.yaml").read_text(encoding="utf-8"))
    card = json.loads((run / "data/card.json").read_text(encoding="utf-8"))
    told = lines(run)
    started = next(line for line in told if line["type"] == "fit-started")
    val = [line for line in told if line["type"] == "evaluated" and line["part"] == "val"]
    test = [line for line in told if line["type"] == "evaluated" and line["part"] == "test"]
    best = next((line for line in reversed(val) if line["best"]), None)
    losses, norms, rates = (steps(run, name) for name in ("train/loss", "grad_norm", "lr"))
    train, optimizer = recipe["train"], recipe["train"]["optimizer"]
    return {
        "data": {
            "source": Path(recipe["data"]["source"]).name,
            "rows": card["rows"],
            "input": [1, 8, 8],
            "classes": 3,
            "mean": pytest.approx(card["columns"]["image"]["statistics"]["mean"][0]),
            "std": pytest.approx(card["columns"]["image"]["statistics"]["std"][0]),
        },
        "training": {
            "losses": ["cross-entropy"],
            "optimizer": optimizer["name"],
            "momentum": optimizer["momentum"],
            "weight_decay": optimizer["weight_decay"],
            "l1": train["l1"],
            "schedule": train["schedule"] if isinstance(train["schedule"], str) else train["schedule"]["name"],
            "peak": optimizer["lr"],
            "seed": recipe["seed"],
            "batch": train["batch_size"],
            "step": len(losses),
            "steps": started["total_steps"],
            "epoch": math.ceil(len(losses) / started["steps_per_epoch"]),
            "epochs": train["epochs"],
            "loss": pytest.approx(np.mean(losses[-20:])),
            "grad_norm": pytest.approx(np.mean(norms[-20:])),
            "lr": rates[-1],
        },
        "evaluation": {
            "best": None if best is None else best["epoch"] + 1,
            "val": {} if best is None else {name.removeprefix("val/"): value for name, value in best["values"].items()},
            "test": {name.removeprefix("test/"): value for name, value in test[-1]["values"].items()} if test else {},
        },
        "curve": [[number, pytest.approx(loss)] for number, loss in enumerate(losses, start=1)],
    }


@pytest.mark.parametrize("name", ["convolutions", "layers"])
def test_a_finished_run(name: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(name)
    found = of_run(run)
    assert found["name"] == name
    assert found["status"] == "finished"
    for part, wanted in by_hand(run).items():
        assert found[part] == wanted, part
    parameters = load_file(next((run / "best").glob("*net*.safetensors")))
    running = ("running_mean", "running_var", "num_batches_tracked", "mean", "std")  # buffers
    count = sum(value.size for key, value in parameters.items() if key.rpartition(".")[2] not in running)
    assert found["net"]["parameters"] == count
    json.dumps(found, allow_nan=False)


def test_the_net_of_a_run(layers: Path) -> None:
    net = of_run(layers)["net"]
    assert net["name"] == "mlp"
    assert net["first"] == {"kind": "Linear", "parameters": 64 * 12 + 12}
    assert net["hidden"] == {"layers": 1, "parameters": 12 * 8 + 8}
    assert net["last"] == {"kind": "Linear", "parameters": 8 * 3 + 3}
    assert net["activations"] == {"ReLU": 2}


@pytest.fixture
def cut(layers: Path, tmp_path: Path) -> Path:
    """The run as it was in its third epoch: the last two evaluations and the end are not told yet."""
    run = tmp_path / "layers"
    shutil.copytree(layers, run)
    kept = []
    for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines(keepends=True):
        record = json.loads(line)
        if record["step"] > 13 and record["type"] != "fit-started":
            if record["type"] == "steps-done":
                count = len(record["steps"]) - (record["step"] - 13)
                if count > 0:
                    record |= {"step": 13, "steps": record["steps"][:count]}
                    record["values"] = {name: values[:count] for name, values in record["values"].items()}
                    kept.append(json.dumps(record) + "\n")
            continue
        kept.append(line)
    (run / "events.jsonl").write_text("".join(kept), encoding="utf-8")
    return run


def test_a_run_that_was_cut_off(cut: Path) -> None:
    found = of_run(cut)
    assert found["status"] == "stopped"
    assert found["training"]["step"] == 13
    assert found["evaluation"]["test"] == {}
    for part, wanted in by_hand(cut).items():
        assert found[part] == wanted, part


def test_a_run_that_is_running(cut: Path) -> None:
    """Another process holds its folder, and a line is half written."""
    with (cut / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"type": "steps-done", "st')
    held = lock.hold(cut)
    try:
        found = of_run(cut)
    finally:
        lock.release(held)
    assert found["status"] == "running"
    assert found["training"]["step"] == 13


def test_a_run_that_was_taken_up_again_stands_where_it_was_taken_up(cut: Path) -> None:
    """Steps that were told before the interruption and are still to be done again are not shown."""
    told = lines(cut)
    started = next(line for line in told if line["type"] == "fit-started")
    again = [started | {"attempt": started["attempt"] + 1, "step": 8}]
    block = next(line for line in told if line["type"] == "steps-done")
    again.append(
        block | {"attempt": again[0]["attempt"], "step": 9, "steps": [8], "values": {"train/loss": [0.5], "lr": [0.25]}}
    )
    with (cut / "events.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in again)
    found = of_run(cut)
    assert found["training"]["step"] == 9
    assert found["training"]["lr"] == 0.25
    assert found["curve"][-1] == [9, 0.5]
    assert found["curve"][:8] == [
        [number, pytest.approx(loss)] for number, loss in enumerate(steps(cut, "train/loss")[:8], 1)
    ]


def test_a_run_that_has_told_nothing_yet(layers: Path, tmp_path: Path) -> None:
    run = tmp_path / "layers"
    shutil.copytree(layers, run, ignore=shutil.ignore_patterns("events.jsonl", "checkpoints", "best"))
    found = of_run(run)
    assert found["curve"] == []
    assert found["training"]["step"] == found["training"]["epoch"] == 0
    assert found["training"]["loss"] is found["training"]["lr"] is None
    assert found["evaluation"] == {"best": None, "val": {}, "test": {}}
    assert found["net"]["parameters"] > 0


def test_losses_that_are_no_numbers_are_left_out(cut: Path) -> None:
    told = lines(cut)
    for line in told:
        if line["type"] == "steps-done":
            line["values"]["train/loss"] = ["NaN"] * len(line["steps"])
    (cut / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in told), encoding="utf-8")
    found = of_run(cut)
    assert found["curve"] == []
    assert found["training"]["loss"] is None
    json.dumps(found, allow_nan=False)


def test_no_more_points_than_are_drawn(cut: Path) -> None:
    told = lines(cut)
    count = 1000
    block = next(line for line in told if line["type"] == "steps-done")
    losses = np.linspace(3.0, 1.0, count)
    block |= {"step": count, "steps": list(range(count)), "values": {"train/loss": losses.tolist()}}
    rest = [line for line in told if line["type"] != "steps-done"]
    (cut / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*rest, block]), encoding="utf-8")
    curve = np.array(of_run(cut)["curve"])
    assert len(curve) == 120
    assert (np.diff(curve[:, 0]) > 0).all()
    near = np.interp(curve[:, 0], np.arange(1, count + 1), losses)
    np.testing.assert_allclose(curve[:, 1], near, atol=2.0 / 120)


def test_other_applications(old: Path) -> None:
    houses, boxes = of_run(old / "houses"), of_run(old / "boxes")
    assert houses["data"]["classes"] is None
    assert houses["training"]["losses"] == ["mse"]
    assert houses["evaluation"]["test"].keys() >= {"mae"}
    assert boxes["data"]["source"] == Path(danlu.Run(old / "boxes").recipe.data.source).name
    assert boxes["net"]["parameters"] > 0
    for found in (houses, boxes):
        json.dumps(found, allow_nan=False)


def test_the_small_net(builtin: Builtin) -> None:
    found = of_builtin()
    parts, net = spiral(), builtin.stage.net
    assert found["data"]["rows"]["train"] == len(parts["train"][0])
    assert found["data"]["rows"]["used"] == sum(len(points) for points, _ in parts.values())
    assert found["data"]["mean"] == pytest.approx(float(np.mean(parts["train"][0].numpy())), abs=1e-6)
    assert found["data"]["std"] == pytest.approx(float(np.std(parts["train"][0].numpy())), rel=1e-5)
    assert found["net"]["parameters"] == sum(p.numel() for p in net.parameters())
    for part in ("val", "test"):
        points, arm = parts[part]
        right = (net(points).argmax(1) == arm).float().mean().item()
        assert found["evaluation"][part]["accuracy"] == pytest.approx(right)
    loss = F.cross_entropy(net(parts["val"][0]), parts["val"][1]).item()
    assert found["evaluation"]["val"]["loss"] == pytest.approx(loss, rel=1e-5)
    losses = [
        value for event in builtin.events if isinstance(event, told.StepsDone) for value in event.values["train/loss"]
    ]
    assert found["training"]["step"] == found["training"]["steps"] == len(losses)
    assert found["training"]["loss"] == pytest.approx(np.mean(losses[-20:]))
    assert found["curve"][0][1] > 10 * found["curve"][-1][1]
    json.dumps(found, allow_nan=False)


def test_what_a_net_is_made_of() -> None:
    shared = nn.Linear(4, 4)
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3, bias=False),
        nn.BatchNorm2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(8, 4),
        nn.LayerNorm(4),
        nn.PReLU(),
        shared,
        nn.Dropout(0.4),
        shared,
        nn.ReLU(),
        nn.Linear(4, 3),
    )
    assert structure(net) == {
        "parameters": sum(p.numel() for p in net.parameters()),
        "first": {"kind": "Conv2d", "parameters": 18},
        "hidden": {"layers": 2, "parameters": 36 + 20},
        "last": {"kind": "Linear", "parameters": 15},
        "norms": {"BatchNorm2d": 1, "LayerNorm": 1},
        "activations": {"ReLU": 2, "PReLU": 1},
        "dropout": 0.4,
    }
    assert structure(nn.Sequential(nn.Linear(2, 1)))["last"] is None
    assert structure(nn.Sequential())["first"] is None
