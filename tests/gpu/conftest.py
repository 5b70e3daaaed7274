"""The device of the tests in this folder, and figures that are worth knowing beside a pass.

On a machine with a GPU: ``python -m pytest -m gpu``. What nobody runs until there is a GPU at last is out of date by then. So the quick
ones ask for a ``device``: every test run tries them on the CPU too, where they say nothing of a GPU, but that they work themselves and
that nothing new is missing in them. The others ask for an ``accelerator``; ``DANLU_GPU_TESTS_ON=cpu`` tries those on the CPU. What asks
for ``cuda`` never runs without one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

os.environ.setdefault(
    "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
)  # before CUDA begins: else matrix products may differ in bits

import pytest
import torch

from tests.endtoend.pairs import Ground, prepare

Note = Callable[[str, object], None]
_notes: list[tuple[str, str, object]] = []


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> torch.device:
    """The CPU, in every test run; and the GPU, where there is one."""
    return torch.device(request.param)


@pytest.fixture
def accelerator() -> torch.device:
    """The GPU; where there is none and DANLU_GPU_TESTS_ON=cpu, the CPU (else the test is skipped, see tests/conftest.py)."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture
def cuda() -> torch.device:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return torch.device("cuda")


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    """No TF32; kernels that give the same bits again, as far as there are any (torch warns where there are none)."""
    before = (
        torch.backends.cuda.matmul.allow_tf32,
        torch.backends.cudnn.allow_tf32,
        torch.backends.cudnn.benchmark,
        torch.are_deterministic_algorithms_enabled(),
    )
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = before[:3]
    torch.use_deterministic_algorithms(before[3])


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """52 pictures of three classes, and weights that fit."""
    return prepare(tmp_path_factory.mktemp("gpu"))


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Notes a figure, which is told at the end of the tests."""

    def noted(name: str, value: object) -> None:
        _notes.append((request.node.name, name, value))

    return noted


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for test, name, value in _notes:
        told = f"{value:.2e}" if isinstance(value, float) else value
        terminalreporter.write_line(f"{test}: {name} {told}")
