"""What the terminal's screen shows, drawn from the state as lines of text no wider than the screen. Imports rich."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from danlu.messages import say
from danlu.watch import memory
from danlu.watch.curves import sparkline
from danlu.watch.figures import brief, duration, figure, share, size
from danlu.watch.health.verdict import ailment
from danlu.watch.layout import column, folded, join, packed, spread
from danlu.watch.stages import Stage
from danlu.watch.state import LOSS, State
from danlu.watch.verdict import beside, verdict

WIDEST = 100  # cells; longer lines are slower to read
NARROW = 60  # below, what is least needed goes
SHOWN = 3  # warnings
TERMS = 4  # terms of the objective with a line of their own


def preparing(stage: Stage | None, began: float, now: float, width: int, trained: bool = False) -> Text:
    """While data are prepared, or baselines once all is trained: the stage in hand, with a bar where its end is known."""
    width = min(width, WIDEST)
    phase = say("watch.phase.comparing" if trained else "watch.phase.preparing")
    lines = [spread(_head(phase), _dim(say("watch.elapsed", time=duration(now - began))), width)]
    if stage is not None and stage.shown and not stage.over:
        long = cell_len(stage.name) > width // 3
        lines += [_dim(part) for part in folded(stage.name, width)] if long else []
        name = "" if long else stage.name
        if stage.total > 0:
            lines += _bars([(name, stage.done, stage.total, stage.left)], width)
        else:
            lines.append(Text.assemble(_dim(f"{name}  " if name else ""), f"{stage.done:,}"))
    return join(lines, width)


def running(state: State, width: int) -> Text:
    """While it trains, evaluates and tests."""
    width = min(width, WIDEST)
    return join([Text(), _title(state, width), *_progress(state, width), *_body(state, width, state.told)], width)


@lru_cache(maxsize=1)
def _body(state: State, width: int, told: int) -> tuple[Text, ...]:
    """What doesn't change until the next event: drawn once for it."""
    measures = _measures(state, width)
    head = [Text(), *measures] if measures else []
    return (*head, *packed(_facts(state), width), *_warnings(state, SHOWN, width, 2))


def summary(state: State, width: int) -> Text:
    """What stays on the screen when all is over."""
    width = min(width, WIDEST)
    ended = state.ended
    reason = ended.reason if ended else "stopped"
    mark, style = ("✓", "green") if reason in ("finished", "early-stop", "max-steps") else ("■", "yellow")
    spent = ended.seconds if ended else state.clock() - state.began
    counts = say("watch.summary", epoch=_epochs_done(state), step=f"{state.step:,}", time=duration(spent))
    lines = [Text(), Text.assemble((f"{mark} {_reason(reason)}", f"bold {style}"), _dim(f" · {counts}"))]
    if ended and ended.skipped:
        lines.append(Text(f"! {say('nonfinite.left-out', count=ended.skipped)}", "yellow"))
    if state.best is not None:
        lines.append(Text.assemble((f"★ {state.best.name} {figure(state.best.value)}", "bold"), _dim(f" {_at(state)}")))
    if state.tested is not None:
        for name, value in _leading(state.tested.values, state.monitor.partition("/")[2]):
            low_high = state.tested.intervals.get(name)
            bounds = f" ({figure(low_high[0])} – {figure(low_high[1])})" if low_high else ""
            lines.append(Text.assemble((f"  {name} {figure(value)}", "bold"), _dim(bounds)))
    if state.compared is not None:
        beaten = "green" if state.compared.beaten else "bold yellow"
        lines += [Text(f"  {part}", beaten) for part in folded(verdict(state.compared), width - 2)]
        shown = say("evaluation.beside", baselines=beside(state.compared))
        lines += [_dim(f"  {part}") for part in folded(shown, width - 2)]
    for one in state.ailments:
        lines += [
            Text(f"  {part}", "bold yellow") for part in folded(ailment(one.severity, one.name, one.text), width - 2)
        ]
    lines += _warnings(state, 20, width, 20)
    return join(lines, width)


