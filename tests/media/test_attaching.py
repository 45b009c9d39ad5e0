"""Media on messages: whose they must be, who sees them then, and what frees them."""

import asyncio
import secrets
import time
from uuid import UUID, uuid4

import pytest

from muster import submit
from muster.attaching import Attaching
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.op import Op, Outcome
from muster.stores.postgres.media import PostgresClaims
from proto.codes import Code
from proto.frames import Post
from tests.api.door import Door, Someone
from tests.media.pictures import jpeg
from tests.media.uploading import address, ready, ticket


async def _said(who: Someone, room: str, *media: str, client_id: str = "") -> tuple[int, str]:
    """Status and name of what a message with these attachments is answered."""
    body = {"client_id": client_id or secrets.token_hex(6), "text": "", "attachments": list(media)}
    answer = await who.ask("POST", f"/v1/rooms/{room}/messages", json=body)
    return answer.status_code, answer.json().get("name", "")


async def _seq(who: Someone, room: str, client_id: str) -> int:
    page = await who.done("GET", f"/v1/rooms/{room}/history")
    [seq] = [one["seq"] for one in page["entries"] if one["client_id"] == client_id]
    assert isinstance(seq, int)
    return seq


async def test_a_message_carries_what_is_its_authors_and_ready_and_free(door: Door) -> None:
    """Once: somebody else's, a waiting one, an avatar, an unknown one and one that hangs elsewhere are refused."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    mine, theirs = await ready(door, ada, jpeg()), await ready(door, bob, jpeg())
    face = await ready(door, ada, jpeg(), purpose="avatar")
    waiting = (await ticket(ada, b"x", "image/png"))["id"]
    for wrong in (theirs, face, waiting, str(uuid4())):
        assert await _said(ada, room, mine, wrong) == (400, "bad_request")
    assert await _said(ada, room, mine, client_id="first") == (201, "")
    assert await _said(ada, room, mine, client_id="first") == (200, "")
    assert await _said(ada, room, mine, client_id="second") == (409, "conflict")


async def test_who_is_refused_by_the_room_may_post_it_elsewhere(door: Door) -> None:
    """The claim of a message that never was ends with it."""
    ada, bob = await door.someone(), await door.someone()
    closed, open_ = await bob.room("announcement"), await ada.room()
    await ada.done("POST", f"/v1/rooms/{closed}/join")
    media = await ready(door, ada, jpeg())
    assert await _said(ada, closed, media) == (403, "permission_denied")
    assert await _said(ada, open_, media) == (201, "")


async def test_a_history_page_says_how_to_draw_and_lookup_where_to_read(door: Door) -> None:
    """Type, size and blurhash for what hangs on its messages; addresses of every size."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    media = [await ready(door, ada, jpeg(300, 200, seed)) for seed in (1, 2)]
    assert (await _said(ada, room, *media))[0] == 201
    page = await bob.done("GET", f"/v1/rooms/{room}/history")
    assert [one["id"] for one in page["media"]] in (media, media[::-1])
    assert all(one["width"] == 300 and one["blurhash"] for one in page["media"])
    asked = {"ids": [*media, str(uuid4())]}
    found = await bob.done("POST", "/v1/media/lookup", json=asked)
    assert [one["media"]["id"] for one in found["media"]] == media
    assert found["media"][0]["urls"].keys() == {"96", "512", "full"}
    assert (await door.client.get(found["media"][1]["urls"]["96"])).status_code == 200


async def test_media_are_seen_by_whom_the_message_is_shown(door: Door) -> None:
    """Its author always; members whose spans hold it; nobody outside, kicked, joined later or who blocks its author."""
    ada, bob, eve, late = [await door.someone() for _ in range(4)]
    room = await ada.room("group", bob)
    media = await ready(door, ada, jpeg())
    everybody = (ada, bob, eve, late)
    sees = [await address(one, media) is not None for one in everybody]
    assert sees == [True, False, False, False]
    assert (await _said(ada, room, media, client_id="m"))[0] == 201
    await ada.done("PUT", f"/v1/rooms/{room}/members/{late.id}")
    await late.done("POST", f"/v1/rooms/{room}/join")
    sees = [await address(one, media) is not None for one in everybody]
    assert sees == [True, True, False, False]
    await bob.done("PUT", f"/v1/me/blocks/{ada.id}")
    assert await address(bob, media) is None
    await bob.done("DELETE", f"/v1/me/blocks/{ada.id}")
    assert await address(bob, media) is not None
    await ada.done("DELETE", f"/v1/rooms/{room}/members/{bob.id}")
    assert await address(bob, media) is None


