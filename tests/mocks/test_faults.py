"""Everything that can go wrong does so as asked, once, and is written down; the phone rings when it should."""

import asyncio
import ssl

import pytest

from loadtest.mocks.fault import (
    Answer,
    Cut,
    Drop,
    Empty,
    Goaway,
    Nonsense,
    Reset,
    Slow,
    Split,
    Stall,
)
from tests.mocks.client import Client, Gone, ResetByPeer
from tests.mocks.conftest import ALERT, ANDROID, OTHER, PHONE, Scene

pytestmark = pytest.mark.asyncio(loop_scope="session")

_PATH = f"/3/device/{PHONE}"


def _rang(scene: Scene, token: str = PHONE) -> int:
    screen = scene.mocks.notes.phones.screen(token)
    return screen.pushes if screen is not None else 0


def _many(scene: Scene, apns: Client, count: int) -> "list[asyncio.Future[object]]":
    headers = scene.push_headers()
    return [apns.send("POST", _PATH, headers, ALERT) for _ in range(count)]  # type: ignore[misc]


async def test_a_scripted_answer_is_for_the_next_requests_or_for_one_device(scene: Scene) -> None:
    """The oldest that fits; what is for another device waits."""
    script = scene.mocks.service("apns").script
    script.add(Answer(status=503, reason="ServiceUnavailable", times=2))
    script.add(Answer(status=429, reason="TooManyRequests", token=OTHER))
    async with scene.at("apns") as apns:
        reasons = [(await scene.push(apns)).reason for _ in range(3)]
        assert reasons == ["ServiceUnavailable", "ServiceUnavailable", ""]
        assert (await scene.push(apns, OTHER)).reason == "TooManyRequests"
    assert (_rang(scene), _rang(scene, OTHER), script.waiting()) == (1, 0, [])


async def test_an_error_may_have_no_body_or_any(scene: Scene) -> None:
    """An empty 500, and a gateway's page."""
    script = scene.mocks.service("apns").script
    script.add(Empty(status=500))
    script.add(Nonsense(status=502, body="<html>"))
    async with scene.at("apns") as apns:
        empty = await scene.push(apns)
        assert (empty.status, empty.body) == (500, b"")
        nonsense = await scene.push(apns)
        assert (nonsense.status, nonsense.body) == (502, b"<html>")


