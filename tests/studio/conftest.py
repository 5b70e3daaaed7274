"""The application on the small net and on a subject that only pretends; its thread ends with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.types import ASGIApp

from danlu.studio.app import application
from danlu.studio.desk import Desk
from danlu.studio.subject import Subject
from tests.studio.asking import Pretended


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.close()


@pytest.fixture
def app(desk: Desk) -> ASGIApp:
    return application(Subject(), desk=desk)


@pytest.fixture
def pretend(desk: Desk) -> Callable[..., ASGIApp]:
    """``pretend(work)``: an application whose lesson is ``work(controls, stop)``."""

    def made(work: Any = None) -> ASGIApp:
        return application(Pretended(work), desk=desk)  # type: ignore[arg-type]

    return made
