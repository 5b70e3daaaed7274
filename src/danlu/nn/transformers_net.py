"""Nets of Transformers for image classification, fitted to the images' channels and size and to the classes.

Transformers itself makes the net as its configuration says, for our channels, size and classes. Published weights are loaded into
another one, made as published, and carried over name by name, so that nothing can keep fresh values unseen but the head.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from danlu._compat.torchvision import ensure
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.stochastic_depth import no_branches
from danlu.nn.transformers_files import configuration, weights
from danlu.nn.transformers_positions import Positions, Size, of_images, positions, size_of
from danlu.nn.weights import fitted, is_file, tensors_of
from danlu.recipe.nearest import did_you_mean

_DROPOUT = ("hidden_dropout_prob", "dropout_rate", "dropout", "hidden_dropout")  # as configurations call it
_OURS = ("num_labels", "id2label", "label2id", "num_channels", "image_size")
_ELSEWHERE = {"timm_wrapper": "timm:NAME"}  # has a prefix of its own
_NO_CODE = ("quantization_config", "fusion_config", "auto_map")  # of a configuration: what fetches or changes code


class TransformersNet(nn.Module):
    """(B, C, H, W) → logits (B, classes). heads: names in ``model`` of the layers whose outputs are the classes."""

    def __init__(self, model: nn.Module, heads: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.model(pixel_values=x, return_dict=True).logits
        return logits

    def get_classifier(self) -> tuple[nn.Module, ...]:
        """The head, as :func:`danlu.nn.head.head_of` asks for it."""
        return tuple(map(self.model.get_submodule, self.heads))


def transformers_net(
    name: str,
    in_channels: int,
    classes: int,
    image_size: Size,
    args: Mapping[str, Any],
    pretrained: bool | str,
    where: str,
    begun: str,
    answer: str = "label",
) -> TransformersNet:
    """name: ``OWNER/NAME[@REVISION]`` of the hub, or a folder. args: further values of the configuration;
    ``dropout`` and ``drop_path`` by whatever name they have there.

    pretrained: True for the weights beside the configuration, or a file of them. A kernel for another number of channels is fitted,
    position embeddings are interpolated to another size by the net's own rule, and a head for other classes is new.
    Raises RecipeError for an unknown net, weights that can't be had, and whatever can't be fitted.
    """
    ensure()  # Transformers imports torchvision
    if isinstance(pretrained, str) and not is_file(pretrained):
        raise RecipeError.of(
            where, say("nn.hub-tag", tag=pretrained), say("nn.hub-tag-remedy", net=name, tag=pretrained)
        )
    with _quiet():
        published = configuration(name, where)
        _refuse(published, name, where)
        asked = _configured(published, args, name, where)
        plain = copy.deepcopy(asked)
        kind = _class_of(asked, name, where, answer)
        _fit(asked, in_channels, classes, name, where)
        if not _takes(kind, asked, in_channels, image_size):
            _resize(asked, image_size)
        model = _made(kind, asked, name, where)
        heads = _heads(kind, asked, model)
        if pretrained:
            file = name if pretrained is True else pretrained
            tensors = weights(name, where) if pretrained is True else _unwrapped(tensors_of(pretrained, begun))
            given, size = _loaded(kind, [plain] if pretrained is True else [plain, asked], tensors, file, heads, begun)
            _carry_over(given, model, heads, size, size_of(asked), file, begun)
    return TransformersNet(model.train(), tuple(dict.fromkeys(each.rpartition(".")[0] for each in heads)))


# ---- what is made ---------------------------------------------------------------------------------------------------


def _refuse(config: Any, name: str, where: str) -> None:
    kind = config.model_type
    if kind in _ELSEWHERE:
        what = say("nn.hub-elsewhere", net=name, form=_ELSEWHERE[kind])
        raise RecipeError.of(where, what)
    for key in _NO_CODE:
        if getattr(config, key, None):
            if key != "auto_map":  # Transformers' own class is taken, whatever code lies beside it
                reason = say("nn.hub-key", key=key)
                raise RecipeError.of(where, say("nn.refused", net=name, reason=reason))
            delattr(config, key)


def _configured(published: Any, args: Mapping[str, Any], name: str, where: str) -> Any:
    config = copy.deepcopy(published)
    known = [key for key in published.to_dict() if key not in _OURS]
    for given, value in args.items():
        if given == "drop_path" and "drop_path_rate" not in known:
            raise no_branches(name, where)
        given = "drop_path_rate" if given == "drop_path" else given
        key = next((each for each in _DROPOUT if each in known), given) if given == "dropout" else given
        if key not in known:
            text = say("nn.takes-no", net=name, argument=key)
            raise RecipeError.of(where, text, did_you_mean(key, known) or say("nn.untaken-remedy"))
        setattr(config, key, list(value) if isinstance(value, tuple) else value)
    config._attn_implementation = None  # the best of torch's own: a configuration can name kernels to be fetched
    config.dtype = torch.float32
    return config


def _fit(config: Any, channels: int, classes: int, name: str, where: str) -> None:
    config.num_labels = classes
    inner = of_images(config)
    if hasattr(inner, "num_channels"):
        inner.num_channels = channels
    elif channels != 3:
        raise RecipeError.of(where, say("nn.hub-channels", net=name), say("nn.hub-channels-remedy"))


def _takes(kind: Any, config: Any, channels: int, size: Size) -> bool:
    """Whether a net of this configuration takes images of any size as it is: tried without memory and without computing."""
    if size_of(config) in (None, size):
        return True
    try:
        with torch.device("meta"), torch.no_grad():
            net = kind(copy.deepcopy(config)).eval()
            for width in (size[1], 2 * size[1]):  # one alone may have as many patches by chance, in another arrangement
                net(pixel_values=torch.empty(1, channels, size[0], width), return_dict=True)
    except Exception:  # noqa: BLE001  every net has its own way to refuse
        return False
    return True


def _resize(config: Any, size: Size) -> None:
    inner = of_images(config)
    inner.image_size = size[0] if size[0] == size[1] and isinstance(inner.image_size, int) else list(size)


def _class_of(config: Any, name: str, where: str, answer: str) -> Any:
    """Transformers' class for this configuration."""
    import transformers

    known = {
        "label": transformers.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
        "mask": transformers.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING,
        "boxes": transformers.MODEL_FOR_OBJECT_DETECTION_MAPPING,
    }[answer]
    try:
        found: Any = known[type(config)]
    except KeyError:
        what = say(f"nn.hub-no-net.{answer}", net=name, kind=config.model_type)
        raise RecipeError.of(where, what, say(f"nn.hub-no-net.{answer}.remedy")) from None
    if not isinstance(found, list | tuple):
        return found
    told = [each for each in found if each.__name__ in (config.architectures or ())]
    return (told or found)[0]


