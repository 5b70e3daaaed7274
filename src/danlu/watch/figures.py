"""How numbers are written for people."""

from __future__ import annotations

import math

from danlu.messages import say


def figure(value: float) -> str:
    """About four significant digits: 0.8721, 12.35, 1,234, 9.1e-4, NaN, ∞."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e6 or size < 1e-3:
        return brief(value)
    return f"{value:,.{0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 4}f}"


def brief(value: float) -> str:
    """Three significant digits without padding, for rates: 0.001, 9.1e-4, 3e-5."""
    text = f"{value:.3g}" if 1e-3 <= abs(value) < 1e6 else f"{value:.2e}"
    head, mark, power = text.partition("e")
    if not mark:
        return text
    return f"{head.rstrip('0').rstrip('.') if '.' in head else head}e{int(power)}"


def share(value: float) -> str:
    """0.034 → 3 %. 100 % is only said of all of it."""
    if not math.isfinite(value):
        return "–"
    return f"{min(99, int(100 * value + 1e-9)) if value < 1 else 100} %"


def size(count: float) -> str:
    """Bytes: 812 MB, 1.2 GB (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """Two units at most: 8s, 2m10s, 1h05m, 3d04h."""
    whole = round(seconds)
    if whole < 60:
        return say("watch.seconds", s=whole)
    if whole < 3600:
        return say("watch.minutes", m=whole // 60, s=whole % 60)
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return say("watch.hours", h=minutes // 60, m=minutes % 60)
    hours = round(seconds / 3600)
    return say("watch.days", d=hours // 24, h=hours % 24)


def short(seconds: float) -> str:
    """As :func:`duration`, with thousandths below a second: 57ms."""
    if seconds < 0.9995:
        return say("watch.milliseconds", ms=f"{1000 * seconds:.{0 if seconds >= 0.01 else 1}f}")
    return say("watch.seconds", s=f"{seconds:.1f}") if seconds < 9.95 else duration(seconds)


def flops(count: float) -> str:
    """Operations: 812 FLOP, 5.3 MFLOP, 1.2 GFLOP (powers of 1000)."""
    for unit in ("", "k", "M", "G", "T"):
        if count < 999.5:
            return f"{count:.{1 if unit and count < 99.95 else 0}f} {unit}FLOP"
        count /= 1000
    return f"{count:,.1f} PFLOP"
