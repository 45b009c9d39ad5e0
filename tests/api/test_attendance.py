"""Attendance by REST: checking in, who is here, what hosts are told; and what nobody is told."""

import csv
import io
import random
import statistics
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from api.assembly import timers
from api.attending import attendance_handlers
from api.route import Call
from muster.attendance import Source
from muster.crowd import WINDOW_MS, K, shown
from muster.errors import Refused, unavailable
from muster.ids import PersonId, RoomId
from muster.permission import Relation
from muster.stores.postgres.crowd import LOOKED
from tests.api.door import Door, Someone
from tests.visiting import belong, gathering, listed, moved, over, there, visits_of


async def _party(door: Door, **more: Any) -> tuple[Someone, RoomId, str]:
    host = await door.someone("host")
    room = await gathering(door.database, host.id, **more)
    return host, room, f"/v1/events/{room}"


async def _guest(
    door: Door,
    room: RoomId,
    handle: str | None = None,
    sharing: str = "on",
    circle: str = "contacts",
) -> Someone:
    one = await door.someone(handle)
    await listed(door.database, room, one.id, sharing=sharing)
    await door.database.execute(
        "UPDATE people SET may_see_events = $2 WHERE person_id = $1", one.id, circle
    )
    return one


async def _contacts(door: Door, one: Someone, other: Someone) -> None:
    for mine, theirs in ((one, other), (other, one)):
        await door.database.execute(
            "INSERT INTO contacts VALUES ($1, $2, 'accepted', 1, now())", mine.id, theirs.id
        )


async def test_three_ways_in(door: Door) -> None:
    """By one's own word (little), by the code at the door (much), by a host (much); then out, by either."""
    host, room, event = await _party(door)
    ada, ben, cleo = [await _guest(door, room, name, "off") for name in ("ada", "ben", "cleo")]
    code = await host.done("GET", f"{event}/code")
    ways = [
        (ada, await ada.done("POST", f"{event}/check-in", json={}), "hand", "low"),
        (
            ben,
            await ben.done("POST", f"{event}/check-in", json={"code": code["code"]}),
            "qr",
            "high",
        ),
        (cleo, await host.done("POST", f"{event}/roster/{cleo.id}/check-in"), "host", "high"),
    ]
    for who, answer, source, confidence in ways:
        assert answer["fresh"]
        assert (answer["source"], answer["confidence"], answer["left_ms"]) == (
            source,
            confidence,
            None,
        )
        assert [v["source"] for v in await visits_of(door.database, room, who.id)] == [source]
    again = await ada.done("POST", f"{event}/check-in", json={})
    assert (again["fresh"], again["entered_ms"]) == (False, ways[0][1]["entered_ms"])
    better = await ada.done("POST", f"{event}/check-in", json={"code": code["code"]})
    assert (better["fresh"], better["source"], better["confidence"]) == (False, "qr", "high")
    assert (await ada.done("POST", f"{event}/check-out"))["left_ms"] is not None
    out = await host.done("POST", f"{event}/roster/{ben.id}/check-out")
    assert out["fresh"]
    assert not (await ben.done("POST", f"{event}/check-out"))["fresh"]
    assert (await host.ask("POST", f"{event}/check-out")).status_code == 404
    [*_, visit] = await visits_of(door.database, room, ben.id)
    assert visit["left_source"] == "host"


async def test_a_repeated_request_checks_in_once(door: Door) -> None:
    """The same key, the same answer; and a host's key is not the guest's."""
    host, room, event = await _party(door)
    ada = await _guest(door, room)
    key = {"Idempotency-Key": "in"}
    first = await ada.done("POST", f"{event}/check-in", json={}, headers=key)
    await ada.done("POST", f"{event}/check-out")
    assert await ada.done("POST", f"{event}/check-in", json={}, headers=key) == first
    assert len(await visits_of(door.database, room)) == 1
    moved_in = await host.done("POST", f"{event}/roster/{ada.id}/check-in", headers=key)
    assert moved_in["fresh"]


