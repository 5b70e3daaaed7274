"""Images: any file people have → uint8 (H, W, C), of one size or of many."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from danlu.data.images import pixels, refuse
from danlu.data.images.decode import Picture, Size, decode
from danlu.data.images.placement import Placement, bounded, fixed, place
from danlu.data.images.survey import survey
from danlu.data.kinds.base import BadValue, Framing, Kind, MissingValue, Prepared, Storage
from danlu.messages import say

if TYPE_CHECKING:
    from torch import Tensor

    from danlu.data.augment.geometry import Geometry
    from danlu.data.batches.batch import Value


@dataclass(frozen=True)
class Image(Kind):
    """An image as the net takes it.

    height, width: pixels of every image; both None = images keep their own size ("ragged"), their longest side at most ``longest``.
    resize: "stretch", "crop" (middle), "pad" (black); see :func:`danlu.data.images.placement.fixed`. channels: 1 or 3.
    stored: "decoded" caches pixels, "encoded" the file's own bytes, or a lossless PNG of the pixels where that is smaller; both give
    the same pixels bit for bit, unless ``quality`` (1–100) asks for smaller JPEGs instead of PNGs.

    In a batch: uint8 (B, C, H, W), channels last in memory; images of many sizes as :class:`Padded`. After colour changes or mixing
    float32 in the same 0–255 scale.
    """

    height: int | None
    width: int | None
    channels: int
    resize: Literal["stretch", "crop", "pad"] = "crop"
    longest: int | None = None
    stored: Literal["decoded", "encoded"] = "decoded"
    quality: int | None = None

    name: ClassVar[str] = "image"
    by_sample: ClassVar[bool] = True
    asked: ClassVar[str] = "file"
    can_mix: ClassVar[bool] = True

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Image:
        """options: size (int, (height, width) or "auto"), resize, channels (1, 3 or "auto"), shape ("fixed" or "ragged"), longest,
        storage ("decoded" or "encoded"), quality. With "ragged", a number as size is the longest side.

        "auto" looks at no more than some hundred headers, evenly drawn.
        """
        size, channels = options.get("size", "auto"), options.get("channels", "auto")
        ragged = options.get("shape", "fixed") == "ragged"
        height = width = longest = None
        if ragged:
            longest = size if isinstance(size, int) else options.get("longest")
        if channels == "auto" or (size == "auto" and not ragged):
            seen = survey(raws)
            channels = seen.channels if channels == "auto" else channels
            size = seen.size if size == "auto" else size
        if not ragged:
            height, width = (size, size) if isinstance(size, int) else size
        return cls(
            height=height,
            width=width,
            channels=channels,
            resize=options.get("resize", "crop"),
            longest=longest,
            stored=options.get("storage", "decoded"),
            quality=options.get("quality"),
        )

    # ---- before the cache --------------------------------------------------------------------------------
    def placement(self, raw: Size) -> Placement:
        """How an image of ``raw`` (height, width) is resized."""
        if self.height is None or self.width is None:
            return bounded(raw, self.longest)
        return fixed(raw, (self.height, self.width), self.resize)

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """raw: path or bytes of a file; or pixels, (H, W), (H, W, C) or (C, H, W): uint8, bool, uint16, or float in 0–1."""
        if isinstance(raw, np.ndarray):
            return self._prepare_pixels(raw)
        if isinstance(raw, str):
            raw = Path(raw)
        if isinstance(raw, Path):
            raw = refuse.read(raw)
        if raw is None:
            raise MissingValue(say("data.missing"))
        if not isinstance(raw, bytes):
            raise BadValue(say("data.image.type", type=type(raw).__name__))
        value, notes, framing = self._decode(raw)
        if self.stored == "encoded":
            value = self._encode(value, raw)
        return Prepared(value, notes, framing)

    def prepare_many(self, raws: Sequence[Any]) -> np.ndarray | None:
        if (
            self.stored != "decoded"
            or self.height is None
            or not isinstance(raws, np.ndarray)
            or raws.dtype != np.uint8
        ):
            return None
        shape = (self.height, self.width, self.channels)
        if raws.shape[1:] == shape or (self.channels == 1 and raws.shape[1:] == shape[:2]):
            return raws.reshape(len(raws), *shape)  # type: ignore[arg-type]
        return None

    def _decode(self, data: bytes) -> tuple[np.ndarray, tuple[str, ...], Framing]:
        def use(picture: Picture) -> tuple[np.ndarray, tuple[str, ...], Framing]:
            placement = self.placement(picture.raw)
            return place(picture.image, placement), picture.notes, placement.framing(picture.orientation)

        made: tuple[np.ndarray, tuple[str, ...], Framing]
        made = decode(data, self.channels, lambda size: self.placement(size).whole(), use)
        return made

    def _prepare_pixels(self, raw: np.ndarray) -> Prepared:
        shape = (self.height, self.width, self.channels)
        notes: tuple[str, ...] = ()
        if raw.dtype == np.uint8 and (raw.shape == shape or (self.channels == 1 and raw.shape == shape[:2])):
            size: Size = (len(raw), len(raw[0]))
            value, framing = raw.reshape(*size, self.channels), Framing(size, size)
        else:
            image, notes = pixels.picture(raw, self.channels)
            placement = self.placement((image.height, image.width))
            value, framing = place(image, placement), placement.framing()
        return Prepared(self._encode(value, None) if self.stored == "encoded" else value, notes, framing)

    def _encode(self, value: np.ndarray, original: bytes | None) -> np.ndarray:
        """uint8 (bytes,): the shorter of the original file and the pixels packed anew."""
        from PIL import Image as Pillow

        if original is None or self.quality is not None or len(original) > value.nbytes // 2:
            packed = io.BytesIO()
            image = Pillow.fromarray(value[:, :, 0] if self.channels == 1 else value)
            if self.quality is None:
                image.save(packed, "PNG", compress_level=4)
            else:
                image.save(packed, "JPEG", quality=self.quality, subsampling=0)
            if original is None or packed.tell() < len(original):
                original = packed.getvalue()
        return np.frombuffer(original, np.uint8)

    def decode(self, encoded: bytes) -> np.ndarray:
        """uint8 (H, W, C) from what ``prepare`` stored encoded."""
        return self._decode(encoded)[0]

    def storage(self) -> Storage:
        size = (-1, -1) if self.height is None or self.width is None else (self.height, self.width)
        layout = "encoded" if self.stored == "encoded" else "ragged" if self.height is None else "fixed"
        return Storage(layout, "uint8", (*size, self.channels))

    def spec(self) -> dict[str, Any]:
        return asdict(self)

    # ---- whole batches -----------------------------------------------------------------------------------
    def collate(self, values: Any) -> Value:
        import torch

        from danlu.data.batches.batch import Padded

        if self.height is not None:
            block = values if isinstance(values, np.ndarray) else np.stack(values)
            return torch.from_numpy(block if block.flags.writeable else block.copy()).permute(0, 3, 1, 2)
        block, sizes = self._padded(values)
        return Padded(torch.from_numpy(block).permute(0, 3, 1, 2), torch.from_numpy(sizes))

    def stack(self, values: Sequence[np.ndarray]) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """uint8 (B, C, H, W); of many sizes (padded values, sizes int64 (B, 2) = height, width)."""
        if self.height is not None:
            return np.stack(values).transpose(0, 3, 1, 2)
        block, sizes = self._padded(values)
        return block.transpose(0, 3, 1, 2), sizes

    def _padded(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """(uint8 (B, H, W, C) with black at the right and bottom, int64 (B, 2) sizes)."""
        sizes = np.asarray([value.shape[:2] for value in values], np.int64).reshape(-1, 2)
        high, wide = sizes.max(0, initial=1)
        block = np.zeros((len(values), high, wide, self.channels), np.uint8)
        for row, value in zip(block, values, strict=True):
            row[: value.shape[0], : value.shape[1]] = value
        return block, sizes

    def uncollate(self, value: Value) -> list[np.ndarray]:
        from torch import Tensor

        if isinstance(value, Tensor):
            return list(value.detach().cpu().numpy().transpose(0, 2, 3, 1))
        blocks = value.values.detach().cpu().numpy().transpose(0, 2, 3, 1)
        sizes = value.sizes.cpu().tolist()  # type: ignore[union-attr]
        return [block[:high, :wide] for block, (high, wide) in zip(blocks, sizes, strict=True)]

    def warp(self, value: Value, geometry: Geometry) -> Value:
        from danlu.data.augment.warp import warp_images

        return warp_images(value, geometry)  # type: ignore[arg-type]

    def recolour(self, value: Value, change: Any) -> Value:
        """Same dtype, whole numbers rounded half to even; the padding of images of many sizes stays 0."""
        from danlu.data.augment.colour import recolour_images

        return recolour_images(value, change)  # type: ignore[arg-type]

    def mix(self, value: Value, partner: Value, share: Tensor) -> Value:
        """float32 pixels; images of many sizes are laid over each other at the top left."""
        import torch
        from torch import Tensor
        from torch.nn.functional import pad

        weight = share.float().view(-1, 1, 1, 1)
        if isinstance(value, Tensor) and isinstance(partner, Tensor):
            return torch.lerp(partner.float(), value.float(), weight)
        one: Tensor = value.values  # type: ignore[assignment,union-attr]
        other: Tensor = partner.values  # type: ignore[assignment,union-attr]
        high, wide = max(one.shape[2], other.shape[2]), max(one.shape[3], other.shape[3])
        one, other = (pad(part, (0, wide - part.shape[3], 0, high - part.shape[2])) for part in (one, other))
        sizes = torch.maximum(value.sizes, partner.sizes)  # type: ignore[union-attr]
        return type(value)(torch.lerp(other.float(), one.float(), weight), sizes)  # type: ignore[call-arg]

    # ---- for people --------------------------------------------------------------------------------------
    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        if self.height is not None or not len(values):
            return {"size": [self.height, self.width], "channels": self.channels}
        sides = np.asarray([value.shape[:2] for value in values])
        low, middle, high = sides.min(0), np.median(sides, axis=0), sides.max(0)
        return {
            "height": {"min": int(low[0]), "median": float(middle[0]), "max": int(high[0])},
            "width": {"min": int(low[1]), "median": float(middle[1]), "max": int(high[1])},
            "channels": self.channels,
        }

    def statistics(self, values: Iterable[Any]) -> dict[str, Any]:
        """mean, std, min, max: lists of ``channels`` numbers in 0–255, exact (from counts of each of the 256 values)."""
        return pixels.statistics(values, self.channels)

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> np.ndarray:
        """RGB uint8 (H, W, 3); value: (H, W, C), uint8 or in 0–255."""
        shown = value if value.dtype == np.uint8 else np.clip(np.rint(value), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(shown, (*shown.shape[:2], 3)))
