"""Contacts: asking, saying yes and no, and that every device comes to the same list."""

import asyncio
import random
from typing import Any
from uuid import uuid4

import pytest

from tests.api.door import Door, Someone

CONTACTS = "/v1/me/contacts"


async def _ask(one: Someone, other: Someone) -> int:
    return (await one.ask("PUT", f"{CONTACTS}/{other.id}")).status_code


async def _drop(one: Someone, other: Someone) -> int:
    return (await one.ask("DELETE", f"{CONTACTS}/{other.id}")).status_code


async def _states(one: Someone, **query: Any) -> dict[str, str]:
    page = await one.done("GET", CONTACTS, params=query)
    return {each["handle"]: each["state"] for each in page["contacts"]}


async def _told(one: Someone) -> list[tuple[str, str, str]]:
    """Kind, subject and state of what the self log says of contacts."""
    log = await one.done("GET", f"/v1/rooms/{one.id}/history", params={"after": 0, "limit": 100})
    return [
        (entry["author"], entry["subject"], entry["body"]["state"])
        for entry in log["entries"]
        if entry["kind"] == "contact"
    ]


async def test_asked_accepted_and_removed_on_both_sides(door: Door) -> None:
    """Each step is in both lists and in both self logs; repeated, it changes nothing."""
    ada, bob = await door.register("ada"), await door.register("bob")
    for _ in range(2):
        assert await _ask(ada, bob) == 204
    assert (await _states(ada), await _states(bob)) == ({"bob": "requested"}, {"ada": "incoming"})
    for _ in range(2):
        assert await _ask(bob, ada) == 204
    assert (await _states(ada), await _states(bob)) == ({"bob": "accepted"}, {"ada": "accepted"})
    for _ in range(2):
        assert await _drop(ada, bob) == 204
    assert (await _states(ada), await _states(bob)) == ({}, {})
    assert await _states(bob, since=0) == {"ada": "removed"}
    a, b = str(ada.id), str(bob.id)
    assert await _told(ada) == [(a, b, "requested"), (b, b, "accepted"), (a, b, "removed")]
    assert await _told(bob) == [(a, a, "incoming"), (b, a, "accepted"), (a, a, "removed")]


async def test_declined_and_withdrawn(door: Door) -> None:
    """A request that either takes back is gone on both sides, and may be made again."""
    ada, bob = await door.register("ada"), await door.register("bob")
    for one, other in ((bob, ada), (ada, bob)):
        await _ask(ada, bob)
        await _drop(one, other)
        assert (await _states(ada), await _states(bob)) == ({}, {})
    await _ask(bob, ada)
    assert (await _states(ada), await _states(bob)) == ({"bob": "incoming"}, {"ada": "requested"})


async def test_requests_that_cross_accept_each_other(door: Door) -> None:
    """Both ask at once: they are contacts, whoever was first."""
    for number in range(5):
        ada, bob = [await door.someone(f"{name}{number}") for name in ("ada", "bob")]
        assert set(await asyncio.gather(_ask(ada, bob), _ask(bob, ada))) == {204}
        assert list((await _states(ada)).values()) == ["accepted"]
        assert list((await _states(bob)).values()) == ["accepted"]


async def test_who_cannot_be_a_contact(door: Door) -> None:
    """Oneself, nobody, and whom one blocks: a plain error."""
    ada, bob = await door.register("ada"), await door.register("bob")
    unknown = await ada.ask("PUT", f"{CONTACTS}/{uuid4()}")
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "no such person")
    assert await _ask(ada, ada) == 400
    await ada.done("PUT", f"/v1/me/blocks/{bob.id}")
    blocked = await ada.ask("PUT", f"{CONTACTS}/{bob.id}")
    assert (blocked.status_code, blocked.json()["name"]) == (409, "conflict")
    assert (await ada.ask("DELETE", f"{CONTACTS}/{uuid4()}")).status_code == 404
    assert await _states(ada) == {}


async def test_a_block_ends_a_contact_and_stays_invisible(door: Door) -> None:
    """The blocked are removed like by a removal; what they ask then goes nowhere, and looks as if it did."""
    ada, eve, zoe = [await door.register(handle) for handle in ("ada", "eve", "zoe")]
    for other in (eve, zoe):
        await _ask(ada, other)
        await _ask(other, ada)
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    await _drop(ada, zoe)
    assert [state for _, _, state in await _told(eve)] == ["incoming", "accepted", "removed"]
    assert [state for _, _, state in await _told(zoe)] == ["incoming", "accepted", "removed"]
    heard = await _told(ada)
    for _ in range(2):
        assert (await _ask(eve, ada), await _ask(zoe, ada)) == (204, 204)
    assert await _states(eve) == await _states(zoe) == {"ada": "requested"}
    assert await _states(ada) == {"zoe": "incoming"}
    assert (await _told(ada))[len(heard) :] == [(str(zoe.id), str(zoe.id), "incoming")]
    # The block lifted, what each of them asked for is there: one word of either makes it true.
    await ada.done("DELETE", f"/v1/me/blocks/{eve.id}")
    await _ask(ada, eve)
    assert (await _states(ada))["eve"] == (await _states(eve))["ada"] == "accepted"


