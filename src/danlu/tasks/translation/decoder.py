"""The translator's state → tokens → texts. No torch."""

from __future__ import annotations

from danlu.tasks.generating.decoder import Writer


class TranslationWriter(Writer):
    """The prediction column, and the answer's key, is ``translation``."""
