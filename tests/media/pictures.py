"""Pictures and files as tests upload them: sound ones, as a phone makes them, and where they say where they were taken.

Owns how they are made, all from a seed. Must never need a file from elsewhere.
"""

from __future__ import annotations

import io
import struct
from random import Random

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

PLACE = b"59.3293N-18.0686E"
"""Stands in the notes of every picture made with `noted`; nothing that is served may hold it."""

_EXIF_MAKE, _EXIF_ORIENTATION, _EXIF_COMMENT, _GPS = 0x010F, 0x0112, 0x9286, 0x8825


def noise(width: int, height: int, seed: int = 1, mode: str = "RGB") -> Image.Image:
    """Soft noise: it compresses as a photograph does."""
    random = Random(seed)
    small = Image.frombytes("RGB", (24, 18), random.randbytes(24 * 18 * 3))
    return small.resize((width, height), Image.Resampling.BILINEAR).convert(mode)


def exif(orientation: int = 1) -> Image.Exif:
    """Where and by what it was taken."""
    noted = Image.Exif()
    noted[_EXIF_MAKE] = PLACE.decode()
    noted[_EXIF_ORIENTATION] = orientation
    gps = noted.get_ifd(_GPS)
    gps[1], gps[2] = "N", (IFDRational(59), IFDRational(19), IFDRational(45))
    gps[3], gps[4] = "E", (IFDRational(18), IFDRational(4), IFDRational(7))
    gps[27] = PLACE
    noted.get_ifd(0x8769)[_EXIF_COMMENT] = PLACE
    return noted


def encoded(image: Image.Image, form: str, *, orientation: int = 1, noted: bool = True) -> bytes:
    """The picture as a file of this form, with notes wherever the form has a place for them."""
    out = io.BytesIO()
    more: dict[str, object] = {}
    if noted and form in ("JPEG", "PNG", "WEBP"):
        more["exif"] = exif(orientation)
    if noted and form in ("JPEG", "GIF"):
        more["comment"] = PLACE
    if noted and form in ("JPEG", "WEBP"):
        more["xmp"] = b"<x:xmpmeta>" + PLACE + b"</x:xmpmeta>"
    if noted and form == "PNG":
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_text("Location", PLACE.decode())
        text.add_itxt("XML:com.adobe.xmp", PLACE.decode(), zip=True)
        more["pnginfo"] = text
    image.save(out, form, **more)
    return out.getvalue() + (PLACE if noted else b"")


def jpeg(width: int = 64, height: int = 48, seed: int = 1, *, orientation: int = 1) -> bytes:
    """A phone's picture."""
    return encoded(noise(width, height, seed), "JPEG", orientation=orientation)


def box(kind: bytes, *inside: bytes) -> bytes:
    """One box of an MP4."""
    data = b"".join(inside)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def video(brand: bytes = b"isom", sound: bytes = b"\x00" * 64) -> bytes:
    """A video, as far as its boxes go, that says where it was taken, in every place there is for it."""
    place = box(b"udta", box(b"\xa9xyz", PLACE))
    keys = box(b"meta", b"\0\0\0\0", PLACE)
    track = box(b"trak", box(b"tkhd", b"\0" * 84), place, box(b"mdia", box(b"minf", keys)))
    return (
        box(b"ftyp", brand, b"\0\0\0\0", brand)
        + box(b"uuid", b"u" * 16, PLACE)
        + box(b"moov", box(b"mvhd", b"\0" * 100), track, place, keys)
        + box(b"mdat", sound)
    )


def voice() -> bytes:
    """A voice note in Ogg, as far as its first bytes go."""
    return b"OggS\x00\x02" + bytes(200)
