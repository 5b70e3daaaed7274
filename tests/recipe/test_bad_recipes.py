"""Bad recipes: each is refused with all its mistakes, where they stand, what is wrong and what was probably meant.

To add one: its lines, the changes of the command line, and for each problem (where, part of what is said, part of the remedy).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from danlu.errors import RecipeError
from danlu.recipe import complete, load


class Bad(NamedTuple):
    text: str
    problems: list[tuple[str, str, str]]
    overrides: tuple[str, ...] = ()


BAD: dict[str, Bad] = {
    # ---- keys
    "unknown key at the top": Bad("seeds: 3", [("1 (seeds)", "no key seeds", "Did you mean seed?")]),
    "unknown key below": Bad("train:\n  epoch: 5", [("2 (train.epoch)", "no key epoch in train", "mean epochs?")]),
    "key of another section": Bad("epochs: 5", [("1 (epochs)", "no key epochs", "Its place is train.epochs.")]),
    "key of another program": Bad(
        "train: {learning_rate: 0.1}", [("1 (train.learning_rate)", "learning_rate", "place is train.optimizer.lr")]
    ),
    "key that resembles nothing": Bad(
        "train: {xyzzy: 1}", [("1 (train.xyzzy)", "no key xyzzy", "Known here: epochs,")]
    ),
    "dash for underscore": Bad("train:\n  batch-size: 4", [("2 (train.batch-size)", "batch-size", "batch_size?")]),
    "deep unknown key": Bad(
        "data:\n  image:\n    chanels: 3", [("3 (data.image.chanels)", "in data.image", "mean channels?")]
    ),
    "two named keys at once": Bad(
        "train:\n  loss: {nam: focal, gamma: 2}",
        [("2 (train.loss)", "must be a name, {name: …, argument: …} or {name: value} or null", "name: focal?")],
    ),
    # ---- types
    "text for a number": Bad('train: {epochs: "10"}', [("1 (train.epochs)", '"10" is not allowed', "mean 10?")]),
    "word for a number": Bad("train: {epochs: ten}", [("1 (train.epochs)", "must be a whole number ≥ 1", "")]),
    "float for a whole number": Bad("train: {batch_size: 1e2}", [("1 (train.batch_size)", "100.0", "mean 100?")]),
    "underscored number": Bad("seed: 1_000", [("1 (seed)", '"1_000" is not allowed', "mean 1000?")]),
    "yes for true": Bad("watch: {tensorboard: yes}", [("1 (watch.tensorboard)", "true or false", "mean true?")]),
    "true for a number": Bad("train: {epochs: true}", [("1 (train.epochs)", "true is not allowed", "")]),
    "number for text": Bad("run:\n  name: 2024", [("2 (run.name)", "2024 is not allowed; it must be text", "")]),
    "value for a section": Bad("train: 5", [("1 (train)", "a section with some of the keys epochs,", "")]),
    "section for a value": Bad("seed: {a: 1}", [("1 (seed)", "{a: 1} is not allowed", "")]),
    "one for a list": Bad("data: {augment: flip}", [("1 (data.augment)", "must be a list", "mean [flip]?")]),
    "number in a list of names": Bad(
        "data:\n  augment:\n    - flip\n    - 10", [("4 (data.augment.1)", "10 is not allowed; it must be a name", "")]
    ),
    "null for a value": Bad("train: {epochs: }", [("1 (train.epochs)", "null is not allowed", "")]),
    "off for null": Bad("train: {ema: off}", [("1 (train.ema)", "or null", "mean null?")]),
    "column number": Bad("data: {columns: {label: 3}}", [("1 (data.columns.label)", "3 is not allowed", "")]),
    # ---- ranges and choices
    "negative epochs": Bad("train: {epochs: -3}", [("1 (train.epochs)", "-3 is not allowed", "")]),
    "negative rate": Bad("train: {optimizer: {lr: -1}}", [("1 (train.optimizer.lr)", "number > 0 or auto", "")]),
    "percent for a share": Bad("data:\n  split: {val: 10}", [("2 (data.split.val)", "≥ 0 and < 1", "mean 0.1?")]),
    "percent sign": Bad("data: {split: {test: 20%}}", [("1 (data.split.test)", "20%", "mean 0.2?")]),
    "warm-up share of one": Bad("train: {warmup: 1.0}", [("1 (train.warmup)", "or a whole number ≥ 1", "mean 1?")]),
    "wrong case": Bad("train: {precision: FP16}", [("1 (train.precision)", "auto, fp32, bf16 or fp16", "fp16?")]),
    "misspelt choice": Bad("data: {missing: drp}", [("1 (data.missing)", "must be drop or error", "mean drop?")]),
    "unknown choice": Bad("deploy: {format: tensorrt}", [("1 (deploy.format)", "must be onnx", "")]),
    "misspelt auto": Bad("data: {image: {size: atuo}}", [("1 (data.image.size)", "or auto", "mean auto?")]),
    "two channels": Bad("data: {image: {channels: 2}}", [("1 (data.image.channels)", "must be 1, 3 or auto", "")]),
    "infinite rate": Bad("train: {optimizer: {lr: .inf}}", [("1 (train.optimizer.lr)", ".inf is not", "")]),
    "format": Bad("data: {source: x, format: csvv}", [("1 (data.format)", "csvv is not allowed", "mean csv?")]),
    # ---- names
    "task": Bad("task: image-clasification", [("1 (task)", "no task called", "mean image-classification?")]),
    "task with underscore": Bad("task: image_classification", [("1 (task)", "no task", "image-classification?")]),
    "net": Bad("model: {name: resnt}", [("1 (model.name)", "timm:NAME, torchvision:NAME", "mean resnet?")]),
    "net as text": Bad("model: mlpp", [("1 (model.name)", "no net called mlpp", "mean mlp?")]),
    "activation": Bad("model: {activation: gelo}", [("1 (model.activation)", "no activation", "mean gelu?")]),
    "norm": Bad("model: {norm: bach}", [("1 (model.norm)", "no norm called bach", "mean batch?")]),
    "loss": Bad("train: {loss: crossentropy}", [("1 (train.loss.name)", "no loss called", "mean cross-entropy?")]),
    "torch's loss": Bad("train: {loss: CrossEntropyLoss}", [("1 (train.loss.name)", "no loss", "cross-entropy?")]),
    "optimizer": Bad("train:\n  optimizer:\n    name: adamm", [("3 (train.optimizer.name)", "no optimizer", "adam?")]),
    "schedule": Bad("train: {schedule: cosin}", [("1 (train.schedule.name)", "no schedule called", "mean cosine?")]),
    "augmentation": Bad(
        "data:\n  augment:\n    - flip\n    - rotat: 10", [("4 (data.augment.1.name)", "no augmentation", "rotate?")]
    ),
    "folder that is no net": Bad("model: hf:./bert", [("1 (model.name)", "no config.json", "save_pretrained")]),
    "no name of the hub": Bad("model: hf:a b", [("1 (model.name)", "can't be the name", "hf:OWNER/NAME")]),
    "no object": Bad("model: 'mynet:'", [("1 (model.name)", "not of the form package.module:Object", "mynet:Net")]),
    "missing module": Bad("model: nosuchmodule:Net", [("1 (model.name)", "no module nosuchmodule", "found in")]),
    # ---- arguments
    "misspelt argument": Bad(
        "train:\n  loss:\n    name: focal\n    gama: 2",
        [("4 (train.loss.gama)", "focal has no argument gama", "gamma?")],
    ),
    "argument out of range": Bad(
        "train:\n  loss:\n    cross-entropy:\n      label_smoothing: 2",
        [("4 (train.loss.label_smoothing)", "2 is not allowed; it must be a number ≥ 0 and < 1", "")],
    ),
    "value out of range": Bad("data:\n  augment: [{rotate: -5}]", [("2 (data.augment.0.value)", "-5 is not", "")]),
    "misspelt argument of an optimizer": Bad(
        "train: {optimizer: {name: sgd, nestrov: true}}", [("1 (train.optimizer.nestrov)", "no argument", "nesterov?")]
    ),
    "own key of an optimizer": Bad(
        "train: {optimizer: {name: sgd, weightdecay: 0.1}}",
        [("1 (train.optimizer.weightdecay)", "no argument", "mean weight_decay?")],
    ),
    "argument of a schedule": Bad(
        "train:\n  schedule: {cosine: {restarts: few}}", [("2 (train.schedule.restarts)", "few is not allowed", "")]
    ),
    "argument of the net": Bad(
        "model:\n  name: mlp\n  args:\n    widths: [64, x]", [("4 (model.args.widths.1)", "x is not allowed", "")]
    ),
    # ---- options of the task
    "option": Bad(
        "task: detection\noptions:\n  overlp: 0.5", [("3 (options.overlp)", "no key overlp in options", "overlap?")]
    ),
    "option out of range": Bad(
        "task: detection\noptions: {overlap: 3}", [("2 (options.overlap)", "3 is not allowed; it must be a number", "")]
    ),
    "option where there are none": Bad("options: {top: 5}", [("1 (options.top)", "no key top", "Leave it out.")]),
    # ---- contradictions
    "nothing to train on": Bad(
        "data:\n  split:\n    val: 0.6\n    test: 0.4", [("3 (data.split.val)", "nothing to train on", "below 1")]
    ),
    "group and time": Bad("data: {split: {group: a, time: b}}", [("1 (data.split.group)", "at once", "Choose one")]),
    "stratify and time": Bad(
        "data:\n  split:\n    time: t\n    stratify: true", [("4 (data.split.stratify)", "class shares", "Leave")]
    ),
    "half precision on a CPU": Bad(
        "train: {device: cpu, precision: fp16}", [("1 (train.precision)", "fp16 is for GPUs", "bf16")]
    ),
    "device": Bad("train: {device: cdua}", [("1 (train.device)", "no device called cdua", "mean cuda?")]),
    "monitor without part": Bad("train: {best: accuracy}", [("1 (train.best)", "val/METRIC", "mean val/accuracy?")]),
    "monitor on test": Bad(
        "train:\n  early_stop:\n    monitor: test/loss",
        [("3 (train.early_stop.monitor)", "test part", "Write val/loss.")],
    ),
    "early stop without validation": Bad(
        "data: {split: {val: 0}}\ntrain: {early_stop: {patience: 3}}",
        [("2 (train.early_stop)", "data.split.val is 0", "Give data.split.val a share")],
    ),
    "warm-up longer than training": Bad(
        "train: {max_steps: 100, warmup: 200}", [("1 (train.warmup)", "200 steps", "share such as 0.05")]
    ),
    "never evaluated": Bad(
        "train: {epochs: 3, evaluate_every: 5, early_stop: {}}", [("1 (train.evaluate_every)", "never sees", "Lower")]
    ),
    "adjusted and weighted": Bad(
        "data: {balance: logit-adjustment}\ntrain: {loss: {name: focal, class_weights: [1, 2]}}",
        [
            (
                "2 (train.loss.class_weights)",
                "helped twice: by data.balance (logit-adjustment), and by class_weights",
                "Leave",
            )
        ],
    ),
    "adjusted twice": Bad(
        "data: {balance: logit-adjustment}\ntrain: {loss: {name: cross-entropy, logit_offsets: [1, 2]}}",
        [("2 (train.loss.logit_offsets)", "offsets of the logits are given by", "Leave")],
    ),
    "schedule for schedule-free": Bad(
        "train:\n  optimizer: {name: schedule-free, lr: 0.01}\n  schedule: cosine",
        [("3 (train.schedule)", "cosine would lower the rate besides", "train.schedule: constant")],
    ),
    "two averages with schedule-free": Bad(
        "train:\n  optimizer: schedule-free\n  schedule: constant\n  ema: 0.99",
        [("4 (train.ema)", "averages the weights by itself", "Leave train.ema out")],
    ),
    "thresholds, no validation": Bad(
        "data: {split: {val: 0}}\nevaluate: {thresholds: macro-f1}",
        [("2 (evaluate.thresholds)", "data.split.val is 0", "Give data.split.val a share")],
    ),
    "thresholds for accuracy": Bad(
        "evaluate: {thresholds: accuracy}",
        [("1 (evaluate.thresholds)", "balanced-accuracy or macro-f1 or null", "balanced-accuracy?")],
    ),
    "stochastic depth twice": Bad(
        "model:\n  name: torchvision:convnext_tiny\n  drop_path: 0.1\n  args: {stochastic_depth_prob: 0.2}",
        [("4 (model.args.stochastic_depth_prob)", "by model.drop_path and by model.args", "Leave")],
    ),
    "plateau, no validation": Bad(
        "data: {split: {val: 0}}\ntrain: {schedule: reduce-on-plateau}",
        [("2 (train.schedule)", "data.split.val is 0", "write train.schedule: cosine")],
    ),
    "plateau of the test part": Bad(
        "train:\n  schedule:\n    reduce-on-plateau:\n      monitor: test/loss",
        [("4 (train.schedule.monitor)", "test part", "Write val/loss.")],
    ),
    "plateau judged once": Bad(
        "train: {epochs: 5, evaluate_every: 5, schedule: reduce-on-plateau}",
        [("1 (train.evaluate_every)", "could never lower", "Lower train.evaluate_every")],
    ),
    "stopped before the plateau": Bad(
        "train:\n  early_stop: {patience: 3}\n  schedule: {reduce-on-plateau: {patience: 3}}",
        [("3 (train.schedule.patience)", "never lowered", "more patience")],
    ),
    "plateau of less than no rate": Bad(
        "train: {schedule: {reduce-on-plateau: {factor: 1.0}}}", [("1 (train.schedule.factor)", "< 1", "")]
    ),
    "classes where there are none": Bad(
        "task: detection\ndata: {balance: sampler}", [("2 (data.balance)", "detection has none", "Leave")]
    ),
    "column of another task": Bad(
        "data: {source: x.csv, columns: {imag: file}}",
        [("1 (data.columns.imag)", "it has image, label", "mean image?")],
    ),
    "two averages": Bad("train: {ema: 0.9, swa: 0.5}", [("1 (train.swa)", "two averages", "Leave one")]),
    "an average of one": Bad("train: {epochs: 3, swa: 0.9}", [("1 (train.swa)", "nothing to average", "lower")]),
    "proximal of nothing": Bad("train: {l1_by: proximal}", [("1 (train.l1_by)", "l1 is 0", "train.l1")]),
    "no such plan": Bad("model: {unfreeze: gradul}", [("1 (model.unfreeze.name)", "gradul", "gradual")]),
    "frozen and random": Bad("model: {unfreeze: frozen}", [("1 (model.unfreeze)", "random weights", "pretrained")]),
    "weights twice": Bad(
        "data: {balance: class-weights}\ntrain: {loss: {name: cross-entropy, class_weights: [1, 2]}}",
        [("2 (train.loss.class_weights)", "class weights are given by", "Leave")],
    ),
    "run name": Bad("run: {name: a/b}", [("1 (run.name)", "can't be the name of a folder", "Write a-b")]),
    "format of builtin data": Bad(
        "data:\n  source: builtin:fashion\n  format: csv", [("3 (data.format)", "says nothing", "Leave it out")]
    ),
    # ---- the command line
    "no equals sign": Bad("", [("command line", "--lr is not of the form", "train.optimizer.lr=3e-4")], ("--lr",)),
    "override of an unknown key": Bad(
        "", [("command line (train.epoch)", "no key epoch in train", "mean epochs?")], ("train.epoch=3",)
    ),
    "override below a value": Bad(
        "", [("command line (train.epochs.x)", "single value", "Write train.epochs=VALUE.")], ("train.epochs.x=3",)
    ),
    "override of a wrong type": Bad(
        "", [("command line (train.epochs)", "few is not allowed", "")], ("train.epochs=few",)
    ),
    "override past a list": Bad(
        "", [("command line (data.augment.7)", "7 is no place", "data.augment.0")], ("data.augment.7=flip",)
    ),
    "override of an argument": Bad(
        "train: {optimizer: sgd}",
        [("command line (train.optimizer.momentun)", "no argument momentun", "momentum?")],
        ("train.optimizer.momentun=0.9",),
    ),
    "override that is no YAML": Bad(
        "", [("command line (data.augment)", "bracket", "Close it")], ("data.augment=[flip",)
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_refused(bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(bad.text or "seed: 0", "utf-8")
    began = time.process_time()
    with pytest.raises(RecipeError) as caught:
        complete(load("r.yaml", bad.overrides))
    assert time.process_time() - began < 5.0
    found = [(problem.where, problem.what, problem.remedy) for problem in caught.value.problems]
    assert len(found) == len(bad.problems), found
    for (where, what, remedy), (place, says, advises) in zip(found, bad.problems, strict=True):
        assert where == (place if place.startswith("command line") else f"r.yaml:{place}")
        assert says in what
        assert advises in remedy if advises else not remedy


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("""\
task: detecton
epochs: 4
data:
  source: 5
  augment: [flip, {rotat: 10}]
  split:
    val: 10
    test: 0.9
