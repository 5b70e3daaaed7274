"""Hostile files, and what must become of each."""

from tests.data.hostile import arrays, boxes, images, names, tables
from tests.data.hostile.case import CASES, LARGE, Case

__all__ = ["CASES", "LARGE", "Case", "arrays", "boxes", "images", "names", "tables"]
