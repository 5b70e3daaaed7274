"""Figures of a tensor's values, exact to float64's rounding and never with a second copy of a large tensor: it is read by blocks."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 1 << 20  # elements that are held as float64 at a time
QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
BINS = 20
_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)  # torch has no min for them
_DIGIT, _LEVELS = 16, 4  # a float64 in four digits
_SAFE = (1e-100, 1e100)  # between these no square overflows, and none that counts vanishes
_SIGN = 0x7FFFFFFFFFFFFFFF

Read = Callable[[], Iterator[Tensor]]


@dataclass(frozen=True)
class Moments:
    """count: elements; nan, inf: of them; zeros: elements that are 0. The rest is of the finite values, and NaN where there is none.

    min, max: exact (int for integers and bool). std: of the population (divided by n, as numpy's). quantiles: share → value,
    interpolated as numpy does. histogram: counts in equal bins from min to max; one bin where they are equal. Complex numbers are
    judged by their modulus.
    """

    count: int
    nan: int
    inf: int
    zeros: int
    min: float
    max: float
    mean: float
    std: float
    quantiles: tuple[tuple[float, float], ...] = ()
    histogram: tuple[int, ...] = ()

    @property
    def finite(self) -> int:
        return self.count - self.nan - self.inf

    @property
    def norm(self) -> float:
        """Euclidean, of the finite values; 0 where there is none."""
        return math.sqrt(self.finite) * math.hypot(self.mean, self.std) if self.finite else 0.0

    @property
    def zero_share(self) -> float:
        return self.zeros / self.count if self.count else math.nan


def moments(tensor: Tensor, quantiles: Sequence[float] = QUANTILES, bins: int = BINS, block: int = BLOCK) -> Moments:
    """Figures of a strided tensor of any dtype that can be read as float64 or complex128, on any device.

    quantiles: shares in [0, 1]; bins: of the histogram (0: none). Raises NotImplementedError where torch can't read the dtype.
    """
    tensor = tensor.detach()
    held = [_double(tensor.reshape(-1))] if 0 < tensor.numel() <= block else None

    def read() -> Iterator[Tensor]:
        return iter(held) if held is not None else (_double(part) for part in blocks(tensor, block))

    nan = inf = zeros = 0
    low, high = math.inf, -math.inf
    for values in read():
        zeros += len(values) - int(values.count_nonzero())
        sound = _finite(values)
        if len(sound) < len(values):
            lost = int(values.isnan().sum())
            nan, inf = nan + lost, inf + len(values) - len(sound) - lost
        if len(sound):
            least, most = sound.aminmax()
            low, high = min(low, float(least)), max(high, float(most))
    count = tensor.numel()
    finite = count - nan - inf
    if not finite:
        return Moments(count, nan, inf, zeros, math.nan, math.nan, math.nan, math.nan)

    def read_finite() -> Iterator[Tensor]:
        return read() if finite == count else (part for values in read() if len(part := _finite(values)))

    mean, std, histogram = _spread(read_finite, low, high, bins)
    found = _quantiles(read_finite, finite, quantiles)
    if not tensor.is_floating_point() and not tensor.is_complex():
        low, high = _whole(tensor, block)
    return Moments(count, nan, inf, zeros, low, high, mean, std, tuple(zip(quantiles, found, strict=True)), histogram)


def blocks(tensor: Tensor, most: int = BLOCK) -> Iterator[Tensor]:
    """The elements in the order of their indices, in one-dimensional pieces of at most ``most`` (views where the strides allow)."""
    if tensor.numel() <= most:
        if tensor.numel():
            yield tensor.reshape(-1)
        return
    rows = most // (tensor.numel() // len(tensor))
    if rows:
        for start in range(0, len(tensor), rows):
            yield tensor[start : start + rows].reshape(-1)
    else:
        for part in tensor:
            yield from blocks(part, most)


def _double(values: Tensor) -> Tensor:
    """float64 (n,), on the CPU where the device may have none; complex numbers as their modulus."""
    if values.device.type not in ("cpu", "cuda"):
        values = values.cpu()
    if not values.is_complex():
        return values.to(torch.float64)
    values = values.to(torch.complex128)
    return torch.where(values.isnan(), math.nan, values.abs())


def _finite(values: Tensor) -> Tensor:
    sound = values.isfinite()
    return values if bool(sound.all()) else values[sound]


def _whole(tensor: Tensor, block: int) -> tuple[int, int]:
    """Least and greatest integer, exact beyond 2**53 as well."""
    found: list[int] = []
    for part in blocks(tensor, block):
        if part.dtype in _UNSIGNED:
            array = part.cpu().numpy()
            found += [int(array.min()), int(array.max())]
        else:
            found += [int(value) for value in (part.to(torch.uint8) if part.dtype == torch.bool else part).aminmax()]
    return min(found), max(found)


def _spread(read: Read, low: float, high: float, bins: int) -> tuple[float, float, tuple[int, ...]]:
    """Mean, standard deviation and histogram. Blocks are joined as Chan, Golub and LeVeque (1979) do; values whose squares would
    overflow or vanish are scaled by a power of two.
    """
    largest = max(abs(low), abs(high))
    power = math.frexp(largest)[1] if largest and not _SAFE[0] < largest < _SAFE[1] else 0
    width = high / bins - low / bins if bins else 0.0
    counts = torch.zeros(bins if width > 0 else min(bins, 1), dtype=torch.int64)
    seen, mean, squares = 0, 0.0, 0.0
    for sound in read():
        scaled = sound if not power else sound * math.ldexp(1.0, -(power // 2)) * math.ldexp(1.0, power // 2 - power)
        variance, middle = (float(value) for value in torch.var_mean(scaled, correction=0))
        off = middle - mean
        total = seen + len(scaled)
        squares += variance * len(scaled) + off * off * seen * len(scaled) / total
        mean += off * len(scaled) / total
        seen = total
        if len(counts) > 1:
            place = ((sound - low) / width if math.isfinite(high - low) else sound / width - low / width).long()
            counts += torch.bincount(place.clamp_(0, bins - 1), minlength=bins).cpu()
        elif len(counts):
            counts += len(sound)
    mean = min(max(mean, math.ldexp(low, -power)), math.ldexp(high, -power))
    return math.ldexp(mean, power), math.ldexp(math.sqrt(squares / seen), power), tuple(counts.tolist())


def _quantiles(read: Read, count: int, shares: Sequence[float]) -> list[float]:
    """Linear between the two nearest of the ``count`` finite values, as numpy's default."""
    places = [share * (count - 1) for share in shares]
    ranks = sorted({int(place) for place in places} | {min(int(place) + 1, count - 1) for place in places})
    values = _in_order(read, ranks) if ranks else {}
    found = []
    for place in places:
        first, second = values[int(place)], values[min(int(place) + 1, count - 1)]
        part = place - int(place)
        step = second - first
        if math.isinf(step):
            found.append(first * (1 - part) + second * part)
        else:
            found.append(second - step * (1 - part) if part >= 0.5 else first + step * part)
    return found


def _in_order(read: Read, ranks: Sequence[int]) -> dict[int, float]:
    """The values at ``ranks`` of the sorted finite values. One block is sorted; of more, each digit of the sought values is found by
    counting, the highest first (radix selection), which needs four readings and no memory.
    """
    first = list(_first_two(read()))
    if len(first) == 1:
        ordered = first[0].sort().values
        return {rank: float(ordered[rank]) for rank in ranks}
    sought = {rank: (0, rank) for rank in ranks}  # the digits known so far, and the rank among the values that begin so
    for level in range(_LEVELS):
        shift = _DIGIT * (_LEVELS - 1 - level)
        counts = {head: torch.zeros(1 << _DIGIT, dtype=torch.int64) for head, _ in sought.values()}
        for values in read():
            keys = _keys(values) >> shift
            for head, count in counts.items():
                mine = keys + (1 << (_DIGIT - 1)) if level == 0 else keys[keys >> _DIGIT == head] & ((1 << _DIGIT) - 1)
                count += torch.bincount(mine, minlength=1 << _DIGIT).cpu()
        totals = {head: count.cumsum(0) for head, count in counts.items()}
        for rank, (head, within) in sought.items():
            digit = int(torch.searchsorted(totals[head], within, right=True))
            before = int(totals[head][digit - 1]) if digit else 0
            sought[rank] = (digit - (1 << (_DIGIT - 1)) if level == 0 else head << _DIGIT | digit, within - before)
    return {rank: _value(key) for rank, (key, _) in sought.items()}


def _first_two(parts: Iterator[Tensor]) -> Iterator[Tensor]:
    for _, part in zip(range(2), parts, strict=False):
        yield part


def _keys(values: Tensor) -> Tensor:
    """int64 in the order of the float64 values (IEEE 754: negative ones count down)."""
    bits = (values + 0.0).view(torch.int64)  # -0.0 becomes 0.0
    return torch.where(bits < 0, bits ^ _SIGN, bits)


def _value(key: int) -> float:
    found: float = struct.unpack("<d", struct.pack("<q", key if key >= 0 else key ^ _SIGN))[0]
    return found