async def test_codes_that_do_not_open(door: Door) -> None:
    """An expired one, one of another event, one made up: each with a sentence, and nobody is checked in."""
    host, room, event = await _party(door)
    other = await gathering(door.database, host.id)
    ada = await _guest(door, room, sharing="off")
    foreign = (await host.done("GET", f"/v1/events/{other}/code"))["code"]
    shown_now = await host.done("GET", f"{event}/code")
    for code in (foreign, "made up", shown_now["code"][:-1]):
        answer = await ada.ask("POST", f"{event}/check-in", json={"code": code})
        assert answer.status_code == 400
        assert "does not belong to this event" in answer.text
    door.clock.ahead_s += (shown_now["good_until_ms"] - door.clock.now_ms()) / 1000 + 0.001
    late = await ada.ask("POST", f"{event}/check-in", json={"code": shown_now["code"]})
    assert late.status_code == 400
    assert "this code has expired; scan the one that is shown now" in late.text
    assert await visits_of(door.database, room) == []
    following = await host.done("GET", f"{event}/code")
    assert following["code"] != shown_now["code"]
    assert (await ada.done("POST", f"{event}/check-in", json={"code": following["code"]}))["fresh"]


async def test_the_code_is_drawn(door: Door) -> None:
    """As SVG, square, on white: what a phone's camera can read off a screen."""
    host, _, event = await _party(door)
    drawn = ET.fromstring((await host.done("GET", f"{event}/code"))["svg"])  # noqa: S314  # our own
    assert drawn.get("width") == drawn.get("height")
    paths = list(drawn.iter("{http://www.w3.org/2000/svg}path"))
    assert [(path.get("fill"), path.get("stroke")) for path in paths] == [
        ("#fff", None),
        (None, "#000"),
    ]


async def test_who_may_check_in(door: Door) -> None:
    """Of a public event anybody; of others the roster and the room; nobody whom the owner blocks, or who is put out."""
    stranger, blocked, kicked = [await door.someone() for _ in range(3)]
    for visibility, status in (("public", 200), ("link", 404), ("invited", 404)):
        host = await door.someone()
        room = await gathering(door.database, host.id, visibility=visibility)
        listed_one = await _guest(door, room, sharing="off")
        await door.database.execute("INSERT INTO blocks VALUES ($1, $2)", host.id, blocked.id)
        await belong(door.database, room, kicked.id, "kicked")
        path = f"/v1/events/{room}"
        for who, expected in ((listed_one, 200), (stranger, status), (blocked, 404), (kicked, 404)):
            assert (await who.ask("POST", f"{path}/check-in", json={})).status_code == expected
            assert (await who.ask("GET", f"{path}/here")).status_code == expected
        unlisted = await host.ask("POST", f"{path}/roster/{stranger.id}/check-in")
        assert unlisted.status_code == 404
        assert "not on this event's roster" in unlisted.text


@pytest.mark.parametrize("when", [{"doors_in_s": 60}, {"ends_in_s": -1}])
async def test_nobody_checks_in_while_it_is_not_open(door: Door, when: dict[str, float]) -> None:
    """Before doors and after the end: a conflict, with a sentence; not for hosts either."""
    host, room, event = await _party(door, **when)
    ada = await _guest(door, room)
    for answer in (
        await ada.ask("POST", f"{event}/check-in", json={}),
        await host.ask("POST", f"{event}/roster/{ada.id}/check-in"),
    ):
        assert answer.status_code == 409
        assert "from when doors open until the event is over" in answer.text


async def test_hosts_see_who_shares_and_how_many_and_the_others_in_fives(door: Door) -> None:
    """A ghost has no name; who shares nothing has one only by a deed; a block hides all; four unnamed are none."""
    host, room, event = await _party(door)
    people = {
        name: await _guest(door, room, name, sharing)
        for name, sharing in (
            ("open", "on"), ("ghost", "ghost"), ("back", "off"), ("deed", "off"), ("foe", "on"), ("left", "on"),
        )
    }  # fmt: skip
    for name, one in people.items():
        source = "qr" if name in ("deed", "ghost") else "gps"
        left_ago_s = 10 if name == "left" else None
        await there(door.database, room, one.id, source=source, left_ago_s=left_ago_s)
    await door.database.execute("INSERT INTO blocks VALUES ($1, $2)", people["foe"].id, host.id)
    here = await host.done("GET", f"{event}/here")
    assert (here["count"], here["unnamed"]) == (2, None)
    assert sorted(one["handle"] for one in here["people"]) == ["deed", "open"]
    assert all(one["entered_ms"] for one in here["people"])
    page = await host.done("GET", f"{event}/attendance")
    assert sorted(one["handle"] for one in page["people"]) == ["deed", "left", "open"]
    assert page["unnamed"] is None
    assert "ghost" not in (await host.ask("GET", f"{event}/attendance.csv")).text
    stats = await host.done("GET", f"{event}/stats")
    assert (stats["people"], stats["present"], stats["unnamed"]) == (3, 2, None)
    for _ in range(4):
        await there(door.database, room, (await _guest(door, room, sharing="ghost")).id)
    here = await host.done("GET", f"{event}/here")
    assert (here["count"], here["unnamed"], here["as_of_ms"] % WINDOW_MS) == (2 + K, K, 0)
    assert (await host.done("GET", f"{event}/attendance"))["unnamed"] == K
    stats = await host.done("GET", f"{event}/stats")
    assert (stats["people"], stats["present"], stats["unnamed"]) == (3 + K, 2 + K, K)


