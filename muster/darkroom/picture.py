"""One picture: decoded, turned upright, encoded anew.

Owns how. What comes out holds pixels and nothing else: no EXIF, no place, no comment, no profile, nothing after the
end. An animation gives its first frame. Must only run in a worker of the darkroom: decoders meet hostile bytes here.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Final

import blurhash
from PIL import Image, ImageCms, ImageFile, PngImagePlugin

from muster.media import SIDES, Developed, Refusal, Unfit

FULL_SIDE: Final = 2_560
"""What a phone's screen shows, and half as much again; larger pictures are made so small."""

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TEXT_BYTES: Final = 1 << 20
_PROFILE_BYTES: Final = 1 << 20
_JPEG_QUALITY: Final = 82
_WEBP_QUALITY: Final = 82
_WEBP_EFFORT: Final = 2
_HASH_SIDE: Final = 32
_HASH_PARTS: Final = (4, 3)


def develop(source: Path, target: Path, most_pixels: int) -> Developed:
    """Write `full`, `512` and `96` into `target`. Raises `Unfit`, and whatever a decoder may."""
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = _TEXT_BYTES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    # The check below is exact; this one is in force wherever a decoder finds another size later on.
    Image.MAX_IMAGE_PIXELS = most_pixels
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(source, formats=_FORMATS) as opened:
                full = _decoded(opened, most_pixels)
        except Image.DecompressionBombError:
            raise Unfit(Refusal.too_many_pixels) from None
    shown = "image/webp" if full.mode == "RGBA" else "image/jpeg"
    written = _write(full, target / "full")
    smaller = full
    for side in SIDES:
        smaller = smaller.copy()
        smaller.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
        written += _write(smaller, target / str(side))
    return Developed(shown, full.width, full.height, _blurhash(smaller), written)


def _decoded(opened: Image.Image, most_pixels: int) -> Image.Image:
    """The first frame: at most FULL_SIDE wide and high, upright, RGB or RGBA, in sRGB, with nothing attached."""
    width, height = opened.size
    if width < 1 or height < 1:
        raise Unfit(Refusal.unreadable)
    if width * height > most_pixels:
        raise Unfit(Refusal.too_many_pixels)
    opened.draft("RGB", (FULL_SIDE, FULL_SIDE))
    turn = _UPRIGHT.get(_orientation(opened))
    profile = opened.info.get("icc_profile")
    opened.load()
    image: Image.Image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    # 12 megapixels: 130 ms of processor time instead of LANCZOS' 240.
    image.thumbnail((FULL_SIDE, FULL_SIDE), Image.Resampling.HAMMING, reducing_gap=None)
    if turn is not None:
        image = image.transpose(turn)
    image = _standard(image, profile)
    image.info = {}
    return image


def _orientation(opened: Image.Image) -> int:
    """As EXIF says; broken EXIF says nothing."""
    try:
        value = opened.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001  # a parser of hostile bytes may raise anything, and none of it matters
        return 1
    return value if isinstance(value, int) else 1


def _standard(image: Image.Image, profile: object) -> Image.Image:
    """Colours as a screen without profiles shows them; a profile that cannot be applied is ignored."""
    if not isinstance(profile, bytes) or not 0 < len(profile) <= _PROFILE_BYTES:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        turned = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    except Exception:  # noqa: BLE001  # the same
        return image
    return turned if turned is not None else image


def _write(image: Image.Image, path: Path) -> int:
    if image.mode == "RGBA":
        image.save(path, "WEBP", quality=_WEBP_QUALITY, method=_WEBP_EFFORT)
    else:
        image.save(path, "JPEG", quality=_JPEG_QUALITY)
    return path.stat().st_size


def _blurhash(image: Image.Image) -> str:
    small = image.convert("RGB")
    small.thumbnail((_HASH_SIDE, _HASH_SIDE))
    hashed: str = blurhash.encode(small, *_HASH_PARTS)
    return hashed
