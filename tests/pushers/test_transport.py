"""The HTTP/2 client against a server that misbehaves frame by frame.

Nothing hangs, nothing is lost, nothing is sent twice.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import pytest
import uvloop

from pushers.http2.connection import Life
from pushers.http2.exchange import Answer, Unanswered, Unsent
from tests.pushers.asking import QUICK, ask, ask_all, client_of, until
from tests.pushers.peer import INITIAL_WINDOW, INTERNAL, REFUSED, STREAMS, Asked, Peer, listening

JSON = b'{"reason":"Unregistered","timestamp":1700000000000}'


def never(asked: Asked) -> None:
    """No answer."""


def statuses(ends: Sequence[object]) -> Counter[object]:
    """How many ended how."""
    return Counter(
        (type(end).__name__, end.reason) if isinstance(end, Unsent | Unanswered) else end.status
        for end in ends
        if isinstance(end, Answer | Unsent | Unanswered)
    )


@pytest.mark.parametrize("status", [200, 500, 410])
async def test_an_answer_without_a_body_is_an_answer(tmp_path: Path, status: int) -> None:
    """Also one that ends with its header, without any field that is expected."""
    peer = Peer(lambda asked: asked.reply(status))
    async with listening(tmp_path, peer), client_of(peer) as client:
        assert (await ask(client))[::2] == (status, b"")


async def test_a_body_in_many_frames_is_one_body(tmp_path: Path) -> None:
    """A 410 split over ten DATA frames keeps its reason, and the connection."""
    peer = Peer(lambda asked: asked.reply(410, JSON, split=10, apns_id="x"))
    async with listening(tmp_path, peer), client_of(peer) as client:
        for _ in range(3):
            answer = await ask(client)
            assert (answer.status, answer.body, answer.whole) == (410, JSON, True)
            assert answer.field(b"apns-id") == "x"
        assert len(peer.lines) == 1


async def test_a_refused_stream_is_sent_again(tmp_path: Path) -> None:
    """REFUSED_STREAM means that nothing was done: the second time it is accepted, once."""
    seen: set[bytes] = set()

    def script(asked: Asked) -> None:
        if asked.body in seen:
            asked.reply()
        else:
            seen.add(asked.body)
            asked.line.reset(asked, REFUSED)

    peer = Peer(script)
    async with listening(tmp_path, peer), client_of(peer) as client:
        assert statuses(await ask_all(client, 20)) == {200: 20}
        assert len(peer.accepted) == len(set(peer.bodies())) == 20


async def test_what_is_always_refused_ends(tmp_path: Path) -> None:
    """After a few tries it is said that it was not sent."""
    peer = Peer(lambda asked: asked.line.reset(asked, REFUSED))
    async with listening(tmp_path, peer), client_of(peer) as client:
        with pytest.raises(Unsent, match="refused"):
            await ask(client)
        assert len(peer.asked) == 5


async def test_another_reset_is_not_sent_again(tmp_path: Path) -> None:
    """After a whole request nobody knows what was done."""
    peer = Peer(lambda asked: asked.line.reset(asked, INTERNAL))
    async with listening(tmp_path, peer), client_of(peer) as client:
        with pytest.raises(Unanswered, match="reset"):
            await ask(client)
        assert len(peer.asked) == 1


async def test_a_server_that_never_answers_costs_a_deadline_and_no_stream(tmp_path: Path) -> None:
    """Each request ends on time as unanswered, its stream is given back, and the next one is served."""
    peer = Peer(lambda asked: asked.reply() if asked.body == b"next" else None)
    manner = QUICK._replace(within_s=0.5)
    async with listening(tmp_path, peer), client_of(peer, manner) as client:
        ends = await ask_all(client, 40)
        assert statuses(ends) == {("Unanswered", "deadline"): 32, ("Unsent", "waiting"): 8}
        await until(lambda: not peer.lines[0].open)  # they were reset, not only forgotten
        assert (client.in_flight, client.waiting) == (0, 0)
        assert (await ask(client, b"next")).status == 200
        assert (len(peer.lines), peer.breaches) == (1, [])


async def test_graceful_goaway_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    """100 on their way, GOAWAY that names no last stream, then the server answers: 100 accepted, once each."""
    held: list[Asked] = []

    def script(asked: Asked) -> None:
        held.append(asked)
        if asked.line.number or len(held) > 100:
            asked.reply()
        elif len(held) == 100:
            asked.line.goaway(2**31 - 1, said=b'{"reason":"Shutdown"}')
            for one in held:
                one.reply()

    peer = Peer(script)
    async with listening(tmp_path, peer), client_of(peer) as client:
        client.limit._now = 1000
        ends = await ask_all(client, 150)
        assert statuses(ends) == {200: 150}
        assert Counter(peer.bodies()) == dict.fromkeys(peer.bodies(), 1)
        assert (await ask(client)).status == 200
        assert peer.accepted[-1].line.number == 1


async def test_goaway_while_somebody_gave_up_hurts_nobody(tmp_path: Path) -> None:
    """A request that was cancelled before is forgotten; the others are answered once."""
    held: list[Asked] = []
    peer = Peer(held.append)
    async with listening(tmp_path, peer), client_of(peer) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await ask(client, b"given up")
        await until(lambda: not peer.lines[0].open, within_s=2.0)  # long before its deadline
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(ask_all(client, 30))
            await until(lambda: len(held) == 31)
            peer.lines[0].goaway(2**31 - 1)
            peer.lines[0].goaway(peer.lines[0].highest)
            for one in held[1:]:
                one.reply()
        assert statuses(asking.result()) == {200: 30}
        assert len(peer.asked) == 31


async def test_what_goaway_names_as_not_done_is_sent_elsewhere(tmp_path: Path) -> None:
    """Of 30 the first 10 are answered where they are; the 20 above the last stream go to a new connection."""
    held: list[Asked] = []

    def script(asked: Asked) -> None:
        if asked.line.number:
            asked.reply()
            return
        held.append(asked)
        if len(held) == 30:
            asked.line.goaway(held[9].stream)
            for one in held[:10]:
                one.reply()

    peer = Peer(script)
    async with listening(tmp_path, peer), client_of(peer) as client:
        assert statuses(await ask_all(client, 30)) == {200: 30}
        assert Counter(one.line.number for one in peer.accepted) == {0: 10, 1: 20}
        assert len(set(peer.bodies())) == 30
        await until(lambda: peer.lines[0].closed)


async def test_an_abrupt_end_is_told_as_it_is(tmp_path: Path) -> None:
    """GOAWAY with an error and hanging up: below the last stream nobody knows, above it is done elsewhere, once."""
    held: list[Asked] = []

    def script(asked: Asked) -> None:
        if asked.line.number:
            asked.reply()
            return
        held.append(asked)
        if len(held) == 30:
            asked.line.goaway(held[9].stream, INTERNAL)
            asked.line.transport.close()

    peer = Peer(script)
    async with listening(tmp_path, peer), client_of(peer) as client:
        assert statuses(await ask_all(client, 30)) == {200: 20, ("Unanswered", "closed"): 10}
        assert len(peer.asked) == 50
        assert (client.in_flight, client.connections) == (0, 1)


async def test_a_connection_that_breaks_is_ambiguous_and_nothing_is_repeated(
    tmp_path: Path,
) -> None:
    """Each of those on their way is told as unanswered; the next request has a new connection."""

    def script(asked: Asked) -> None:
        if asked.line.number:
            asked.reply()
        elif len(peer.asked) == 20:
            asked.line.transport.abort()

    peer = Peer(script)
    async with listening(tmp_path, peer), client_of(peer) as client:
        assert statuses(await ask_all(client, 20)) == {("Unanswered", "closed"): 20}
        assert len(peer.asked) == 20
        assert (await ask(client)).status == 200


@pytest.mark.parametrize("status", [200, 410])
async def test_a_status_counts_though_the_rest_never_came(tmp_path: Path, status: int) -> None:
    """The server closes in the middle of its answer: what it said is known, and that there was more."""

    def script(asked: Asked) -> None:
        asked.line.head(asked, status, {}, end=False)
        asked.line.transport.close()

    peer = Peer(script)
    async with listening(tmp_path, peer), client_of(peer) as client:
        answer = await ask(client)
        assert (answer.status, answer.whole) == (status, False)


@pytest.mark.parametrize("allowed", [1, 1000])
async def test_one_stream_until_the_credentials_are_known_to_be_good(
    tmp_path: Path, allowed: int
) -> None:
    """A cold burst of 50, whatever the server allows at first: one alone until an answer that is no 403, then all."""
    held: list[Asked] = []
    peer = Peer(held.append, {STREAMS: allowed})
    async with listening(tmp_path, peer), client_of(peer, QUICK._replace(probes=True)) as client:
        client.limit._now = 1000
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(ask_all(client, 50))
            for number, status in enumerate((403, 200)):
                await until(lambda number=number: len(held) == number + 1)  # type: ignore[misc]  # bound early
                assert (client.in_flight, client.waiting) == (1, 49 - number)
                peer.lines[0].allow(1000)
                held[number].reply(status)
            await until(lambda: len(held) == 50)
            for one in held[2:]:
                one.reply()
        assert statuses(asking.result()) == {403: 1, 200: 49}
        assert (len(peer.lines), peer.breaches) == (1, [])


async def test_fewer_streams_than_before_are_obeyed(tmp_path: Path) -> None:
    """SETTINGS in the middle: what is on its way goes on, and no more than that many afterwards."""
    peer = Peer()
    async with listening(tmp_path, peer), client_of(peer, QUICK._replace(connections=1)) as client:
        assert statuses(await ask_all(client, 10)) == {200: 10}
        peer.lines[0].allow(2)
        await ask(client)
        assert statuses(await ask_all(client, 30)) == {200: 30}
        assert peer.breaches == []


async def test_windows_are_kept_in_both_directions(tmp_path: Path) -> None:
    """200 bodies of 3.5 KB through streams' windows of 1 KB and a connection's of 64: whole, in time, no breach."""
    peer = Peer(settings={STREAMS: 1000, INITIAL_WINDOW: 1024})
    peer.script = lambda asked: asked.reply(200, b"x" * 1000)
    async with listening(tmp_path, peer), client_of(peer) as client:
        ends = await ask_all(client, 200, size=3_500)
        assert statuses(ends) == {200: 200}
        assert {len(body) for body in peer.bodies()} == {3_500}
        assert peer.breaches == []


async def test_a_body_that_never_finds_a_window_was_not_sent(tmp_path: Path) -> None:
    """It ends at its deadline as unsent, and holds up nobody who has a window."""
    peer = Peer(settings={STREAMS: 1000, INITIAL_WINDOW: 100}, credit=False)
    manner = QUICK._replace(within_s=0.5)
    async with listening(tmp_path, peer), client_of(peer, manner) as client:
        async with asyncio.TaskGroup() as tasks:
            large = tasks.create_task(ask_all(client, 3, size=200))
            small = tasks.create_task(ask_all(client, 3, size=50))
        assert statuses(large.result()) == {("Unsent", "deadline"): 3}
        assert statuses(small.result()) == {200: 3}
        assert peer.breaches == []


async def test_a_body_that_is_stuck_holds_up_no_other(tmp_path: Path) -> None:
    """Of two that wait for windows of their own the second gets one first, and goes first."""
    peer = Peer(settings={STREAMS: 1000, INITIAL_WINDOW: 100}, credit=False)
    async with listening(tmp_path, peer), client_of(peer) as client:
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(ask_all(client, 2, size=200))
            await until(lambda: peer.lines and len(peer.lines[0].open) == 2)
            first, second = list(peer.lines[0].open)
            for stream in (second, first):
                peer.lines[0].grant(stream, 1_000)
                await until(lambda stream=stream: stream not in peer.lines[0].open, within_s=2.0)  # type: ignore[misc]  # bound early
        assert statuses(asking.result()) == {200: 2}
        assert [one.stream for one in peer.accepted] == [second, first]


async def test_silence_is_asked_whether_somebody_is_there(tmp_path: Path) -> None:
    """A ping after idleness keeps the connection; one that gets no answer ends it, and the next request has another."""
    peer = Peer()
    manner = QUICK._replace(life=Life(idle_s=0.1, ping_within_s=0.3))
    async with listening(tmp_path, peer), client_of(peer, manner) as client:
        assert (await ask(client)).status == 200
        await until(lambda: peer.lines[0].pings >= 2)
        assert not peer.lines[0].closed
        peer.silent = True
        await until(lambda: peer.lines[0].closed)
        peer.silent = False
        assert (await ask(client)).status == 200
        assert len(peer.lines) == 2


async def test_nonsense_ends_the_connection_alone(tmp_path: Path) -> None:
    """Bytes that are no HTTP/2: what was on its way is unanswered, the next request is served."""
    peer = Peer()
    peer.script = lambda asked: asked.reply() if asked.line.number else asked.line.raw(b"\x00" * 90)
    async with listening(tmp_path, peer), client_of(peer) as client:
        with pytest.raises(Unanswered):
            await ask(client)
        assert (await ask(client)).status == 200


async def test_an_endless_answer_is_cut(tmp_path: Path) -> None:
    """Beyond 32 KiB nobody reads on; the status is known."""

    def script(asked: Asked) -> None:
        asked.reply(500, b"x" * 60_000, split=20)

    peer = Peer(script)
    async with listening(tmp_path, peer), client_of(peer) as client:
        answer = await ask(client)
        assert (answer.status, answer.whole) == (500, False)
        assert len(answer.body) < 40_000


async def test_nothing_is_kept_of_what_has_ended(tmp_path: Path) -> None:
    """1,000 requests later there is nothing of them: no stream, no exchange."""
    async with listening(tmp_path) as peer, client_of(peer) as client:
        for _ in range(5):
            assert statuses(await ask_all(client, 200)) == {200: 200}
        streams = next(iter(client._connections))._streams
        assert (client.in_flight, client.waiting, len(streams), streams._parked) == (0, 0, 0, {})
        assert len(streams._h2.streams) <= 400
        assert len(streams._h2.encoder._known) < 20  # type: ignore[attr-defined]  # ours


async def test_only_so_many_wait(tmp_path: Path) -> None:
    """Who comes after them is told at once; those who wait too long are told too."""
    peer = Peer(never, {STREAMS: 5})
    manner = QUICK._replace(waiting=10, within_s=0.5, connections=1)
    async with listening(tmp_path, peer), client_of(peer, manner) as client:
        ends = statuses(await ask_all(client, 20))
        assert ends[("Unsent", "busy")] == 10
        assert sum(ends.values()) == 20
        assert client.waiting == 0


async def test_a_full_connection_is_given_company(tmp_path: Path) -> None:
    """More than one connection carries holds: others are opened, up to the bound."""
    peer = Peer(never, {STREAMS: 5})
    manner = QUICK._replace(connections=3, within_s=3.0)
    async with listening(tmp_path, peer), client_of(peer, manner) as client:
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(ask_all(client, 20))
            await until(lambda: client.in_flight == 15)
            peer.script = lambda asked: asked.reply()
            for asked in list(peer.asked):
                asked.reply()
        assert statuses(asking.result()) == {200: 20}
        assert (len(peer.lines), peer.breaches) == (3, [])


async def test_nobody_there_is_found_out_gently(tmp_path: Path) -> None:
    """Nothing is sent, connections are tried less and less often, and once somebody listens all is well."""
    async with listening(tmp_path) as gone:
        pass
    async with client_of(gone, QUICK._replace(within_s=1.0)) as client:
        assert statuses(await ask_all(client, 5)) == {("Unsent", "waiting"): 5}
        port = int(gone.url.rpartition(":")[2])
        async with listening(tmp_path, Peer(), port=port) as peer:
            ends: Sequence[object] = []
            while statuses(ends) != {200: 1}:
                ends = await ask_all(client, 1)
            assert len(peer.lines) == 1


@pytest.mark.parametrize("what", ["http/1.1", "stranger", "mute"])
async def test_nothing_is_sent_to_whom_we_do_not_trust(tmp_path: Path, what: str) -> None:
    """No HTTP/2, a certificate of an authority we do not know, a server that does not say its settings."""
    peer = Peer(silent=what == "mute")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with (
        listening(tmp_path / "a") as stranger,
        listening(tmp_path / "b", peer, alpn="http/1.1" if what == "http/1.1" else "h2"),
    ):
        if what == "stranger":
            peer.ca = stranger.ca
        life = Life(ping_within_s=0.2)
        async with client_of(peer, QUICK._replace(within_s=0.6, life=life)) as client:
            with pytest.raises(Unsent, match="waiting"):
                await ask(client)
        assert peer.asked == []


@pytest.mark.parametrize(
    "claim",
    [
        test_graceful_goaway_loses_nothing_and_repeats_nothing,
        test_what_goaway_names_as_not_done_is_sent_elsewhere,
        test_a_connection_that_breaks_is_ambiguous_and_nothing_is_repeated,
        test_windows_are_kept_in_both_directions,
        test_silence_is_asked_whether_somebody_is_there,
    ],
)
def test_the_same_holds_on_the_loop_that_runs_in_production(
    tmp_path: Path, claim: Callable[[Path], Coroutine[None, None, None]]
) -> None:
    """uvloop has transports, timers and TLS of its own."""
    uvloop.run(claim(tmp_path))
