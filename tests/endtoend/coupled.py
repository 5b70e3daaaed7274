"""Cross-entropy that says it compares samples: it then goes by cached gradients where it is accumulated, and must give the same."""

from __future__ import annotations

from danlu.nn.terms.cross_entropy import CrossEntropy


class Coupled(CrossEntropy):
    """Declared, not in truth: so that a plain loop can say what comes out."""

    coupled = True
