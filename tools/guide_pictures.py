"""Draws the guide's pictures from computed numbers: python tools/guide_pictures.py

Words in them are names that are the same in every language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from danlu.nn.activations import make_activation
from danlu.training.schedules.base import Horizon, Schedule, WarmUp
from danlu.training.schedules.cosine import Cosine
from danlu.training.schedules.one_cycle import OneCycle
from danlu.training.schedules.step import Step

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
INK, FAINT, COLOURS = "#333", "#ddd", ("#0b6fb8", "#c2410c", "#15803d", "#7e22ce")  # read on white
PANEL, GAP, HEAD = (200, 140), 24, 22

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    points: Points
    colour: str = COLOURS[0]
    dashed: bool = False


@dataclass
class Panel:
    """One little plot. x, y: what it spans. marks: (x values, y values) of the lines that are ruled, with their numbers."""

    title: str
    x: tuple[float, float]
    y: tuple[float, float]
    marks: tuple[Sequence[float], Sequence[float]]
    lines: list[Line] = field(default_factory=list)
    rings: Sequence[tuple[float, float]] = ()  # half axes of ellipses about the origin

    def svg(self, left: int, top: int) -> list[str]:
        width, height = PANEL

        def at(x: float, y: float) -> tuple[float, float]:
            return (
                left + (x - self.x[0]) / (self.x[1] - self.x[0]) * width,
                top + HEAD + (self.y[1] - y) / (self.y[1] - self.y[0]) * height,
            )

        name = f"p{left}-{top}"
        parts = [f'<text x="{left}" y="{top + 14}" font-weight="bold">{self.title}</text>']
        parts.append(
            f'<clipPath id="{name}"><rect x="{left}" y="{top + HEAD}" width="{width}" height="{height}"/></clipPath>'
        )
        for mark in self.marks[0]:
            x, _ = at(mark, 0)
            parts.append(f'<path d="M{x:.1f} {top + HEAD}v{height}" stroke="{FAINT}"/>')
            parts.append(
                f'<text x="{x:.1f}" y="{top + HEAD + height + 13}" text-anchor="middle" font-size="10">{mark:g}</text>'
            )
        for mark in self.marks[1]:
            _, y = at(0, mark)
            parts.append(f'<path d="M{left} {y:.1f}h{width}" stroke="{FAINT}"/>')
            parts.append(f'<text x="{left - 4}" y="{y + 3:.1f}" text-anchor="end" font-size="10">{mark:g}</text>')
        parts.append(f'<g clip-path="url(#{name})" fill="none">')
        for a, b in self.rings:
            (x, y), (right, above) = at(0, 0), at(a, b)
            parts.append(
                f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{right - x:.1f}" ry="{y - above:.1f}" stroke="{FAINT}"/>'
            )
        for line in self.lines:
            places = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in line.points))
            dash = ' stroke-dasharray="4 3"' if line.dashed else ""
            parts.append(f'<polyline points="{places}" stroke="{line.colour}" stroke-width="1.8"{dash}/>')
        return [*parts, "</g>"]


def picture(panels: Sequence[Panel], across: int, legend: Sequence[tuple[str, Line]] = ()) -> str:
    """An SVG of panels in rows of ``across``, with what the lines are below."""
    cell = (PANEL[0] + GAP + 16, PANEL[1] + HEAD + GAP)
    rows = -(-len(panels) // across)
    width, height = across * cell[0] + 16, rows * cell[1] + 12 + (20 if legend else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="sans-serif" font-size="12" fill="{INK}">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for place, panel in enumerate(panels):
        parts += panel.svg(32 + place % across * cell[0], 4 + place // across * cell[1])
    left = 32
    for name, line in legend:
        dash = ' stroke-dasharray="4 3"' if line.dashed else ""
        parts.append(f'<path d="M{left} {height - 14}h24" stroke="{line.colour}" stroke-width="1.8"{dash}/>')
        parts.append(f'<text x="{left + 30}" y="{height - 10}">{name}</text>')
        left += 60 + 7 * len(name)
    return "\n".join([*parts, "</svg>", ""])


def activations() -> str:
    """f and f' of six activations."""
    panels = []
    x = torch.linspace(-4, 4, 161, dtype=torch.float64, requires_grad=True)
    for name in ("relu", "leaky-relu", "sigmoid", "tanh", "gelu", "silu"):
        y = make_activation(name)(x)
        (slope,) = torch.autograd.grad(y.sum(), x)
        lines = [
            Line(list(zip(x.tolist(), values.tolist(), strict=True)), colour, dashed)
            for values, colour, dashed in ((y, COLOURS[0], False), (slope, COLOURS[1], True))
        ]
        panels.append(Panel(name, (-4, 4), (-1.3, 2.3), ((-4, -2, 0, 2, 4), (-1, 0, 1, 2)), lines))
    return picture(panels, 3, [("f(x)", Line([])), ("f′(x)", Line([], COLOURS[1], True))])


def optimisers() -> str:
    """Thirty strides of four optimisers in the valley ½·(a² + 10·b²)."""
    makes: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.18),
        "sgd, momentum 0.9": lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.05),
        "adam": lambda p: torch.optim.Adam(p, lr=0.15),
    }
    steep = torch.tensor([1.0, 10.0], dtype=torch.float64)
    panels = []
    for (name, make), colour in zip(makes.items(), COLOURS, strict=True):
        place = nn.Parameter(torch.tensor([-1.8, 0.9], dtype=torch.float64))
        optimizer, path = make([place]), [(-1.8, 0.9)]
        for _ in range(30):
            optimizer.zero_grad()
            torch.autograd.backward((steep * place.square()).sum() / 2)
            optimizer.step()
            a, b = place.detach().tolist()
            path.append((a, b))
        levels = (0.25, 0.5, 1, 1.5, 2, 3)
        rings = [(level, level / 10**0.5) for level in levels]
        panels.append(Panel(name, (-2, 1), (-1.05, 1.05), ((-2, -1, 0, 1), (-1, 0, 1)), [Line(path, colour)], rings))
    return picture(panels, 2)


def schedules() -> str:
    """The factor of the rate over a run of 100 steps; of one-cycle, the momentum too."""
    horizon = Horizon(100, 10)
    asked: dict[str, Schedule] = {
        "step": Step(),
        "cosine": Cosine(),
        "cosine, restarts: 2": Cosine(restarts=2),
        "one-cycle": OneCycle(),
        "one-cycle, linear: true": OneCycle(linear=True),
        "cosine, warmup: 10": WarmUp(Cosine(), 10),
    }
    panels = []
    for name, schedule in asked.items():
        told = [schedule.at(step, horizon) for step in range(100)]
        lines = [Line([(step, rates.factor) for step, rates in enumerate(told)])]
        momenta = [(step, rates.momentum) for step, rates in enumerate(told) if rates.momentum is not None]
        lines += [Line(momenta, COLOURS[1], True)] if momenta else []
        panels.append(Panel(name, (0, 100), (-0.03, 1.05), ((0, 50, 100), (0, 0.5, 1)), lines))
    return picture(panels, 3, [("lr / peak", Line([])), ("momentum", Line([], COLOURS[1], True))])


PICTURES = {"activations.svg": activations, "optimisers.svg": optimisers, "schedules.svg": schedules}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