async def test_guests_see_whom_they_may(door: Door) -> None:
    """Who shares and lets them by the setting `events`; no ghosts, nobody who blocks or is blocked; contacts first."""
    _, room, event = await _party(door)
    viewer = await _guest(door, room, "viewer")
    mates = await viewer.room("group")
    expected = {"all", "friend-contacts", "friend-mates", "mate"}
    for handle, circle, sharing, known in (
        ("all", "everyone", "on", ""),
        ("ghost", "everyone", "ghost", "friend"),
        ("off", "everyone", "off", "friend"),
        ("friend-contacts", "contacts", "on", "friend"),
        ("friend-mates", "room-mates", "on", "friend"),
        ("friend-nobody", "nobody", "on", "friend"),
        ("mate", "room-mates", "on", "mate"),
        ("mate-contacts", "contacts", "on", "mate"),
        ("stranger", "room-mates", "on", ""),
        ("blocker", "everyone", "on", "friend"),
        ("blocked", "everyone", "on", "friend"),
    ):
        one = await _guest(door, room, handle, sharing, circle)
        await there(door.database, room, one.id, source="qr")
        if known == "friend":
            await _contacts(door, viewer, one)
        if known == "mate":
            await door.relate(UUID(mates), one.id, Relation.member, 1)
        if handle == "blocker":
            await door.database.execute("INSERT INTO blocks VALUES ($1, $2)", one.id, viewer.id)
        if handle == "blocked":
            await door.database.execute("INSERT INTO blocks VALUES ($1, $2)", viewer.id, one.id)
    gone = await _guest(door, room, "gone", circle="everyone")
    await there(door.database, room, gone.id, left_ago_s=1)
    found: list[dict[str, Any]] = []
    at = None
    while True:
        page = await viewer.done(
            "GET", f"{event}/here", params={"limit": 2} | ({"cursor": at} if at else {})
        )
        found += page["people"]
        at = page["cursor"]
        if at is None:
            break
    assert {one["handle"] for one in found} == expected
    assert len(found) == len(expected)
    assert [one["is_contact"] for one in found] == [True, True, False, False]
    assert all(one["entered_ms"] is None for one in found)
    assert page["unnamed"] is None


async def test_a_page_looks_at_so_many_and_the_next_goes_on(door: Door) -> None:
    """A crowd of people who let nobody see them costs no page more than its share, and hides nobody behind it."""
    _, room, event = await _party(door)
    viewer = await _guest(door, room, "viewer")
    await door.database.execute(
        """
        WITH crowd AS (SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid AS id, n
                       FROM generate_series(10, 10 + $2::integer) n),
        people AS (INSERT INTO people (person_id, handle, handle_shown, name, may_see_events)
                   SELECT id, id::text, id::text, 'one', CASE n WHEN 10 + $2 THEN 'everyone' ELSE 'nobody' END
                   FROM crowd),
        roster AS (INSERT INTO event_roster (room_id, person_id, answer, sharing)
                   SELECT $1, id, 'going', 'on' FROM crowd)
        INSERT INTO event_visits SELECT $1, id, 1, now(), NULL, 'gps', 'medium', NULL FROM crowd
        """,
        room,
        LOOKED,
    )
    first = await viewer.done("GET", f"{event}/here")
    assert (first["people"], first["cursor"] is None) == ([], False)
    second = await viewer.done("GET", f"{event}/here", params={"cursor": first["cursor"]})
    assert (len(second["people"]), second["cursor"]) == (1, None)


