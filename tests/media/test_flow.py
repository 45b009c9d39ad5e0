"""From a phone's picture to what others see of it."""

import io

import pytest
from PIL import Image

from tests.api.door import Door
from tests.media.pictures import encoded, jpeg, noise, video, voice
from tests.media.uploading import address, fetched, ready, send, upload


async def test_a_picture_becomes_three_and_a_blurhash(door: Door) -> None:
    """Re-encoded, at most 2560 wide, with thumbnails that fit 512 and 96; asked again, the same."""
    ada = await door.someone()
    media = await upload(door, ada, jpeg(3000, 2000), "image/jpeg", name="beach.jpg")
    assert media["state"] == "ready"
    info = media["info"]
    assert (info["type"], info["width"], info["height"]) == ("image/jpeg", 2560, 1707)
    assert 10 < len(info["blurhash"]) < 40
    for size, wide in (("full", 2560), ("512", 512), ("96", 96)):
        answer = await fetched(door, ada, media["id"], size)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["content-disposition"] == "inline"
        assert Image.open(io.BytesIO(answer.content)).width == wide
    assert await ada.done("POST", f"/v1/media/{media['id']}/complete") == media


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_every_form_is_taken_and_see_through_stays_so(door: Door, form: str) -> None:
    """JPEG out, and WebP where something can be seen through."""
    ada = await door.someone()
    kind = f"image/{form.lower()}"
    plain = await upload(door, ada, encoded(noise(40, 30), form), kind)
    assert plain["info"]["type"] == "image/jpeg"
    if form in ("PNG", "WEBP"):
        clear = Image.new("RGBA", (40, 30), (200, 10, 10, 40))
        media = await upload(door, ada, encoded(clear, form), kind)
        assert media["info"]["type"] == "image/webp"
        shown = await fetched(door, ada, media["id"])
        pixel = Image.open(io.BytesIO(shown.content)).convert("RGBA").getpixel((5, 5))
        assert isinstance(pixel, tuple)
        assert abs(pixel[3] - 40) < 3


async def test_a_turned_picture_is_stored_upright(door: Door) -> None:
    """EXIF goes, and what it said of up and down was done before."""
    upright = Image.new("RGB", (80, 40), (255, 255, 255))
    upright.paste((255, 0, 0), (0, 0, 20, 20))  # the corner that must be top left again
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    ada = await door.someone()
    for orientation in range(1, 9):
        turned = upright
        if orientation > 1:
            turned = upright.transpose(Image.Transpose(undo[orientation]))
        data = encoded(turned, "JPEG", orientation=orientation)
        media = await upload(door, ada, data, "image/jpeg")
        assert (media["info"]["width"], media["info"]["height"]) == (80, 40)
        shown = Image.open(io.BytesIO((await fetched(door, ada, media["id"])).content))
        red, green, _ = shown.convert("RGB").getpixel((5, 5)) or (0, 0, 0)  # type: ignore[misc]
        assert (red > 200, green < 80) == (True, True), orientation


async def test_sound_video_and_files_are_saved_not_shown(door: Door) -> None:
    """By the type that was found, as an attachment under their name, never to be guessed at."""
    ada = await door.someone()
    note = await ready(door, ada, voice(), "audio/ogg", "voice", duration_ms=4_000)
    clip = await ready(door, ada, video(), "video/mp4", name="party é.mp4")
    page = await ready(door, ada, b"<html><script>1</script>", "text/html", "file", name="x.html")
    for media, type_, name in (
        (note, "audio/ogg", ""),
        (clip, "video/mp4", "party%20%C3%A9.mp4"),
        (page, "application/octet-stream", "x.html"),
    ):
        answer = await fetched(door, ada, media)
        assert answer.headers["content-type"] == type_
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["content-disposition"].endswith(name)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert await address(ada, media, "96") is None
    [found] = (await ada.done("POST", "/v1/media/lookup", json={"ids": [note]}))["media"]
    assert found["media"]["duration_ms"] == 4_000


async def test_completing_before_uploading_is_told_and_may_be_repeated(door: Door) -> None:
    """Nothing is decided by asking too early; the same Idempotency-Key is the same upload."""
    ada = await door.someone()
    data = jpeg()
    body = {"purpose": "attachment", "type": "image/jpeg", "bytes": len(data)}
    key = {"Idempotency-Key": "one"}
    issued = await ada.done("POST", "/v1/media", json=body, headers=key)
    early = await ada.ask("POST", f"/v1/media/{issued['id']}/complete")
    assert (early.status_code, early.json()["name"]) == (409, "conflict")
    again = await ada.done("POST", "/v1/media", json=body, headers=key)
    assert again["id"] == issued["id"]
    other = await ada.ask("POST", "/v1/media", json={**body, "bytes": 9}, headers=key)
    assert other.status_code == 409
    assert (await send(door, again, data)).status_code == 204
    done = await ada.done("POST", f"/v1/media/{issued['id']}/complete")
    assert done["state"] == "ready"
    assert (await ada.ask("POST", "/v1/media", json=body, headers=key)).json()[
        "name"
    ] == "already_done"


async def test_the_answer_is_a_redirect_where_it_may_be(door: Door) -> None:
    """302 to an address that needs no token."""
    ada = await door.someone()
    media = await ready(door, ada, jpeg())
    answer = await ada.ask("GET", f"/v1/media/{media}?size=96")
    assert answer.status_code == 302
    assert (await door.client.get(answer.headers["location"])).status_code == 200


async def test_what_may_not_be_uploaded_is_refused_before(door: Door) -> None:
    """Each with its sentence: purposes, types, sizes, and how long a voice note is."""
    ada = await door.someone()
    good = {"purpose": "attachment", "type": "image/png", "bytes": 10}
    for change, status in (
        ({"purpose": "avatar", "type": "video/mp4"}, 400),
        ({"type": "image/svg+xml"}, 400),
        ({"type": "text/html"}, 400),
        ({"type": "IMAGE/PNG\r\n"}, 400),
        ({"bytes": 0}, 400),
        ({"bytes": 21 << 20}, 413),
        ({"purpose": "file", "bytes": 101 << 20}, 413),
        ({"purpose": "voice", "type": "audio/ogg"}, 400),
        ({"purpose": "voice", "type": "audio/ogg", "duration_ms": 3_600_000}, 400),
        ({"purpose": "voice", "type": "image/png", "duration_ms": 3}, 400),
        ({"name": "a\x00b"}, 400),
        ({"purpose": "everything"}, 400),
    ):
        answer = await ada.ask("POST", "/v1/media", json={**good, **change})
        assert answer.status_code == status, (change, answer.text)
    assert await door.database.fetchval("SELECT count(*) FROM media") == 0
