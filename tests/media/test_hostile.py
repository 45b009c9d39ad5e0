"""What strangers upload to hurt is refused, or nothing hurtful is left of it."""

import asyncio
import io
import time
import zlib
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from muster.darkroom.pool import Darkroom
from muster.errors import Refused
from muster.media import Refusal, Unfit
from tests.api.door import Door, Someone
from tests.media.hostile import MARK, Hostile, corpus, forty, png
from tests.media.pictures import PLACE, encoded, jpeg, noise, video, voice
from tests.media.uploading import fetched, ready, send, ticket, upload

SAFE = {"video/mp4", "video/quicktime", "audio/mp4", "application/octet-stream"}
PLAIN = {"image/jpeg": "JPEG", "image/webp": "WEBP"}
NOTES = {"exif", "comment", "icc_profile", "xmp", "photoshop", "XML:com.adobe.xmp", "Location"}


async def _shown(door: Door, who: Someone, media: dict[str, object]) -> None:
    """Whatever is handed out of it is a plain picture with nothing attached, or is saved and not guessed at."""
    type_ = media["info"]["type"]  # type: ignore[index]
    for size in ("full", "512", "96") if type_ in PLAIN else ("full",):
        answer = await fetched(door, who, str(media["id"]), size)
        assert answer.headers["content-type"] == type_
        assert answer.headers["x-content-type-options"] == "nosniff"
        if type_ not in PLAIN:
            assert type_ in SAFE
            assert answer.headers["content-disposition"].startswith("attachment")
            continue
        assert MARK not in answer.content
        assert PLACE not in answer.content
        assert b"Exif" not in answer.content
        picture = Image.open(io.BytesIO(answer.content))
        picture.load()
        assert picture.format == PLAIN[type_]
        assert not picture.getexif()
        assert not NOTES & picture.info.keys()
        assert not getattr(picture, "is_animated", False)


async def _tried(door: Door, who: Someone, one: Hostile) -> str:
    """What became of it: a refusal, or `taken`."""
    more = {} if one.duration_ms is None else {"duration_ms": one.duration_ms}
    media = await upload(door, who, one.data, one.type, one.purpose, **more)
    if media["state"] == "refused":
        assert media["refusal"] in set(Refusal)
        assert media["detail"]
        return str(media["refusal"])
    assert media["state"] == "ready", (one.name, media)
    await _shown(door, who, media)
    return "taken"


@pytest.mark.timeout(120)
async def test_hostile_files_are_refused_or_neutralised(door: Door) -> None:
    """More than 200 of them; no worker's end is anybody else's."""
    who = await door.someone()
    came: dict[str, str] = {}
    waiting = corpus(seed=7)
    assert len({one.name for one in waiting}) == len(waiting) > 200

    async def work() -> None:
        while waiting:
            one = waiting.pop()
            came[one.name] = await _tried(door, who, one)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(work())
    # Turned bits may still make a picture; formats without notes are files like any other.
    may_be_taken = (
        "bits turned", "bytes turned", "cut at", " and a ", " with ", "animation", "iTXt", "zTXt", "iCCP", "for one",
        "PCX as a file", "PPM as a file", "TGA as a file",
    )  # fmt: skip
    wrongly = {
        name: what
        for name, what in came.items()
        if what == "taken" and not any(word in name for word in may_be_taken)
    }
    assert wrongly == {}
    assert came["40 megapixels, really"] == "too_many_pixels"
    assert {came[f"40 megapixels as {form}"] for form in ("GIF", "WEBP", "JPEG")} == {
        "too_many_pixels"
    }
    assert came["a video as avatar"] == "wrong_type"
    assert came["TIFF as a file"] == "not_taken"
    counted = sum(
        door.ground.registry.get_sample_value("muster_media_refused_total", {"why": why}) or 0
        for why in Refusal
    )
    assert counted == sum(what != "taken" for what in came.values()) > 120