train:
  optimizer: {name: adamv, lr: fast}
  device: cpu
  precision: fp16
  epochs: -3
""")
    with pytest.raises(RecipeError) as caught:
        load(path, ["trian.epochs=3"])
    found = [problem.where.removeprefix(f"{path}:") for problem in caught.value.problems]
    assert found == [
        "1 (task)",
        "2 (epochs)",
        "4 (data.source)",
        "5 (data.augment.1.name)",
        "7 (data.split.val)",
        "10 (train.optimizer.lr)",
        "10 (train.optimizer.name)",
        "12 (train.precision)",
        "13 (train.epochs)",
        "command line (trian.epochs)",
    ]


def test_mistakes_are_told_in_chinese(tmp_path: Path) -> None:
    from danlu.messages import set_language

    path = tmp_path / "r.yaml"
    path.write_text("train: {epochs: -3, epoch: 1}\nmodel: {norm: bach}")
    set_language("zh")
    with pytest.raises(RecipeError) as caught:
        load(path)
    assert [problem.what for problem in caught.value.problems] == [
        "不能是 -3；必须是整数 ≥ 1。",
        "train 中没有 epoch 这个键（此处的值为 1）。",
        "没有名为 bach 的归一化层；必须是 batch、layer、instance、group、none 或 package.module:Object。",
    ]


def test_a_missing_file_names_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("seed: 0")
    with pytest.raises(RecipeError, match=r"recipes\.yml: there is no such file\. Did you mean recipe\.yaml\?"):
        load(tmp_path / "recipes.yml")
    with pytest.raises(RecipeError, match="folder"):
        load(tmp_path)
