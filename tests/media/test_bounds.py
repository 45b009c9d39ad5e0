"""How much, how long, and with which words: quotas, ends of addresses, signatures, keys; and what nobody needs goes."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from api.assembly import orphaned
from muster.jobs import JobMetrics, Runner
from muster.orphans import KIND
from muster.stores.postgres.jobs import PostgresJobs
from tests.api.door import Door, Someone
from tests.api.opening import open_door
from tests.media.pictures import jpeg, voice
from tests.media.uploading import address, fetched, form, ready, send, ticket, upload

WANTED = {"purpose": "attachment", "type": "image/jpeg", "bytes": 1_000}


async def _asked(who: Someone, **change: Any) -> tuple[int, str]:
    answer = await who.ask("POST", "/v1/media", json={**WANTED, **change})
    return answer.status_code, answer.json().get("detail", "")


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("media_day_count", 3, "more uploads"),
        ("media_day_bytes", 3_999, "more bytes"),
        ("media_total_bytes", 3_999, "is kept"),
    ],
)
async def test_a_quota_is_exact_and_ones_own(
    database_url: str, redis_url: str, setting: str, value: int, says: str
) -> None:
    """Three of 1,000 bytes fit, the fourth is refused with its sentence; somebody else is not hindered."""
    changed: dict[str, Any] = {setting: value}
    async with open_door(database_url, redis_url, **changed) as door:
        ada, bob = await door.someone(), await door.someone()
        for _ in range(3):
            assert (await _asked(ada))[0] == 201
        status, detail = await _asked(ada)
        assert (status, says in detail) == (422, True)
        assert (await _asked(bob))[0] == 201
        await door.database.execute("UPDATE media SET made_at = now() - interval '2 days'")
        assert (await _asked(ada))[0] == (422 if setting == "media_total_bytes" else 201)
        await door.database.execute("UPDATE media SET state = 'gone'")
        assert (await _asked(ada))[0] == 201


async def test_who_begins_too_many_uploads_waits(database_url: str, redis_url: str) -> None:
    """A bucket per person."""
    async with open_door(database_url, redis_url, rate_limits=True, media_per_min=9.0) as door:
        ada = await door.someone()
        answers = [(await _asked(ada))[0] for _ in range(5)]
        assert answers == [201, 201, 201, 429, 429]


async def test_a_ticket_and_an_address_end(door: Door) -> None:
    """After that they say so, and another is to be had."""
    ada = await door.someone()
    data = jpeg()
    issued = await ticket(ada, data, "image/jpeg")
    media = await ready(door, ada, data)
    url = await address(ada, media)
    assert url is not None
    door.clock.ahead_s = 599
    assert (await door.client.get(url)).status_code == 200
    door.clock.ahead_s = 602
    late = await door.client.get(url)
    assert (late.status_code, "over" in late.json()["detail"]) == (403, True)
    sent = await send(door, issued, data)
    assert (sent.status_code, "over" in sent.json()["detail"]) == (403, True)


async def test_an_address_is_good_for_what_was_signed_and_nothing_else(door: Door) -> None:
    """Another size, type, name or end, or a signature that is wrong in one place, or none."""
    ada = await door.someone()
    media = await ready(door, ada, jpeg(), name="a.jpg")
    note = await ready(door, ada, voice(), "audio/ogg", "voice", duration_ms=1, name="n")
    for one in (media, note):
        url = await address(ada, one)
        assert url is not None
        parts = urlsplit(url)
        said = dict(parse_qsl(parts.query, keep_blank_values=True))
        sign = said["signature"]
        wrong: list[dict[str, str]] = [
            {"type": "text/html"},
            {"until": str(int(said["until"]) + 1)},
            {"until": "x"},
            {"name": "x.html"},
            {"signature": sign[:-1] + ("0" if sign[-1] != "0" else "1")},
            {"signature": ""},
            {"signature": sign.upper() + "é"},
        ]
        for change in wrong:
            answer = await door.client.get(f"{parts.path}?{urlencode({**said, **change})}")
            assert answer.status_code == 403, change
        other = parts.path.replace("-full", "-512")
        assert (await door.client.get(f"{other}?{parts.query}")).status_code == 403
        assert (await door.client.get(parts.path)).status_code == 400
        assert (await door.client.get(url)).status_code == 200


async def test_no_word_of_a_client_becomes_a_path(door: Door) -> None:
    """Names that climb, keys that climb, objects that are not there."""
    ada = await door.someone()
    media = await ready(door, ada, b"words", "text/plain", "file", name="../../etc/passwd")
    answer = await fetched(door, ada, media)
    assert answer.headers["content-disposition"].endswith("''.._.._etc_passwd")
    url = await address(ada, media)
    assert url is not None
    query = urlsplit(url).query
    for key in (
        "..%2F..%2Fetc%2Fpasswd",
        "%2e%2e",
        "x" * 101,
        "0" * 32 + "-" + "0" * 32 + "-full",
        "0" * 32 + "-" + "0" * 32 + "-full%0a",
    ):
        answer = await door.client.get(f"/v1/store/media/{key}?{query}")
        assert answer.status_code in (403, 404), key


async def test_a_form_that_is_none_is_a_plain_error(door: Door) -> None:
    """No boundary, no file, no end, fields without end, names of nothing."""
    ada = await door.someone()
    issued = await ticket(ada, b"12345", "image/png")
    body, type_ = form(issued["fields"], b"12345")
    boundary = type_.partition("=")[2].encode()
    for content_type, content in (
        ("", body),
        ("application/json", b"{}"),
        ("multipart/form-data", body),
        ("multipart/form-data; boundary=" + "x" * 99, body),
        (type_, b""),
        (type_, b"--" + boundary),
        (type_, b"--" + boundary + b"--\r\n"),
        (type_, body[:-40]),
        (type_, b"--" + boundary + b"\r\n\r\n\r\nx" * 9),
        (type_, b"--" + boundary + b"\r\n" + b"x" * 99_999),
        (type_, (b"--" + boundary + b'\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n') * 50),
        (type_, b"--" + boundary + b'\r\ncontent-disposition: form-data; name="a"\r\n\r\n' + b"x" * 99_999),
    ):  # fmt: skip
        headers = {"content-type": content_type}
        answer = await door.client.post("/v1/store", content=content, headers=headers)
        assert answer.status_code == 400, (content_type, content[:60])
        assert answer.headers["connection"] == "close"
    for cut in (1, 7, 64):
        pieces = [body[at : at + cut] for at in range(0, len(body), cut)]

        async def slowly(pieces: list[bytes] = pieces) -> Any:
            for piece in pieces:
                yield piece

        sent = await door.client.post(
            "/v1/store", content=slowly(), headers={"content-type": type_}
        )
        assert sent.status_code == 204, (cut, sent.text)


async def test_what_nobody_needs_is_collected(door: Door) -> None:
    """Never completed, never attached, refused, deleted, replaced: gone, with all their bytes; the rest stays."""
    ada = await door.someone()
    room = await ada.room()
    kept, lost, deleted = [await ready(door, ada, jpeg(40, 30, n)) for n in range(3)]
    face, worn = [await ready(door, ada, jpeg(), purpose="avatar") for _ in range(2)]
    issued = await ticket(ada, jpeg(), "image/jpeg")
    assert (await send(door, issued, jpeg())).status_code == 204
    refused = (await upload(door, ada, b"<svg>", "image/png"))["id"]
    await ada.post(room, "", attachments=[kept])
    seq = await ada.post(room, "", attachments=[deleted])
    await ada.done("DELETE", f"/v1/rooms/{room}/messages/{seq}")
    await ada.done("PATCH", "/v1/me", json={"picture": worn})
    await ada.done("PATCH", "/v1/me", json={"picture": face})
    urls = {one: await address(ada, one) for one in (kept, lost, face)}
    orphans = orphaned(door.ground)
    assert await orphans.collect() == 0, "nothing before its time"
    await door.database.execute("UPDATE media SET collect_at = now() WHERE collect_at IS NOT NULL")
    assert await orphans.collect() == 5
    rows = await door.database.fetch("SELECT media_id FROM media WHERE state <> 'gone'")
    assert {str(row[0]) for row in rows} == {kept, face}
    assert refused not in {kept, face}
    directory = door.ground.media.depot._directory  # type: ignore[attr-defined]
    assert len([path for path in directory.rglob("*") if path.is_file()]) == 6
    for one, url in urls.items():
        assert url is not None
        assert (await door.client.get(url)).status_code == (404 if one == lost else 200)
    await door.database.execute(
        "UPDATE media SET made_at = made_at - interval '2 days', collect_at = now()"
    )
    assert await orphans.collect() == 5
    assert await door.database.fetchval("SELECT count(*) FROM media") == 2
    assert await door.database.fetchval("SELECT count(*) FROM media WHERE collect_at IS NULL") == 2


async def test_a_round_of_collecting_sees_to_the_next(door: Door) -> None:
    """However often it is begun, one waits; and the one that fires leaves another."""
    import random
    from uuid import uuid4

    from prometheus_client import CollectorRegistry

    orphans = orphaned(door.ground)
    await orphans.begin()
    await orphans.begin()
    count = "SELECT count(*) FROM jobs WHERE kind = $1"
    assert await door.database.fetchval(count, KIND) == 1
    await door.database.execute("UPDATE jobs SET next_at = now(), due_at = now()")
    door.clock.ahead_s = 400
    runner = Runner(
        PostgresJobs(door.ground.primary),
        {KIND: orphans.fire},
        JobMetrics(CollectorRegistry()),
        random.Random(1),
        1.0,
        uuid4,
    )
    assert await runner.round() == 1
    assert await door.database.fetchval(count, KIND) == 1


async def test_a_store_that_is_away_is_a_temporary_refusal(door: Door) -> None:
    """Asked again when it is back, the upload is taken; nothing else was touched."""
    ada = await door.someone()
    data = jpeg()
    issued = await ticket(ada, data, "image/jpeg")
    assert (await send(door, issued, data)).status_code == 204
    depot = door.ground.media.depot
    where = depot._directory  # type: ignore[attr-defined]
    away = where.with_name("away")
    where.rename(away)
    where.touch()
    complete = f"/v1/media/{issued['id']}/complete"
    answer = await ada.ask("POST", complete)
    assert (answer.status_code, answer.json()["temporary"]) == (503, True)
    assert await ada.post(await ada.room(), "words")
    where.unlink()
    away.rename(where)
    assert (await ada.done("POST", complete))["state"] == "ready"


async def test_who_asks_meanwhile_is_told_so(door: Door) -> None:
    """202 and `processing` while somebody is at it; whoever stopped in the middle is not waited for for ever."""
    ada = await door.someone()
    issued = await ticket(ada, jpeg(), "image/jpeg")
    assert (await send(door, issued, jpeg())).status_code == 204
    busy = "UPDATE media SET state = 'processing', lease_until = now() + $1::interval"
    from datetime import timedelta

    await door.database.execute(busy, timedelta(minutes=1))
    answer = await ada.ask("POST", f"/v1/media/{issued['id']}/complete")
    assert (answer.status_code, answer.json()["state"]) == (202, "processing")
    await door.database.execute(busy, timedelta(0))
    answer = await ada.ask("POST", f"/v1/media/{issued['id']}/complete")
    assert (answer.status_code, answer.json()["state"]) == (200, "ready")


def test_settings_of_media_stand_for_themselves(door: Door) -> None:
    """A key without its secret is a mistake, said before anything starts."""
    with pytest.raises(ValueError, match="both or neither"):
        replace(door.ground.settings, media_s3_key="x")
