"""The batch that spoilt a step, kept to be stepped through: ``captures/non-finite-000123/`` with safetensors and one JSON file.

It appears whole or not at all, as everything in a run's folder.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from danlu.data.batches.batch import Batch, Padded, Ragged, Value
from danlu.errors import RunError
from danlu.messages import say
from danlu.randomness import Position
from danlu.training.aside import beside
from danlu.training.checkpoint import write_tensors

FORMAT = 1
_FORMS: dict[type, tuple[str, tuple[str, ...]]] = {
    Padded: ("padded", ("values", "sizes")),
    Ragged: ("ragged", ("values", "offsets")),
}


@dataclass(frozen=True)
class Kept:
    """batches: the micro-batches of the step, after the batch transforms, as the net and the objective get them.

    position: the step's; ``danlu.training.randomness.reseed(replace(position, micro=0))`` makes dropout draw as in the step.
    details: everything in ``details.json``: loss, norm, finding, the rows' ids and places, versions.
    """

    batches: tuple[Batch, ...]
    position: Position
    details: Mapping[str, Any]

    @property
    def batch(self) -> Batch:
        """The micro-batch in which it happened."""
        return self.batches[int(self.details["finding"]["micro"])]


def keep(
    folder: Path,
    micros: Sequence[Batch],
    position: Position,
    sources: Sequence[Sequence[Mapping[str, Any]]],
    details: Mapping[str, Any],
) -> Path:
    """Write ``folder`` (one that is there is replaced). sources: each sample's {row, id, place}, for each micro-batch.

    Raises OSError where the disk refuses.
    """
    aside = beside(folder)
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        described = []
        for number, (batch, rows) in enumerate(zip(micros, sources, strict=True)):
            file = f"micro-{number}.safetensors"
            write_tensors(_tensors(batch), aside / file)
            columns = {name: _described(value) for name, value in batch.columns.items()}
            described.append({"file": file, "inputs": list(batch.inputs), "columns": columns, "rows": list(rows)})
        where = {"seed": position.seed, "epoch": position.epoch, "step": position.step}
        whole = {"format": FORMAT, "position": where, **details, "micros": described, "versions": _versions()}
        text = json.dumps(_finite(whole), ensure_ascii=False, indent=1)
        (aside / "details.json").write_text(text, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def read(folder: str | Path, device: torch.device | str = "cpu") -> Kept:
    """What :func:`keep` wrote, its tensors on ``device``. Raises RunError where it is missing or damaged."""
    folder = Path(folder)
    try:
        details = json.loads((folder / "details.json").read_text(encoding="utf-8"))
        if details["format"] != FORMAT:
            raise ValueError(f"format {details['format']}")
        batches = tuple(
            _batch(load_file(folder / entry["file"], device=str(device)), entry) for entry in details["micros"]
        )
        return Kept(batches, Position(**details["position"]), details)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise RunError.of(str(folder), say("nonfinite.unreadable", reason=error)) from error


def _tensors(batch: Batch) -> dict[str, Tensor]:
    found = {"rows": torch.from_numpy(batch.rows.astype(np.int64)), "keys": torch.from_numpy(batch.keys.view(np.int64))}
    for name, value in batch.columns.items():
        if isinstance(value, Tensor):
            found[f"column/{name}"] = value
        else:
            found |= {f"column/{name}/{part}": t for part, t in zip(_FORMS[type(value)][1], value, strict=True)}
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in found.items()}


def _described(value: Value) -> dict[str, Any]:
    """How a column lies in memory, beside its tensors."""
    values = value if isinstance(value, Tensor) else value.values
    last = values.ndim == 4 and values.is_contiguous(memory_format=torch.channels_last)
    return {"form": _FORMS.get(type(value), ("tensor", ()))[0], "channels_last": last}


def _batch(tensors: Mapping[str, Tensor], entry: Mapping[str, Any]) -> Batch:
    columns: dict[str, Value] = {}
    for name, how in entry["columns"].items():
        form = next(((kind, parts) for kind, (form, parts) in _FORMS.items() if form == how["form"]), None)
        if form is None:
            columns[name] = _laid(tensors[f"column/{name}"], how)
        else:
            kind, (first, second) = form
            columns[name] = kind(_laid(tensors[f"column/{name}/{first}"], how), tensors[f"column/{name}/{second}"])
    keys = tensors["keys"].cpu().numpy().view(np.uint64)
    return Batch(columns, tuple(entry["inputs"]), tensors["rows"].cpu().numpy(), keys)


def _laid(tensor: Tensor, how: Mapping[str, Any]) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last) if how["channels_last"] else tensor


def _versions() -> dict[str, str]:
    from danlu import __version__

    return {"danlu": __version__, "torch": torch.__version__, "python": platform.python_version()}


def _finite(value: Any) -> Any:
    """JSON has no NaN: it stands as text, which ``float`` reads."""
    if isinstance(value, float):
        return value if np.isfinite(value) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value
