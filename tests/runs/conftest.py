"""One finished small run that the tests of this folder look at, copy and damage."""

from __future__ import annotations

from typing import Any

import pytest

import danlu
from tests.runs.small import recipe


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Nobody may change it."""
    place = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)  # outside of this checkout, whose state is told where it differs
        return danlu.train(recipe(place), screen=False)
