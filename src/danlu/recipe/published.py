"""Which nets timm, torchvision and the hub publish; the former read from their sources: to import either library takes seconds."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.recipe.nearest import did_you_mean

HUB = "hf"
PACKAGES = {
    HUB: "transformers",
    "timm": "timm",
    "torchvision": "torchvision",
    "smp": "segmentation_models_pytorch",
}  # prefix → the package that makes its nets
EXTRAS = {
    HUB: '"danlu[hf]"',
    "smp": '"danlu[segmentation]"',
    "peft": '"danlu[lora]"',
}  # what installs those that danlu doesn't bring

_REPOSITORY = re.compile(
    r"[\w.-]+(/[\w.-]+)?(@[\w./-]+)?"
)  # of the hub: an owner's or its own, with a revision or without

# Each registers its models by a decorator over the function that makes one. torchvision's can say a name; timm also keeps old names.
_MODEL = re.compile(r"^@register_model(?:\((?:name=\"(\w+)\")?\))?\n(?:@.*\n|\)\n|    .*\n)*def (\w+)\(", re.MULTILINE)
_OLD_NAMES = re.compile(r"^register_model_deprecations\(__name__, \{\n(.*?)^\}\)", re.MULTILINE | re.DOTALL)
_KEY = re.compile(r"^\s*['\"](\w+)['\"]\s*:", re.MULTILINE)


_ARCHITECTURE = re.compile(r"^from \.decoders\.\w+ import (\w+)$", re.MULTILINE)
APPLICATIONS = ("", "segmentation", "detection")  # folders of torchvision's nets


@cache
def published(package: str, application: str = "") -> frozenset[str]:
    """Names of the classification nets of "timm" or "torchvision"; empty where the package is not installed or has no sources.

    application: of torchvision another folder of nets ("segmentation", …). Of "smp" those it has, all for segmentation.
    """
    spec = find_spec(PACKAGES.get(package, package))
    found: set[str] = set()
    for root in (spec.submodule_search_locations or ()) if spec else ():
        if package == "smp":
            found.update(_ARCHITECTURE.findall((Path(root) / "__init__.py").read_text("utf-8")))
            continue
        for path in sorted((Path(root) / "models" / application).glob("*.py")):
            text = path.read_text("utf-8")
            found.update(name or function for name, function in _MODEL.findall(text))
            found.update(key for block in _OLD_NAMES.findall(text) for key in _KEY.findall(block))
    return frozenset(found)


def refuse_unknown(package: str, name: str, where: str, applications: tuple[str, ...] = ("",)) -> None:
    """Raises RecipeError with the nearest name where ``package`` publishes no such net. applications: for which it may be.

    A tag of weights (after a dot) is left alone.
    Of the hub's only what is certain is told: a folder that is none, and what can't be a name.
    """
    if package == HUB:
        _refuse_unnamed(name, where)
        return
    known = sorted(name for each in applications for name in published(package, each))
    if known and name.partition(".")[0] not in known:
        what = say("recipe.unknown-published", package=package, name=name, count=len(known))
        listing = f"{package}{'' if package == 'timm' else '.models'}.list_models()"
        raise RecipeError.of(
            where, what, did_you_mean(name, known) or say("recipe.unknown-published.remedy", listing=listing)
        )


def local(name: str) -> Path | None:
    """The folder that ``hf:NAME`` means; None where it is the hub's."""
    folder = Path(name).expanduser()
    told = name.startswith((".", "~")) or folder.is_absolute() or "\\" in name or name.partition("@")[0].count("/") > 1
    return folder if told or folder.is_dir() else None


def _refuse_unnamed(name: str, where: str) -> None:
    folder = local(name)
    if folder is not None and not (folder / "config.json").is_file():
        raise RecipeError.of(where, say("recipe.no-hub-folder", folder=folder), say("recipe.no-hub-folder.remedy"))
    if folder is None and not _REPOSITORY.fullmatch(name):
        raise RecipeError.of(where, say("recipe.no-hub-name", name=name), say("recipe.no-hub-name.remedy"))
