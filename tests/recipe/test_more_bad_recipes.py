"""More bad recipes, of the kinds that editors, keyboards, other YAML dialects and the user's own modules give.

Those of the first table are refused by reading alone, those of the second when `danlu check` meets the user's own code or data.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from danlu.cli.main import main
from danlu.errors import RecipeError
from danlu.recipe import complete, load


class Bad(NamedTuple):
    text: str
    problems: list[tuple[str, str, str]]
    overrides: tuple[str, ...] = ()


DEEP = "".join(f"{'  ' * level}a:\n" for level in range(400))

READ: dict[str, Bad] = {
    # ---- keyboards, editors and copied text
    "full-width colons": Bad("train：\n  epochs：3", [("1", "a colon is missing", "key: value")]),
    "full-width colon below": Bad("train:\n  epochs：3", [("1 (train)", '"epochs：3" is not allowed', "a space after")]),
    "full-width digit": Bad("train: {epochs: ３}", [("1 (train.epochs)", "３ is not allowed", "mean 3?")]),
    "Cyrillic letter": Bad("trаin: {epochs: 3}", [("1 (trаin)", "no key trаin", "train? What stands there holds а (U+0430)")]),
    "letter without width": Bad("tr\u200bain: {epochs: 3}", [("1 (tr", "tr\\u200Bain", "(U+200B)")]),
    "space that does not break": Bad("train:\u00a0{epochs: 3}", [("1 (train:", "\\xA0", "mean train?")]),
    "typographic dash": Bad("train: {optimizer: {lr: 1e–4}}", [("1 (train.optimizer.lr)", '"1e–4"', "mean 0.0001?")]),
    "decimal comma": Bad('train: {optimizer: {lr: "0,1"}}', [("1 (train.optimizer.lr)", '"0,1"', "mean 0.1?")]),
    "comma of thousands": Bad('train: {max_steps: "1,000"}', [("1 (train.max_steps)", '"1,000"', "mean 1000?")]),
    "percent of little": Bad("train: {warmup: 5%}", [("1 (train.warmup)", "5% is not allowed", "mean 0.05?")]),
    "UTF-16 that does not say so": Bad("\0".join("seed: 3\n") + "\0", [("1", "UTF-8", "")]),
    "binary": Bad("\x89PNG\0\0\0\rIHDR\0\0\0\0\0\0", [("1", "UTF-8", "")]),
    # ---- the shape of the file
    "tab": Bad("train:\n\tepochs: 3", [("2", "a tab", "Indent with spaces")]),
    "key twice": Bad("seed: 1\ntrain: {epochs: 3}\nseed: 2", [("3", "second time (first in line 1)", "Keep one")]),
    "section twice": Bad("train: {epochs: 3}\ntrain: {batch_size: 3}", [("2", "second time", "Keep one")]),
    "two documents": Bad("seed: 1\n---\nseed: 2", [("2", "a second document", "one recipe")]),
    "open quote": Bad('run: {name: "a}', [("1", "quotation mark", "Close it")]),
    "open brace": Bad("train: {epochs: 3", [("1", "a bracket", "Close it")]),
    "list": Bad("- seed: 3", [("1", "a recipe is a mapping", "danlu new TASK")]),
    "text after a brace": Bad("train: {epochs: 3} extra", [("1", "not indented", "same number of spaces")]),
    "comment of another language": Bad('{"seed": 3, // c\n}', [("1 (// c)", "no key // c", "Known here")]),
    "merge key": Bad("train:\n  <<: {epochs: 3}", [("2", "merge keys", "alias")]),
    "tag": Bad("seed: !!python/object/apply:os.system [x]", [("1", "the tag !!python", "plain value")]),
    "unknown alias": Bad("seed: *none", [("1", "none", "")]),
    "very deep": Bad(DEEP, [("", "deep", "")]),
    "dotted key": Bad("train.epochs: 3", [("1 (train.epochs)", "no key train.epochs", "written train: {epochs: 3}")]),
    "dotted key below": Bad(
        "train:\n  optimizer.lr: 0.1", [("2 (train.optimizer.lr)", "in train", "written optimizer: {lr: 0.1}")]
    ),
    "number as a key": Bad("1: 2", [("1 (1)", "no key 1 in a recipe", "Known here")]),
    # ---- values
    "five hundred digits": Bad("seed: " + "9" * 500, [("1 (seed)", "…", "")]),
    "seed of 64 bits": Bad("seed: 9223372036854775808", [("1 (seed)", "and < 9223372036854775808", "")]),
    "decay that is no number": Bad("train: {optimizer: {weight_decay: .nan}}", [("1 (train.optimizer.weight_decay)", ".nan", "")]),
    "path with a NUL": Bad('data: {source: "a\\0b"}', [("1 (data.source)", "U+0000", "")]),
    "empty path": Bad("data: {source: ''}", [("1 (data.source)", "text length ≥ 1", "")]),
    "device as a name": Bad("run: {name: con}", [("1 (run.name)", "can't be the name of a folder", "Write run-con")]),
    "bell in a name": Bad('run: {name: "a\\x07b"}', [("1 (run.name)", "\\x07", "Write a-b")]),
    "long name": Bad("run: {name: " + "n" * 300 + "}", [("1 (run.name)", "length ≤ 120", "")]),
    "long name in bytes": Bad("run: {name: " + "炉" * 100 + "}", [("1 (run.name)", "300 bytes", "Shorten")]),
    "minutes and seconds": Bad("train: {max_steps: 1:30}", [("1 (train.max_steps)", '"1:30"', "")]),
    "shares as a list": Bad("data: {split: [0.8, 0.1, 0.1]}", [("1 (data.split)", "keys val, test", "")]),
    "two names in one item": Bad("data: {augment: [{flip: {}, rotate: 10}]}", [("1 (data.augment.0)", "must be a name", "")]),
    "probability in percent": Bad("data: {augment: [{erase: {p: 30}}]}", [("1 (data.augment.0.p)", "≤ 1", "mean 0.3?")]),
    "rate in the optimizer's arguments": Bad(
        "train: {optimizer: {name: sgd, args: {lr: 0.1}}}", [("1 (train.optimizer.args.lr)", "given by Danlu", "Leave")]
    ),
    "space in a metric": Bad("train: {best: 'val/ accuracy'}", [("1 (train.best)", "val/METRIC", "mean val/accuracy?")]),
    "net of timm": Bad("model: 'timm:convnext_ato'", [("1 (model.name)", "timm has no net", "mean convnext_atto?")]),
    "net of torchvision": Bad("model: 'torchvision:resnet81'", [("1 (model.name)", "torchvision has", "mean resnet18?")]),
    # ---- the command line
    "nothing given": Bad("", [("command line (train.epochs)", "null is not allowed", "")], ("train.epochs=",)),
    "no key": Bad("", [("command line", "=3 is not of the form", "train.optimizer.lr=3e-4")], ("=3",)),
    "append": Bad("", [("command line (data.augment.+)", "+ is no place", "whole list")], ("data.augment.+=flip",)),
    "section away": Bad("", [("command line (train)", "null is not allowed", "")], ("train=null",)),
}  # fmt: skip

OWN = {
    "own_value.py": "NET = 3\n",
    "own_broken.py": "import nosuchlibrary\n",
    "own_script.py": "import sys\nsys.exit('usage: train.py DATA')\n",
    "own_syntax.py": "class Net(:\n",
    "own_things.py": """\
