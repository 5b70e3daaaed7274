"""What every test stands on: one thread, one seed, English, no network, and caches that vanish."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

# Before anything imports torch or numpy: several workers of one thread each do not fight for the cores.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ["DANLU_LANG"] = "en"
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
from hypothesis import HealthCheck, settings

from danlu.messages import set_language

# Started in the background, the test run ignores Ctrl-C, and so would everything that it starts: tests send that signal.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, and no clock: a busy machine must not fail a test.
settings.register_profile(
    "danlu", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("danlu")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked ``gpu`` run only where there is one; with DANLU_GPU_TESTS_ON=cpu those that can are tried on the CPU (tests/gpu)."""
    gpu = [item for item in items if item.get_closest_marker("gpu")]
    if gpu and not _has_gpu():
        on_cpu = os.environ.get("DANLU_GPU_TESTS_ON") == "cpu"
        for item in gpu:
            if not (on_cpu and "accelerator" in getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session", autouse=True)
def _caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Prepared data are cached for the whole test run (one folder a worker), never in the user's own cache."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "xdg").mkdir()  # torch makes its own folders in it (of kernels for a GPU), but not it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DANLU_CACHE", str(folder))
        patch.setenv("XDG_CACHE_HOME", str(folder / "xdg"))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def _one_precision() -> Iterator[None]:
    """``precision: auto`` is fp32 on a CPU: a choice by the clock would let two runs of one test differ where there is bf16."""
    from danlu.runs import parity
    from danlu.training.precision import supported

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "supported", lambda device: ("fp32",) if device.type == "cpu" else supported(device))
        yield


@pytest.fixture(autouse=True)
def _same_start() -> None:
    """English, and torch (where a test module has imported it) with one thread and a fixed seed."""
    set_language("en")
    torch = sys.modules.get("torch")
    if torch is not None:
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)
        torch.manual_seed(0)
