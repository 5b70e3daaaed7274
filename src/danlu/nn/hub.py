"""How published weights are fetched: without unpickling anything, and without minutes of retries where there is no
net."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

_SECONDS = 3.0


_TENSORS_ONLY = (
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD"  # of torch.load, which torchvision's downloads call without asking for it
)


@contextmanager
def tensors_only() -> Iterator[None]:
    """Inside, torch.load takes tensors alone, whoever calls it and however."""
    before = os.environ.get(_TENSORS_ONLY)
    os.environ[_TENSORS_ONLY] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_TENSORS_ONLY]
        else:
            os.environ[_TENSORS_ONLY] = before


@contextmanager
def careful() -> Iterator[None]:
    """:func:`tensors_only`, and the hub's client asks its cache alone where its host can't be reached.

    Whether it can is tried for 3 s (the client itself retries for most of a minute). Behind a proxy nothing is tried:
    the host's address need not be known there.
    """
    from huggingface_hub import constants

    offline = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = offline or not _reachable(constants.ENDPOINT)
    try:
        with tensors_only():
            yield
    finally:
        constants.HF_HUB_OFFLINE = offline


def _reachable(endpoint: str) -> bool:
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True
    address = urlsplit(endpoint)
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        with socket.create_connection((address.hostname or "", port), timeout=_SECONDS):
            return True
    except OSError:
        return False
