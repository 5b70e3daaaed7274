"""An artifact, ready to answer: numpy, Pillow and ONNX Runtime. No torch, and no code that comes with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.kinds.base import Framing
from danlu.deploy import layout, trusted, wire
from danlu.deploy.engine import DTYPES, SIZES, Engine, leaves
from danlu.errors import ArtifactError
from danlu.messages import say
from danlu.runs.predictor import Predictor
from danlu.tasks.decoding import Given


class Artifact(Predictor):
    """Answers raw inputs as the run did that it was exported from.

    Every file is proven before it is used. device: "cpu", "cuda", "cuda:N". threads: see :class:`danlu.deploy.engine.Engine`.
    allow_code: kinds and decoders of the user's own may be imported; without, only Danlu's and those of installed packages are.

    description: what ``artifact.json`` says: task, columns, parity, where it comes from. Raises ArtifactError.
    """

    def __init__(
        self, path: str | Path, device: str = "cpu", *, threads: int | None = None, allow_code: bool = False
    ) -> None:
        self.path = Path(path)
        files = layout.Files(self.path)
        self.description = description = files.json(layout.DESCRIPTION)
        known = description.get("format")
        if known != layout.FORMAT:
            what = say("deploy.format", format=known, known=layout.FORMAT)
            raise ArtifactError.of(str(self.path), what, say("deploy.newer.remedy"))
        try:
            columns = {str(entry["name"]): entry for entry in description["inputs"]}
            structure, decoder = description["outputs"], description["decoder"]
        except (KeyError, TypeError) as error:
            raise layout.damaged(self.path, say("deploy.lacks", key=str(error))) from error
        if not columns:
            raise layout.damaged(self.path, say("deploy.lacks", key="inputs"))
        self.inputs = tuple(columns)
        self.called = {name: entry["column"] for name, entry in columns.items() if isinstance(entry.get("column"), str)}
        self.kinds = {name: trusted.kind(self.path, entry, allow_code) for name, entry in columns.items()}
        self.decoder = trusted.decoder(self.path, decoder, allow_code)
        self.pieces, self.worth = self.decoder.pieces(self.kinds), self.decoder.worth
        try:
            further = {
                str(name): (str(each["file"]), each["outputs"]) for name, each in description.get("graphs", {}).items()
            }
        except (AttributeError, KeyError, TypeError) as error:
            raise layout.damaged(self.path, say("deploy.lacks", key=str(error))) from error
        files.check_all(but=frozenset((layout.GRAPH, layout.DESCRIPTION, *(file for file, _ in further.values()))))
        self.engine = Engine(self.path, self._graph(files), structure, device, threads)
        self.graphs = {
            name: Engine(self.path, self._graph(files, file), outputs, device, threads)
            for name, (file, outputs) in further.items()
        }
        self._check_graph(structure)

    def __repr__(self) -> str:
        return f"Artifact({str(self.path)!r}, {self.description.get('task')})"

    @property
    def profile(self) -> dict[str, Any]:
        """What the inputs of the training rows were like, see :mod:`danlu.deploy.profile`."""
        return layout.Files(self.path).json(layout.PROFILE)

    def outputs(self, given: Mapping[str, Given]) -> Any:
        found = self.engine(given)
        return self.decoder.run(found, given, self.graphs) if self.graphs else found

    def decode(self, outputs: Any, given: Mapping[str, Given]) -> dict[str, Any]:
        return self.decoder.decode(outputs, given)

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None) -> dict[str, Any]:
        return self.decoder.answer(predictions, index, framing)

    def _graph(self, files: layout.Files, name: str = layout.GRAPH) -> bytes | Path:
        """The graph's bytes as they were proven; its path where tensors lie beside it, in files that were proven too."""
        model = files.content(name)
        try:
            beside = wire.external_files(model)
        except ValueError as error:
            raise layout.damaged(self.path, say("deploy.not-onnx")) from error
        for other in beside:
            if other not in files.entries:  # names in it are plain ones: nothing outside of the folder can be meant
                raise layout.damaged(self.path, say("deploy.outside", name=other))
        return self.path / name if beside else model

    def _check_graph(self, structure: Any) -> None:
        """The graph takes what is prepared for it, and gives what is decoded."""
        wanted: dict[str, tuple[str, int]] = {}
        for name in self.inputs:
            try:
                values = self.kinds[name].stack([_blank(self.kinds[name])])
            except (TypeError, ValueError, MemoryError) as error:
                raise layout.damaged(self.path, say("deploy.bad-spec", name=name, reason=str(error))) from error
            both = values if isinstance(values, tuple) else (values,)
            for key, value in zip((name, name + SIZES), both, strict=False):
                wanted[key] = (value.dtype.name, value.ndim)
        session = self.engine.session
        found = {each.name: (DTYPES.get(each.type), len(each.shape)) for each in session.get_inputs()}
        if found != wanted or not set(leaves(structure)) <= {each.name for each in session.get_outputs()}:
            raise layout.damaged(self.path, say("deploy.misfit", found=str(found), wanted=str(wanted)))


def _blank(kind: Any) -> np.ndarray:
    """The smallest value that the kind could have prepared."""
    storage = kind.storage()
    return np.zeros([1 if size == -1 else size for size in storage.shape], storage.dtype)
