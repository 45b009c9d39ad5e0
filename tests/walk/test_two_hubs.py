"""People on two hubs talk, lose hubs and sockets, and miss nothing."""

import asyncio

import jwt
import pytest

from loadtest.client.connection import Connection, Refusal
from loadtest.stack import Stack
from muster.keys import load
from proto.codes import Code
from proto.entry import EntryKind
from proto.frames import Auth, Edit, Ok, Ping, Pong, React, Ready, Refresh
from tests.walk.people import Person, people

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _no_faults(*persons: Person) -> None:
    for person in persons:
        assert not person.phone.rooms.positions.faults


@pytest.mark.parametrize("json", [False, True], ids=["msgpack", "json"])
async def test_two_phones_chat_through_two_hubs(stack: Stack, json: bool) -> None:
    """What one says on one hub the other hears on the other, both ways, in order."""
    async with people(stack, "ada", "bob", json=json) as (ada, bob):
        room = (await ada.rest.create_room("public", "walk")).id
        await bob.rest.join(room)
        await bob.until(lambda: EntryKind.join in {e.kind for e in bob.given if e.room == room})
        for number in range(20):
            await (ada, bob)[number % 2].says(room, str(number))
        for person in (ada, bob):
            await person.has(room, "19")
            assert person.texts(room) == [str(number) for number in range(20)]
        _no_faults(ada, bob)


async def test_hub_killed_loses_nothing(stack: Stack) -> None:
    """Posts made while a hub dies reach everybody once, each author's in the order written."""
    async with people(stack, "ada", "bob", "cyd", "dan") as everybody:
        room = (await everybody[0].rest.create_room("public", "walk")).id
        for person in everybody[1:]:
            await person.rest.join(room)

        async def talk(person: Person, place: int) -> None:
            for number in range(40):
                await person.says(room, f"{place}-{number}")
                if place == 0 and number == 10:
                    await stack.kill_hub(1)

        async with asyncio.TaskGroup() as group:
            for place, person in enumerate(everybody):
                group.create_task(talk(person, place))
        await everybody[0].says(room, "the end")
        for person in everybody:
            await person.has(room, "the end")
            texts = person.texts(room)
            assert len(texts) == 4 * 40 + 1
            for place in range(4):
                said = [text for text in texts if text.startswith(f"{place}-")]
                assert said == [f"{place}-{number}" for number in range(40)]
            assert person.seqs(room) == sorted(set(person.seqs(room)))
        _no_faults(*everybody)


async def test_dropped_socket_resumes(stack: Stack) -> None:
    """What was said while a phone was in a tunnel is there when it comes out."""
    async with people(stack, "ada", "bob") as (ada, bob):
        room = (await ada.rest.create_room("public", "walk")).id
        await bob.rest.join(room)
        await ada.says(room, "before")
        await bob.has(room, "before")
        bob.phone.drop()
        for number in range(30):
            await ada.says(room, str(number))
        await bob.has(room, "29")
        assert bob.texts(room) == ["before", *map(str, range(30))]
        _no_faults(ada, bob)


async def test_too_much_to_replay_is_fetched(stack: Stack) -> None:
    """A position 1,200 entries old gets a gap: REST has it, and what follows comes after it."""
    async with people(stack, "ada", "bob") as (ada, bob):
        room = (await ada.rest.create_room("public", "walk")).id
        async with asyncio.TaskGroup() as group:
            for number in range(1_200):
                group.create_task(ada.says(room, str(number)))
        await bob.rest.join(room)
        # His own join: while that is on its way, a rewound phone would fetch all of it twice.
        await bob.until(lambda: bool(bob.seqs(room)))
        bob.given.clear()
        bob.phone.rooms.positions.begin(room, 1)
        bob.phone.drop()
        await ada.says(room, "the end")
        await bob.has(room, "the end")
        assert bob.texts(room) == [*map(str, range(1_200)), "the end"]
        _no_faults(ada, bob)


