"""One row an epoch: its training means and its evaluation, which are told apart, put together."""

from __future__ import annotations

from dataclasses import dataclass, field

from danlu.training.events import EpochDone, Evaluated, EvaluationProgress, Event, Snapshot


@dataclass(frozen=True)
class Row:
    """epoch from 0; seconds: of training and evaluation together; best: the best evaluation so far."""

    step: int
    epoch: int
    values: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    best: bool = False
    seconds: float = 0.0


class Rows:
    """Holds what belongs to one epoch until something else happens."""

    def __init__(self) -> None:
        self._row: Row | None = None

    def on(self, event: Event) -> Row | None:
        """The row that is complete now that ``event`` came; to be shown before it."""
        match event:
            case EvaluationProgress() | Snapshot():
                return None
            case EpochDone():
                return self._hold(event, Row(event.step, event.epoch, dict(event.values), {}, False, event.seconds))
            case Evaluated() if event.part != "test":
                row = Row(event.step, event.epoch, dict(event.values), dict(event.intervals), event.best, event.seconds)
                return self._hold(event, row)
            case _:
                return self.flush()

    def flush(self) -> Row | None:
        row, self._row = self._row, None
        return row

    def _hold(self, event: Event, new: Row) -> Row | None:
        old = self._row
        if old is None or (old.step, old.epoch) != (new.step, new.epoch):
            self._row = new
            return old
        self._row = Row(
            old.step, old.epoch, old.values | new.values, old.intervals | new.intervals,
            old.best or new.best, old.seconds + new.seconds,
        )  # fmt: skip
        return None
