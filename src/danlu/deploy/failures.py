"""Why a net can't become a graph: which layer, which operation, which line, and what to do."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from torch import nn

from danlu.errors import ArtifactError, DanluError
from danlu.messages import say

_LIBRARIES = tuple(str(Path(module.__file__).parent) for module in (torch,) if module.__file__)
_OWN = str(Path(__file__).parent)
_BY_VALUE = ("data-dependent", "_local_scalar_dense", "not supported for tensor subclasses")  # as torch 2.13 says it


class Watched:
    """Knows in which layer the net was when something went wrong inside of the ``with``. Changes nothing."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self.active: list[str] = []
        self._handles: list[Any] = []

    def __enter__(self) -> Self:
        for name, module in self.net.named_modules():
            label = _label(name, type(module).__name__)
            self._handles.append(module.register_forward_pre_hook(self._enter(label)))
            self._handles.append(module.register_forward_hook(self._leave))
        return self

    def _enter(self, label: str) -> Any:
        def enter(module: nn.Module, arguments: Any) -> None:
            self.active.append(label)

        return enter

    def _leave(self, module: nn.Module, arguments: Any, outputs: Any) -> None:
        self.active.pop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._handles:
            self._handles.pop().remove()


def not_captured(error: Exception, watched: Watched, other_batch: Callable[[], Any]) -> DanluError:
    """torch.export could not follow the net. other_batch: calls the net with a batch of another size."""
    text = str(error)
    layer, line = watched.active[-1] if watched.active else "", _line(error)
    if "Constraints violated" in text or "ConstraintViolation" in text:
        reason = _first(text)
        watched.active.clear()
        try:
            with watched:
                other_batch()
        except Exception as eager:  # noqa: BLE001 - whatever it is, it says where one size is meant
            layer, line, reason = watched.active[-1] if watched.active else "", _line(eager), _first(str(eager))
        return _problem(layer, line, say("deploy.fixed-size", reason=reason), say("deploy.fixed-size.remedy"))
    if any(sign in text for sign in _BY_VALUE):
        return _problem(layer, line, say("deploy.by-value", reason=_first(text)), say("deploy.by-value.remedy"))
    what = say("deploy.not-captured", error=type(error).__name__, reason=_first(text))
    return _problem(layer, line, what, say("deploy.not-captured.remedy"))


def not_translated(error: Exception, program: torch.export.ExportedProgram) -> DanluError:
    """torch.onnx has no words for an operation."""
    chain = _chain(error)
    found = re.search(r"op='([\w.:]+)'", chain) or re.search(r"\b((?:aten|prims|torchvision)[.:]+\w+(?:\.\w+)?)", chain)
    if found is None:
        return _problem(
            "", "", say("deploy.not-translated", reason=_first(str(error))), say("deploy.no-operation.remedy")
        )
    operation = found[1].replace("::", ".")
    name = operation.split(".")[1]
    layer = line = ""
    for node in program.graph.nodes:
        if node.op == "call_function" and name in str(node.target):
            path, kind = list(node.meta.get("nn_module_stack", {"": ("", "")}).values())[-1]
            layer = _label(str(path).removeprefix("net").lstrip("."), str(kind).rpartition(".")[2])
            line = _place(re.findall(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or ""))
            break
    return _problem(layer, line, say("deploy.no-operation", operation=operation), say("deploy.no-operation.remedy"))


def wrong_output(output: Any) -> DanluError:
    """The net gives something that is no tensor."""
    return _problem("", "", say("deploy.wrong-output", type=type(output).__name__), say("deploy.wrong-output.remedy"))


def _label(name: str, kind: str) -> str:
    return f"{name} ({kind})" if name else kind


def _problem(layer: str, line: str, what: str, remedy: str) -> DanluError:
    return ArtifactError.of(": ".join(filter(None, (line, layer))), what, remedy)


def _line(error: BaseException) -> str:
    """``file:line`` of the last frame that is neither torch's nor ours: the net's own code."""
    return _place([(frame.filename, str(frame.lineno)) for frame in traceback.extract_tb(error.__traceback__)])


def _place(frames: Iterable[tuple[str, str]]) -> str:
    own = [f"{file}:{line}" for file, line in frames if not file.startswith((*_LIBRARIES, _OWN, "<"))]
    return own[-1] if own else ""


def _first(text: str) -> str:
    """The first line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300].rstrip(".") if lines else "–"


def _chain(error: BaseException | None) -> str:
    texts = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(texts)
