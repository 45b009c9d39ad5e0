"""Finding people: by how they begin and by their whole handle, as far as they let themselves be found."""

import pytest

from muster.finding import FOUND_MOST
from muster.permission import ServiceRole
from muster.stores.postgres.finding import BEGINNING
from tests.api.door import Door, Someone
from tests.api.opening import open_door


async def _found(one: Someone, q: str) -> list[str]:
    answer = await one.done("GET", "/v1/people", params={"q": q})
    return [each["handle"] for each in answer["people"]]


async def _set(one: Someone, **settings: str) -> None:
    await one.done("PATCH", "/v1/me/privacy", json=settings)


async def test_by_the_beginning_of_handle_and_name(door: Door) -> None:
    """In any case and any alphabet; not from the middle."""
    me = await door.someone("me_myself")
    ada = await door.someone("Ada_Lovelace")
    await ada.done("PATCH", "/v1/me", json={"name": "Ärmel Straße"})
    await _set(ada, find="everyone")
    for q in ("ad", "ADA", "@ada_l", "ärm", "ÄRMEL S", "Ada_Lovelace"):
        assert await _found(me, q) == ["Ada_Lovelace"], q
    for q in ("lovelace", "traße", "adaa", "a%", "a_", "\\\\"):
        assert await _found(me, q) == [], q
    for q in ("", "a", "@a", "  a ", "x" * 65):
        assert (await me.ask("GET", "/v1/people", params={"q": q})).status_code == 400, q


async def test_as_far_as_one_lets_oneself_be_found(door: Door) -> None:
    """Circle by circle, and the whole handle by a circle of its own."""
    me = await door.someone("seeker")
    people = {name: await door.someone(f"anna_{name}") for name in ("near", "mate", "far")}
    await me.done("PUT", f"/v1/me/contacts/{people['near'].id}")
    await people["near"].done("PUT", f"/v1/me/contacts/{me.id}")
    await me.room("group", people["mate"])
    expected = {
        "everyone": ["anna_near", "anna_far", "anna_mate"],
        "room-mates": ["anna_near", "anna_mate"],
        "contacts": ["anna_near"],
        "nobody": [],
    }
    for circle, handles in expected.items():
        for one in people.values():
            await _set(one, find=circle)
        assert await _found(me, "anna_") == handles, circle
    assert await _found(me, "anna_far") == ["anna_far"]
    assert (await me.ask("GET", "/v1/people/@Anna_Far")).status_code == 200
    await _set(people["far"], find_by_handle="contacts")
    assert await _found(me, "anna_far") == []
    hidden, unknown = [await me.ask("GET", f"/v1/people/@{who}") for who in ("anna_far", "nobody1")]
    assert (hidden.status_code, hidden.json()) == (404, unknown.json())
    assert (await people["far"].ask("GET", "/v1/people/@anna_far")).status_code == 200
    support = await door.someone(role=ServiceRole.support)
    assert (await support.ask("GET", "/v1/people/@anna_far")).status_code == 200


async def test_a_block_hides_both_from_each_other(door: Door) -> None:
    """Whoever blocked whom; and those who are banned, and oneself, are not found."""
    ada, eve, out = [await door.someone(f"lou_{name}") for name in ("ada", "eve", "out")]
    for one in (ada, eve, out):
        await _set(one, find="everyone")
    assert await _found(ada, "lou_") == ["lou_eve", "lou_out"]
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    admin = await door.someone(role=ServiceRole.admin)
    await admin.done("PUT", f"/v1/people/{out.id}/ban")
    for one in (ada, eve):
        assert await _found(one, "lou_") == []
        assert await _found(one, "lou_eve" if one is ada else "lou_ada") == []


async def test_at_most_twenty_the_exact_one_first_then_contacts(door: Door) -> None:
    """A crowd does not bury whom one looks for."""
    me = await door.someone("seeker")
    crowd = [await door.someone(f"kim{number:02}") for number in range(FOUND_MOST + 5)]
    friend, exact = await door.someone("kimzz"), await door.someone("kim")
    for one in crowd:
        await _set(one, find="everyone")
    await me.done("PUT", f"/v1/me/contacts/{friend.id}")
    await friend.done("PUT", f"/v1/me/contacts/{me.id}")
    found = await me.done("GET", "/v1/people", params={"q": "kim"})
    assert len(found["people"]) == FOUND_MOST
    assert [(each["handle"], each["contact"]) for each in found["people"][:3]] == [
        (exact.handle, None),
        (friend.handle, "accepted"),
        ("kim00", None),
    ]


async def test_who_lists_people_is_slowed(database_url: str, redis_url: str) -> None:
    """A bucket of one's own, apart from that of writes."""
    async with open_door(database_url, redis_url, rate_limits=True) as door:
        me, other = await door.someone(), await door.someone()
        statuses = [
            (await me.ask("GET", "/v1/people", params={"q": f"aa{number}"})).status_code
            for number in range(40)
        ]
        assert statuses[:20] == [200] * 20
        assert 429 in statuses[20:]
        assert await _found(other, "aa") == []
        assert (await me.ask("PATCH", "/v1/me", json={"name": "still writes"})).status_code == 200


@pytest.mark.parametrize("q", ["kim", "Kim"])
async def test_a_search_reads_indexes_alone(door: Door, q: str) -> None:
    """However many people there are who may not be found."""
    me = await door.someone("seeker")
    await door.database.execute(
        "INSERT INTO people (person_id, handle, handle_shown, name)"
        " SELECT gen_random_uuid(), 'kim' || n, 'kim' || n, 'Kim' FROM generate_series(1, 20000) n"
    )
    await door.database.execute("ANALYZE people")
    await door.database.execute("SET plan_cache_mode = force_generic_plan")
    assert await _found(me, q) == []
    await door.database.execute(f"PREPARE search AS {BEGINNING}")
    plan = await door.database.fetch(
        f"EXPLAIN EXECUTE search('{me.id}', '{q.lower()}', '{q}', 'z', 20)"
    )
    lines = "\n".join(row[0] for row in plan)
    for index in ("people_found_by_handle", "people_found_by_name"):
        assert index in lines
    assert "Seq Scan on people" not in lines
