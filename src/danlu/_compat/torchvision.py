"""torchvision without its compiled operators.

Why: torchvision's wheels are bound to one build of torch. Where ``_C.so`` does not load (a CPU torch beside a CUDA
torchvision, as an index that lacks one of the two gives), ``import torchvision`` dies with "operator torchvision::nms
does not exist", and everything that imports it (timm, torchmetrics, peft, …) dies with it. Models and transforms need
no compiled operator.

What: before torchvision is executed, its ``nms`` and ``qnms`` are defined in plain PyTorch where the compiled ones
don't load; after it, ``roi_align`` is given :mod:`danlu._compat.roi_align` (torchvision's own fallback compiles for a
minute and is wrong outside the image), and what stays unavailable says so by name. Where the compiled operators load,
nothing is changed.

:func:`hook` makes that happen by itself whenever torchvision is first imported, by whomever; it imports nothing and
costs microseconds.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, NoReturn

if TYPE_CHECKING:  # importlib.abc and pathlib are too dear for every ``import danlu``
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

State = Literal["absent", "compiled", "replaced"]

_library: Any = None  # torch.library.Library: our operators live as long as it does
_state: State | None = None


class OperatorUnavailableError(RuntimeError):
    """An operator of torchvision that has no replacement was called where its compiled operators don't load."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} needs torchvision's compiled operators, which do not load beside this torch. Install the "
            "torchvision built for your torch (https://github.com/pytorch/vision#installation), or use a net that does "
            "without.\n"
            f"{name} 需要 torchvision 的编译算子，而它们无法在当前的 torch 上加载。请安装与 torch 匹配的 torchvision"
            "（见上面的网址），或换用不需要该算子的网络。"
        )


class _Finder:
    """Finds torchvision as everybody else does and wraps its execution; merely looking for it changes nothing."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "torchvision":
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                _wrap(spec)
                return spec
        return None


def _wrap(spec: ModuleSpec) -> None:
    execute: Callable[[ModuleType], None] | None = getattr(spec.loader, "exec_module", None)
    if execute is None:
        return

    def exec_module(module: ModuleType) -> None:
        state = _define(spec)
        execute(module)
        if state == "replaced":
            _patch()

    spec.loader.exec_module = exec_module  # type: ignore[union-attr, method-assign]


def hook() -> None:
    """Put torchvision right at its first import, whoever imports it. Imports nothing; may be called often."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())  # type: ignore[arg-type]


def ensure() -> State:
    """Make ``import torchvision`` work, without importing it. The first call loads operators, later ones cost nothing.

    Returns "compiled" where torchvision's own operators load (nothing is changed), "replaced" where ours stand in,
    "absent" where torchvision is not installed. Raises RuntimeError where torchvision is being imported at this very
    moment, past the point where operators could be given to it.
    """
    global _state
    hook()
    if _state is not None:
        return _state
    module = sys.modules.get("torchvision")
    if module is None:
        import importlib.util

        spec = importlib.util.find_spec("torchvision")
        return _define(spec) if spec is not None else "absent"
    spec = module.__spec__
    if getattr(spec, "_initializing", False):
        raise RuntimeError(
            "torchvision is already half imported without its operators. Import danlu before anything that imports "
            "torchvision (timm, torchmetrics, …), or call danlu._compat.torchvision.ensure() first.\n"
            "torchvision 正处于半导入状态，且其算子不可用。请先导入 danlu，"
            "再导入依赖 torchvision 的库（timm、torchmetrics 等）。"
        )
    # Imported whole before danlu: versions exist that import without operators and fail when used.
    _state = _define(spec)
    if _state == "replaced":
        _patch()
    return _state


def _define(spec: ModuleSpec | None) -> State:
    """Load the compiled operators, or define ours."""
    global _library, _state
    if _state is not None:
        return _state
    import torch

    if _compiled(spec):
        _state = "compiled"
        return _state
    from danlu._compat.nms import nms

    _library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        _library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _library.impl(name, nms, "CompositeExplicitAutograd")
    _state = "replaced"
    return _state


def _compiled(spec: ModuleSpec | None) -> bool:
    from pathlib import Path

    import torch

    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for file in sorted(Path(folder).glob("_C*")):
            if file.suffix in (".so", ".pyd", ".dylib"):
                try:
                    torch.ops.load_library(str(file))  # type: ignore[no-untyped-call]
                except (OSError, RuntimeError):
                    return False
    return hasattr(torch.ops.torchvision, "nms")


def _patch() -> None:
    """After torchvision was executed with our operators: let it use them, and let the rest speak clearly."""
    import torch

    from danlu._compat.roi_align import roi_align

    boxes = sys.modules.get("torchvision.ops.boxes")
    if boxes is not None:
        boxes._assert_has_ops = _available  # type: ignore[attr-defined]
    align = sys.modules.get("torchvision.ops.roi_align")
    if align is not None:
        align._roi_align = roi_align  # type: ignore[attr-defined]
        align.is_compile_supported = _everywhere  # type: ignore[attr-defined]  # ours is never compiled
        align._assert_has_ops = _refuse("torchvision.ops.roi_align on quantised tensors")  # type: ignore[attr-defined]
    for module, name in _WITHOUT.items():
        found = sys.modules.get(f"torchvision.ops.{module}")
        if found is not None:
            found._assert_has_ops = _refuse(f"torchvision.ops.{name}")  # type: ignore[attr-defined]
    operators: Any = torch.ops.torchvision
    if not hasattr(operators, "box_iou_rotated"):
        operators.box_iou_rotated = _refuse("torchvision.ops.box_iou on rotated boxes")
    image = sys.modules.get("torchvision.io.image")
    if image is not None and not image._has_image_ops():
        image._assert_has_image_ops = _refuse("torchvision.io")  # type: ignore[attr-defined]


_WITHOUT = {
    "roi_pool": "roi_pool",
    "ps_roi_pool": "ps_roi_pool",
    "ps_roi_align": "ps_roi_align",
    "deform_conv": "deform_conv2d",
}


def _available() -> None:
    """In place of ``_assert_has_ops`` where ours do."""


def _everywhere(device: str) -> bool:
    return True


def _refuse(name: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise OperatorUnavailableError(name)

    return refuse