from torch import nn

class Fails(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        raise KeyError("depth")

class Plain(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()

class Other:
    pass

def nothing() -> None:
    pass
""",
}

CHECKED: dict[str, tuple[str, str, str, str]] = {  # text, where, what, remedy
    "value": ("model: own_value:NET", "2 (model.name)", "is not a net, but of type int", "Name an nn.Module class"),
    "misspelt object": ("model: own_things:Plane", "2 (model.name)", "has no Plane", "Did you mean Plain?"),
    "missing library": ("model: own_broken:Net", "2 (model.name)", "No module named 'nosuchlibrary'", "own_broken.py:1"),
    "script": ("model: own_script:Net", "2 (model.name)", "SystemExit: usage", "own_script.py:2"),
    "syntax": ("model: own_syntax:Net", "2 (model.name)", "SyntaxError", "own_syntax.py:1"),
    "constructor that fails": ("model: own_things:Fails", "2 (model.name)", "KeyError: 'depth'", "own_things.py:6"),
    "no forward": ("model: own_things:Plain", "2 (model.name)", "does not pass through the net", "check model.name"),
    "gives nothing": ("model: own_things:nothing", "2 (model.name)", "is not a net, but of type NoneType", "Name an"),
    "unknown argument": (
        "model: {name: own_things:Plain, args: {dept: 3}}", "2 (model.args.dept)", "no argument dept", "takes no arguments",
    ),
    "given argument": (
        "model: {name: own_things:Plain, args: {classes: 3}}", "2 (model.args.classes)", "given by Danlu", "Leave it out",
    ),
    "no term": ("train: {loss: own_things:Other}", "2 (train.loss.name)", "no parameter target", ""),
    "no schedule": ("train: {schedule: own_things:Other}", "2 (train.schedule.name)", "is no schedule", "it has no at"),
    "no norm": ("model: {norm: own_value:NET}", "2 (model.norm)", "can't be called", ""),
    "norm that is no module": ("model: {norm: own_things:nothing}", "2 (model.norm)", "failed when it was called", "TypeError"),
    "activation that is no module": ("model: {activation: own_things:nothing}", "2 (model.activation)", "makes no nn.Module", ""),
    "metric": ("train: {best: val/acuracy}", "2 (train.best)", "no metric val/acuracy", "Did you mean val/accuracy?"),
    "weights": ("model: {pretrained: resnet}", "2 (model.pretrained)", "there is no file resnet", "Write true"),
}  # fmt: skip


@pytest.mark.parametrize("bad", READ.values(), ids=READ)
def test_refused_by_reading(bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(bad.text or "seed: 0", "utf-8")
    began = time.process_time()
    with pytest.raises(RecipeError) as caught:
        complete(load("r.yaml", bad.overrides))
    assert time.process_time() - began < 5.0
    assert len(caught.value.problems) == len(bad.problems), caught.value
    for problem, (where, what, remedy) in zip(caught.value.problems, bad.problems, strict=True):
        assert problem.where.startswith(where if where.startswith("command line") else f"r.yaml:{where}")
        assert what in problem.what
        assert remedy in problem.remedy
        assert "\n" not in str(problem)


@pytest.mark.parametrize("name", CHECKED)
def test_refused_by_check(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for file, text in OWN.items():
        Path(file).write_text(text)
    text, where, what, remedy = CHECKED[name]
    Path("r.yaml").write_text(f"data: {{source: 'builtin:digits'}}\n{text}\n")
    before = set(sys.modules)
    try:
        assert main(["check", "r.yaml"]) == 2
    finally:
        for module in set(sys.modules) - before:
            if module.startswith("own_"):
                del sys.modules[module]
    said = capsys.readouterr().err
    assert f"r.yaml:{where}: " in said
    assert what in said
    assert remedy in said
    assert "Traceback" not in said
    assert not Path("runs").exists() or not list(Path("runs").iterdir())
