"""How far a long piece of work on the data is, told a few times a second at most."""

from __future__ import annotations

from danlu.large.pace import Pace, Progress, heard_by, paced

__all__ = ["Pace", "Progress", "heard_by", "paced"]
