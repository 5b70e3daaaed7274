"""What is light stays light: importing Danlu, asking for help and reading recipes load nothing large."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import danlu

SOURCE = Path(danlu.__file__).parent
HEAVY = {"torch", "torchvision", "timm", "pandas", "scipy", "sklearn", "pyarrow", "PIL", "matplotlib", "tensorboard"}


def loaded_after(code: str) -> set[str]:
    """Top-level modules in a fresh interpreter after ``code``."""
    tail = "import sys, json; print(); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{tail}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_import_danlu_loads_next_to_nothing() -> None:
    small = {"numpy", "pydantic", "rich", "yaml", "argparse"}
    assert not loaded_after("import danlu; danlu.__version__; dir(danlu)") & (HEAVY | small)


def test_help_loads_next_to_nothing() -> None:
    for words in (["--help"], ["train", "--help"], ["--version"], ["runs", "--help", "--lang", "zh"]):
        loaded = loaded_after(f"from danlu.cli.main import main; assert main({words!r}) == 0")
        assert not loaded & {*HEAVY, "numpy", "pydantic", "rich", "yaml"}, words


def test_light_modules_load_no_torch() -> None:
    """Recipes, kinds, sources, metrics and specs work in a service that has no torch."""
    modules = ["danlu.errors", "danlu.messages", "danlu.randomness", "danlu.data.table"]
    for folder in (
        "recipe",
        "data/kinds",
        "data/sources",
        "metrics",
        "evaluation",
        "tasks/baselines",
        "cli",
        "messages/texts",
    ):
        modules += [_module(path) for path in sorted((SOURCE / folder).glob("*.py"))]
    modules += [_module(path) for path in sorted((SOURCE / "tasks").glob("*/spec.py"))]
    assert "danlu.tasks.image_classification.spec" in modules
    assert not loaded_after("\n".join(f"import {module}" for module in modules)) & HEAVY


def _module(path: Path) -> str:
    name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
    return name.removesuffix(".__init__")
