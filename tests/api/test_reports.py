"""The queue of reports: who sees which, how one is taken and settled, and what is kept of what was reported."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from api.safety import lapsing
from muster.permission import ServiceRole
from muster.stores.postgres.media import PostgresMedia
from proto.codes import Code
from tests.api.door import Door, Someone
from tests.media.pictures import jpeg
from tests.media.uploading import address, ready

HOUR_MS = 3_600_000


class Case:
    """A room of an owner and a moderator, in which eve wrote something that ann reported."""

    def __init__(self, room: str, people: list[Someone], seq: int, report: str) -> None:
        self.room = room
        self.owner, self.mod, self.ann, self.eve = people
        self.seq = seq
        self.report = report

    @property
    def queue(self) -> str:
        return f"/v1/rooms/{self.room}/reports"

    async def open(self, one: Someone) -> list[dict[str, Any]]:
        """What is in the room's queue for somebody."""
        reports: list[dict[str, Any]] = (await one.done("GET", self.queue))["reports"]
        return reports

    async def resolve(self, one: Someone, action: str, **more: Any) -> dict[str, Any]:
        path = f"{self.queue}/{self.report}/resolve"
        report: dict[str, Any] = await one.done("POST", path, json={"action": action, **more})
        return report


@pytest_asyncio.fixture
async def case(door: Door) -> AsyncIterator[Case]:
    people = [await door.someone() for _ in range(4)]
    owner, mod, ann, eve = people
    room = await owner.room("public", mod, ann, eve)
    await owner.done("PUT", f"/v1/rooms/{room}/members/{mod.id}/role", json={"role": "moderator"})
    seq = await eve.post(room, "something vile")
    yield Case(room, people, seq, await _report(ann, room, seq))


async def _report(one: Someone, room: str, seq: int, **more: Any) -> str:
    body = {"room": room, "seq": seq, "reason": "harassment", "note": "see", **more}
    report: str = (await one.done("POST", "/v1/reports", json=body))["id"]
    return report


async def test_moderators_see_their_rooms_reports_and_staff_all(door: Door, case: Case) -> None:
    """Not what is about themselves, nor who reported; somebody else's room's are not there."""
    support = await door.someone(role=ServiceRole.support)
    person = {"person": str(case.eve.id), "reason": "spam"}
    await case.ann.done("POST", "/v1/reports", json=person)
    about_mod = await case.mod.post(case.room, "as a moderator")
    await _report(case.ann, case.room, about_mod)
    other = await support.room("public", case.ann)
    elsewhere = await _report(case.ann, other, await support.post(other, "elsewhere"))

    [seen] = await case.open(case.mod)
    assert (seen["id"], seen["reporter"], seen["evidence"]) == (case.report, None, "something vile")
    assert (seen["state"], seen["reason"], seen["seq"]) == ("open", "harassment", case.seq)
    assert len(await case.open(case.owner)) == 2
    for one, want in ((case.ann, 403), (support, 404)):
        assert (await one.ask("GET", case.queue)).status_code == want
    foreign = await case.mod.ask("POST", f"{case.queue}/{elsewhere}/take", json={})
    assert foreign.status_code == 404

    everything = (await support.done("GET", "/v1/reports"))["reports"]
    assert len(everything) == 3, "but for the one about themselves"
    assert everything[0]["reporter"] == str(case.ann.id)
    for wanted, count in (
        ({"room": case.room}, 2),
        ({"subject": str(case.eve.id)}, 2),
        ({"reason": "spam"}, 1),
        ({"state": "resolved"}, 0),
        ({"state": "taken"}, 0),
    ):
        found = await support.done("GET", "/v1/reports", params=wanted)
        assert len(found["reports"]) == count, wanted


async def test_a_queue_is_read_in_pages(door: Door, case: Case) -> None:
    """The oldest first, each once."""
    ids = [case.report] + [
        await _report(case.ann, case.room, await case.eve.post(case.room, f"{n}")) for n in range(4)
    ]
    found: list[str] = []
    at: dict[str, Any] = {}
    while len(found) <= 5:
        page = await case.mod.done("GET", case.queue, params={"limit": 2, **at})
        found += [one["id"] for one in page["reports"]]
        if page["cursor"] is None:
            break
        at = {"cursor": page["cursor"]}
    assert found == ids


async def test_one_reviewer_takes_a_report_and_another_only_knowingly(case: Case) -> None:
    """Taking it twice is taking it once; who has not taken it may not settle it either."""
    path = f"{case.queue}/{case.report}"
    for _ in range(2):
        assert (await case.mod.done("POST", f"{path}/take", json={}))["taken_by"] == str(
            case.mod.id
        )
    for rest, body in (("take", {}), ("resolve", {"action": "dismiss"})):
        answer = await case.owner.ask("POST", f"{path}/{rest}", json=body)
        assert answer.status_code == 409
    over = await case.owner.done("POST", f"{path}/take", json={"over": True})
    assert (over["state"], over["taken_by"]) == ("taken", str(case.owner.id))
    done = await case.resolve(case.owner, "dismiss", note="nothing in it")
    assert (done["state"], done["action"], done["resolution"]) == (
        "resolved",
        "dismiss",
        "nothing in it",
    )
    assert (await case.resolve(case.owner, "dismiss"))["state"] == "resolved"
    assert await case.open(case.mod) == []


