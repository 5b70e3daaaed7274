"""Published nets' names come from the libraries' sources: the same names as the libraries list, without importing them."""

from __future__ import annotations

import subprocess
import sys

from danlu.recipe.published import published


def test_the_sources_hold_exactly_the_names_that_the_libraries_register() -> None:
    import timm
    import torchvision
    from timm.models._registry import _model_entrypoints

    assert published("timm") == set(_model_entrypoints) >= set(timm.list_models())
    assert published("torchvision") == set(torchvision.models.list_models(module=torchvision.models))
    assert published("not_installed") == frozenset()


def test_a_misspelt_net_is_told_without_importing_torch() -> None:
    script = """
import sys
from danlu.errors import RecipeError
from danlu.recipe import complete, from_dict
for name, near in (("timm:resnet81", "resnet18"), ("torchvision:resnet81", "resnet18")):
    try:
        complete(from_dict({"model": name}))
    except RecipeError as error:
        assert near in str(error), error
    else:
        raise SystemExit(f"{name} was accepted")
assert not {"torch", "timm", "torchvision"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