async def test_post_by_rest_walks_the_same_way(stack: Stack) -> None:
    """A message posted without a socket reaches sockets; a retry of it is the same entry."""
    async with people(stack, "ada", "bob") as (ada, bob):
        room = (await ada.rest.create_room("public", "walk")).id
        first = await ada.rest.post(room, "by-rest", "hello")
        again = await ada.rest.post(room, "by-rest", "hello")
        assert first.seq == again.seq
        await ada.has(room, "hello")
        assert ada.texts(room) == ["hello"]
        with pytest.raises(Refusal) as refusal:
            await bob.says(room, "I am not in there")
        assert refusal.value.error.code == Code.not_found


async def test_edit_by_client_id_and_reaction(stack: Stack) -> None:
    """A phone's offline queue names its message by the id it gave it."""
    async with people(stack, "ada") as (ada,):
        room = (await ada.rest.create_room("public", "walk")).id
        await ada.says(room, "first")
        await ada.until(lambda: any(e.kind is EntryKind.post for e in ada.given))
        post = next(e for e in ada.given if e.kind is EntryKind.post)
        edit = await ada.phone.submit(Edit(0, room, "edit", post.client_id, "better"))
        same = await ada.phone.submit(Edit(0, room, "edit again", post.seq, "better"))
        assert (same.seq, same.fresh) == (edit.seq, False)
        one = await ada.phone.submit(React(0, room, "r1", post.seq, "👍"))
        two = await ada.phone.submit(React(0, room, "r2", post.seq, "👍"))
        assert (two.seq, two.fresh) == (one.seq, False)


async def test_second_phone_learns_what_the_first_did(stack: Stack) -> None:
    """The read pointer moved on one device comes to the other through the self log, and typing to others."""
    async with people(stack, "ada", "bob") as (ada, bob):
        room = (await ada.rest.direct_room(bob.id)).id
        await ada.has_room(room)
        await bob.has_room(room)
        ack = await ada.says(room, "psst")
        await bob.has(room, "psst")
        # They are no contacts: the room lies in bob's Requests until he answers.
        await bob.says(room, "yes?")
        await bob.phone.read(room, ack.seq)
        await ada.until(lambda: any(p.read == ack.seq for p in ada.pointers))
        await bob.until(lambda: EntryKind.read in {e.kind for e in bob.given})
        await bob.phone.typing(room)
        await ada.until(lambda: any(t.person == bob.id for t in ada.typings))


async def test_token_is_refreshed_in_the_socket(stack: Stack) -> None:
    """A new token of the same session goes in without a reconnect; one of another does not."""
    async with people(stack, "ada", "bob") as (ada, bob):
        login = ada.phone.login
        connection = await Connection.open(stack.hub_urls[1], lambda _: None)
        async with asyncio.TaskGroup() as group:
            group.create_task(connection.read())
            old = await login.token()
            ready = await connection.request(Auth(0, old, install="another"))
            login.expired()
            new = await login.token()
            assert new != old
            assert isinstance(await connection.request(Refresh(0, new)), Ok)
            with pytest.raises(Refusal) as refusal:
                await connection.request(Refresh(0, await bob.phone.login.token()))
            assert refusal.value.error.code == Code.unauthorized
            assert isinstance(await connection.request(Ping(0)), Pong)
            assert isinstance(ready, Ready)
            await connection.close()


async def test_a_rest_call_with_a_token_that_has_ended_is_made_again_with_a_new_one(
    stack: Stack,
) -> None:
    """A phone that slept longer than its token lives notices at its first call, and goes on."""
    async with people(stack, "ada") as (ada,):
        ended = _token_of_an_hour_ago(stack, ada.rest.token)
        ada.rest.token = ended
        assert (await ada.rest.me()).id == ada.id
        assert ada.rest.token != ended


def _token_of_an_hour_ago(stack: Stack, token: str) -> str:
    """The same session's token, long expired, signed with the installation's own key."""
    ring = load(stack.data / "keys")
    claims = jwt.decode(token, options={"verify_signature": False})
    claims |= {"iat": claims["iat"] - 3_600, "exp": claims["exp"] - 3_600}
    headers = {"kid": ring.current_kid, "typ": "at+jwt"}
    return jwt.encode(claims, ring.private_key, algorithm="RS256", headers=headers)