async def test_the_list_comes_in_pages(door: Door) -> None:
    """The pages together hold everyone once; changes since a seq are only those."""
    ada = await door.register("ada")
    others = [await door.someone() for _ in range(7)]
    for other in others:
        await _ask(ada, other)
    middle = (await ada.done("GET", CONTACTS))["seq"]
    await _drop(ada, others[0])
    await _ask(others[1], ada)
    seen: list[str] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        query = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = await ada.done("GET", CONTACTS, params=query)
        seen += [each["handle"] for each in page["contacts"]]
        cursor = page["cursor"]
    assert sorted(seen) == sorted(other.handle for other in others[1:])
    assert await _states(ada, since=middle) == {
        others[0].handle: "removed",
        others[1].handle: "accepted",
    }


class Device:
    """What one device holds: the list once, then nothing but the self log."""

    def __init__(self, person: Someone) -> None:
        self.person = person
        self.held: dict[str, tuple[str, int, int]] = {}
        self.position = 0

    async def begin(self) -> None:
        """The whole list, page by page."""
        page = await self.person.done("GET", CONTACTS, params={"limit": 2})
        self.position = page["seq"]
        while True:
            for each in page["contacts"]:
                self.held[each["person"]] = (each["state"], each["at_ms"], each["seq"])
            if page["cursor"] is None:
                return
            query = {"limit": 2, "cursor": page["cursor"]}
            page = await self.person.done("GET", CONTACTS, params=query)

    async def follow(self) -> None:
        """Everything the self log has by now."""
        path, more = f"/v1/rooms/{self.person.id}/history", True
        while more:
            page = await self.person.done("GET", path, params={"after": self.position, "limit": 3})
            for entry in page["entries"]:
                if entry["kind"] == "contact":
                    said = (entry["body"]["state"], entry["at_ms"], entry["seq"])
                    self.held[entry["subject"]] = said
            self.position, more = page["to_seq"], page["more"]

    def shown(self) -> dict[str, tuple[str, int, int]]:
        return {person: said for person, said in self.held.items() if said[0] != "removed"}


class Model:
    """Who stands how to whom, in the plainest words."""

    def __init__(self) -> None:
        self.wants: set[tuple[int, int]] = set()
        self.friends: set[frozenset[int]] = set()
        self.blocks: set[tuple[int, int]] = set()
        self.heard: set[tuple[int, int]] = set()

    def do(self, what: str, one: int, other: int) -> None:
        pair = frozenset((one, other))
        if what == "ask" and (one, other) not in self.blocks and pair not in self.friends:
            blocked = (other, one) in self.blocks
            if (other, one) in self.wants and not blocked:
                self._forget(one, other)
                self.friends.add(pair)
            else:
                self.wants.add((one, other))
                if not blocked:
                    self.heard.add((one, other))
        elif what in ("drop", "block"):
            self._forget(one, other)
            self.friends.discard(pair)
        if what == "block":
            self.blocks.add((one, other))
        elif what == "unblock":
            self.blocks.discard((one, other))

    def _forget(self, one: int, other: int) -> None:
        for way in ((one, other), (other, one)):
            self.wants.discard(way)
            self.heard.discard(way)

    def of(self, one: int) -> dict[int, str]:
        states = {other: "incoming" for (other, me) in self.heard if me == one}
        states |= {other: "requested" for (me, other) in self.wants if me == one}
        friends = {next(iter(pair - {one})) for pair in self.friends if one in pair}
        return states | dict.fromkeys(friends, "accepted")


ROUTES = {
    "ask": ("PUT", CONTACTS),
    "drop": ("DELETE", CONTACTS),
    "block": ("PUT", "/v1/me/blocks"),
    "unblock": ("DELETE", "/v1/me/blocks"),
}


@pytest.mark.parametrize("seed", range(12))
async def test_a_list_and_the_self_log_after_it_are_the_list_as_it_is(
    door: Door, seed: int
) -> None:
    """Three people with two devices each, at random: every device holds what a fresh one would read."""
    chance = random.Random(seed)
    people = [await door.someone() for _ in range(3)]
    devices = [[Device(person), Device(person)] for person in people]
    for pair in devices:
        for device in pair:
            await device.begin()
    model = Model()
    for _ in range(40):
        one, other = chance.sample(range(3), 2)
        what = chance.choices(tuple(ROUTES), (8, 3, 1, 2))[0]
        method, path = ROUTES[what]
        answer = await people[one].ask(method, f"{path}/{people[other].id}")
        assert answer.status_code in (204, 409), answer.text
        model.do(what, one, other)
        if chance.random() < 0.3:
            await devices[one][chance.randrange(2)].follow()
        if chance.random() < 0.1:
            late = devices[other][1] = Device(people[other])
            await late.begin()
    for index, person in enumerate(people):
        fresh = Device(person)
        await fresh.begin()
        for device in devices[index]:
            await device.follow()
            assert device.shown() == fresh.shown(), (seed, index)
        meant = {str(people[other].id): state for other, state in model.of(index).items()}
        assert {who: said[0] for who, said in fresh.shown().items()} == meant, (seed, index)
