"""Verdicts on how a training goes, each a pure function of what was recorded."""
