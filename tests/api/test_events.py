"""Events: one object of room, time, place and roster, for hosts and for those who may know of it."""

from __future__ import annotations

from tests.api.door import Door
from tests.api.gathering import terms


async def test_an_event_is_its_room(door: Door) -> None:
    """Made by one request: its id is the room's, its host is the owner and goes, and everything said is read back."""
    ada = await door.someone()
    said = terms(
        door, title="Open air", topic="bring a jacket", about="two lines\nof it", capacity=5,
        place_name="The yard", address="Street 1", point={"lat": 48.2, "lon": 16.37},
        visibility="public", dwell_ms=30_000,
    )  # fmt: skip
    event = await ada.done("POST", "/v1/events", json=said)
    assert {key: event[key] for key in said} == said
    assert (event["state"], event["role"], event["answer"]) == ("scheduled", "owner", "going")
    assert (event["owner"], event["going"], event["doors_at_ms"]) == (
        str(ada.id), 1, said["starts_at_ms"],
    )  # fmt: skip
    room = await ada.done("GET", f"/v1/rooms/{event['id']}")
    assert (room["kind"], room["title"], room["role"]) == ("event", "Open air", "owner")
    assert await ada.done("GET", f"/v1/events/{event['id']}") == event
    assert await ada.post(event["id"], "hello") == 2