def finished(stage: Stage, width: int) -> Text:
    """The line a stage of the preparation leaves behind."""
    tail = f"  {stage.done:,}  {duration(stage.seconds)}"
    first, *others = folded(stage.name, max(20, min(width, WIDEST) - cell_len(tail) - 2))
    lines = [Text.assemble(("✓ ", "green"), first, _dim(tail)), *(Text(f"  {part}") for part in others)]
    return join(lines, width)


def warned(state: State, width: int) -> Text:
    """The warnings alone."""
    return join(_warnings(state, 20, min(width, WIDEST), 20), width)


def _title(state: State, width: int) -> Text:
    left = _head(say(f"watch.phase.{state.phase}"))
    if state.epochs and state.phase != "testing":
        left.append_text(_dim(" · "))
        left.append(say("watch.epoch-of", epoch=min(state.epoch + 1, state.epochs), epochs=state.epochs))
    return spread(left, _dim(say("watch.elapsed", time=duration(state.clock() - state.began))), width)


def _progress(state: State, width: int) -> list[Text]:
    rows: list[tuple[str, int, int, float | None]] = []
    if state.phase in ("evaluating", "testing"):
        rows.append((say("watch.bar.evaluation"), *state.progress, state.eta.evaluation()))
    elif state.phase == "training":
        rows.append((say("watch.bar.epoch"), *state.epoch_steps, state.eta.epoch()))
    if state.phase != "testing":
        rows.append((say("watch.bar.run"), state.step, state.total_steps, state.eta.run()))
    return _bars(rows, width)


def _bars(rows: Sequence[tuple[str, int, int, float | None]], width: int) -> list[Text]:
    """(label, done, total, seconds left) each, one under the other."""
    labels = column([row[0] for row in rows])
    shares = [f"{share(done / total if total else 0.0):>5}" for _, done, total, _ in rows]  # always room for 100 %
    counts = column([f"{done:,}/{total:,}" for _, done, total, _ in rows], right=True)
    left = column(
        [say("watch.left", time=duration(rest)) if rest and rest >= 0.5 else "" for *_, rest in rows], right=True
    )
    if width < NARROW:
        counts = [""] * len(rows)
    lines = []
    for label, percent, count, rest, (_, done, total, _) in zip(labels, shares, counts, left, rows, strict=True):
        tail = Text.assemble("  ", (percent, "bold"), f"  {count}" if count else "", f"  {rest}" if rest else "")
        head = _dim(f"{label}  " if label else "")
        room = max(0, width - head.cell_len - tail.cell_len)
        lines.append(Text.assemble(head, _bar(done / total if total else 0.0, room), tail))
    return lines


