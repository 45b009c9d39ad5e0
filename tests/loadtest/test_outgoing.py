"""Submissions go out in order, are repeated under the same client id, and wait behind a doubt."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from loadtest.client.outgoing import Outgoing
from proto.frames import Post

ROOM, OTHER = UUID(int=1), UUID(int=2)


def _post(client_id: str, room: UUID = ROOM) -> Post:
    return Post(0, room, client_id, "hi")


def _ids(outgoing: Outgoing) -> list[str]:
    return [submission.client_id for submission in outgoing.due()]


def test_sends_without_waiting_for_answers() -> None:
    """Without trouble nothing waits, and nothing is sent twice."""
    outgoing = Outgoing()
    for client_id in "abc":
        outgoing.add(_post(client_id))
    assert _ids(outgoing) == ["a", "b", "c"]
    assert _ids(outgoing) == []


def test_temporary_holds_later_ones_of_that_room_only() -> None:
    """After `temporary` the room waits; other rooms do not."""
    outgoing = Outgoing()
    outgoing.add(_post("a"))
    assert _ids(outgoing) == ["a"]
    outgoing.unsure(ROOM, "a")
    outgoing.add(_post("b"))
    outgoing.add(_post("x", OTHER))
    assert _ids(outgoing) == ["x"]
    outgoing.again(ROOM)
    assert _ids(outgoing) == ["a"]
    outgoing.add(_post("c"))
    assert _ids(outgoing) == []
    outgoing.settled(ROOM, "a")
    assert _ids(outgoing) == ["b", "c"]


def test_several_unsure_are_repeated_one_by_one() -> None:
    """The oldest doubt is settled before the next is touched."""
    outgoing = Outgoing()
    for client_id in "abc":
        outgoing.add(_post(client_id))
    outgoing.due()
    outgoing.unsure(ROOM, "b")
    outgoing.unsure(ROOM, "a")
    outgoing.settled(ROOM, "c")
    outgoing.again(ROOM)
    assert _ids(outgoing) == ["a"]
    outgoing.settled(ROOM, "a")
    assert _ids(outgoing) == ["b"]
    outgoing.settled(ROOM, "b")
    assert len(outgoing) == 0


def test_reconnect_sends_everything_again_in_order() -> None:
    """What had no answer on the old socket is sent again on the new one."""
    outgoing = Outgoing()
    for client_id in "abc":
        outgoing.add(_post(client_id))
    outgoing.due()
    outgoing.settled(ROOM, "b")
    outgoing.unsure(ROOM, "c")
    outgoing.disconnected()
    assert _ids(outgoing) == ["a", "c"]


@given(st.lists(st.sampled_from(["ok", "temporary", "drop"]), max_size=60), st.integers(1, 8))
def test_commits_in_order_whatever_happens(weather: list[str], posts: int) -> None:
    """With a server that commits in the order sent, the log has each post once and in order."""
    outgoing = Outgoing()
    for number in range(posts):
        outgoing.add(_post(str(number)))
    log: list[str] = []
    for kind in [*weather, *["ok"] * (2 * posts + 2)]:
        outgoing.again(ROOM)
        for client_id in _ids(outgoing):
            if kind == "temporary":
                outgoing.unsure(ROOM, client_id)
                continue
            if client_id not in log:
                log.append(client_id)
            if kind == "ok":
                outgoing.settled(ROOM, client_id)
        if kind == "drop":
            outgoing.disconnected()
    assert log == [str(number) for number in range(posts)]
    assert len(outgoing) == 0
