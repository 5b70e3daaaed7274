"""The detector that a recipe names: own, of torchvision or Transformers, or the user's; with its terms and how it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from danlu._compat.torchvision import ensure
from danlu.data.augment.base import BatchTransform
from danlu.data.dataset import Dataset
from danlu.errors import DanluError, RecipeError
from danlu.messages import choose
from danlu.nn.build import build_net
from danlu.nn.published import made
from danlu.nn.terms.base import Term
from danlu.recipe import names
from danlu.recipe.published import published, refuse_unknown
from danlu.recipe.schema import Named, Recipe
from danlu.tasks.detection import proposals, queries, texts
from danlu.tasks.detection.anchor_targets import AssignAnchors, TellBoxes
from danlu.tasks.detection.anchor_terms import PlainBox, RetinaBox, RetinaClass, SsdBox, SsdClass, Told
from danlu.tasks.detection.anchored import Anchored, Behind
from danlu.tasks.detection.anchors import Form, fcos_form, retinanet_form, ssdlite_form
from danlu.tasks.detection.assign import AssignBoxes
from danlu.tasks.detection.begun import begin, frozen
from danlu.tasks.detection.net import Fcos
from danlu.tasks.detection.proposals import Proposed
from danlu.tasks.detection.queries import Queries
from danlu.tasks.detection.terms import BoxTerm, CentreTerm, ClassTerm
from danlu.tasks.image_input import normalisation

_RCNN = re.compile(r"fasterrcnn_\w+")
_ONE_STAGE = (
    "fcos_resnet50_fpn",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "ssdlite320_mobilenet_v3_large",
)
_BATCH_NORM = ("retinanet_resnet50_fpn_v2", "fasterrcnn_resnet50_fpn_v2", "ssdlite320_mobilenet_v3_large")  # learnt on


@dataclass(frozen=True)
class Chosen:
    """net: makes a new one. form: how its outputs are read; None: as those of the own net. exports: whether a graph can hold it."""

    net: Callable[[], nn.Module]
    transform: BatchTransform
    terms: Callable[[], Mapping[str, Term]]
    form: Form | None = None
    exports: bool = True


def choose_detector(recipe: Recipe, data: Dataset, classes: int) -> Chosen:
    """Raises RecipeError for a net that is no detector known here, or that can't be made."""
    package, _, name = recipe.model.name.partition(":")
    if package == "torchvision":
        return _torchvision(recipe, data, name, classes)
    if package == "hf":
        return _transformers(recipe, data, name, classes)
    if package in ("timm", "smp") or (recipe.model.name != "auto" and ":" not in recipe.model.name):
        raise _unknown(recipe)
    return Chosen(lambda: _own(recipe, data, classes), AssignBoxes(), _own_terms)


def _own_terms() -> dict[str, Term]:
    return {"class": ClassTerm(), "box": BoxTerm(), "centre": CentreTerm()}


def _own(recipe: Recipe, data: Dataset, classes: int) -> nn.Module:
    """The small FCOS, or a net of the user's with outputs as it has them."""
    model = recipe.model
    channels = data.kinds["image"].storage().shape[-1]
    asked: dict[str, Any] = {
        key: value for key, value in (("activation", model.activation), ("norm", model.norm)) if value is not None
    }
    if model.name != "auto":
        height, width = (224 if side == -1 else side for side in data.kinds["image"].storage().shape[:2])
        body = build_net(
            model.name, channels, classes, (height, width), args=dict(model.args), pretrained=model.pretrained,
            where=recipe.where("model"), **asked,
        )  # fmt: skip
        return nn.Sequential(normalisation(recipe, data, "image"), body)
    chosen = Named(name="fcos", args=dict(model.args) | asked)
    body = names.construct(Fcos, chosen, recipe.where("model"), in_channels=channels, classes=classes)
    begin(body, recipe, "class_out.")
    return nn.Sequential(normalisation(recipe, data, "image"), body)


