"""One person of the crowd talks as a phone does, and nothing that goes wrong stays out of the statistics."""

from random import Random
from uuid import UUID

from loadtest.swarm import rows
from loadtest.swarm.coming import Coming
from loadtest.swarm.stamp import Clocks, stamped
from loadtest.swarm.talker import Manner, Talker
from loadtest.swarm.watch import DELIVERED_WITHIN_S, Watch
from proto.codes import Code
from proto.entry import Body, EntryKind
from proto.frames import (
    Ack,
    Auth,
    Client,
    Entry,
    Error,
    EventPlace,
    Fixes,
    Goaway,
    Limits,
    Placed,
    Post,
    Ready,
    Resume,
    RoomStates,
    ServerFrame,
)
from proto.shapes import RoomState

ME, YOU, ROOM, GENERATION = (UUID(int=number) for number in range(1, 5))
_LIMITS = Limits(65_536, 8_000, 1_000, 50.0, 100)


class _Scene:
    """A talker, its clock and what was recorded. It posts every 10 s."""

    def __init__(self, coming: Coming | None = None) -> None:
        self.now = 1_000.0
        self.watch = Watch()
        self.recorded: list[tuple[str, float | None, str | None]] = []
        self.talker = Talker(
            "7", Manner(10.0, "here", "run"), self.watch, self.record, Random(3), coming
        )

    def record(
        self, name: str, took_s: float | None, size: int = 0, failure: str | None = None, /
    ) -> None:
        took_ms = None if took_s is None else round(took_s * 1000)
        self.recorded.append((name, took_ms, failure))

    @property
    def clocks(self) -> Clocks:
        return Clocks(self.now, 1e9 + self.now)

    def hears(self, frame: ServerFrame) -> list[Client]:
        return list(self.talker.heard(frame, 100, self.clocks))

    def does(self) -> list[Client]:
        return list(self.talker.due(self.clocks))

    def said(self) -> Post:
        """Goes to the next time that something is due, and posts it."""
        self.now = max(self.now, self.talker.next_at())
        [post] = self.does()
        assert isinstance(post, Post)
        return post

    def ready(self) -> list[Client]:
        assert isinstance(self.talker.begin(self.now, "token"), Auth)
        self.now += 0.010
        return self.hears(Ready(1, ME, ME, ME, ME, GENERATION, 5_000, 25_000, 905_000, "", _LIMITS))

    def live(self) -> None:
        [asked] = self.ready()
        assert isinstance(asked, Resume)
        self.hears(self.states(asked, "joined", 0))
        self.now += 0.020
        self.hears(RoomStates(3, GENERATION, [RoomState(ROOM, "live", 41, 40, 40)]))
        assert self.talker.lived_since == self.now
        self.recorded.clear()

    def states(self, asked: Resume, status: str, from_seq: int) -> RoomStates:
        state = RoomState(ROOM, status, from_seq, 40, 40)  # type: ignore[arg-type]
        return RoomStates(asked.id, GENERATION, [state])

    def entry(self, seq: int, author: UUID = YOU, age_s: float = 0.25) -> Entry:
        text = stamped("here", self.now - age_s, self.clocks, 128)
        return Entry(0, ROOM, seq, seq, EntryKind.post, author, None, "", 0, Body(text=text))


def test_the_way_in_is_measured() -> None:
    """To Ready, then from the resume to the rooms; the first one asks which rooms there are."""
    scene = _Scene()
    [asked] = scene.ready()
    assert asked == Resume(2, None, [])
    [again] = scene.hears(scene.states(Resume(2, None, []), "joined", 0))
    assert again == Resume(3, GENERATION, [(ROOM, 40)])
    scene.now += 0.020
    scene.hears(RoomStates(3, GENERATION, [RoomState(ROOM, "live", 41, 40, 40)]))
    assert scene.recorded == [(rows.CONNECT, 10, None), (rows.RESUME, 20, None)]
    assert scene.talker.token_ends_at == 1_000.010 + 900.0


