"""The gate: an artifact is accepted only if it answers raw inputs as the run's net does, in torch, in fp32, eager.

Raw inputs are prepared on both ways, in batches of 1, 3 and 17 different samples. Outputs (logits, distances, numbers) may differ by
``ABSOLUTE + RELATIVE·|output|``: fp32 has seven digits, of which sums over thousands of products leave some five.

Decoding has thresholds (the larger of two logits, an overlap, a least score), at which outputs that are equal to within the tolerance
can fall to different sides. So decoding itself is held to the bit (the artifact's decoder must give the very same as the run's for the
same outputs), and answers that differ nevertheless are counted and told as what they are: near a threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from danlu.deploy.artifact import Artifact
from danlu.deploy.raws import Sample
from danlu.errors import ArtifactError
from danlu.messages import say
from danlu.runs.predicting import RunPredictor
from danlu.tasks.decoding import Given

BATCHES = (1, 3, 17)
SAMPLES = sum(BATCHES)
ABSOLUTE = 1e-4
RELATIVE = 1e-5


@dataclass
class Figures:
    """What the gate found.

    largest: of all differences of outputs. share: of the tolerance, at most 1, by the sample ``worst``. equal: how many samples are
    answered alike. near: names of the others, which lie near a threshold.
    """

    samples: int = 0
    largest: float = 0.0
    share: float = 0.0
    worst: str = ""
    equal: int = 0
    near: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "batches": list(BATCHES),
            "largest_difference": self.largest,
            "share_of_tolerance": self.share,
            "tolerance": {"absolute": ABSOLUTE, "relative": RELATIVE},
            "worst_sample": self.worst,
            "equal_answers": self.equal,
            "near_a_threshold": self.near,
        }


def gate(run: RunPredictor, artifact: Artifact, samples: Sequence[Sample]) -> Figures:
    """Figures of an artifact that passes. Raises ArtifactError that names the worst sample where it doesn't."""
    found = Figures(samples=len(samples))
    where = str(run.folder.path)
    sizes_vary = any(isinstance(values, tuple) for values in run.given([samples[0].row]).values())
    answered: dict[str, bool] = {}
    for batch in (*batches(samples, BATCHES), *([each] for each in samples if sizes_vary)):
        rows = [artifact.prepare(sample.raw) for sample in batch]
        for sample, row in zip(batch, rows, strict=True):
            for name, value in row.values.items():
                if not _same(value, sample.row.values[name]):
                    raise ArtifactError.of(where, say("deploy.other-preparation", sample=sample.name, column=name))
        given = artifact.given(rows)
        reference, outputs = run.outputs(given), artifact.outputs(given)
        for name, mine, theirs in _pairs(outputs, reference):
            _compare(found, name, mine, theirs, batch, where)
        predictions = run.decode(reference, given)
        _same_decoding(artifact, reference, given, predictions, where)
        decoded = artifact.decode(outputs, given)
        for place, sample in enumerate(batch):
            alike = all(_alike(decoded[name][place], predictions[name][place]) for name in predictions)
            answered[sample.name] = answered.get(sample.name, True) and alike
    found.equal = sum(answered.values())
    found.near = [name for name, alike in answered.items() if not alike]
    return found


def batches(samples: Sequence[Sample], sizes: Sequence[int]) -> Iterator[list[Sample]]:
    """Batches of these sizes; where the samples don't suffice, they come again."""
    at = 0
    for size in sizes:
        yield [samples[(at + index) % len(samples)] for index in range(size)]
        at += size


def _compare(
    found: Figures, name: str, mine: np.ndarray, reference: np.ndarray, batch: Sequence[Sample], where: str
) -> None:
    """Note the differences of one output; raise where one is too large."""
    if mine.shape != reference.shape or mine.dtype != reference.dtype:
        what = say("deploy.other-shape", output=name, found=_shape(mine), wanted=_shape(reference), batch=len(batch))
        raise ArtifactError.of(where, what, say("deploy.parity.remedy"))
    if not reference.size:
        return
    exact = reference.astype(np.float64)
    if not np.isfinite(exact).all():
        sample = batch[_row(~np.isfinite(exact), len(batch))]
        raise ArtifactError.of(where, say("deploy.not-finite", output=name, sample=sample.name))
    apart = np.abs(mine.astype(np.float64) - exact)
    apart[~np.isfinite(apart)] = np.inf
    shares = apart / (ABSOLUTE + RELATIVE * np.abs(exact))
    place = int(shares.argmax())
    sample = batch[int(np.unravel_index(place, shares.shape)[0]) if len(shares) == len(batch) else 0]
    difference = float(apart.reshape(-1)[place])
    if shares.max() > 1:
        what = say(
            "deploy.parity-failed",
            output=name,
            sample=sample.name,
            batch=len(batch),
            difference=f"{difference:.2e}",
            allowed=f"{ABSOLUTE + RELATIVE * abs(float(exact.reshape(-1)[place])):.2e}",
        )
        raise ArtifactError.of(where, what, say("deploy.parity.remedy"))
    found.largest = max(found.largest, float(apart.max()))
    if shares.max() >= found.share:
        found.share, found.worst = float(shares.max()), sample.name


def _same_decoding(
    artifact: Artifact, outputs: Any, given: Mapping[str, Given], wanted: Mapping[str, Any], where: str
) -> None:
    """The artifact's decoder, made from JSON, gives the very same as the run's for the same outputs."""
    found = artifact.decode(outputs, given)
    same = found.keys() == wanted.keys() and all(
        len(found[name]) == len(wanted[name]) and all(map(_same, found[name], wanted[name])) for name in wanted
    )
    if not same:
        raise ArtifactError.of(where, say("deploy.other-decoding"), say("deploy.own-decoding.remedy"))


def _pairs(mine: Any, reference: Any, path: str = "") -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """The leaves of two structures, which are known to be alike."""
    if isinstance(reference, Mapping):
        for key, value in reference.items():
            yield from _pairs(mine[str(key)], value, f"{path}/{key}" if path else str(key))
    elif isinstance(reference, (list, tuple)):
        for index, value in enumerate(reference):
            yield from _pairs(mine[index], value, f"{path}/{index}" if path else str(index))
    elif reference is not None:
        yield path or "output", np.asarray(mine), np.asarray(reference)


def _same(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def _alike(one: Any, other: Any) -> bool:
    """The same answer for a person: classes and numbers of boxes equal, positions and scores to a hundredth."""
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape:
        return False
    if one.dtype.kind != "f":
        return bool((one == other).all())
    return bool(np.allclose(one, other, rtol=1e-3, atol=1e-2, equal_nan=True))


def _row(flags: np.ndarray, count: int) -> int:
    return int(np.argmax(flags.reshape(count, -1).any(1))) if len(flags) == count else 0


def _shape(values: np.ndarray) -> str:
    return f"{values.dtype} {values.shape}"
