"""People who use what they may do to reach what they may not."""

from uuid import UUID, uuid4

import pytest

from tests.api.door import Door


async def test_who_blocks_me_is_not_put_into_my_group(door: Door) -> None:
    """The group is made, and the one who blocks its maker is not in it and does not hear of it."""
    ada, bob, eve = await door.someone(), await door.someone(), await door.someone()
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    room = await eve.room("group", ada, bob)
    assert (await eve.done("GET", f"/v1/rooms/{room}"))["members"] == 2
    assert (await ada.ask("GET", f"/v1/rooms/{room}")).status_code == 404
    assert (await ada.done("GET", "/v1/me/rooms"))["rooms"] == []
    log = await ada.done("GET", f"/v1/rooms/{ada.id}/history")
    assert [entry["kind"] for entry in log["entries"]] == ["block"]


async def test_what_was_said_before_me_is_not_there(door: Door) -> None:
    """Reacting to, deleting or editing what lies before one's span answers as if it did not exist."""
    ada, eve = await door.someone(), await door.someone()
    room = await ada.room()
    before = await ada.post(room, "before eve")
    await ada.done("PUT", f"/v1/rooms/{room}/members/{eve.id}")
    await eve.done("POST", f"/v1/rooms/{room}/join")
    await ada.done("PUT", f"/v1/rooms/{room}/members/{eve.id}/role", json={"role": "moderator"})
    after = await ada.post(room, "after eve")
    for method, rest, more in (
        ("PUT", "/reactions/x", {}),
        ("DELETE", "/reactions/x", {}),
        ("DELETE", "", {}),
        ("PATCH", "", {"json": {"text": "mine now"}}),
    ):
        path = f"/v1/rooms/{room}/messages"
        hidden = await eve.ask(method, f"{path}/{before}{rest}", **more)
        nothing = await eve.ask(method, f"{path}/99999{rest}", **more)
        assert (hidden.status_code, hidden.json()) == (404, nothing.json()), (method, rest)
    await eve.done("PUT", f"/v1/rooms/{room}/messages/{after}/reactions/x")
    page = await ada.done("GET", f"/v1/rooms/{room}/history")
    assert next(e for e in page["entries"] if e["seq"] == before)["reactions"] == []


async def test_what_i_said_before_i_left_is_still_mine(door: Door) -> None:
    """Spans are all one ever was there for: one's own words of an earlier one can be taken back."""
    ada, eve = await door.someone(), await door.someone()
    room = await ada.room("group", eve)
    mine = await eve.post(room, "oh no")
    await eve.done("POST", f"/v1/rooms/{room}/leave")
    await ada.done("PUT", f"/v1/rooms/{room}/members/{eve.id}")
    await eve.done("POST", f"/v1/rooms/{room}/join")
    await eve.done("DELETE", f"/v1/rooms/{room}/messages/{mine}")


async def test_one_key_for_two_changes_is_refused_everywhere(door: Door) -> None:
    """No change is answered as done because another one was: a block, a kick, a name, a title."""
    ada, bob, eve = await door.someone(), await door.someone(), await door.someone()
    room = await ada.room("group", bob, eve)
    for first, second in (
        (("PUT", f"/v1/me/blocks/{bob.id}", None), ("PUT", f"/v1/me/blocks/{eve.id}", None)),
        (("PATCH", "/v1/me", {"name": "One"}), ("PATCH", "/v1/me", {"name": "Two"})),
        (
            ("PATCH", f"/v1/rooms/{room}", {"title": "one"}),
            ("PATCH", f"/v1/rooms/{room}", {"title": "two"}),
        ),
        (
            ("DELETE", f"/v1/rooms/{room}/members/{bob.id}", None),
            ("DELETE", f"/v1/rooms/{room}/members/{eve.id}", None),
        ),
    ):
        key = {"Idempotency-Key": uuid4().hex}
        answers = [
            await ada.ask(method, path, headers=key, json=body)
            for method, path, body in (first, first, second)
        ]
        assert [a.status_code for a in answers[:2]] == [answers[0].status_code] * 2
        assert answers[0].status_code < 300
        assert (answers[2].status_code, answers[2].json()["name"]) == (409, "conflict"), second
    assert (await eve.done("GET", f"/v1/rooms/{room}"))["members"] == 2


@pytest.mark.parametrize("path", ["/docs/", "/v1/me/", "/v1/me/rooms/"])
async def test_no_redirect_repeats_what_the_client_called_us(door: Door, path: str) -> None:
    """There is no redirect at all: its address would be made of the Host header, and of http."""
    ada = await door.someone()
    answer = await ada.ask("GET", path, headers={"Host": "evil.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


async def test_rooms_of_others_answer_as_rooms_that_are_not(door: Door) -> None:
    """Every route with a room: a stranger's, a direct, a self and the control room are like none at all."""
    ada, bob, eve = await door.someone(), await door.someone(), await door.someone()
    group = await ada.room("group", bob)
    seq = await ada.post(group, "hidden")
    direct = (await ada.done("POST", "/v1/rooms", json={"kind": "direct", "peer": str(bob.id)}))[
        "id"
    ]
    rooms = (group, direct, str(ada.id), "00000000-0000-7000-8000-000000000001", str(UUID(int=7)))
    requests: tuple[tuple[str, str, object], ...] = (
        ("GET", "", None),
        ("GET", "/history", None),
        ("GET", "/history?after=0", None),
        ("GET", "/changes?after=0", None),
        ("GET", "/members", None),
        ("POST", "/messages", {"client_id": "c", "text": "x"}),
        ("PATCH", f"/messages/{seq}", {"text": "x"}),
        ("DELETE", f"/messages/{seq}", None),
        ("PUT", f"/messages/{seq}/reactions/x", None),
        ("PUT", "/read", {"seq": 1}),
        ("PUT", "/received", {"seq": 1}),
        ("PUT", "/mute", {"level": "none"}),
        ("PATCH", "", {"title": "x"}),
        ("PATCH", "", {"archived": True}),
        ("POST", "/join", None),
        ("POST", "/leave", None),
        ("PUT", f"/members/{eve.id}", None),
        ("DELETE", f"/members/{ada.id}", None),
        ("PUT", f"/members/{eve.id}/role", {"role": "owner"}),
    )
    for method, rest, body in requests:
        answers = [await eve.ask(method, f"/v1/rooms/{room}{rest}", json=body) for room in rooms]
        assert {a.status_code for a in answers} == {404}, (method, rest)
        assert len({a.content for a in answers}) == 1, (method, rest)
        assert len({tuple(sorted(a.headers.keys())) for a in answers}) == 1, (method, rest)