async def test_a_body_may_come_in_pieces(scene: Scene) -> None:
    """DATA frames of seven bytes."""
    scene.mocks.service("apns").script.add(Split(bytes_each=7))
    async with scene.at("apns") as apns:
        answer = await scene.push(apns, topic=None)
        assert answer.reason == "MissingTopic"
        assert answer.frames[:-1] == [7] * (len(answer.body) // 7)


@pytest.mark.parametrize(
    ("code", "number"), [("REFUSED_STREAM", "7"), ("INTERNAL_ERROR", "2"), ("CANCEL", "8")]
)
async def test_a_stream_may_be_reset(scene: Scene, code: str, number: str) -> None:
    """With the code asked for; the phone rings only where that was asked for too."""
    script = scene.mocks.service("apns").script
    for taken in (False, True):
        script.add(Reset(code=code, taken=taken))  # type: ignore[arg-type]
        async with scene.at("apns") as apns:
            with pytest.raises(ResetByPeer, match=number):
                await scene.push(apns)
            assert _rang(scene) == int(taken)


async def test_an_answer_may_never_come_while_others_do(scene: Scene) -> None:
    """A stalled stream holds nobody up."""
    async with scene.at("apns") as apns:
        assert (await scene.push(apns)).status == 200
        scene.mocks.service("apns").script.add(Stall(taken=True))
        stalled = apns.send("POST", _PATH, scene.push_headers(), ALERT)
        assert (await scene.push(apns)).status == 200
        assert not stalled.done()
        assert _rang(scene) == 3
    with pytest.raises(Gone):
        await stalled


async def test_an_answer_may_be_late(scene: Scene) -> None:
    """One that is delayed is overtaken by the next."""
    async with scene.at("apns") as apns:
        assert (await scene.push(apns)).status == 200
        scene.mocks.service("apns").script.add(Slow(delay_ms=100))
        slow, quick = _many(scene, apns, 2)
        await quick
        assert not slow.done()
        await slow


async def test_latency_and_jitter_hold_for_all(scene: Scene) -> None:
    """No answer sooner; not all at the same time."""
    loop = asyncio.get_running_loop()
    async with scene.at("apns") as apns:
        assert (await scene.push(apns)).status == 200
        await scene.mocks.change("apns", latency_ms=40, jitter_ms=40)
        began = loop.time()
        ended: list[float] = []
        answers = _many(scene, apns, 10)
        for answer in answers:
            answer.add_done_callback(lambda _done: ended.append(loop.time() - began))
        await asyncio.gather(*answers)
        assert min(ended) >= 0.039
        assert len({round(at, 3) for at in ended}) > 1


@pytest.mark.parametrize("fault", [Cut(), Drop(), Drop(taken=True)])
async def test_a_connection_may_end_in_the_middle(scene: Scene, fault: Cut | Drop) -> None:
    """Half an answer, or none. A cut answer was one: the phone rang."""
    scene.mocks.service("fcm").script.add(fault)
    async with scene.at("fcm") as fcm:
        with pytest.raises(Gone):
            await scene.message(fcm, {"token": ANDROID, "data": {"title": "x"}})
    assert _rang(scene, ANDROID) == int(isinstance(fault, Cut) or fault.taken)


@pytest.mark.parametrize("latency_ms", [0, 50])
async def test_a_graceful_goaway_answers_what_it_names(scene: Scene, latency_ms: int) -> None:
    """All that were open are answered, also those that came in the same bytes; the connection ends by itself."""
    async with scene.at("apns") as apns:
        assert (await scene.push(apns)).status == 200
        await scene.mocks.change("apns", latency_ms=latency_ms, goaway_every=5)
        answers = _many(scene, apns, 9)
        await apns.until(apns.goodbye_seen)
        assert apns.goodbyes[0].reason == "Shutdown"
        named = (apns.goodbyes[0].last - 1) // 2
        done = await asyncio.gather(*answers, return_exceptions=True)
        assert [isinstance(one, Gone) for one in done] == [False] * named + [True] * (9 - named)
        assert _rang(scene) == 1 + named
        await apns.until(lambda: apns.closed)


async def test_an_announced_goaway_names_a_stream_later(scene: Scene) -> None:
    """First none, so that what is on its way is still taken."""
    async with scene.at("apns") as apns:
        assert (await scene.push(apns)).status == 200
        scene.mocks.service("apns").script.add(Goaway(how="announced", reason="Maintenance"))
        assert (await scene.push(apns)).status == 200
        await apns.until(apns.goodbye_seen)
        assert apns.goodbyes[0] == (2**31 - 1, "Maintenance")
        assert (await scene.push(apns)).status == 200
        await apns.until(lambda: apns.closed)
        assert apns.goodbyes[1] == (5, "Maintenance")


@pytest.mark.parametrize("taken", [False, True])
async def test_an_abrupt_goaway_says_whether_it_was_done(scene: Scene, taken: bool) -> None:
    """A stream it does not name did not ring; one it names and does not answer may have, and here did."""
    async with scene.at("apns") as apns:
        assert (await scene.push(apns)).status == 200
        scene.mocks.service("apns").script.add(Goaway(how="abrupt", reason="Shutdown", taken=taken))
        with pytest.raises(Gone):
            await scene.push(apns)
        assert apns.goodbyes == [(3 if taken else 1, "Shutdown")]
    assert _rang(scene) == 1 + int(taken)


@pytest.mark.parametrize("latency_ms", [0, 20])
async def test_what_an_abrupt_goaway_does_not_name_never_rings(
    scene: Scene, latency_ms: int
) -> None:
    """However many were on their way, also in the same bytes: sent again elsewhere, none is there twice."""
    async with scene.at("apns") as apns:
        assert (await scene.push(apns)).status == 200
        await scene.mocks.change("apns", goaway_every=10, goaway="abrupt", latency_ms=latency_ms)
        done = await asyncio.gather(*_many(scene, apns, 30), return_exceptions=True)
        assert sum(isinstance(one, Gone) for one in done) >= 22
        named = (apns.goodbyes[0].last - 1) // 2
    assert _rang(scene) == 1 + named == 9


@pytest.mark.parametrize("fault", [Goaway(how="abrupt"), Cut(), Drop()])
async def test_nothing_comes_of_what_was_open_when_the_connection_ended(
    scene: Scene, fault: Goaway | Cut | Drop
) -> None:
    """Their heads were there, their bodies came in the same bytes as the request that ended it."""
    async with scene.at("apns") as apns:
        assert (await scene.push(apns)).status == 200
        scene.mocks.service("apns").script.add(fault)
        answers = apns.together(_PATH, scene.push_headers(), ALERT, 5)
        done = await asyncio.gather(*answers, return_exceptions=True)
        assert [type(one) for one in done] == [Gone] * 5
    assert _rang(scene) == (2 if isinstance(fault, Cut) else 1)


async def test_every_connection_may_be_ended_now(scene: Scene) -> None:
    """Without a request."""
    async with scene.at("apns") as one, scene.at("apns") as other:
        await one.until(lambda: one.told_streams)
        await other.until(lambda: other.told_streams)
        scene.mocks.listeners["apns"].leave("graceful", "Shutdown")
        await one.until(lambda: one.closed)
        await other.until(lambda: other.closed)


async def test_small_windows_make_a_client_wait_and_lose_nothing(scene: Scene) -> None:
    """A body of 4 KiB through a window of 16 bytes."""
    await scene.mocks.change("apns", window=16)
    body = b'{"aps":{"alert":"' + b"x" * 4_000 + b'"}}'
    async with scene.at("apns") as apns:
        await apns.until(lambda: apns.told_streams)
        assert (await scene.push(apns, body=body)).status == 200
        assert apns.waits > 100
    assert scene.mocks.notes.diary.entries()[0].body == body.decode()


async def test_what_is_down_refuses_and_drops_and_comes_back(scene: Scene) -> None:
    """One service alone; its neighbours go on."""
    async with scene.at("apns") as apns, scene.at("fcm") as fcm:
        assert (await scene.push(apns)).status == 200
        await scene.mocks.change("apns", down=True)
        await apns.until(lambda: apns.closed)
        with pytest.raises(ConnectionRefusedError):
            async with scene.at("apns"):
                pass
        assert (await scene.message(fcm, {"token": ANDROID})).status == 200
    await scene.mocks.change("apns", down=False)
    async with scene.at("apns") as apns:
        assert (await scene.push(apns)).status == 200


@pytest.mark.parametrize(("service", "takes"), [("apns", False), ("fcm", True), ("oauth", True)])
async def test_http_1_is_spoken_by_google_alone(scene: Scene, service: str, takes: bool) -> None:
    """Apple hangs up on whoever does not choose HTTP/2."""
    port = scene.port + 1 + list(scene.mocks.listeners).index(service)
    context = ssl.create_default_context(cafile=str(scene.directory / scene.kit.ca))
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(b"GET /elsewhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
        line = b""
        try:
            async with asyncio.timeout(5):
                line = await reader.readline()
        except ConnectionError:
            assert not takes
        assert line.startswith(b"HTTP/1.1 404") == takes
    finally:
        writer.close()


async def test_what_http_forbids_ends_the_connection_and_is_counted(scene: Scene) -> None:
    """No HTTP/2 at all after the handshake."""
    async with scene.at("apns") as apns:
        await apns.until(lambda: apns.told_streams)
        assert apns._transport is not None
        apns._transport.write(b"\x00" * 64)
        await apns.until(lambda: apns.closed)
    counts = scene.mocks.notes.diary.counts()["apns"]
    assert any(what.startswith("protocol error") for what in counts)