def _made(kind: Any, config: Any, name: str, where: str) -> nn.Module:
    try:
        net: nn.Module = kind._from_config(config, dtype=torch.float32)
    except Exception as error:  # as many kinds as there are nets
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        size = size_of(config)
        if size is not None and size[0] != size[1]:
            reason = say("nn.hub-square", size=f"{size[0]}×{size[1]}", reason=reason)
        raise RecipeError.of(where, say("nn.refused", net=name, reason=reason), say("nn.refused-remedy")) from error
    return net


def _heads(kind: Any, config: Any, model: nn.Module) -> tuple[str, ...]:
    """Names of the parameters whose shape depends on the number of classes."""
    more = copy.deepcopy(config)
    more.num_labels = config.num_labels + 1
    with torch.device("meta"):
        other = dict(kind(more).named_parameters())
    return tuple(name for name, value in model.named_parameters() if other[name].shape != value.shape)


# ---- published weights ----------------------------------------------------------------------------------------------


def _loaded(
    kind: Any, configs: list[Any], tensors: dict[str, Tensor], file: str, heads: tuple[str, ...], where: str
) -> tuple[dict[str, Any], Size | None]:
    """(parameters and buffers, the size of images) of the first net that ``tensors`` fit, by names as Transformers has them now.

    The head's are left out where they are not among the tensors, or of another shape. Raises RecipeError where anything else is.
    """
    wrong: list[str] = []
    for config in configs:
        try:
            net, info = kind.from_pretrained(
                None,
                config=config,
                state_dict=dict(tensors),
                dtype=torch.float32,
                ignore_mismatched_sizes=True,  # they are looked at here
                output_loading_info=True,
            )
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise RecipeError.of(where, say("nn.no-weights", net=file, reason=reason)) from error
        lacking = {each for each in info["missing_keys"] if not each.endswith("num_batches_tracked")}
        lacking |= {each[0] if isinstance(each, tuple) else each for each in info["mismatched_keys"]}
        wrong = wrong or sorted(lacking.difference(heads))
        if lacking.issubset(heads):
            state = {each: value for each, value in net.state_dict().items() if each not in lacking}
            return {**state, **positions(net, config, state)}, size_of(config)
    raise RecipeError.of(where, say("nn.weights-differ", file=file, names=_some(wrong), count=len(wrong)))


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those of a :class:`TransformersNet`, alone or behind its normalisation, by the names in its model."""
    for prefix in ("1.model.", "model."):
        inner = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        if inner and (prefix[0] == "1" or len(inner) == len(tensors)):
            return inner
    return tensors


def _carry_over(
    given: Mapping[str, Any],
    model: nn.Module,
    heads: tuple[str, ...],
    old: Size | None,
    size: Size | None,
    name: str,
    where: str,
) -> None:
    """old, size: of the images that the published net and ``model`` are made for."""
    wrong = []
    for key, value in model.state_dict().items():
        found = given.get(key)
        if isinstance(found, Positions):
            found = found.table if size is None or size == old else found.at(value.shape, size)
        elif found is not None and found.shape != value.shape and _other_channels(found, value):
            found = fitted(found, value.shape[1])
        if found is not None and found.shape == value.shape:
            value.copy_(found)
        elif key not in heads:
            wrong.append(key)
    if wrong:
        if size is None or old is None or size == old:
            raise RecipeError.of(where, say("nn.weights-differ", file=name, names=_some(wrong), count=len(wrong)))
        text = say("nn.hub-misfit", net=name, size=f"{size[0]}×{size[1]}", names=_some(wrong), count=len(wrong))
        raise RecipeError.of(where, text, say("nn.hub-misfit-remedy", size=old[0]))


def _other_channels(old: Tensor, new: Tensor) -> bool:
    return old.ndim == 4 and old.shape[:1] == new.shape[:1] and old.shape[2:] == new.shape[2:]


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Transformers' reports and bars: what matters of them is raised."""
    from transformers.utils import logging as reports

    logging: Any = reports  # which has no types

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
