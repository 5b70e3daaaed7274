"""Names: found without importing what they name, refused with the nearest, made with checked arguments."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import Field

from danlu.errors import RecipeError
from danlu.recipe import from_text, importing, names
from danlu.recipe.names import GROUPS, Group, build, catalogue, construct, load_object, resolve, spec_of
from danlu.recipe.schema import Named, OptimizerSection, named

if TYPE_CHECKING:
    from decimal import Decimal


@pytest.fixture
def shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of entries that fail when imported, as the group "shape"."""
    package = tmp_path / "shapes_for_test"
    package.mkdir()
    for name, text in {
        "__init__": "",
        "base": "class Base: ...",
        "_hidden": "class Hidden: ...",
        "unit_square": "raise RuntimeError\nclass UnitSquare: ...",
        "mse": "raise RuntimeError\nclass Other: ...\nclass MSE(Other): ...",
        "circle": "raise RuntimeError\ndef circle(): ...",
        "tools": "raise RuntimeError\nclass Hammer: ...",
    }.items():
        (package / f"{name}.py").write_text(text)
    (package / "folder").mkdir()
    (package / "folder" / "__init__.py").write_text("class Folder: ...")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(GROUPS, "loss", Group("shapes_for_test"))
    yield package
    for name in [name for name in sys.modules if name.startswith("shapes_for_test")]:
        del sys.modules[name]


def test_modules_are_entries_by_their_class(shapes: Path) -> None:
    assert catalogue("loss") == {
        "circle": "shapes_for_test.circle:circle",
        "folder": "shapes_for_test.folder:Folder",
        "mse": "shapes_for_test.mse:MSE",
        "unit-square": "shapes_for_test.unit_square:UnitSquare",
    }
    assert resolve("loss", "unit-square") == "shapes_for_test.unit_square:UnitSquare"
    assert load_object(resolve("loss", "folder")).__name__ == "Folder"


@pytest.mark.parametrize("group", [*GROUPS, "task"])
def test_every_entry_there_is_can_be_loaded(group: str) -> None:
    found = catalogue(group)
    assert found
    assert list(found) == sorted(found) or GROUPS[group].table
    for name, target in found.items():
        assert name == name.lower()
        assert "_" not in name
        assert resolve(group, name) == target
        assert load_object(target) is not None


