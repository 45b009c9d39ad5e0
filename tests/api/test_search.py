"""Search finds what its reader may see, and nothing else."""

import asyncio
import random
from typing import Any

import pytest

from muster.search import WAITING_MOST
from muster.stores.migrate import migrate
from muster.stores.migrations.execute import MigrationError
from tests.api.door import Door, Someone
from tests.api.opening import open_door


async def _find(someone: Someone, q: str, **more: Any) -> list[str]:
    page = await someone.done("GET", "/v1/search", params={"q": q, **more})
    return [hit["body"]["text"] for hit in page["hits"]]


async def test_words_are_found_in_my_rooms(door: Door) -> None:
    """All words, a phrase, either, not; in any case; newest first; in one room or in all."""
    ada, bob = await door.someone(), await door.someone()
    one, two = await ada.room("group", bob), await ada.room("public")
    await ada.post(one, "The picnic is on Friday")
    await bob.post(one, "friday it is, bring cake")
    await ada.post(two, "cake on friday, no picnic")
    assert await _find(ada, "FRIDAY") == [
        "cake on friday, no picnic",
        "friday it is, bring cake",
        "The picnic is on Friday",
    ]
    assert await _find(ada, "picnic friday", room=one) == ["The picnic is on Friday"]
    assert await _find(ada, '"on friday" -cake') == ["The picnic is on Friday"]
    assert await _find(ada, "bring or picnic", room=one) == [
        "friday it is, bring cake",
        "The picnic is on Friday",
    ]
    assert await _find(bob, "cake") == ["friday it is, bring cake"]
    assert await _find(ada, "nobody") == []


async def test_search_follows_edits_and_deletions(door: Door) -> None:
    """What it says now, with its place; what was deleted is found by no word."""
    ada = await door.someone()
    room = await ada.room()
    seq, gone = [await ada.post(room, f"old words {n}") for n in range(2)]
    place = f"/v1/rooms/{room}/messages"
    await ada.done("PATCH", f"{place}/{seq}", json={"text": "new words"})
    await ada.done("DELETE", f"{place}/{gone}")
    assert await _find(ada, "old") == []
    [hit] = (await ada.done("GET", "/v1/search", params={"q": "new"}))["hits"]
    assert (hit["room"], hit["seq"], hit["author"]) == (room, seq, str(ada.id))
    assert hit["edited_seq"] is not None


