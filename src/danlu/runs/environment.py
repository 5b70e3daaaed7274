"""What a run ran on: the bits of a result depend on it, so it is recorded (rule 1)."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

_PACKAGES = ("danlu", "torch", "numpy", "pillow", "safetensors", "torchvision", "timm", "pyarrow")


def environment(seed: int, device: torch.device) -> dict[str, Any]:
    """JSON-able record of versions, hardware, threads and code."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "cpu": {"capability": torch.backends.cpu.get_cpu_capability(), "cores": os.cpu_count(), "model": _cpu_model()},
        "threads": torch.get_num_threads(),
        "device": str(device),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "cudnn": {
            "version": torch.backends.cudnn.version() if device.type == "cuda" else None,  # type: ignore[no-untyped-call]
            "deterministic": torch.backends.cudnn.deterministic,
            "benchmark": torch.backends.cudnn.benchmark,
        },
        "git": _git(),
        "seed": seed,
    }


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between two environments in a way that may change bits: "packages.torch: 2.12 → 2.13"."""
    relevant = ("python", "packages", "cpu", "threads", "device", "gpu", "cudnn")
    return [line for key in relevant for line in _compare(key, before.get(key), now.get(key))]


def _compare(key: str, before: Any, now: Any) -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        return [line for name in sorted(before.keys() | now.keys())
                for line in _compare(f"{key}.{name}", before.get(name), now.get(name))]  # fmt: skip
    return [] if before == now else [f"{key}: {before} → {now}"]


def _version(name: str) -> str | None:
    try:
        return str(version(name))  # type: ignore[no-untyped-call]
    except PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _git() -> str | None:
    """The commit of the user's working folder, with "+" where it has uncommitted changes; None outside a checkout."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
