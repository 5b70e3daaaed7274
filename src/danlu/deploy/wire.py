"""Which files beside it an ONNX graph would have a runtime open. Read from protobuf's wire format, so that no code of ONNX is needed.

Format: https://protobuf.dev/programming-guides/encoding; messages: onnx/onnx.proto3.
"""

from __future__ import annotations

_MODEL, _GRAPH, _NODE, _ATTRIBUTE, _TENSOR, _SPARSE, _FUNCTION, _TRAINING = range(8)

# message → field number → message in it, for all ways that lead to a tensor
_INSIDE: dict[int, dict[int, int]] = {
    _MODEL: {7: _GRAPH, 20: _TRAINING, 25: _FUNCTION},
    _GRAPH: {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
    _FUNCTION: {7: _NODE, 11: _ATTRIBUTE},
    _TRAINING: {1: _GRAPH, 2: _GRAPH},
    _TENSOR: {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def external_files(model: bytes) -> set[str]:
    """Locations of all tensors that lie outside of ``model``; "" for one that names none. Raises ValueError for what is no model."""
    found: set[str] = set()
    waiting = [(_MODEL, 0, len(model))]
    while waiting:
        message, start, end = waiting.pop()
        location, outside = "", False
        for number, wire, low, high in _fields(model, start, end):
            inner = _INSIDE[message].get(number)
            if inner is not None and wire == _BYTES:
                waiting.append((inner, low, high))
            elif message == _TENSOR and number == _EXTERNAL_DATA and wire == _BYTES:
                outside = True
                location = _location(model, low, high) or location
            elif message == _TENSOR and number == _DATA_LOCATION and wire == _VARINT:
                outside = outside or low != 0
        if outside:
            found.add(location)
    return found


def _location(model: bytes, start: int, end: int) -> str:
    """The value of a pair whose key is "location"."""
    texts = {number: model[low:high] for number, wire, low, high in _fields(model, start, end) if wire == _BYTES}
    return texts.get(2, b"").decode("utf-8", "replace") if texts.get(1) == b"location" else ""


def _fields(model: bytes, at: int, end: int) -> list[tuple[int, int, int, int]]:
    """(field number, wire type, start, end) of each field; of a varint (number, type, its value, 0)."""
    fields = []
    while at < end:
        key, at = _varint(model, at, end)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(model, at, end)
            fields.append((number, wire, value, 0))
            continue
        if wire == _BYTES:
            size, at = _varint(model, at, end)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if size > end - at:
            raise ValueError("a field is longer than its message")
        fields.append((number, wire, at, at + size))
        at += size
    return fields


def _varint(model: bytes, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = model[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number has no end")
