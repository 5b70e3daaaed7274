"""Work in a process of its own that has everything imported already."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable

import pytest

NOT_POSSIBLE = 77


class NotPossibleError(Exception):
    """The system doesn't let the work be done; the message says why."""


def forked(work: Callable[[], None]) -> None:
    """``work()`` in a forked process; fails as it does, skips where it raises :class:`NotPossibleError`."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    read, write = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(read)
            work()
            code = 0
        except NotPossibleError as error:
            os.write(write, str(error).encode())
            code = NOT_POSSIBLE
        except BaseException:  # noqa: BLE001 - the child must never run the rest of the tests
            os.write(write, traceback.format_exc()[-30_000:].encode())
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read().decode()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == NOT_POSSIBLE:
        pytest.skip(told)
    if status:
        pytest.fail(told or f"ended with {status}", pytrace=False)