def test_catalogues_import_no_torch() -> None:
    code = (
        "import sys\nfrom danlu.recipe import names\n"
        "for group in [*names.GROUPS, 'task']: assert names.catalogue(group)\n"
        "names.tasks()\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- the user's own modules -----------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with a module of the user's, one of them named like an installed package."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(importing, "_folders", [])
    before = set(sys.modules)
    (tmp_path / "mynet_for_test.py").write_text("class Net:\n    class Inner: ...\nnumber = 3\n")
    (tmp_path / "broken_for_test.py").write_text("x = 1\nx.y\n")
    (tmp_path / "unsound_for_test.py").write_text("def f(:\n")
    (tmp_path / "needy_for_test.py").write_text("import nosuchthing_for_test\n")
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.endswith("_for_test"):
            del sys.modules[name]


def test_a_module_in_the_current_folder(own: Path) -> None:
    assert resolve("net", "mynet_for_test:Net") == "mynet_for_test:Net"
    assert "mynet_for_test" not in sys.modules
    assert load_object("mynet_for_test:Net").__name__ == "Net"
    assert load_object("mynet_for_test:Net.Inner").__name__ == "Inner"
    assert sys.path[0] != str(own)


def test_a_module_beside_the_recipe(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from danlu.recipe import load

    (own / "recipes").mkdir()
    (own / "recipes" / "beside_for_test.py").write_text("Net = 3")
    (own / "recipes" / "r.yaml").write_text("model: beside_for_test:Net")
    with pytest.raises(RecipeError, match="no module beside_for_test"):
        resolve("net", "beside_for_test:Net")
    load(own / "recipes" / "r.yaml")
    assert load_object(resolve("net", "beside_for_test:Net")) == 3


def test_the_users_file_comes_before_an_installed_package(own: Path) -> None:
    (own / "zipapp.py").write_text("Net = 'mine'")
    before = sys.modules.pop("zipapp", None)
    try:
        assert load_object("zipapp:Net") == "mine"
    finally:
        sys.modules.pop("zipapp", None)
        if before is not None:
            sys.modules["zipapp"] = before


@pytest.mark.parametrize(
    ("name", "says", "remedy"),
    [
        ("mynet_for_tset:Net", "no module mynet_for_tset", "Did you mean mynet_for_test?"),
        ("mynet_for_test:Nett", "has no Nett", "Did you mean Net?"),
        ("mynet_for_test:Net.Iner", "has no Iner", "Did you mean Inner?"),
        ("broken_for_test:Net", "AttributeError: 'int' object has no attribute 'y' (", ""),
        ("unsound_for_test:Net", "SyntaxError", ""),
        ("needy_for_test:Net", "No module named 'nosuchthing_for_test'", ""),
    ],
)
def test_what_is_missing_or_broken_is_said(own: Path, name: str, says: str, remedy: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_object(resolve("net", name, "r.yaml:3"), "r.yaml:3")
    (problem,) = caught.value.problems
    assert problem.where == "r.yaml:3"
    assert says in problem.what
    assert problem.remedy == remedy
    if name.startswith(("broken", "unsound")):
        assert f"{name.partition(':')[0]}.py:{2 if name.startswith('broken') else 1}" in problem.what


def test_the_users_code_does_not_run_before_it_is_needed(own: Path) -> None:
    from danlu.recipe import complete

    (own / "loud_for_test.py").write_text("raise RuntimeError")
    (own / "loud_package_for_test").mkdir()
    (own / "loud_package_for_test" / "__init__.py").write_text("raise RuntimeError")
    (own / "loud_package_for_test" / "inner.py").write_text("raise RuntimeError")
    loss = "loud_package_for_test.inner:Loss"
    recipe = complete(from_text(f"model: {{name: loud_for_test:Net, args: {{a: 1}}}}\ntrain: {{loss: {loss}}}"))
    assert recipe.model.name == "loud_for_test:Net"
    with pytest.raises(RecipeError, match=r"no module loud_package_for_test\.iner"):
        resolve("loss", "loud_package_for_test.iner:Loss")
    assert importing.exists("sys")
    assert importing.exists("xml.dom.minidom")
    assert not importing.exists("xml.dom.minidom.more")


# ---- tasks ----------------------------------------------------------------------------------------------------------


def test_tasks_come_from_folders_packages_and_objects(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own / "spec_for_test.py").write_text(
        "from danlu.recipe.spec import TaskSpec\n"
        "SPEC = TaskSpec('own', ('Own', '自己的'), {}, 'nowhere:Task', ('val/loss', -1))\nOTHER = 3\n"
    )
    assert spec_of("detection").name == "detection"
    assert spec_of("spec_for_test:SPEC").name == "own"
    monkeypatch.setattr(names, "_plugins", lambda: {"plugged": "spec_for_test:SPEC"})
    assert spec_of("plugged").name == "own"
    assert "plugged" in names.tasks()
    with pytest.raises(RecipeError, match="not a TaskSpec"):
        spec_of("spec_for_test:OTHER")
    with pytest.raises(RecipeError, match=r"r\.yaml:1: there is no task called pluged.*Did you mean plugged\?"):
        spec_of("pluged", "r.yaml:1")


# ---- published nets -------------------------------------------------------------------------------------------------


def test_published_nets_are_found_by_their_own_names() -> None:
    assert resolve("net", "timm:resnet18.a1_in1k") == "timm:resnet18.a1_in1k"
    net = load_object("timm:test_vit")(num_classes=3)
    assert type(net).__name__ == "VisionTransformer"
    for name, near in (("timm:resnet81", "resnet18"), ("torchvision:resnet81", "resnet18")):
        with pytest.raises(RecipeError, match="no net called resnet81") as caught:
            load_object(name, "r.yaml:1")
        assert near[:6] in caught.value.problems[0].remedy
    for group, name in (("loss", "timm:resnet18"), ("net", "timm:"), ("net", "hf:")):
        with pytest.raises(RecipeError, match="called"):
            resolve(group, name)


# ---- building -------------------------------------------------------------------------------------------------------


class Thing:
    def __init__(
        self,
        target: str,
        output: str | None = None,
        *,
        gamma: Annotated[float, Field(ge=0)] = 2.0,
        betas: tuple[float, float] = (0.9, 0.999),
        mode: Literal["mean", "sum"] = "mean",
        sizes: Sequence[int] | None = None,
        unknown: Decimal | None = None,  # a name for type checkers only
    ) -> None:
        self.given = {key: value for key, value in locals().items() if key not in ("self", "__class__")}


class Needy:
    def __init__(self, must: int) -> None:
        if must == 13:
            raise ValueError("not 13")
        self.must = must


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("thing", {}),
        ({"thing": 3}, {"gamma": 3.0}),
        ({"thing": {"gamma": 3}}, {"gamma": 3.0}),
        ({"name": "thing", "gamma": 0.5, "mode": "sum"}, {"gamma": 0.5, "mode": "sum"}),
        ({"thing": {"betas": [0.8, 1]}}, {"betas": (0.8, 1.0)}),
        ({"thing": {"sizes": [1, 2]}}, {"sizes": [1, 2]}),
        ({"name": "thing", "value": 1, "mode": "sum"}, {"gamma": 1.0, "mode": "sum"}),
        ({"thing": {"unknown": "anything"}}, {"unknown": "anything"}),
    ],
)
def test_arguments_reach_the_constructor_as_their_types_say(written: Any, expected: dict[str, Any]) -> None:
    defaults = Thing("y").given
    made = construct(Thing, Named(**named(written)), "train.loss", target="y", output=None)
    assert made.given == {**defaults, **expected}
    assert {key: type(made.given[key]) for key in expected} == {key: type(value) for key, value in expected.items()}


@pytest.mark.parametrize(
    ("written", "where", "says", "remedy"),
    [
        ({"thing": {"gama": 1}}, "train.loss.gama", "thing has no argument gama", "Did you mean gamma?"),
        ({"thing": {"gamma": -1}}, "train.loss.gamma", "-1 is not allowed; it must be a number ≥ 0", ""),
        ({"thing": {"gamma": "1"}}, "train.loss.gamma", '"1" is not allowed', "Did you mean 1?"),
        ({"thing": -1}, "train.loss.value", "-1 is not allowed", ""),
        ({"thing": {"mode": "mena"}}, "train.loss.mode", "must be mean or sum", "Did you mean mean?"),
        ({"thing": {"betas": [0.8]}}, "train.loss.betas", "missing", ""),
        ({"thing": {"betas": [0.8, "x"]}}, "train.loss.betas.1", "x is not allowed; it must be a number", ""),
        ({"thing": {"target": "z"}}, "train.loss.target", "given by Danlu", "Leave it out."),
        ({"name": "thing", "value": 1, "gamma": 2}, "train.loss.value", "gamma of thing is given twice", ""),
    ],
)
def test_wrong_arguments_are_told_with_their_place(written: Any, where: str, says: str, remedy: str) -> None:
    with pytest.raises(RecipeError) as caught:
        construct(Thing, Named(**named(written)), "train.loss", target="y", output=None)
    (problem,) = caught.value.problems
    assert problem.where == where
    assert says in problem.what
    assert problem.remedy == remedy


def test_all_arguments_are_told_at_once_at_their_lines() -> None:
    recipe = from_text("train:\n  loss:\n    thing:\n      gamma: -1\n      mode: x\n      gama: 2\n")
    assert recipe.train.loss is not None
    with pytest.raises(RecipeError) as caught:
        construct(Thing, recipe.train.loss, recipe.under("train.loss"), target="y", output=None)
    assert [problem.where for problem in caught.value.problems] == [
        "recipe:6 (train.loss.gama)",
        "recipe:4 (train.loss.gamma)",
        "recipe:5 (train.loss.mode)",
    ]
    with pytest.raises(RecipeError, match=r"^recipe:2 \(train\.loss\.gama\)"):
        construct(Thing, recipe.train.loss, recipe.where("train.loss"), target="y", output=None)


def test_what_is_missing_refused_or_not_taken() -> None:
    assert construct(Needy, Named(name="needy", value=3)).must == 3
    for chosen, context, says in (
        (Named(name="needy"), {}, "needy needs must. Write {needy: {must: …}}."),
        (Named(name="needy", value=13), {}, "needy refused its arguments: not 13."),
        (Named(name="needy", value=3), {"classes": 4}, "needy has no parameter classes"),
        (Named(name="needy", value=3), {"must": 4}, "needy takes no value, but 3 is given"),
    ):
        with pytest.raises(RecipeError) as caught:
            construct(Needy, chosen, "x", **context)
        assert says in str(caught.value)


def test_real_entries_are_built() -> None:
    import torch

    focal = build("loss", Named(name="focal", value=3), "train.loss", target="label")
    assert (focal.target, focal.output, focal.gamma) == ("label", None, 3.0)
    section = OptimizerSection(name="sgd", lr=0.5, args={"momentum": 0.25})
    weight = torch.nn.Parameter(torch.zeros(3))
    optimizer = build("optimizer", section, "train.optimizer", params=[{"params": [weight]}], lr=0.5, weight_decay=0.0)
    assert optimizer.param_groups[0]["momentum"] == 0.25
    assert build("schedule", "cosine").restarts == 0
    kind, arguments = names.checked("optimizer", "sgd", {"momentum": 0.25}, "train.optimizer")
    assert (kind.__name__, arguments) == ("SGD", {"momentum": 0.25})
    with pytest.raises(RecipeError, match="has no parameter class_weights"):
        build("loss", "mse", "train.loss", target="y", class_weights=[1.0])