async def test_search_obeys_membership_spans_and_blocks(door: Door) -> None:
    """Only while somebody is in, only what was said while they were, and nobody they block."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    room = await ada.room("group", eve)
    member = f"/v1/rooms/{room}/members/{bob.id}"
    for text in ("word before", "word during", "word away", "word again"):
        if text in ("word during", "word again"):
            await ada.done("PUT", member)
            await bob.done("POST", f"/v1/rooms/{room}/join")
        elif text == "word away":
            assert await _find(bob, "word") == ["word during"]
            await ada.done("DELETE", member)
            assert await _find(bob, "word") == []
            answer = await bob.ask("GET", "/v1/search", params={"q": "word", "room": room})
            assert answer.status_code == 404
        await ada.post(room, text)
    assert await _find(bob, "word") == ["word again", "word during"]
    await eve.post(room, "word of eve")
    await bob.done("PUT", f"/v1/me/blocks/{eve.id}")
    assert await _find(bob, "word") == ["word again", "word during"]
    assert "word of eve" in await _find(ada, "word")
    # An invitation shows nothing, one's own log is no room.
    zoe = await door.someone()
    await ada.done("PUT", f"/v1/rooms/{room}/members/{zoe.id}")
    assert await _find(zoe, "word") == []
    for other in (room, zoe.id, "00000000-0000-7000-8000-000000000001"):
        answer = await zoe.ask("GET", "/v1/search", params={"q": "word", "room": str(other)})
        assert answer.status_code == 404


@pytest.mark.parametrize("seed", range(2))
async def test_pages_hold_every_hit_once(door: Door, seed: int) -> None:
    """Over several rooms, with many messages of one moment, in pages of any size."""
    rng = random.Random(seed)
    ada = await door.someone()
    rooms = [await ada.room() for _ in range(3)]
    await door.database.execute(
        """
        WITH posts AS (
            INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, text)
            SELECT r.room_id, r.head + i, r.msg_no + i, 'post', $1, 'n' || i,
                   now() + (i / 5) * interval '1 millisecond', 'word ' || i
            FROM rooms r, generate_series(1, 30) i WHERE r.room_id = ANY ($2::uuid[])
        ) UPDATE rooms SET head = head + 30 WHERE room_id = ANY ($2::uuid[])
        """,
        ada.id,
        rooms,
    )
    found: list[tuple[int, str, int]] = []
    query: dict[str, Any] = {"q": "word"}
    while True:
        limit = rng.randint(1, 9)
        page = await ada.done("GET", "/v1/search", params=query | {"limit": limit})
        found += [(hit["at_ms"], hit["room"], hit["seq"]) for hit in page["hits"]]
        if page["cursor"] is None:
            break
        query["before"] = page["cursor"]
    assert len(found) == len(set(found)) == 90
    assert found == sorted(found, reverse=True)


async def test_bad_searches_are_plain_errors(door: Door) -> None:
    """10,000 characters, no word at all, only what is not wanted, a cursor of somewhere else."""
    ada = await door.someone()
    room = await ada.room()
    await ada.post(room, "words")
    for query in (
        {"q": "x" * 10_000},
        {"q": "x" * 201},
        {"q": ""},
        {},
        {"q": "   "},
        {"q": "-words"},
        {"q": "!!! ((("},
        {"q": "words", "before": "AAAA"},
        {"q": "words", "before": "é"},
        {"q": "words", "limit": 51},
        {"q": "words", "limit": 0},
        {"q": "words", "room": "x"},
    ):
        answer = await ada.ask("GET", "/v1/search", params=query)
        assert (answer.status_code, answer.json()["name"]) == (400, "bad_request"), query
    for odd in (
        "'",
        "words'",
        "a & | b",
        ":*",
        "\\",
        "<->",
        "words:*A",
        "'; --",
        "\U0001f600" * 200,
    ):
        answer = await ada.ask("GET", "/v1/search", params={"q": odd})
        assert answer.status_code in (200, 400), odd
    nul = await ada.ask("GET", "/v1/search?q=%00")
    assert nul.status_code == 400


async def test_no_word_of_a_query_or_a_text_names_a_room(door: Door) -> None:
    """The room stands in the index as a word; nobody gets at it by writing it."""
    ada, eve = await door.someone(), await door.someone()
    room, own = await ada.room(), await eve.room()
    await ada.post(room, "secret")
    for odd in (f" {room}", f"' {room}'", f'" {room}" secret', f"secret or {room}"):
        assert await _find(eve, odd) == [], odd
    await eve.post(own, f"{room} ' {room}'")
    assert await _find(ada, "secret or nothing") == ["secret"]


async def test_words_of_any_size_can_be_posted(door: Door) -> None:
    """What is no word for the index (too long, no letter) is a message all the same."""
    ada = await door.someone()
    room = await ada.room()
    for text in ("x" * 8_000, "\U0001f600" * 4_000, "a/b.c@d-e " * 800, "<a b=" * 1_600, "'\\ :*"):
        await ada.post(room, text)
    page = await ada.done("GET", f"/v1/rooms/{room}/history")
    assert len([entry for entry in page["entries"] if entry["kind"] == "post"]) == 5
    assert await _find(ada, "nothing") == []


async def test_searches_are_rate_limited(database_url: str, redis_url: str) -> None:
    """Per person; the answer says when to come back."""
    async with open_door(database_url, redis_url, rate_limits=True, searches_per_min=6.0) as door:
        ada, bob = await door.someone(), await door.someone()
        asked = {"params": {"q": "word"}}
        answers = [await ada.ask("GET", "/v1/search", **asked) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert (await bob.ask("GET", "/v1/search", **asked)).status_code == 200


async def test_a_search_that_takes_too_long_is_a_plain_error(door: Door) -> None:
    """It is cut off, its connection is free again, and no more than a few wait; everything else goes on."""
    ada = await door.someone()
    room = await ada.room()
    await ada.post(room, "words")
    asked = {"params": {"q": "words"}}
    async with door.database.transaction():
        await door.database.execute("LOCK TABLE spans IN ACCESS EXCLUSIVE MODE")
        async with asyncio.TaskGroup() as tasks:
            tries = [
                tasks.create_task(ada.ask("GET", "/v1/search", **asked))
                for _ in range(WAITING_MOST + 1)
            ]
            assert (await ada.ask("GET", "/v1/me")).status_code == 200
            names: set[str] = set()
            for answer in asyncio.as_completed(tries):
                names.add((await answer).json()["name"])
                if len(names) == 2:
                    break
            assert names == {"too_many_requests", "limit_exceeded"}
            for task in tries:
                task.cancel()
    assert await _find(ada, "words") == ["words"]


async def test_another_language_indexes_anew(database_url: str, redis_url: str) -> None:
    """`english` finds other forms of a word, in what was said before it was chosen too; a wrong name is a sentence."""
    async with open_door(database_url, redis_url) as door:
        ada = await door.someone()
        room = await ada.room()
        await ada.post(room, "we were running")
        assert await _find(ada, "runs") == []
        await migrate(database_url, "english")
        await ada.post(room, "she runs")
        assert await _find(ada, "run") == ["she runs", "we were running"]
        assert (await ada.ask("GET", "/v1/search", params={"q": "the"})).status_code == 400
        await migrate(database_url, "english")
        with pytest.raises(MigrationError, match="no text search configuration is named klingon"):
            await migrate(database_url, "klingon")
        await migrate(database_url, "simple")
        assert await _find(ada, "run") == []