async def test_a_deletion_frees_its_media_at_once_and_for_good(door: Door) -> None:
    """Nobody else sees them from then on, a retry of the post is still answered, and they are collected."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    kept, gone = await ready(door, ada, jpeg()), await ready(door, ada, jpeg())
    assert (await _said(ada, room, kept, client_id="kept"))[0] == 201
    assert (await _said(ada, room, gone, client_id="gone"))[0] == 201
    seq = await _seq(ada, room, "gone")
    url = await address(bob, gone)
    await ada.done("DELETE", f"/v1/rooms/{room}/messages/{seq}")
    assert await address(bob, gone) is None
    assert await address(ada, gone) is None
    assert await _said(ada, room, gone, client_id="gone") == (200, "")
    assert await _said(ada, room, gone, client_id="again") == (400, "bad_request")
    freed = await door.database.fetch("SELECT media_id FROM media WHERE freed_at IS NOT NULL")
    assert [str(row[0]) for row in freed] == [gone]
    assert url is not None
    assert (await door.client.get(url)).status_code == 200, "until the grace is over"


async def test_an_edit_keeps_the_attachments(door: Door) -> None:
    """Their message is another, their place the same."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    media = await ready(door, ada, jpeg())
    assert (await _said(ada, room, media, client_id="m"))[0] == 201
    seq = await _seq(ada, room, "m")
    await ada.done("PATCH", f"/v1/rooms/{room}/messages/{seq}", json={"text": "words"})
    assert await address(bob, media) is not None


async def test_a_scheduled_message_keeps_its_media_until_then(door: Door) -> None:
    """They are claimed when it is scheduled: no other message gets them."""
    ada = await door.someone()
    room = await ada.room()
    media = await ready(door, ada, jpeg())
    soon = time.time_ns() // 1_000_000 + 3_600_000
    body = {"client_id": "later", "text": "", "attachments": [media], "at_ms": soon}
    await ada.done("POST", f"/v1/rooms/{room}/scheduled", json=body)
    await door.database.execute("UPDATE media SET claimed_at = now() - interval '1 hour'")
    assert await _said(ada, room, media, client_id="now") == (409, "conflict")
    assert await _said(ada, room, media, client_id="later") == (201, "")


async def test_a_claim_whose_message_never_came_is_dead_after_a_while(door: Door) -> None:
    """Not before any commit that is under way must be over."""
    ada = await door.someone()
    room = await ada.room()
    media = await ready(door, ada, jpeg())
    claims = PostgresClaims(door.ground.primary)
    place = (ada.id, RoomId(UUID(room)))
    assert await claims.claim(*place, "lost", [UUID(media)]) == "ok"
    assert await _said(ada, room, media, client_id="other") == (409, "conflict")
    await door.database.execute("UPDATE media SET claimed_at = now() - interval '11 seconds'")
    assert await _said(ada, room, media, client_id="other") == (201, "")
    assert await claims.claim(*place, "lost", [UUID(media)]) == "used"


async def test_of_two_messages_at_once_one_gets_it(door: Door) -> None:
    """However many try."""
    ada = await door.someone()
    room = await ada.room()
    media = await ready(door, ada, jpeg())
    answers = await asyncio.gather(*(_said(ada, room, media) for _ in range(6)))
    assert sorted(status for status, _ in answers) == [201, 409, 409, 409, 409, 409]


class _Slow:
    """A writer that notes what comes; and claims that wait until they are let."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.let = asyncio.Event()
        self.asked = asyncio.Event()
        self.twice = asyncio.Event()

    async def submit(self, op: Op) -> Outcome:
        self.came.append(op.client_id)
        if len(self.came) == 2:
            self.twice.set()
        await asyncio.sleep(0)
        return Outcome(op.room, 1, 1, 1, True)

    async def claim(self, *_: object) -> str:
        self.asked.set()
        await self.let.wait()
        return "ok"

    async def unclaim(self, *_: object) -> None:
        raise AssertionError


async def test_posts_of_one_author_to_a_room_keep_their_order() -> None:
    """A picture that is looked at holds up what its author said after it there, and nobody else."""
    slow = _Slow()
    attaching = Attaching(slow, slow)
    ada, bob = PersonId(uuid4()), PersonId(uuid4())
    room, other = uuid4(), uuid4()

    def post(who: PersonId, where: UUID, client_id: str, *media: UUID) -> Op:
        return submit.of_frame(who, Post(0, where, client_id, "x", attachments=list(media)))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(attaching.submit(post(ada, room, "1 picture", uuid4())))
        await slow.asked.wait()
        for op in (
            post(ada, room, "2 words"),
            post(ada, room, "3 picture", uuid4()),
            post(ada, room, "4 words"),
            post(bob, room, "other author"),
            post(ada, other, "other room"),
        ):
            tasks.create_task(attaching.submit(op))
        await slow.twice.wait()
        assert slow.came == ["other author", "other room"]
        slow.let.set()
    assert slow.came[2:] == ["1 picture", "2 words", "3 picture", "4 words"]
    await attaching.submit(post(ada, room, "5 words"))
    assert attaching._turns == {}


async def test_a_picture_of_a_person_is_seen_by_all_but_the_blocked(door: Door) -> None:
    """Set, shown wherever people are, replaced and taken away; the old one is freed."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    old, new = [await ready(door, ada, jpeg(), purpose="avatar") for _ in range(2)]
    assert await address(bob, old) is None, "not before it is shown"
    assert (await ada.done("PATCH", "/v1/me", json={"picture": old}))["picture"] == old
    assert [await address(one, old) is not None for one in (ada, bob, eve)] == [True, True, False]
    assert (await bob.done("GET", f"/v1/people/{ada.id}"))["picture"] == old
    room = await ada.room("group", bob)
    members = (await bob.done("GET", f"/v1/rooms/{room}/members"))["members"]
    assert {one["id"]: one["picture"] for one in members}[str(ada.id)] == old
    await ada.done("POST", "/v1/rooms", json={"kind": "direct", "peer": str(bob.id)})
    listed = (await bob.done("GET", "/v1/me/rooms"))["rooms"]
    assert [one["peer"]["picture"] for one in listed if one["peer"]] == [old]
    await ada.done("PATCH", "/v1/me", json={"picture": new, "name": "Ada L"})
    assert await address(bob, old) is None
    assert (await bob.done("GET", f"/v1/people/{ada.id}"))["picture"] == new
    await ada.done("PATCH", "/v1/me", json={"picture": None})
    assert (await ada.done("GET", "/v1/me"))["picture"] is None
    freed = await door.database.fetch("SELECT media_id FROM media WHERE freed_at IS NOT NULL")
    assert {str(row[0]) for row in freed} == {old, new}
    kinds = "SELECT count(*) FROM entries WHERE room_id = $1 AND kind = 'profile'"
    assert await door.database.fetchval(kinds, ada.id) == 3


