"""Masks: one class for every pixel of an image, from PNGs of any mode, arrays, or outlines → uint8 (H, W)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from danlu.data.images import codes, palette
from danlu.data.images.outlines import painted
from danlu.data.kinds.base import BadValue, Framing, Kind, MissingValue, Prepared, Storage
from danlu.data.kinds.category import class_name, natural
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.data.augment.geometry import Geometry
    from danlu.data.batches.batch import Value

IGNORED = 255  # of a prepared mask: pixels that are neither learnt from nor judged
MOST = 255  # classes
_LOOKED_AT = 2000  # masks that are searched for classes where nothing names them
_PLAIN = frozenset(("background", "0", "bg", "背景", "unlabeled", "unlabelled"))  # not tinted when drawn


@dataclass(frozen=True)
class Mask(Kind):
    """Every pixel's place in ``classes`` (names, in order), cached as uint8 (H, W) of the prepared image; 255: ignored.

    codes: for each class the value that stands for it in a file: a grey value or palette index, or 0xRRGGBB where ``coloured``.
    Empty: classes stand for themselves, 0, 1, 2 … ignore: further codes, whose pixels are ignored; so are those beyond the image.
    stored: "decoded" caches pixels, "encoded" lossless PNGs of them.

    In a batch: uint8 (B, H, W); masks of many sizes as :class:`Padded`, with 255 at the right and bottom.
    """

    classes: tuple[str, ...]
    codes: tuple[int, ...] = ()
    ignore: tuple[int, ...] = (IGNORED,)
    coloured: bool = False
    stored: Literal["decoded", "encoded"] = "decoded"

    version: ClassVar[int] = 2
    name: ClassVar[str] = "mask"
    follows: ClassVar[str | None] = "image"

    def __post_init__(self) -> None:
        for key in ("classes", "codes", "ignore"):
            object.__setattr__(self, key, tuple(getattr(self, key)))
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes are not unique")
        if len(self.classes) > MOST:
            raise ValueError(f"{len(self.classes)} classes are more than {MOST}")
        if self.codes and (len(self.codes) != len(self.classes) or len(set(self.codes)) != len(self.codes)):
            raise ValueError("every class needs a code of its own")

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Mask:
        """options: classes (names in order: 0, 1, 2 …; or name → grey value, palette index, "#rrggbb" or [r, g, b]), ignore (codes),
        storage. Of two named classes the second is 255 where masks hold 0 and 255 alone. Without classes every value that occurs in
        the masks is one, in order; outlines bring names, before which "background" comes. 255 is ignored, unless it and 0 are all
        there is: then it is the object.
        """
        stored = options.get("storage", "decoded")
        given = options.get("classes") or ()
        ignore = tuple(codes.code_of(each) for each in options.get("ignore", (IGNORED,)))
        if isinstance(given, Mapping):
            found = {str(name): codes.code_of(value) for name, value in given.items()}
            coloured = any(codes.is_colour(value) for value in given.values())
            left = tuple(code for code in ignore if code not in found.values())
            return cls(tuple(found), tuple(found.values()), left, coloured, stored)
        if given and len(given) != 2:
            return cls(tuple(map(str, given)), (), ignore, False, stored)
        seen, names, coloured = _occurring(raws)
        if given:
            black_and_white = seen == {0, IGNORED} and not coloured and ignore == (IGNORED,)
            values, ignore = ((0, IGNORED), ()) if black_and_white else ((), ignore)
            return cls(tuple(map(str, given)), values, ignore, False, stored)
        if names:
            return cls(("background", *(name for name in names if name != "background")), (), ignore, False, stored)
        if not coloured and seen <= {0, IGNORED}:
            ignore = tuple(code for code in ignore if code != IGNORED)
        found_in = sorted(code for code in seen if code not in ignore)[: MOST + 1]
        if len(found_in) > MOST:
            found_in = []  # of a photograph: every row will say so
        names_of = tuple(codes.written(code, coloured) for code in found_in)
        return cls(names_of, tuple(found_in), ignore, coloured, stored)

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """(codes int64, sorted; uint8, what each becomes)."""
        own = self.codes or tuple(range(len(self.classes)))
        known = dict.fromkeys(self.ignore, IGNORED) | {code: place for place, code in enumerate(own)}
        order = sorted(known)
        return np.asarray(order, np.int64), np.asarray([known[code] for code in order], np.uint8)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.classes)}

    # ---- before the cache --------------------------------------------------------------------------------
    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """raw: path or bytes of a file; an array, integers or bool (H, W), uint8 (H, W, 3); or {objects: dicts {label, segmentation,
        area}, size: (height, width)}, see :func:`danlu.data.images.outlines.painted`.

        The mask is turned, cut and resized as its image was, always by the nearest pixel; what lies beyond the image is ignored.
        Raises :class:`BadValue` for what is no mask, for a size that isn't the image's, and for values that are no class.
        """
        value, notes = self._whole(raw, framing)
        if framing is not None:
            value, turned = _upright(value, framing)
            value, notes = _placed(value, framing), (*notes, *turned)
        return Prepared(_packed(value) if self.stored == "encoded" else value, notes)

    def _whole(self, raw: Any, framing: Framing | None) -> tuple[np.ndarray, tuple[str, ...]]:
        """uint8 (H, W) in the raw image's pixels."""
        if raw is None or raw == "" if not isinstance(raw, np.ndarray) else False:
            raise MissingValue(say("data.missing"))
        if isinstance(raw, Mapping):
            return painted(raw, self._index, framing), ()
        if isinstance(raw, str | Path | bytes):
            found, coloured, notes = codes.of_file(Path(raw) if isinstance(raw, str) else raw, self.coloured)
        elif isinstance(raw, np.ndarray):
            found, coloured, notes = codes.of_array(raw, self.coloured)
        else:
            raise BadValue(say("masks.type", type=type(raw).__name__))
        if framing is not None and found.shape not in (framing.raw, framing.raw[::-1]):
            sizes = {"said": _size(found.shape), "found": _size(framing.raw)}
            raise BadValue(say("masks.size", **sizes))
        try:
            return self._named(found, coloured), notes
        except BadValue as error:
            format_ = None if isinstance(raw, np.ndarray) else codes.blurring(raw)
            raise BadValue(say("masks.blurred", format=format_)) if format_ else error from None

    def _named(self, found: np.ndarray, coloured: bool) -> np.ndarray:
        """Codes → places of classes."""
        if coloured and not self.coloured:
            raise BadValue(say("masks.coloured"))
        known, places = self._table
        if not len(known):
            raise BadValue(say("masks.many", most=MOST))
        at = np.minimum(np.searchsorted(known, found), len(known) - 1)
        strange = known[at] != found
        if strange.any():
            values = np.unique(found[strange])
            shown = ", ".join(codes.written(int(code), self.coloured) for code in values[:5])
            few = shown + (" …" if len(values) > 5 else "")
            key = "masks.unknown-many" if len(values) > 20 else "masks.unknown"
            raise BadValue(say(key, values=few, count=len(values), pixels=int(strange.sum())))
        return places[at]

    def decode(self, encoded: bytes) -> np.ndarray:
        """uint8 (H, W) from what ``prepare`` stored encoded."""
        from PIL import Image

        with Image.open(io.BytesIO(encoded), formats=("PNG",)) as image:
            return np.array(image)

    def storage(self) -> Storage:
        return Storage("encoded" if self.stored == "encoded" else "ragged", "uint8", (-1, -1))

    def spec(self) -> dict[str, Any]:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    # ---- whole batches -----------------------------------------------------------------------------------
    def collate(self, values: Any) -> Value:
        import torch

        from danlu.data.batches.batch import Padded

        sizes = np.asarray([value.shape for value in values], np.int64).reshape(-1, 2)
        high, wide = sizes.max(0, initial=1)
        if len(values) and (sizes == sizes[0]).all():
            return torch.from_numpy(np.stack(values))
        block = np.full((len(values), high, wide), IGNORED, np.uint8)
        for row, value in zip(block, values, strict=True):
            row[: value.shape[0], : value.shape[1]] = value
        return Padded(torch.from_numpy(block), torch.from_numpy(sizes))

    def uncollate(self, value: Value) -> list[np.ndarray]:
        from torch import Tensor

        if isinstance(value, Tensor):
            return list(value.cpu().numpy())
        blocks, sizes = value.values.cpu().numpy(), value.sizes.cpu().tolist()  # type: ignore[union-attr]
        return [block[:high, :wide] for block, (high, wide) in zip(blocks, sizes, strict=True)]

    def warp(self, value: Value, geometry: Geometry) -> Value:
        """By the nearest pixel. Where the image is continued (mirrored, by its edge) so is the mask, else the outside is ignored."""
        from torch import Tensor

        from danlu.data.augment.warp import warp_images
        from danlu.data.batches.batch import Padded

        fill: Any = geometry.fill if geometry.fill in ("reflect", "edge") else float(IGNORED)
        if isinstance(value, Tensor):
            made = warp_images(value[:, None], geometry, interpolation="nearest", fill=fill)
            assert isinstance(made, Tensor)
            return made[:, 0]
        sizes: Tensor = value.sizes  # type: ignore[union-attr]
        block = Padded(value.values[:, None], sizes)  # type: ignore[union-attr]
        made = warp_images(block, geometry, interpolation="nearest", fill=fill)
        assert isinstance(made, Padded)
        return Padded(_beyond(made.values[:, 0], sizes), sizes)

    # ---- for people --------------------------------------------------------------------------------------
    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        """classes: share of the pixels that count; in: share of the masks that hold it; ignored: share of all pixels."""
        counts, holding = np.zeros(256, np.int64), np.zeros(256, np.int64)
        for value in values:
            found = np.bincount(value.reshape(-1), minlength=256)
            counts += found
            holding += found > 0
        known = counts[: len(self.classes)]
        shares = (known / max(1, known.sum())).tolist()
        return {
            "classes": dict(zip(self.classes, shares, strict=True)),
            "in": dict(zip(self.classes, (holding[: len(self.classes)] / max(1, len(values))).tolist(), strict=True)),
            "ignored": float(counts[IGNORED] / max(1, counts.sum())),
        }

    def statistics(self, values: Any) -> dict[str, Any]:
        """counts: pixels of each class in the training rows."""
        counts = np.zeros(256, np.int64)
        for block in values:
            for value in block:
                counts += np.bincount(value.reshape(-1), minlength=256)
        return {"counts": counts[: len(self.classes)].tolist()}

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> np.ndarray:
        """RGB uint8 (H, W, 3): classes as colours, half transparent over ``canvas``; what is ignored is white, a background is left."""
        colours = palette.colours(len(self.classes))
        table = np.full((256, 3), 255, np.uint8)
        table[: len(colours)] = colours
        over: np.ndarray = table[value]
        if canvas is None:
            return over
        made: np.ndarray = ((canvas.astype(np.uint16) + over) // 2).astype(np.uint8)
        if self.classes and class_name(self.classes[0]).casefold() in _PLAIN:
            made[value == 0] = canvas[value == 0]
        return made


def _occurring(raws: Sequence[Any]) -> tuple[set[int], tuple[str, ...], bool]:
    """(codes, names of outlined objects, whether the codes are colours) in some of the masks; what is none is told when prepared."""
    rows = np.unique(np.linspace(0, len(raws) - 1, min(_LOOKED_AT, len(raws))).astype(np.int64))
    plain: set[int] = set()
    colours: set[int] = set()
    names: set[str] = set()
    for row in rows:
        raw = raws[int(row)]
        try:
            if isinstance(raw, Mapping):
                names |= {class_name(item["label"]) for item in raw.get("objects") or () if item.get("label")}
                continue
            given = isinstance(raw, np.ndarray)
            found, coloured, _ = codes.of_array(raw, None) if given else codes.of_file(raw, None)
        except (BadValue, KeyError, TypeError, AttributeError):
            continue
        values = set(np.unique(found).tolist())
        if coloured:
            colours |= values
        else:
            plain |= values
        if len(colours | plain) > 4 * MOST:
            break
    if colours:  # grey masks among coloured ones are written in colours too
        return colours | {code * 0x010101 for code in plain if code < 256}, (), True
    return plain, tuple(sorted(names, key=natural)), False


def _upright(value: np.ndarray, framing: Framing) -> tuple[np.ndarray, tuple[str, ...]]:
    """A mask drawn on the file's own pixels → on the image turned upright; EXIF orientations 5–8 swap the axes."""
    if value.shape == framing.raw:
        return value, ()
    if framing.orientation < 5:
        raise BadValue(say("masks.size", said=_size(value.shape), found=_size(framing.raw)))
    turned = value.T
    if framing.orientation in (6, 7):
        turned = turned[:, ::-1]
    if framing.orientation in (7, 8):
        turned = turned[::-1]
    return np.ascontiguousarray(turned), (say("masks.note.turned"),)


def _placed(value: np.ndarray, framing: Framing) -> np.ndarray:
    """The mask in the prepared image: of each of its pixels the one of the raw mask in which its middle lies."""
    if framing.size == framing.raw and framing.scale == (1.0, 1.0) and framing.shift == (0.0, 0.0):
        return value
    rows, columns = (
        np.floor((np.arange(count) + 0.5 - shift) / scale).astype(np.int64)
        for count, shift, scale in zip(framing.size, framing.shift[::-1], framing.scale[::-1], strict=True)
    )
    inside = ((rows >= 0) & (rows < framing.raw[0]))[:, None] & ((columns >= 0) & (columns < framing.raw[1]))
    made = value[rows.clip(0, framing.raw[0] - 1)][:, columns.clip(0, framing.raw[1] - 1)]
    return np.where(inside, made, np.uint8(IGNORED))


def _packed(value: np.ndarray) -> np.ndarray:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(value).save(file, "PNG", compress_level=4)
    return np.frombuffer(file.getvalue(), np.uint8)


def _beyond(values: Any, sizes: Any) -> Any:
    """The padded block (B, H, W) with 255 outside of each mask's own size."""
    import torch

    rows = torch.arange(values.shape[1], device=values.device)[:, None] < sizes[:, 0, None, None]
    columns = torch.arange(values.shape[2], device=values.device) < sizes[:, 1, None, None]
    return torch.where(rows & columns, values, torch.full_like(values, IGNORED))


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}×{shape[0]}"
