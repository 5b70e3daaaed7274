"""Batches gathered ahead by one thread, while the net works on the current one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from typing import TypeVar

import torch

from danlu.data.batches.batch import Batch

DEPTH = 2  # one being used while two are on their way; more only costs memory

Order = TypeVar("Order")
Made = TypeVar("Made")


def ahead(make: Callable[[Order], Made], orders: Iterable[Order], depth: int = DEPTH) -> Iterator[Made]:
    """``map(make, orders)``, with up to ``depth`` results made in advance in a thread, in order.

    An error is raised where its result would have come. Closing the iterator early leaves no thread behind.
    """
    source = iter(orders)
    context = copy_context()  # the language of messages
    pool = ThreadPoolExecutor(1, thread_name_prefix="danlu-batches")
    waiting: deque[Future[Made]] = deque()
    try:
        for order in islice(source, depth):
            waiting.append(pool.submit(context.run, make, order))
        while waiting:
            made = waiting.popleft().result()
            for order in islice(source, 1):
                waiting.append(pool.submit(context.run, make, order))
            yield made
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Upload:
    """Copies batches to a device; on CUDA from page-locked memory on a stream of its own, beside the net's kernels.

    :meth:`send` may run in another thread; :meth:`receive` belongs to the thread that uses the batch.
    """

    def __init__(self, device: torch.device, pin: bool) -> None:
        self.device = device
        self.pin = pin
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def send(self, batch: Batch) -> tuple[Batch, torch.cuda.Event | None]:
        if self.pin:
            batch = batch.pin_memory()
        if self.device.type == "cpu":
            return batch, None
        if self._stream is None:
            return batch.to(self.device), None
        with torch.cuda.stream(self._stream):
            return batch.to(self.device, non_blocking=True), self._stream.record_event()

    def receive(self, sent: tuple[Batch, torch.cuda.Event | None]) -> Batch:
        batch, copied = sent
        if copied is not None:
            current = torch.cuda.current_stream(self.device)
            current.wait_event(copied)
            for tensor in batch.tensors():
                tensor.record_stream(current)  # its memory must not be given out again while this stream still reads it
        return batch
