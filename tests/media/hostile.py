"""Files that strangers upload to hurt: made from a seed, each with a name that says what it is.

Owns how they are made. Must never hold one that needs a file from elsewhere. MARK stands in every script and note:
nothing that is shown may hold it.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from PIL import Image

from tests.media.pictures import PLACE, box, encoded, jpeg, noise, video

MARK = b"alert(1)"
SCRIPTS = (
    b"<html><script>%s</script></html>",
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='%s'/>",
    b"<?xml version='1.0'?><svg><script>%s</script></svg>",
    b"<?php %s; ?>",
    b"#!/bin/sh\n%s\n",
    b"\xef\xbb\xbf<!doctype html><script>%s</script>",
    b"javascript:%s",
    b"MZ\x90\x00%s",
    b"\x7fELF%s",
)
FORMS = ("JPEG", "PNG", "WEBP", "GIF")


class Hostile(NamedTuple):
    """One upload. `shown`: it may be taken, if nothing of MARK is left in what is handed out."""

    name: str
    data: bytes
    type: str = "image/png"
    purpose: str = "attachment"
    duration_ms: int | None = None


def corpus(seed: int) -> list[Hostile]:
    """All of them."""
    random = Random(seed)
    return [
        *_scripts(),
        *_cut(random),
        *_flipped(random),
        *_polyglots(),
        *_bombs(random),
        *_other_kinds(random),
        *_boxes(random),
    ]


def _scripts() -> Iterator[Hostile]:
    for n, script in enumerate(SCRIPTS):
        yield Hostile(f"script {n} named .png", script % MARK)
        yield Hostile(f"script {n} as avatar", script % MARK, "image/jpeg", "avatar")
        yield Hostile(f"script {n} as voice", script % MARK, "audio/ogg", "voice", 1_000)
    for size in (1, 2, 7, 8, 11, 12):
        yield Hostile(f"{size} bytes", b"\x89PNG\r\n\x1a\n\0\0\0\0"[:size])


def _sound(form: str, seed: int = 5) -> bytes:
    return encoded(noise(60, 40, seed), form)


def _cut(random: Random) -> Iterator[Hostile]:
    for form in FORMS:
        data = encoded(noise(60, 40, 3), form, noted=False)
        for at in sorted(random.sample(range(4, len(data) - 60), 8)):
            yield Hostile(f"{form} cut at {at}", data[:at], f"image/{form.lower()}")


def _flipped(random: Random) -> Iterator[Hostile]:
    for form in FORMS:
        for n in range(14):
            data = bytearray(_sound(form))
            for _ in range(1 + n):
                data[random.randrange(len(data))] ^= 1 << random.randrange(8)
            yield Hostile(f"{form} with {n + 1} bits turned", bytes(data), f"image/{form.lower()}")


def _polyglots() -> Iterator[Hostile]:
    script = b"/*" + MARK + b"*/=1;" + MARK
    yield Hostile("GIF/JS", b"GIF89a" + script, "image/gif")
    for form in FORMS:
        sound, type_ = _sound(form), f"image/{form.lower()}"
        yield Hostile(f"{form} and a script", sound + b"\n<script>" + MARK + b"</script>", type_)
        yield Hostile(f"{form} and a ZIP", sound + b"PK\x03\x04" + MARK * 9, type_)
        yield Hostile(f"{form} and a PDF", sound + b"%PDF-1.4 " + MARK, type_, "file")
    html = b"<html><script>" + MARK + b"</script>"
    for form in ("JPEG", "PNG", "WEBP"):
        noted = Image.Exif()
        noted[0x010E] = html.decode()
        noted[0x9C9B] = html
        out = io.BytesIO()
        noise(40, 30).save(out, form, exif=noted)
        yield Hostile(f"{form} with HTML in EXIF", out.getvalue(), f"image/{form.lower()}")
    broken = jpeg()
    at = broken.index(b"Exif\0\0")
    yield Hostile("JPEG with EXIF that loops", broken[: at + 10] + b"\xff" * 40 + broken[at + 50 :])
    yield Hostile("JPEG with HTML as comment", _commented(html), "image/jpeg")


def _commented(words: bytes) -> bytes:
    out = io.BytesIO()
    noise(40, 30).save(out, "JPEG", comment=words)
    return out.getvalue()


def png(
    width: int, height: int, *chunks: tuple[bytes, bytes], bits: int = 1, colours: int = 0
) -> bytes:
    """A PNG of these chunks, whatever they hold; one bit per pixel unless said otherwise."""
    head = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), *chunks, (b"IEND", b""))
    )


def _bombs(random: Random) -> Iterator[Hostile]:
    tiny = (b"IDAT", zlib.compress(b"\0\0"))
    for n in range(16):
        width, height = random.randrange(1 << 13, 1 << 31), random.randrange(1 << 13, 1 << 31)
        yield Hostile(f"PNG of {width} x {height} ({n})", png(width, height, tiny))
    for width, height in ((0, 0), (0, 5), (1, 0), ((1 << 31) - 1, 1), (1 << 31, 1 << 31)):
        yield Hostile(f"PNG of {width} x {height}", png(width, height, tiny))
    rows = zlib.compress(b"\0" * (1_001 * 5_000))
    yield Hostile("40 megapixels, really", png(8_000, 5_000, (b"IDAT", rows)))
    for form, type_ in (("GIF", "image/gif"), ("WEBP", "image/webp"), ("JPEG", "image/jpeg")):
        yield Hostile(f"40 megapixels as {form}", forty(form), type_)
    bomb = zlib.compress(b"<" * (60 << 20), 9)
    for kind, head in (
        (b"iTXt", b"Comment\0\x01\0\0\0"),
        (b"zTXt", b"Comment\0\0"),
        (b"iCCP", b"profile\0\0"),
    ):
        for many in (1, 40):
            chunks = [(kind, head + bomb)] * many
            yield Hostile(f"{many} {kind.decode()} of 60 MiB", png(1, 1, *chunks, tiny))
    yield Hostile("pixels of 60 MiB for one", png(1, 1, (b"IDAT", bomb)))
    frames = [Image.new("P", (200, 200), n % 256) for n in range(300)]
    for form in ("GIF", "WEBP", "PNG"):
        out = io.BytesIO()
        shown = frames if form == "GIF" else frames[:60]
        shown[0].save(out, form, save_all=True, append_images=shown[1:], duration=10, loop=0)
        yield Hostile(f"an animation as {form}", out.getvalue(), f"image/{form.lower()}")


def forty(form: str) -> bytes:
    """A header that says 8,000 x 5,000."""
    small = bytearray(encoded(noise(64, 64), form, noted=False))
    if form == "GIF":
        small[6:10] = struct.pack("<HH", 8_000, 5_000)
    elif form == "WEBP":
        at = small.index(b"VP8 ") + 14
        small[at : at + 4] = struct.pack("<HH", 8_000, 5_000)
    else:
        at = small.index(b"\xff\xc0") + 5
        small[at : at + 4] = struct.pack(">HH", 5_000, 8_000)
    return bytes(small)


def _other_kinds(random: Random) -> Iterator[Hostile]:
    for type_, purpose in (("image/jpeg", "avatar"), ("image/png", "attachment")):
        yield Hostile(f"a video as {purpose}", video(), type_, purpose)
        yield Hostile(f"a sound as {purpose}", b"OggS" + bytes(99), type_, purpose)
        yield Hostile(f"a PDF as {purpose}", b"%PDF-1.7" + MARK, type_, purpose)
    for n, form in enumerate(("BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "JPEG2000", "AVIF")):
        out = io.BytesIO()
        noise(32, 32).save(out, form)
        yield Hostile(f"{form} named .png", out.getvalue())
        yield Hostile(
            f"{form} as a file", out.getvalue() + PLACE, "image/x", ("file", "file")[n % 2]
        )
    for n in range(10):
        yield Hostile(f"noise {n}", random.randbytes(500), FORM_TYPES[n % 4])
        magic = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\xff\xff\xff\xffWEBP")[
            n % 4
        ]
        yield Hostile(f"magic and noise {n}", magic + random.randbytes(500), FORM_TYPES[n % 4])
    yield Hostile("a picture as voice", jpeg(), "audio/ogg", "voice", 1_000)
    yield Hostile("a picture as video", jpeg(), "video/mp4")


FORM_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")


def _boxes(random: Random) -> Iterator[Hostile]:
    start = box(b"ftyp", b"isom\0\0\0\0isom")
    deep = b""
    for _ in range(30):
        deep = box(b"moov", deep)
    for name, data in (
        ("boxes in boxes", start + deep),
        ("a box that is longer than its file", start + struct.pack(">I4s", 1 << 30, b"moov")),
        ("a box of no length", start + struct.pack(">I4s", 4, b"moov") + bytes(40)),
        ("a box of 64 bits", start + struct.pack(">I4sQ", 1, b"udta", (1 << 63) + 5) + bytes(40)),
        ("a hundred thousand boxes", start + box(b"moov", box(b"free") * 100_000)),
    ):
        yield Hostile(name, data, "video/mp4")
    for n in range(10):
        turned = bytearray(video())
        for _ in range(4):
            turned[random.randrange(20, len(turned))] = random.randrange(256)
        yield Hostile(f"a video with bytes turned {n}", bytes(turned), "video/mp4")
