"""What was found out about a step that is NaN or infinite, and how it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from danlu.messages import say
from danlu.training.nonfinite.layers import NOWHERE, Layer

Kind = Literal[
    "column",  # held it when the batch came
    "transform",  # a batch transform put it into a column
    "weight",  # held it before this step
    "buffer",  # likewise
    "forward",  # an operation made it of finite values
    "backward",  # likewise, of a gradient
    "running",  # a layer made it in its running statistics, while its outputs were finite
    "norm",  # finite gradients too large for the norm
    "constant",  # came from no operation on tensors
    "passing",  # the step, done again, was finite
    "unknown",  # the step could not be done again
]
SHOWN = 5  # rows named in a message


@dataclass(frozen=True)
class Finding:
    """micro: which micro-batch of the step. name: of the column, weight, buffer, transform's column. value: "NaN" or "Inf".

    layer and operation: the first that made it, or the first that met it. node: autograd's node in a backward pass.
    rows: dataset rows that are to blame; () where none is singled out. reason: the transform's name, or why nothing is known.
    """

    kind: Kind
    micro: int = 0
    name: str = ""
    value: str = ""
    layer: Layer = NOWHERE
    operation: str = ""
    node: str = ""
    rows: tuple[int, ...] = ()
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, with what is empty left out."""
        values = asdict(self) | {"layer": self.layer.name, "layer_class": self.layer.kind, "rows": list(self.rows)}
        return {key: value for key, value in values.items() if value or key in ("kind", "micro")}

    def sentence(self) -> str:
        """In words, without the rows."""
        values = {
            "name": self.name,
            "value": self.value,
            "layer": _shown(self.layer),
            "operation": f"{self.operation} ({self.node})" if self.node else self.operation,
            "reason": self.reason,
        }
        return say(f"nonfinite.{self.kind}", **values)

    def remedy(self) -> str:
        """What to do about it."""
        if self.kind in ("weight", "buffer", "norm"):
            return say("nonfinite.remedy-rate")
        if self.rows or self.kind in ("column", "transform"):
            return say("nonfinite.remedy-rows")
        return say("nonfinite.remedy")


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    few = "; ".join(names[:SHOWN])
    return few if len(names) <= SHOWN else say("nonfinite.more", few=few, count=len(names) - SHOWN)


def _shown(layer: Layer) -> str:
    return f"{layer.name} ({layer.kind})" if layer.name else layer.kind