async def test_the_circle_is_the_one_that_all_else_goes_by(door: Door) -> None:
    """Whom the list names of many random pairs is exactly whom allows_v1 lets be seen."""
    rng = random.Random(3)
    _, room, event = await _party(door)
    viewer = await _guest(door, room, "viewer")
    groups = [await viewer.room("group"), await viewer.room("public")]
    for _ in range(40):
        one = await _guest(
            door, room, circle=rng.choice(["everyone", "room-mates", "contacts", "nobody"])
        )
        await there(door.database, room, one.id)
        if rng.random() < 0.4:
            state = rng.choice(["accepted", "accepted", "requested", "removed"])
            await door.database.execute(
                "INSERT INTO contacts VALUES ($1, $2, $3, 1, now()), ($2, $1, $3, 1, now())",
                one.id,
                viewer.id,
                state,
            )
        if rng.random() < 0.5:
            await belong(door.database, RoomId(UUID(rng.choice(groups))), one.id, "member")
    page = await viewer.done("GET", f"{event}/here", params={"limit": 200})
    allowed = await door.database.fetch(
        "SELECT p.person_id::text AS id FROM event_visits v JOIN people p USING (person_id)"
        " WHERE v.room_id = $1 AND allows_v1(p.may_see_events, p.person_id, $2)",
        room,
        viewer.id,
    )
    assert {one["id"] for one in page["people"]} == {row["id"] for row in allowed}
    assert 5 < len(allowed) < 35


def test_counts_never_tell_one_to_four() -> None:
    """Nor one person more or less but where a multiple of K is crossed."""
    told = [shown(count) for count in range(200)]
    assert told[:K] == [None] * K
    assert all(number is not None and number >= K and number % K == 0 for number in told[K:])
    changes = [count for count in range(1, 200) if told[count] != told[count - 1]]
    assert changes == list(range(K, 200, K))


async def test_a_guests_number_is_small_news(door: Door) -> None:
    """Of who shares and was vouched for; none below five, then by fives; and it changes at fixed moments alone."""
    host, room, event = await _party(door)
    viewer = await _guest(door, room, "viewer")

    async def count() -> int | None:
        answer = await viewer.done("GET", f"{event}/here")
        assert answer["as_of_ms"] % WINDOW_MS == 0
        number: int | None = answer["count"]
        return number

    async def later() -> None:
        door.clock.ahead_s += WINDOW_MS / 1000

    for _ in range(3):
        await there(door.database, room, (await _guest(door, room, sharing="ghost")).id)
        await there(door.database, room, (await _guest(door, room, sharing="off")).id, source="qr")
        await there(
            door.database, room, (await _guest(door, room)).id, source="hand", confidence="low"
        )
    vouched = [await _guest(door, room) for _ in range(7)]
    for one in vouched[:4]:
        await there(door.database, room, one.id)
    assert await count() is None
    await there(door.database, room, vouched[4].id)
    assert await count() is None  # it is as of a moment that has passed
    await later()
    assert await count() == 5
    for one in vouched[5:]:
        await there(door.database, room, one.id)
    await later()
    assert await count() == 5
    exact = await host.done("GET", f"{event}/here")
    assert exact["count"] == 6 + 7, "all but the ghosts, who are three"
    await door.database.execute(
        "UPDATE event_visits SET left_at = now() WHERE person_id = $1", vouched[0].id
    )
    for one in vouched[1:3]:
        await door.database.execute(
            "UPDATE event_visits SET left_at = now() WHERE person_id = $1", one.id
        )
    assert await count() == 5
    await later()
    assert await count() is None


