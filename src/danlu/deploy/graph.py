"""A net becomes an ONNX graph: torch.export captures what it computes, torch.onnx translates it. fp32, normalisation inside.

Sources: https://docs.pytorch.org/docs/stable/export.html, https://docs.pytorch.org/docs/stable/onnx_export.html.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Padded
from danlu.data.kinds.base import Kind
from danlu.deploy.engine import SIZES, leaves
from danlu.deploy.failures import Watched, not_captured, not_translated, wrong_output
from danlu.deploy.recurrent import as_operators
from danlu.tasks.base import Further
from danlu.tasks.decoding import Given

OPSET = 20  # what torch's own translations are written in; ONNX Runtime has it since 1.17


class Graph(nn.Module):
    """The net with plain tensors going in and out. padded: for each input, whether it comes as values and sizes."""

    def __init__(self, net: nn.Module, padded: list[bool]) -> None:
        super().__init__()
        self.net = net
        self.padded = padded

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        rest = iter(tensors)
        arguments = [Padded(next(rest), next(rest)) if padded else next(rest) for padded in self.padded]
        return tuple(_tensors(self.net(*arguments)))


def write_graph(net: nn.Module, kinds: Mapping[str, Kind], given: Mapping[str, Given], path: Path) -> Any:
    """Write the graph of a net in evaluation mode on the CPU; the structure of its outputs, see :mod:`danlu.deploy.engine`.

    given: two or more samples of each input column, in the net's order. The graph's inputs are the columns, ``NAME.sizes`` beside
    padded ones; the batch may have any size, and so may what varies in padded values. Raises ArtifactError for a net that can't be
    captured.
    """
    names: list[str] = []
    tensors: list[Tensor] = []
    shapes: list[dict[int, Any]] = []
    batch = torch.export.Dim("batch")
    for name, values in given.items():
        both = values if isinstance(values, tuple) else (values,)
        free = varying(kinds[name])
        block = _odd(both[0], free) if free else both[0]
        for key, value in zip((name, name + SIZES), (block, *both[1:]), strict=False):
            names.append(key)
            tensors.append(torch.from_numpy(np.ascontiguousarray(value)))
            shapes.append({0: batch})
        shapes[-len(both)].update(dict.fromkeys(free, torch.export.Dim.DYNAMIC))
    graph = Graph(net, [isinstance(values, tuple) for values in given.values()])
    structure = _structure(graph, tensors, names)
    _write(graph, net, tensors, names, shapes, structure, path)
    return structure


def write_further(further: Further, path: Path) -> Any:
    """Write a further graph of a net; the structure of its outputs. Raises ArtifactError where it can't be captured."""
    names, tensors = list(further.given), list(further.given.values())
    shapes: list[dict[int, Any]] = [
        {0: torch.export.Dim("batch"), **dict.fromkeys(further.free.get(name, ()), torch.export.Dim.DYNAMIC)}
        for name in names
    ]
    graph = Graph(further.module, [False] * len(names))
    structure = _structure(graph, tensors, names)
    _write(graph, further.module, tensors, names, shapes, structure, path)
    return structure


def _write(
    graph: Graph,
    net: nn.Module,
    tensors: list[Tensor],
    names: list[str],
    shapes: list[dict[int, Any]],
    structure: Any,
    path: Path,
) -> None:
    with _quiet():
        try:
            with Watched(net) as watched, as_operators(net), torch.no_grad():
                program = torch.export.export(graph, tuple(tensors), dynamic_shapes={"tensors": tuple(shapes)})
        except Exception as error:
            more = [tensor[[0, 1, 1]] for tensor in tensors]
            raise not_captured(error, watched, lambda: graph(*more)) from error
        try:
            translated = torch.onnx.export(
                program, (), dynamo=True, verbose=False, optimize=True, opset_version=OPSET, input_names=names,
                output_names=leaves(structure),
            )  # fmt: skip
        except Exception as error:
            raise not_translated(error, program) from error
    assert translated is not None
    _tidy(translated.model, names, shapes)
    translated.save(path)


def varying(kind: Kind) -> list[int]:
    """Dimensions of a stacked value, behind the batch, that differ from batch to batch."""
    if kind.varies is not None:
        return list(kind.varies)
    storage = kind.storage()
    seen = []
    for size in (3, 5):
        values = kind.stack([np.zeros([size if each == -1 else each for each in storage.shape], storage.dtype)])
        seen.append(values[0].shape if isinstance(values, tuple) else values.shape)
    return [axis for axis, (one, other) in enumerate(zip(*seen, strict=True)) if one != other]


def _odd(values: np.ndarray, free: list[int]) -> np.ndarray:
    """Padded a little further, so that no two sizes are equal by chance: the capture would take them for one."""
    taken = {values.shape[0]}
    more = [(0, 0)] * values.ndim
    for axis in free:
        size = values.shape[axis]
        while size in taken or size < 2:
            size += 1
        taken.add(size)
        more[axis] = (0, size - values.shape[axis])
    return np.pad(values, more)


def _structure(graph: Graph, tensors: list[Tensor], inputs: list[str]) -> Any:
    rest = iter(tensors)
    with torch.inference_mode():
        outputs = graph.net(*[Padded(next(rest), next(rest)) if padded else next(rest) for padded in graph.padded])
    return _named(outputs, (), set(inputs))


def _named(outputs: Any, path: tuple[str, ...], taken: set[str]) -> Any:
    if isinstance(outputs, Tensor):
        name = "/".join(path) or "output"
        while name in taken:
            name = f"output/{name}"
        taken.add(name)
        return name
    if isinstance(outputs, Mapping):
        return {str(key): _named(value, (*path, str(key)), taken) for key, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return [_named(value, (*path, str(index)), taken) for index, value in enumerate(outputs)]
    if outputs is None:
        return None
    raise wrong_output(outputs)


def _tensors(outputs: Any) -> Iterator[Tensor]:
    if isinstance(outputs, Tensor):
        yield outputs
    elif outputs is not None:
        for value in outputs.values() if isinstance(outputs, Mapping) else outputs:
            yield from _tensors(value)


def _tidy(model: Any, names: list[str], shapes: list[dict[int, Any]]) -> None:
    """Names for what varies; and without the traces of this machine that torch leaves at every node: file names and source lines."""
    renamed: dict[str, str] = {}
    for value, name, free in zip(model.graph.inputs, names, shapes, strict=True):
        for axis in free:
            renamed.setdefault(str(value.shape[axis].value), "batch" if axis == 0 else f"{name}_{axis}")
    symbols = re.compile("|".join(rf"\b{re.escape(symbol)}\b" for symbol in renamed))
    model.metadata_props.clear()
    for graph in (model.graph, *model.functions.values()):
        graph.metadata_props.clear()
        for node in graph.all_nodes():
            node.metadata_props.clear()
            node.doc_string = None
            for value in node.outputs:
                _rename(value, symbols, renamed)
    for value in (*model.graph.inputs, *model.graph.outputs, *model.graph.initializers.values()):
        _rename(value, symbols, renamed)


def _rename(value: Any, symbols: re.Pattern[str], renamed: Mapping[str, str]) -> None:
    value.metadata_props.clear()
    if value.shape is None or value.shape.is_static():
        return
    dims = [dim if isinstance(dim, int) else dim.value for dim in value.shape]
    value.shape = type(value.shape)(
        symbols.sub(lambda found: renamed[found[0]], dim) if isinstance(dim, str) else dim for dim in dims
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """torch warns of itself here, and prints half of a graph where it fails; what matters is raised."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
