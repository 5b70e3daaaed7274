"""What a command ends with when it doesn't end well. The only place where every exception is caught."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from danlu.cli._output import Output
from danlu.errors import DanluError, Problem
from danlu.messages import say

DONE = 0
SOME_FAILED = 1
MISTAKE = 2
DEFECT = 70  # EX_SOFTWARE
INTERRUPTED = 130  # as a shell reports SIGINT
NOBODY_READS = 141  # as a shell reports SIGPIPE


def guarded(work: Callable[[], int], out: Output, debug: bool = False) -> int:
    """``work()``'s exit code; where it raises, one that fits, after the problems (and with ``debug`` the traceback)."""
    try:
        with _stoppable():
            code = work()
        sys.stdout.flush()
        return code
    except SystemExit as error:  # argparse after --help
        return error.code if isinstance(error.code, int) else DONE
    except KeyboardInterrupt:
        return _tell(out, [Problem("", say("cli.interrupted"), say("cli.how-to-resume"))], INTERRUPTED, debug)
    except BrokenPipeError:
        # The reader (``| head``) has what it wanted. What is still buffered must not fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return NOBODY_READS
    except DanluError as error:
        return _tell(out, error.problems, error.exit_code, debug)
    except OSError as error:
        if error.filename is None and error.errno != errno.ENOSPC:
            return _defect(error, out, debug)
        where = os.fspath(error.filename) if isinstance(error.filename, (str, os.PathLike)) else ""
        return _tell(out, [Problem(where, say("cli.os-error", reason=error.strerror or str(error)))], MISTAKE, debug)
    except Exception as error:  # noqa: BLE001 - the last resort: said to be a defect, with the way to the traceback
        return _defect(error, out, debug)


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM (of ``kill``, a scheduler, a service manager) ends a command as Ctrl-C does: what is half done is cleared away, and how
    to go on is said. While training, the loop has its own, milder answer to both.
    """
    mine = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if mine:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        if mine:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _defect(error: BaseException, out: Output, debug: bool) -> int:
    shown = " ".join(f"{type(error).__name__}: {error}".split())
    return _tell(
        out, [Problem("", say("cli.defect", error=shown), "" if debug else say("cli.how-to-debug"))], DEFECT, debug
    )


def _tell(out: Output, problems: Sequence[Problem], code: int, debug: bool) -> int:
    """Each problem on a line of stderr; with ``--json`` as ``{"error": [{where, what, remedy}]}`` on stdout."""
    if debug:
        out.aside(traceback.format_exc().rstrip())
    for problem in problems:
        out.aside(" ".join(str(problem).split()))
    out.result({"error": [problem.as_dict() for problem in problems], "exit": code})
    return code