def test_an_ack_counts_from_when_the_post_was_due() -> None:
    """Also if the load was late to send it, which is told beside."""
    scene = _Scene()
    scene.live()
    due_at = scene.talker.next_at()
    scene.now = due_at + 2.0
    [post] = scene.does()
    assert isinstance(post, Post)
    assert post.room == ROOM
    scene.now += 0.5
    scene.hears(Ack(post.id, ROOM, 41, 41, 0))
    assert scene.recorded == [(rows.LATE, 2_000, None), (rows.ACK, 2_500, None)]


def test_a_delivery_is_one_to_somebody_else() -> None:
    """My own entry comes back to me, and is none."""
    scene = _Scene()
    scene.live()
    scene.hears(scene.entry(41))
    scene.hears(scene.entry(42, author=ME))
    assert scene.recorded == [(rows.DELIVERY, 250, None)]


def test_a_lost_message_is_a_failure() -> None:
    """Whether another follows it or not, and one that comes twice too."""
    scene = _Scene()
    scene.live()
    scene.hears(scene.entry(42))
    scene.hears(scene.entry(42))
    assert scene.recorded[0] == (rows.DELIVERY, None, "one or more before it are lost")
    assert scene.recorded[2] == (rows.DELIVERY, None, "came twice")
    scene.hears(Ack(99, ROOM, 43, 43, 0))
    assert scene.talker.waits
    assert len(scene.watch.overdue(scene.now + DELIVERED_WITHIN_S)) == 1


def test_a_refused_post_is_a_failure() -> None:
    """With the code and the server's sentence; nothing is repeated behind the statistics' back."""
    scene = _Scene()
    scene.live()
    post = scene.said()
    scene.hears(Error(post.id, Code.too_many_requests, "slower", True, 500))
    assert scene.recorded[-1:] == [(rows.ACK, 0, "refused, too_many_requests: slower")]
    assert not scene.talker.waits


def test_a_post_without_an_answer_is_a_failure() -> None:
    """After five seconds, and a late answer changes nothing."""
    scene = _Scene()
    scene.live()
    post = scene.said()
    scene.now += 5.0
    assert scene.talker.next_at() <= scene.now
    scene.does()
    scene.hears(Ack(post.id, ROOM, 41, 41, 0))
    assert scene.recorded[1:] == [(rows.ACK, 5_000, "no answer within 5 s")]


def test_a_broken_socket_is_made_good() -> None:
    """The next resumes where this one was, says again what has no answer, and the time away is told."""
    scene = _Scene()
    scene.live()
    first = scene.said()
    scene.talker.ended(scene.now)
    scene.now += 3.0
    [asked] = scene.ready()
    assert asked == Resume(3, GENERATION, [(ROOM, 40)])
    scene.recorded.clear()
    [again] = scene.hears(RoomStates(3, GENERATION, [RoomState(ROOM, "live", 41, 41, 41)]))
    assert isinstance(again, Post)
    assert again.client_id == first.client_id
    assert again.id != first.id
    assert scene.recorded == [(rows.RESUME, 0, None), (rows.BACK, 3_010, None)]
    scene.hears(scene.entry(41, age_s=3.0))
    scene.hears(Ack(again.id, ROOM, 42, 42, 0))
    assert scene.recorded[2:] == [(rows.CAUGHT_UP, 3_000, None), (rows.ACK, 3_010, None)]


def test_a_resume_that_leaves_something_out_is_a_failure() -> None:
    """What was missed must follow, from where this person was."""
    scene = _Scene()
    scene.live()
    scene.talker.ended(scene.now)
    [asked] = scene.ready()
    assert isinstance(asked, Resume)
    scene.recorded.clear()
    scene.hears(scene.states(asked, "live", 43))
    assert (rows.DELIVERY, None, "left out by a resume") in scene.recorded