def _torchvision(recipe: Recipe, data: Dataset, name: str, classes: int) -> Chosen:
    _refuse_shared(recipe)
    refuse_unknown("torchvision", name, recipe.where("model.name"), ("detection",))
    rcnn = _RCNN.fullmatch(name) is not None
    if not rcnn and name not in _ONE_STAGE:
        raise _unknown(recipe)
    if data.kinds["image"].storage().shape[-1] != 3:
        what = choose(texts.COLOUR).format(net=recipe.model.name)
        raise RecipeError.of(recipe.where("model.name"), what, choose(texts.COLOUR_REMEDY))
    form: Form = proposals.FORM if rcnn else _form(recipe, data, name)
    background = rcnn or form["match"] == "best"

    def net() -> nn.Module:
        ensure()
        from torchvision import models

        given: dict[str, Any] = {"weights": None, "weights_backbone": None, **recipe.model.args}
        if rcnn:
            options = recipe.options
            given |= {
                "box_score_thresh": options["min_score"],
                "box_nms_thresh": options["overlap"],
                "box_detections_per_img": options["max_boxes"],
            }
        whole: Any = made(recipe.where("model.name"), models.get_model, name, num_classes=classes + background, **given)
        body = Proposed(whole, recipe.options["max_boxes"]) if rcnn else Anchored(whole, form)
        if recipe.model.pretrained and name not in _BATCH_NORM:
            frozen(body.backbone)
        begin(body, recipe, "roi_heads.box_predictor." if rcnn else "head.classification_head.", name)
        return Behind(normalisation(recipe, data, "image"), body)

    if rcnn:
        return Chosen(
            net, TellBoxes(), lambda: {term: Told(term, "images") for term in proposals.TERMS}, form, exports=False
        )
    return Chosen(net, AssignAnchors(form), lambda: _terms_of(name), form)


def _form(recipe: Recipe, data: Dataset, name: str) -> Form:
    if name.startswith("fcos"):
        return fcos_form()
    if name.startswith("retinanet"):
        return retinanet_form()
    size = recipe.data.image.size if recipe.data.image is not None else None
    if not isinstance(size, int):
        what = choose(texts.SIDE).format(net=recipe.model.name)
        raise RecipeError.of(recipe.where("data.image.size"), what, choose(texts.SIDE_REMEDY))
    return ssdlite_form(size)


def _terms_of(name: str) -> Mapping[str, Term]:
    if name.startswith("fcos"):
        return {"class": ClassTerm(), "box": PlainBox(), "centre": CentreTerm()}
    if name.startswith("retinanet"):
        return {"class": RetinaClass(), "box": RetinaBox(giou=name.endswith("_v2"))}
    return {"class": SsdClass(), "box": SsdBox()}


def _transformers(recipe: Recipe, data: Dataset, name: str, classes: int) -> Chosen:
    _refuse_shared(recipe)
    where = recipe.where("model.name")
    refuse_unknown("hf", name, where)
    ensure()
    from danlu.nn.transformers_files import configuration
    from danlu.nn.transformers_net import transformers_net

    kind = configuration(name, where).model_type
    if kind not in queries.KINDS:
        what = choose(texts.KIND).format(name=name, kind=kind)
        raise RecipeError.of(where, what, choose(texts.KIND_REMEDY))
    terms = queries.KINDS[kind]

    def net() -> nn.Module:
        height, width, channels = data.kinds["image"].storage().shape
        size = (height, width) if -1 not in (height, width) else (640, 640)
        found = transformers_net(
            name, channels, classes, size, dict(recipe.model.args), recipe.model.pretrained, where,
            recipe.where("model.pretrained"), "boxes",
        )  # fmt: skip
        return Behind(normalisation(recipe, data, "image"), Queries(found.model, terms))

    return Chosen(net, TellBoxes(), lambda: {term: Told(term, "objects") for term in terms}, queries.FORM)


def _refuse_shared(recipe: Recipe) -> None:
    for key in ("activation", "norm"):
        if getattr(recipe.model, key) is not None:
            what = choose(texts.UNTAKEN).format(net=recipe.model.name, key=key)
            raise RecipeError.of(recipe.where(f"model.{key}"), what, choose(texts.UNTAKEN_REMEDY))


def _unknown(recipe: Recipe) -> DanluError:
    known = (*_ONE_STAGE, *sorted(filter(_RCNN.fullmatch, published("torchvision", "detection"))))
    listed = ", ".join(f"torchvision:{name}" for name in known)
    what = choose(texts.UNKNOWN).format(name=recipe.model.name)
    return RecipeError.of(recipe.where("model.name"), what, choose(texts.UNKNOWN_REMEDY).format(known=listed))
