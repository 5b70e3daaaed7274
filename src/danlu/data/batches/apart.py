"""A worker process keeps out of what is the training process's business: its signals; and it doesn't outlive it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

_PAUSE = 1.0  # seconds between two looks whether the training process is still there


@contextmanager
def held_back() -> Iterator[None]:
    """Around the start of workers: a signal to every process of a job must not end one that has not yet stood apart.

    A process begins with what its parent's thread holds back. The training process hears of it afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stand_apart() -> None:
    """To be called first in a worker process.

    Ctrl-C in a terminal, ``scancel`` or ``systemctl stop`` reach every process of a job. The training process then
    finishes its step and saves, and needs its workers for that: they leave both signals to it. When it is gone (killed,
    perhaps), they end within a second or two, whatever they wait for: torch's own watch is slower, and never ends a
    worker that waits for a full pipe to be read.
    """
    training = multiprocessing.parent_process()
    if training is None:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # see held_back
    if hasattr(signal, "sigtimedwait"):  # Linux: from here on the watch alone receives it, and sees who sent it
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_watch, args=(training,), name="danlu-worker-watch", daemon=True).start()


def _watch(training: BaseProcess) -> None:
    before = os.getppid()  # of a forked worker; that of one from a fork server stays the server's
    while os.getppid() == before and training.is_alive():
        if not hasattr(signal, "sigtimedwait"):
            time.sleep(_PAUSE)
            continue
        told = signal.sigtimedwait({signal.SIGTERM}, _PAUSE)
        if told is not None and told.si_pid == training.pid:  # so torch ends its workers
            os._exit(0)
    os._exit(1)