async def test_a_bomb_is_refused_from_its_header(door: Door, tmp_path: Path) -> None:
    """40 megapixels are never decoded: it takes no longer than opening the file."""
    darkroom = door.ground.media.darkroom
    (tmp_path / "warm").write_bytes(jpeg())
    await darkroom.develop(tmp_path / "warm", 36_000_000)
    source = tmp_path / "bomb"
    for data in (forty("JPEG"), forty("WEBP"), png(8_000, 5_000, (b"IDAT", b""))):
        source.write_bytes(data)
        began = time.monotonic()
        with pytest.raises(Unfit) as unfit:
            await darkroom.develop(source, 36_000_000)
        assert unfit.value.refusal is Refusal.too_many_pixels
        assert time.monotonic() - began < 1.0


async def test_a_worker_that_takes_too_long_or_too_much_is_replaced(tmp_path: Path) -> None:
    """Out of memory or processor time is a refusal, out of time a temporary one; whoever comes next is served."""
    (tmp_path / "picture").write_bytes(jpeg())
    rows = zlib.compress(b"\0" * (751 * 5_500))
    (tmp_path / "large").write_bytes(png(6_000, 5_500, (b"IDAT", rows)))
    hasty = Darkroom(1, within_s=0.001)
    with pytest.raises(Refused) as refused:
        await hasty.develop(tmp_path / "large", 36_000_000)
    assert refused.value.temporary
    await hasty.close()
    row = b"\0" + bytes(range(1, 5)) * 6_000
    clear = png(6_000, 6_000, (b"IDAT", zlib.compress(row * 6_000, 1)), bits=8, colours=6)
    (tmp_path / "clear").write_bytes(clear)
    poor = Darkroom(1, cpu_s=0.0)
    with pytest.raises(Unfit) as unfit:
        await poor.develop(tmp_path / "clear", 36_000_000)
    assert unfit.value.refusal is Refusal.too_costly
    assert (await poor.develop(tmp_path / "picture", 36_000_000)).width == 64
    await poor.close()
    narrow = Darkroom(1, memory_bytes=200 << 20)
    with pytest.raises(Unfit) as unfit:
        await narrow.develop(tmp_path / "large", 36_000_000)
    assert unfit.value.refusal in (Refusal.too_costly, Refusal.unreadable)
    assert (await narrow.develop(tmp_path / "picture", 36_000_000)).width == 64
    await narrow.close()


async def test_nothing_that_is_served_says_where_it_was_taken(door: Door) -> None:
    """Any picture of any form, turned any way, as anything it may be uploaded as; and videos and voices."""
    who, random = await door.someone(), Random(11)
    for n in range(24):
        form = ("JPEG", "PNG", "WEBP", "GIF")[n % 4]
        image = noise(random.randrange(1, 900), random.randrange(1, 900), n)
        image = image.convert(
            random.choice(["RGB", "L", "P", "RGBA" if form != "JPEG" else "CMYK"])
        )
        if image.mode == "P" and form in ("JPEG", "WEBP"):
            image = image.convert("RGB")
        data = encoded(image, form, orientation=random.randint(1, 8))
        assert PLACE in data
        purpose = random.choice(["attachment", "avatar", "room_picture", "file"])
        media = await upload(door, who, data, f"image/{form.lower()}", purpose, name="x.png")
        assert media["state"] == "ready", media
        await _shown(door, who, media)
    for brand in (b"isom", b"qt  ", b"M4A "):
        data = video(brand)
        assert data.count(PLACE) == 5
        for purpose, type_ in (("file", "video/mp4"), ("voice", "audio/mp4")):
            media_id = await ready(door, who, data, type_, purpose, duration_ms=5)
            served = (await fetched(door, who, media_id)).content
            assert PLACE not in served
            assert len(served) == len(data)
            assert served.endswith(b"\0" * 64)


async def test_an_empty_upload_is_no_upload(door: Door) -> None:
    """The store takes none; asking what came of it is told so."""
    who = await door.someone()
    issued = await ticket(who, b"x", "image/png")
    assert (await send(door, issued, b"")).status_code == 400
    assert (await who.ask("POST", f"/v1/media/{issued['id']}/complete")).status_code == 409
    note = await upload(door, who, voice(), "audio/ogg", "voice", duration_ms=1)
    assert note["state"] == "ready"
