"""What a run ran on: the bits of a result depend on it, so it is recorded (rule 1), and said where it differs on resume."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from danlu.messages import say

_PACKAGES = ("danlu", "torch", "numpy", "pillow", "safetensors", "torchvision", "timm", "pyarrow")
_VARIABLES = (  # what the numeric libraries read
    "ATEN_CPU_CAPABILITY", "CUBLAS_WORKSPACE_CONFIG", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "NPY_DISABLE_CPU_FEATURES",
    "NVIDIA_TF32_OVERRIDE", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)  # fmt: skip
_NO_BITS = (  # the number of threads is in the recipe; what was read is proven by the data's fingerprint
    "cpu.cores", "packages.safetensors", "packages.pyarrow", "platform",
)  # fmt: skip
_OWN_CODE = ("git",)
_NOT_COMPARED = ("seed",)  # the recipe's


def environment(seed: int, device: torch.device) -> dict[str, Any]:
    """JSON-able record of versions, hardware, threads, switches and code; keys sorted, as checkpoints keep it too."""
    cuda = device.type == "cuda"
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "cpu": {"capability": torch.backends.cpu.get_cpu_capability(), "cores": os.cpu_count(), "model": _cpu_model()},
        "threads": torch.get_num_threads(),
        "device": str(device),
        "gpu": torch.cuda.get_device_name(device) if cuda else None,
        "cuda": torch.version.cuda if cuda else None,
        "cudnn": {
            "version": torch.backends.cudnn.version() if cuda else None,  # type: ignore[no-untyped-call]
            "deterministic": torch.backends.cudnn.deterministic,
            "benchmark": torch.backends.cudnn.benchmark,
        },
        "switches": {
            "float32_matmul": torch.get_float32_matmul_precision(),
            "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
            "mkldnn": torch.backends.mkldnn.enabled,  # type: ignore[attr-defined]
        },
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "git": _git(),
        "seed": seed,
    }
    ordered: dict[str, Any] = json.loads(json.dumps(found, sort_keys=True))
    return ordered


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[list[str], bool]:
    """("packages.torch 2.12 → 2.13 (may change bits)" for all that differs, whether any of it may change bits).

    What an earlier version did not record is passed over.
    """
    found = [
        each
        for key in now
        if key in before and key not in _NOT_COMPARED
        for each in _compare(key, before[key], now[key])
    ]
    texts, changing = [], False
    for name, old, new in found:
        effect = "not" if name in _NO_BITS else "own-code" if name in _OWN_CODE else "may"
        changing |= effect != "not"
        texts.append(say(f"runs.environment.{effect}", name=name, before=_shown(old), now=_shown(new)))
    return texts, changing


def _compare(key: str, before: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted(before.keys() | now.keys()):
            yield from _compare(f"{key}.{name}", before.get(name), now.get(name))
    elif before != now:
        yield key, before, now


def _shown(value: Any) -> str:
    return "–" if value is None else str(value)


@cache
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
    """The commit of the user's working folder, with a hash of its uncommitted changes behind "+"; None outside a checkout."""
    commit = _told_by_git("describe", "--always", "--abbrev=12", "--exclude=*")
    if not commit:
        return None
    name = commit.decode(errors="replace").strip()
    changes = _told_by_git("diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv", "--no-color")
    if changes is None:
        return f"{name}+?"
    return f"{name}+{hashlib.blake2b(changes, digest_size=4).hexdigest()}" if changes else name


def _told_by_git(*words: str) -> bytes | None:
    try:
        done = subprocess.run(["git", *words], capture_output=True, timeout=2, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
