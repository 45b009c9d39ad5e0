"""What has no answer is said again after a reconnect, or counted as unanswered: never forgotten."""

from uuid import UUID

from loadtest.swarm.said import ANSWERED_WITHIN_S, KEPT_MOST, Said, Saying

ROOM = UUID(int=1)


def _saying(number: int) -> Saying:
    return Saying(float(number), ROOM, f"id-{number}", "hello")


def test_a_broken_socket_repeats_in_order_under_the_same_ids() -> None:
    """What was answered is not; what was written meanwhile comes after."""
    said = Said(5)
    for number in range(3):
        said.say(_saying(number))
    assert [post.id for post in said.send(10.0)] == [5, 6, 7]
    answered = said.answered(6)
    assert answered is not None
    assert answered.client_id == "id-1"
    said.broken()
    said.say(_saying(3))
    assert said.unanswered(1e9) == [], "offline nothing can be answered"
    again = list(said.send(20.0))
    assert [post.client_id for post in again] == ["id-0", "id-2", "id-3"]
    assert [post.id for post in again] == [8, 9, 10]
    assert said.answered(5) is None


def test_no_answer_is_told_once() -> None:
    """After five seconds on a socket that lives."""
    said = Said(5)
    said.say(_saying(0))
    assert len(list(said.send(10.0))) == 1
    assert said.unanswered(9.9 + ANSWERED_WITHIN_S) == []
    assert [saying.client_id for saying in said.unanswered(10.0 + ANSWERED_WITHIN_S)] == ["id-0"]
    assert (len(said), said.unanswered(1e9)) == (0, [])


def test_who_is_offline_for_long_keeps_so_much() -> None:
    """What is given up is handed back, the oldest first, to be counted."""
    said = Said(5)
    given_up = [said.say(_saying(number)) for number in range(KEPT_MOST + 2)]
    assert [saying.client_id for saying in given_up if saying] == ["id-0", "id-1"]