async def test_attendance_page_by_page_is_the_table(door: Door) -> None:
    """In order of arrival; visits and minutes add up; a spreadsheet computes nothing."""
    host, room, event = await _party(door)
    guests = [await _guest(door, room) for _ in range(7)]
    for place, one in enumerate(guests):
        await there(door.database, room, one.id, entered_ago_s=4_000 - place * 60, left_ago_s=3_000)
    await there(
        door.database, room, guests[2].id, source="qr", confidence="high", entered_ago_s=1_260
    )
    await door.database.execute(
        "UPDATE people SET name = '=HYPERLINK(\"http://evil\")' WHERE person_id = $1", guests[1].id
    )
    pages, at = [], None
    while True:
        page = await host.done(
            "GET", f"{event}/attendance", params={"limit": 3} | ({"cursor": at} if at else {})
        )
        pages += page["people"]
        at = page["cursor"]
        if at is None:
            break
    assert [one["id"] for one in pages] == [str(one.id) for one in guests]
    assert (pages[2]["visits"], pages[2]["minutes"], pages[2]["left_ms"]) == (2, 14 + 21, None)
    assert (pages[2]["sources"], pages[2]["confidence"]) == (["gps", "qr"], "high")
    assert (pages[0]["visits"], pages[0]["minutes"]) == (1, 16)
    assert pages[0]["left_ms"] - pages[0]["arrived_ms"] == 1_000_000
    answer = await host.ask("GET", f"{event}/attendance.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["person"] for row in rows] == [str(one.id) for one in guests]
    assert [int(row["minutes"]) for row in rows] == [one["minutes"] for one in pages]
    assert rows[1]["name"].startswith("'=")
    assert (rows[2]["left"], rows[2]["evidence"]) == ("", "gps qr")


async def test_figures_are_those_of_a_plain_count(door: Door) -> None:
    """Random visits: people, present, peak, median and arrivals as counted by hand; of the unnamed, whole fives."""
    rng = random.Random(5)
    host, room, event = await _party(door, doors_in_s=-14_400)
    empty = await host.done("GET", f"{event}/stats")
    assert (empty["people"], empty["peak"], empty["median_minutes"], empty["arrivals"]) == (
        0,
        None,
        None,
        [],
    )
    sharings: dict[PersonId, str] = {}
    for _ in range(30):
        one = await _guest(door, room, sharing=rng.choice(["on", "ghost", "off"]))
        sharings[one.id] = (await one.done("GET", event))["sharing"]
        entered = rng.uniform(3_600, 14_000)
        for _ in range(rng.choice([1, 1, 2])):
            left = None if entered < 1_000 else rng.uniform(60, entered)
            source = rng.choice(["gps", "qr", "hand"])
            await there(
                door.database, room, one.id, source=source, entered_ago_s=entered, left_ago_s=left
            )
            if left is None:
                break
            entered = max(60.0, left * rng.random())
    before_ms = door.clock.now_ms()
    told = await host.done("GET", f"{event}/stats")
    visits, unnamed = _counted(await visits_of(door.database, room), sharings)
    assert told["unnamed"] == unnamed - unnamed % K != unnamed, "some are left out"
    steps = sorted(
        [(v["entered_ms"], 1) for v in visits]
        + [(v["left_ms"], -1) for v in visits if v["left_ms"]]
    )
    level, most, since = 0, 0, 0
    for at_ms, step in steps:
        level += step
        if level > most:
            most, since = level, at_ms
    assert told["peak"] == {"people": most, "at_ms": since // WINDOW_MS * WINDOW_MS}
    assert told["present"] == sum(v["left_ms"] is None and v["named"] for v in visits) + K * (
        sum(v["left_ms"] is None and not v["named"] for v in visits) // K
    )
    people = len({v["person_id"] for v in visits})
    assert (told["people"], told["visits"]) == (people, len(visits))
    stays: dict[PersonId, float] = {}
    for v in visits:
        stay = ((v["left_ms"] or before_ms) - v["entered_ms"]) / 60_000
        stays[v["person_id"]] = stays.get(v["person_id"], 0.0) + stay
    assert told["median_minutes"] == pytest.approx(statistics.median(stays.values()), abs=0.11)
    assert told["every_min"] == 15
    assert sum(one["people"] for one in told["arrivals"]) == people
    starts = [one["from_ms"] for one in told["arrivals"]]
    assert all((start - starts[0]) % 900_000 == 0 for start in starts)
    for one in told["arrivals"]:
        firsts = [
            min(v["entered_ms"] for v in visits if v["person_id"] == person) for person in stays
        ]
        assert one["people"] == sum(0 <= first - one["from_ms"] < 900_000 for first in firsts)
    assert told["sources"] == {
        source: sum(v["source"] == source for v in visits)
        for source in {v["source"] for v in visits}
    }


def _counted(
    visits: list[dict[str, Any]], sharings: dict[PersonId, str]
) -> tuple[list[dict[str, Any]], int]:
    """What of these is in the figures, by a plain count; and how many people have no name."""
    for v in visits:
        sharing = sharings[v["person_id"]]
        v["named"] = sharing == "on" or (sharing == "off" and v["source"] in ("qr", "hand"))
    named = {v["person_id"] for v in visits if v["named"]}
    first: dict[PersonId, int] = {}
    for v in visits:
        if v["person_id"] not in named:
            first[v["person_id"]] = min(first.get(v["person_id"], v["entered_ms"]), v["entered_ms"])
    order = sorted(first, key=lambda person: (first[person], person))
    fives = set(order[: len(order) - len(order) % K])
    return [v for v in visits if v["named"] or v["person_id"] in fives], len(order)


async def test_who_goes_as_another_comes_was_not_there_with_them(door: Door) -> None:
    """At the same millisecond: the peak is one."""
    host, room, event = await _party(door)
    ada, ben = await _guest(door, room), await _guest(door, room)
    await door.database.execute(
        "INSERT INTO event_visits SELECT $1, v.id, 1, now() - v.came * interval '1 minute',"
        " now() - v.went * interval '1 minute', 'gps', 'medium', 'gps'"
        " FROM (VALUES ($2::uuid, 30, 20), ($3::uuid, 20, 10)) v (id, came, went)",
        room,
        ada.id,
        ben.id,
    )
    assert (await host.done("GET", f"{event}/stats"))["peak"]["people"] == 1


async def test_a_person_who_is_gone_is_a_number(door: Door) -> None:
    """Whose account is no more, or is banned, stays in the totals and is named to nobody."""
    host, room, event = await _party(door)
    ada, *others = [await _guest(door, room, circle="everyone") for _ in range(5)]
    for one in (ada, *others):
        await there(door.database, room, one.id)
    await door.database.execute("UPDATE people SET banned_at = now() WHERE person_id = $1", ada.id)
    for one in others:
        await door.database.execute("DELETE FROM sessions WHERE person_id = $1", one.id)
        await door.database.execute("DELETE FROM people WHERE person_id = $1", one.id)
    assert (await host.done("GET", f"{event}/here"))["unnamed"] == 5
    page = await host.done("GET", f"{event}/attendance")
    assert (page["people"], page["unnamed"]) == ([], 5)
    assert (await host.done("GET", f"{event}/stats"))["people"] == 5


@pytest.mark.parametrize(("change", "source"), [(over, "closing"), (moved, "moved")])
async def test_the_timers_end_visits_once(door: Door, change: Any, source: str) -> None:
    """What ends the event, or moves its fence, wishes for the job in its own transaction; the job does it once."""
    host, room, event = await _party(door)
    for _ in range(3):
        one = await _guest(door, room)
        await there(door.database, room, one.id)
    runner = timers(door.ground, random.Random(1))
    assert await runner.round() == 0
    await change(door.database, room)
    assert await runner.round() == 1
    assert await runner.round() == 0
    assert {v["left_source"] for v in await visits_of(door.database, room)} == {source}
    assert (await host.done("GET", f"{event}/here"))["count"] == 0


async def test_the_place_is_told_of_who_checks_in(door: Door) -> None:
    """Each deed, once it stands in Postgres; a place that cannot be told keeps nobody out."""
    told: list[tuple[PersonId, bool, Source]] = []

    class Place:
        """Hears of it, and fails from the third on."""

        async def marked(
            self, room: RoomId, person: PersonId, is_inside: bool, source: Source, at_ms: int
        ) -> None:
            visits = await visits_of(door.database, room, person)
            assert (visits[-1]["left_ms"] is None) is is_inside
            told.append((person, is_inside, source))
            if len(told) > 2:
                raise unavailable("redis")

    host, room, _ = await _party(door)
    ada = await _guest(door, room)
    on = door.ground
    to = attendance_handlers(on.primary, on.writer, on.clock, Place())
    path = {"room": room, "person": ada.id}
    for who, does in ((host, to.admit), (ada, to.check_out), (host, to.admit)):
        await does(Call(on_behalf(door, who), path, None, None, f"c{len(told)}", ""))
    assert told == [
        (ada.id, True, Source.host),
        (ada.id, False, Source.hand),
        (ada.id, True, Source.host),
    ]
    stranger = await door.someone()
    with pytest.raises(Refused):
        await to.admit(Call(on_behalf(door, stranger), path, None, None, "c", ""))
    assert len(told) == 3


def on_behalf(door: Door, who: Someone) -> Any:
    """What the door makes of their token."""
    return door.tokens().verify(who.token)