def _bar(part: float, width: int) -> Text:
    """Heavy where done and light where not, so that it reads without colour as well."""
    halves = round(min(max(part, 0.0), 1.0) * 2 * width)
    done = "━" * (halves // 2) + "╸" * (halves % 2)
    return Text.assemble((done, "cyan"), ("─" * (width - len(done)), "bright_black"))


def _measures(state: State, width: int) -> list[Text]:
    """The losses, and what the last evaluation gave: name, value, curve; the best so far."""
    names = [name for name in state.losses if name in state.latest]
    terms = [name for name in names if name != LOSS]
    drawn = names if len(terms) <= TERMS else [LOSS]
    rows = [(name, state.latest[name], state.losses[name].means) for name in drawn]
    judged = _leading(state.evaluated, state.monitor)[:2]
    rows += [(name, value, state.evaluations[name].means) for name, value in judged]
    labels = column([f"  {name[len(LOSS) + 1 :]}" if name in terms else name for name, *_ in rows])
    values = column([figure(value) for _, value, _ in rows], right=True)
    lines = []
    for label, value, (name, number, curve) in zip(labels, values, rows, strict=True):
        line = Text.assemble(_dim(f"{label}  "), (value, "bold red" if number != number else "bold"), "  ")
        tail = _best(state, width) if state.best is not None and name == state.best.name else Text()
        room = width - line.cell_len - (tail.cell_len + 2 if tail else 0)
        if len(curve) > 1 and room >= 4:
            line.append(sparkline(curve, min(40, room)), "cyan")
            line.append("  " if tail else "")
        line.append_text(tail)
        lines.append(line)
    others = [name for name in state.evaluated if name not in dict(judged) and (width >= NARROW or name.count("/") < 2)]
    rest = [f"{name} {figure(state.evaluated[name])}" for name in others]
    rest += [f"{name} {figure(state.latest[name])}" for name in terms] if len(terms) > TERMS else []
    return lines + packed([_dim(text) for text in rest], width)


def _best(state: State, width: int) -> Text:
    if state.best is None:
        return Text()
    at = _at(state) if width >= NARROW else f"@{state.best.epoch + 1}"
    return Text.assemble(("★ ", "yellow"), (figure(state.best.value), "bold"), _dim(f" {at}"))


def _facts(state: State) -> list[Text]:
    pairs: list[tuple[str, str, str]] = []
    if (lr := state.latest.get("lr")) is not None:
        pairs.append((say("watch.fact.lr"), brief(lr), ""))
    if (norm := state.latest.get("grad_norm")) is not None:
        pairs.append((say("watch.fact.gradient"), brief(norm), "bold red" if norm != norm else ""))
    if (speed := state.speed) is not None:
        pairs.append((say("watch.fact.speed"), say("watch.per-second", count=_rate(speed)), ""))
    if (waiting := state.waiting) is not None:
        pairs.append((say("watch.fact.waiting"), share(waiting), "bold yellow" if waiting > 0.3 else ""))
    if (held := memory.resident()) is not None:
        pairs.append((say("watch.fact.memory"), _of(held, memory.available()), ""))
    if (device := memory.cuda()) is not None:
        pairs.append(("CUDA", _of(*device), ""))
    return [Text.assemble(_dim(f"{label} "), (value, style)) for label, value, style in pairs]


def _warnings(state: State, most: int, width: int, high: int) -> list[Text]:
    """The last ``most``, each on up to ``high`` lines."""
    shown = list(state.warnings.items())[-most:]
    more = len(state.warnings) - len(shown)
    lines = [_dim(say("watch.more-warnings", count=more))] if more > 0 else []
    for text, times in shown:
        parts = folded(f"{text} ×{times}" if times > 1 else text, width - 2)
        if len(parts) > high:
            parts = [*parts[: high - 1], set_cell_size(parts[high - 1], width - 3).rstrip() + "…"]
        lines += [
            Text.assemble(("  " if index else "! ", "bold yellow"), (part, "yellow"))
            for index, part in enumerate(parts)
        ]
    return lines


def _leading(values: Mapping[str, float], first: str) -> list[tuple[str, float]]:
    """Items, the one that decides first, then losses, without the losses of single terms."""
    items = dict(values)
    chosen = [name for name in items if name == first or name.endswith(f"/{first}")] if first else []
    chosen += [name for name in items if name.count("/") == 1 and name.endswith("/loss") and name not in chosen]
    return [(name, items[name]) for name in (chosen or list(items))]


def _epochs_done(state: State) -> int:
    return min(state.epochs, -(-state.step // state.started.steps_per_epoch)) if state.started else 0


def _at(state: State) -> str:
    return say("watch.at-epoch", epoch=state.best.epoch + 1) if state.best else ""


def _reason(reason: str) -> str:
    known = ("finished", "early-stop", "interrupted", "max-steps", "stopped")
    return say(f"watch.reason.{reason}") if reason in known else reason


def _rate(speed: float) -> str:
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"


def _of(held: int, limit: int | None) -> str:
    return size(held) if limit is None else f"{size(held)} / {size(limit)}"


def _head(text: str) -> Text:
    return Text(text, "bold cyan")


def _dim(text: str) -> Text:
    return Text(text, "dim")