def test_posts_that_are_due_while_away_wait_and_keep_their_time() -> None:
    """An outage does not thin the load: all of it comes afterwards, as old as it is."""
    scene = _Scene()
    scene.live()
    scene.talker.ended(scene.now)
    scene.now += 35.0
    assert scene.does() == []
    scene.ready()
    posts = scene.hears(RoomStates(3, GENERATION, [RoomState(ROOM, "live", 41, 40, 40)]))
    assert 3 <= len(posts) <= 4
    for post in posts:
        scene.hears(Ack(post.id, ROOM, 41, 41, 0))
    acks = [took or 0.0 for name, took, _ in scene.recorded if name == rows.ACK]
    assert acks == sorted(acks, reverse=True)
    assert acks[0] - acks[-1] == (len(acks) - 1) * 10_000
    assert not any(name == rows.LATE for name, _, _ in scene.recorded), "not the load's fault"


def test_a_refused_login_is_kept_for_the_statistics() -> None:
    """The close that follows is told with the server's own sentence."""
    scene = _Scene()
    scene.talker.begin(scene.now, "nonsense")
    scene.hears(Error(1, Code.unauthorized, "no token of ours", False))
    scene.hears(Goaway(0, 4500, "unauthorized", None, False))
    assert scene.talker.refused == "unauthorized: no token of ours"
    assert scene.talker.goaway is not None


def test_a_dead_connection_is_noticed() -> None:
    """Nothing heard for the heartbeat and ten seconds, or not live within thirty."""
    scene = _Scene()
    scene.talker.begin(scene.now, "token")
    assert not scene.talker.dead(scene.now + 29.9)
    assert scene.talker.dead(scene.now + 30.0)
    scene.live()
    assert not scene.talker.dead(scene.now + 34.9)
    assert scene.talker.dead(scene.now + 35.1)
    scene.talker.alive(scene.now + 25.0)
    assert not scene.talker.dead(scene.now + 35.1), "a ping is a sign of life"


def test_who_leaves_says_nothing_new() -> None:
    """But waits for what is on its way."""
    scene = _Scene()
    scene.live()
    scene.said()
    scene.talker.quiet()
    scene.now += 4.0
    assert scene.does() == []
    assert scene.talker.waits


def test_a_room_one_is_put_into_is_followed_from_then_on() -> None:
    """The own log says so; the rooms that were live stay as they are."""
    scene = _Scene()
    scene.live()
    added = Entry(0, ME, 1, 0, EntryKind.room_added, YOU, ME, "", 0, Body(room=YOU))
    [asked] = scene.hears(added)
    assert asked == Resume(2, None, [])
    joined = [RoomState(room, "joined", 0, 40, 40) for room in (ROOM, YOU)]
    [again] = scene.hears(RoomStates(2, GENERATION, joined))
    assert again == Resume(3, GENERATION, [(YOU, 40)])
    scene.hears(RoomStates(3, GENERATION, [RoomState(YOU, "live", 41, 40, 40)]))
    assert scene.hears(added) == []


def test_somebody_comes_to_an_event_once_they_are_live() -> None:
    """Their fixes leave when they are due, and their answer is measured."""
    let_in: list[bool] = []
    coming = Coming(1_002.0, ROOM, list, lambda: let_in.append(True))
    scene = _Scene(coming)
    scene.live()
    scene.now = 1_002.5
    [fixes] = [frame for frame in scene.does() if isinstance(frame, Fixes)]
    assert scene.hears(Placed(fixes.id, [], [EventPlace(ROOM, "inside")])) == []
    assert let_in == [True]
    assert (rows.CHECK_IN, 500, None) in scene.recorded


def test_refused_fixes_are_a_failure() -> None:
    """With the server's own words."""
    scene = _Scene(Coming(0.0, ROOM, list, lambda: None))
    scene.live()
    [fixes] = [frame for frame in scene.does() if isinstance(frame, Fixes)]
    scene.hears(Error(fixes.id, Code.unavailable, "not now", True))
    [(name, _, why)] = [one for one in scene.recorded if one[0] == rows.CHECK_IN]
    assert (name, why) == (rows.CHECK_IN, "refused, unavailable: not now")
