"""The graph in ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from danlu.errors import ArtifactError
from danlu.messages import say
from danlu.tasks.decoding import Given

if TYPE_CHECKING:
    import onnxruntime

DTYPES = {  # of a graph's inputs, as the runtime and as numpy call them
    "tensor(uint8)": "uint8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(float)": "float32",
    "tensor(bool)": "bool",
}
SIZES = ".sizes"  # behind a column's name: the graph's input of the sizes of padded values


class Engine:
    """Calls the graph. model: its bytes; or its path, where tensors lie in files beside it, which have been proven.

    device: "cpu", "cuda" or "cuda:N". threads: for one operator on the CPU; None: :func:`usable_cores`. structure: of the outputs, see
    :func:`gathered`. Raises ArtifactError for a device that is not there, and for a graph that the runtime refuses.
    """

    def __init__(
        self, folder: Path, model: bytes | Path, structure: Any, device: str = "cpu", threads: int | None = None
    ) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ArtifactError.of(str(folder), say("deploy.no-runtime"), say("deploy.no-runtime.remedy")) from error
        self.structure = structure
        providers = _providers(onnxruntime, device)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # what it warns of is not for who asks
        options.intra_op_num_threads = threads or usable_cores()
        options.inter_op_num_threads = 1
        # Threads that spin on between two batches take the cores from the preparation of the next.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        source = str(model) if isinstance(model, Path) else model
        try:
            self.session = onnxruntime.InferenceSession(source, options, providers=providers)
        except _errors() as error:
            what = say("deploy.graph-refused", reason=_reason(error))
            raise ArtifactError.of(str(folder), what, say("deploy.graph-refused.remedy")) from error
        if (
            device != "cpu" and self.session.get_providers()[0] == "CPUExecutionProvider"
        ):  # it falls back without a word
            raise ArtifactError.of(device, say("deploy.no-device", device=device), say("deploy.no-device.remedy"))

    def __call__(self, given: Mapping[str, Given]) -> Any:
        feed: dict[str, np.ndarray] = {}
        for name, values in given.items():
            if isinstance(values, tuple):
                feed[name], feed[name + SIZES] = map(np.ascontiguousarray, values)
            else:
                feed[name] = np.ascontiguousarray(values)
        names = [output.name for output in self.session.get_outputs()]
        try:
            found = self.session.run(names, feed)
        except _errors() as error:
            shapes = ", ".join(f"{name} {values.shape}" for name, values in feed.items())
            raise ArtifactError.of(shapes, say("deploy.graph-failed", reason=_reason(error))) from error
        return gathered(self.structure, dict(zip(names, found, strict=True)))


def _errors() -> tuple[type[Exception], ...]:
    """What the runtime raises: a dozen classes without a common one."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [thing for thing in vars(state).values() if isinstance(thing, type) and issubclass(thing, Exception)]
    return (*own, ValueError, RuntimeError)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def gathered(structure: Any, found: Mapping[str, np.ndarray]) -> Any:
    """Outputs in the net's own structure: nested lists and dicts whose leaves are names of the graph's outputs, or None."""
    if isinstance(structure, dict):
        return {key: gathered(inner, found) for key, inner in structure.items()}
    if isinstance(structure, list):
        return [gathered(inner, found) for inner in structure]
    return None if structure is None else found[structure]


def leaves(structure: Any) -> list[str]:
    """The names in a structure, in order."""
    if isinstance(structure, (dict, list)):
        return [
            name
            for inner in (structure.values() if isinstance(structure, dict) else structure)
            for name in leaves(inner)
        ]
    return [] if structure is None else [structure]


def usable_cores() -> int:
    """Cores that this process may use, or OMP_NUM_THREADS where that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(asked)) if asked.isdigit() and int(asked) else cores


def _providers(runtime: onnxruntime, device: str) -> list[Any]:
    kind, _, number = device.partition(":")
    if kind == "cpu" and not number:
        return ["CPUExecutionProvider"]
    if kind != "cuda" or (number and not number.isdecimal()):
        raise ArtifactError.of(device, say("deploy.unknown-device", device=device))
    if "CUDAExecutionProvider" not in runtime.get_available_providers():
        raise ArtifactError.of(device, say("deploy.no-device", device=device), say("deploy.no-device.remedy"))
    # Without TF32: the parity that was proven is that of full precision.
    return [("CUDAExecutionProvider", {"device_id": number or "0", "use_tf32": "0"}), "CPUExecutionProvider"]