async def test_only_a_fitting_picture_becomes_one(door: Door) -> None:
    """Somebody else's, an attachment, a used one: refused, and the rest of the change with it."""
    ada, bob = await door.someone(), await door.someone()
    theirs = await ready(door, bob, jpeg(), purpose="avatar")
    plain = await ready(door, ada, jpeg())
    mine = await ready(door, ada, jpeg(), purpose="avatar")
    await ada.done("PATCH", "/v1/me", json={"picture": mine})
    room = await ada.room()
    for wrong in (theirs, plain, str(uuid4())):
        answer = await ada.ask("PATCH", "/v1/me", json={"picture": wrong, "name": "other"})
        assert answer.status_code == 409, answer.text
        answer = await ada.ask("PATCH", f"/v1/rooms/{room}", json={"picture": wrong, "title": "x"})
        assert answer.status_code == 409, answer.text
    me = await ada.done("GET", "/v1/me")
    assert (me["picture"], me["name"]) == (mine, ada.handle)
    assert (await ada.done("GET", f"/v1/rooms/{room}"))["title"] == "a room"


async def test_a_taken_handle_leaves_the_picture_as_it_was(door: Door) -> None:
    """A change is in force as a whole or not at all."""
    ada, bob = await door.someone(), await door.someone()
    mine = await ready(door, ada, jpeg(), purpose="avatar")
    answer = await ada.ask("PATCH", "/v1/me", json={"picture": mine, "handle": bob.handle})
    assert answer.status_code == 409
    assert (await ada.done("GET", "/v1/me"))["picture"] is None
    assert not await door.database.fetchval("SELECT bool_or(used) FROM media")


async def test_a_rooms_picture_travels_as_settings(door: Door) -> None:
    """In the entry, the room and the list; the same again changes nothing; zeros take it away."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    room = await ada.room("group", bob)
    old, new = [await ready(door, ada, jpeg(), purpose="room_picture") for _ in range(2)]
    assert (await ada.done("PATCH", f"/v1/rooms/{room}", json={"picture": old}))["picture"] == old
    before = (await bob.done("GET", f"/v1/rooms/{room}"))["head"]
    again = await ada.done("PATCH", f"/v1/rooms/{room}", json={"picture": old})
    assert again["head"] == before
    assert [await address(one, old) is not None for one in (ada, bob, eve)] == [True, True, False]
    assert (await bob.done("GET", "/v1/me/rooms"))["rooms"][0]["picture"] == old
    await ada.done("PATCH", f"/v1/rooms/{room}", json={"picture": new})
    await ada.done("PATCH", f"/v1/rooms/{room}", json={"picture": None})
    page = await bob.done("GET", f"/v1/rooms/{room}/history")
    changes = [one["body"]["picture"] for one in page["entries"] if one["kind"] == "settings"]
    assert changes == [old, new, str(UUID(int=0))]
    assert await address(bob, old) is None


async def test_no_media_of_anybody_is_told_of(door: Door) -> None:
    """What is not for me and what is not there are one answer."""
    ada, eve = await door.someone(), await door.someone()
    media = await ready(door, ada, jpeg())
    answers = {
        (await eve.ask("GET", f"/v1/media/{one}")).text for one in (media, uuid4(), UUID(int=0))
    }
    assert len(answers) == 1
    for one in (media, uuid4()):
        assert (await eve.ask("POST", f"/v1/media/{one}/complete")).status_code == 404
    assert (await ada.ask("GET", "/v1/media/not-an-id")).status_code == 404
    op = submit.of_frame(eve.id, Post(0, uuid4(), "c", "", attachments=[UUID(media)]))
    attaching = Attaching(door.ground.writer, PostgresClaims(door.ground.primary))
    with pytest.raises(Refused) as refused:
        await attaching.submit(op)
    assert refused.value.code is Code.bad_request