@pytest.mark.parametrize("action", ["delete", "silence", "kick", "ban"])
async def test_what_a_moderator_decides_is_done(door: Door, case: Case, action: str) -> None:
    """And the evidence stays as it was, whatever became of the message."""
    until = {"until_ms": door.clock.now_ms() + HOUR_MS} if action == "silence" else {}
    done = await case.resolve(case.mod, action, reason="enough", **until)
    assert (done["evidence"], done["closed_by"]) == ("something vile", str(case.mod.id))
    deleted = await door.database.fetchval(
        "SELECT deleted_seq FROM entries WHERE room_id = $1 AND seq = $2",
        UUID(case.room),
        case.seq,
    )
    posted = await case.eve.ask(
        "POST", f"/v1/rooms/{case.room}/messages", json={"client_id": "again", "text": "more"}
    )
    assert (deleted is not None) == (action == "delete")
    want = {"delete": 201, "silence": 403, "kick": 404, "ban": 404}
    assert posted.status_code == want[action]
    again = await case.mod.ask(
        "POST", f"{case.queue}/{case.report}/resolve", json={"action": "dismiss"}
    )
    assert again.status_code == 409


async def test_what_staff_decide_holds_everywhere(door: Door, case: Case) -> None:
    """They take a message away as nobody, silence and ban; on whom they may not act, nothing is done."""
    support = await door.someone(role=ServiceRole.support)
    admin = await door.someone(role=ServiceRole.admin)
    path = f"/v1/reports/{case.report}/resolve"
    for action, want in (("kick", 400), ("silence", 400)):
        answer = await support.ask("POST", path, json={"action": action})
        assert answer.status_code == want, answer.text
    removed = await support.done("POST", path, json={"action": "delete"})
    assert removed["state"] == "resolved"
    row = await door.database.fetchrow(
        "SELECT author, target FROM entries WHERE room_id = $1 AND kind = 'delete'", UUID(case.room)
    )
    assert row is not None
    assert (row["author"], row["target"]) == (UUID(int=0), case.seq)

    second = await _report(case.ann, case.room, await case.eve.post(case.room, "again"))
    until = door.clock.now_ms() + HOUR_MS
    body = {"action": "silence", "until_ms": until, "reason": "again"}
    await support.done("POST", f"/v1/reports/{second}/resolve", json=body)
    refused = await case.eve.ask(
        "POST", f"/v1/rooms/{case.room}/messages", json={"client_id": "c", "text": "more"}
    )
    assert refused.json()["code"] == Code.silenced

    about_admin = {"person": str(admin.id), "reason": "spam"}
    third = (await case.ann.done("POST", "/v1/reports", json=about_admin))["id"]
    answer = await support.ask("POST", f"/v1/reports/{third}/resolve", json={"action": "ban"})
    assert answer.status_code == 403
    [still] = (await support.done("GET", "/v1/reports"))["reports"]
    assert (still["id"], still["state"]) == (third, "open")


async def test_reported_media_are_kept_for_reviewers_until_the_retention_is_over(
    door: Door,
) -> None:
    """Their message deleted, they are collected neither before nor seen by anybody else; then all is emptied."""
    owner, ann, eve = [await door.someone() for _ in range(3)]
    room = await owner.room("public", ann, eve)
    medium = await ready(door, eve, jpeg())
    seq = await eve.post(room, "look", attachments=[medium])
    report = await _report(ann, room, seq)
    await eve.done("DELETE", f"/v1/rooms/{room}/messages/{seq}")
    assert [await address(one, medium) is None for one in (owner, ann, eve)] == [False, True, True]
    [seen] = (await owner.done("GET", f"/v1/rooms/{room}/reports"))["reports"]
    assert (seen["attachments"], seen["evidence"], seen["emptied"]) == ([medium], "look", False)

    media, lapses = PostgresMedia(door.ground.primary), lapsing(door.ground)
    due = "UPDATE media SET collect_at = now() - interval '1 minute'"
    await door.database.execute(due)
    assert await media.collect(10) == []
    resolve = f"/v1/rooms/{room}/reports/{report}/resolve"
    await owner.done("POST", resolve, json={"action": "dismiss", "note": "why"})
    await lapses.clear()
    assert await door.database.fetchval("SELECT evidence FROM reports") == "look"
    old = "UPDATE reports SET closed_at = now() - interval '181 days'"
    await door.database.execute(old)
    await lapses.clear()
    [kept] = (await owner.done("GET", f"/v1/rooms/{room}/reports", params={"state": "resolved"}))[
        "reports"
    ]
    assert (kept["evidence"], kept["attachments"], kept["note"], kept["resolution"]) == (
        None,
        [],
        "",
        "",
    )
    assert (kept["emptied"], kept["action"]) == (True, "dismiss")
    await door.database.execute(due)
    assert [str(one) for one, _ in await media.collect(10)] == [medium]
