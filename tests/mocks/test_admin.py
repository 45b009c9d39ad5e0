"""The admin API scripts, asks, and refuses what makes no sense."""

import asyncio

import httpx
import pytest

from tests.mocks.conftest import ANDROID, OTHER, PHONE, Scene

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ID = "123e4567-e89b-12d3-a456-426614174000"


async def test_what_was_received_is_told_bounded_and_in_order(
    scene: Scene, admin: httpx.AsyncClient
) -> None:
    """With marks, status, reason and body; from a number on; of one device."""
    async with scene.at("apns") as apns, scene.at("fcm") as fcm:
        await scene.push(apns, id=_ID, collapse_id="room", priority="5")
        await scene.push(apns, OTHER, topic=None)
        await scene.message(fcm, {"token": ANDROID, "data": {"title": "x"}})
    entries = (await admin.get("/received")).json()
    first, second, third = entries
    assert (first["token"], first["id"], first["status"], first["taken"]) == (PHONE, _ID, 200, True)
    assert first["marks"]["apns-collapse-id"] == "room"
    assert '"alert"' in first["body"]
    assert (second["status"], second["reason"], second["taken"]) == (400, "MissingTopic", False)
    assert (third["service"], third["marks"]["target"]) == ("fcm", "token")
    after = await admin.get("/received", params={"after": first["number"], "most": 1})
    assert after.json() == [second]
    assert (await admin.get("/received", params={"token": ANDROID})).json() == [third]
    assert (await admin.get("/received", params={"after": "x"})).status_code == 400
    counts = (await admin.get("/counts")).json()
    assert counts["apns"]["200"] == counts["apns"]["400 MissingTopic"] == 1
    assert counts["fcm"]["connections"] == 1


async def test_what_took_effect_twice_is_told(scene: Scene, admin: httpx.AsyncClient) -> None:
    """By device and apns-id; a refused first try is no effect; FCM's by what the app says it is about."""
    await admin.post(
        "/faults/apns", json={"kind": "answer", "status": 503, "reason": "ServiceUnavailable"}
    )
    async with scene.at("apns") as apns, scene.at("fcm") as fcm:
        await scene.push(apns, id=_ID)
        await scene.push(apns, id=_ID)
        assert (await admin.get("/repeats")).json() == []
        await scene.push(apns, OTHER, id=_ID)
        assert (await admin.get("/repeats")).json() == []
        await scene.push(apns, id=_ID)
        for text in ("before", "after an edit"):
            data = {"kind": "message", "event_id": "e1", "body": text}
            await scene.message(fcm, {"token": ANDROID, "data": data})
    repeats = (await admin.get("/repeats")).json()
    assert [(one["token"], one["id"], one["times"]) for one in repeats] == [
        (PHONE, _ID, 2),
        (ANDROID, "message:e1", 2),
    ]
    assert (await admin.get("/counts")).json()["apns"]["repeated"] == 1


async def test_faults_and_weather_are_scripted_over_http(
    scene: Scene, admin: httpx.AsyncClient
) -> None:
    """What waits can be seen and taken back; a word that nobody knows is refused."""
    stall = {"kind": "stall", "times": 3, "token": PHONE}
    waiting = (await admin.post("/faults/apns", json=stall)).json()
    assert waiting == [{**stall, "taken": False}]
    assert (await admin.get("/faults/apns")).json() == waiting
    assert (await admin.delete("/faults/apns")).status_code == 204
    async with scene.at("apns") as apns:
        assert (await scene.push(apns)).status == 200
        goaway = {"how": "graceful", "reason": "Shutdown"}
        assert (await admin.post("/leave/apns", json=goaway)).status_code == 204
        await apns.until(lambda: apns.closed)
    assert (await admin.put("/weather/apns", json={"down": True})).status_code == 200
    with pytest.raises(ConnectionRefusedError):
        async with scene.at("apns"):
            pass
    assert (await admin.put("/weather/apns", json={})).json()["down"] is False
    for path, body in (
        ("/faults/apns", {"kind": "explode"}),
        ("/faults/apns", {"kind": "stall", "times": 0}),
        ("/faults/apns", {"kind": "stall", "tokn": "x"}),
    ):
        assert (await admin.post(path, json=body)).status_code == 400
    assert (await admin.put("/weather/apns", json={"streams": 0})).status_code == 400
    assert (await admin.post("/faults/elsewhere", json=stall)).status_code == 404
    assert (await admin.post("/faults/apns", content=b"x" * 200_000)).status_code == 400


async def test_devices_clock_and_tokens_are_scripted_over_http(
    scene: Scene, admin: httpx.AsyncClient
) -> None:
    """A device that is gone, one that is away; an hour that passes; access tokens taken back."""
    gone = await admin.put(f"/tokens/{PHONE}", json={"state": "unregistered", "since_ms": 7})
    assert gone.json()["since_ms"] == 7
    async with scene.at("apns") as apns, scene.at("fcm") as fcm:
        assert (await scene.push(apns)).said == {"reason": "Unregistered", "timestamp": 7}
        await admin.delete(f"/tokens/{PHONE}")
        away = await admin.put(f"/phones/{PHONE}", json={"online": False})
        assert away.json()["online"] is False
        later = str(scene.mocks.notes.clock.now_ms() // 1_000 + 600)
        assert (await scene.push(apns, expiration=later)).status == 200
        assert (await admin.get(f"/screens/{PHONE}")).json()["notifications"] == []
        back = await admin.put(f"/phones/{PHONE}", json={"online": True})
        assert [one["body"] for one in back.json()["notifications"]] == ["Hello"]
        assert (await admin.post(f"/phones/{PHONE}/opened")).json()["notifications"] == []
        assert (await admin.get("/screens")).json()[0]["token"] == PHONE
        assert (await admin.get("/screens/nobody")).status_code == 404
        access = scene.access()
        await admin.post("/revoke")
        assert (await scene.message(fcm, {"token": ANDROID}, access)).status == 401
        bearer = scene.bearer()
        assert (await admin.put("/clock", json={"ahead_s": 3_700})).status_code == 200
        expired = await scene.push(apns, authorization=bearer)
        assert expired.reason == "ExpiredProviderToken"
        assert (await admin.put("/clock", json={"ahead_s": 1e12})).status_code == 400
        assert (await admin.post("/reset")).status_code == 204
        assert (await admin.get("/received")).json() == []
        assert (await scene.push(apns, authorization=bearer)).status == 200


async def test_only_this_machine_by_name_and_no_page_of_another_origin(
    admin: httpx.AsyncClient,
) -> None:
    """A name that was made to point here, and a page that a browser has open."""
    named = await admin.get("/counts", headers={"host": "rebound.example.org"})
    assert named.status_code == 400
    foreign = await admin.post("/reset", headers={"origin": "https://example.org"})
    assert foreign.status_code == 403
    assert (await admin.get("/readyz")).status_code == 200


async def test_who_waits_for_a_change_is_told_of_it(scene: Scene, admin: httpx.AsyncClient) -> None:
    """The list comes when a phone rings, and at once to who has an old one."""
    version = scene.mocks.notes.phones.version
    async with asyncio.TaskGroup() as group, asyncio.timeout(5):
        waiting = group.create_task(admin.get("/phones", params={"since": version}))
        async with scene.at("apns") as apns:
            await scene.push(apns, body=b'{"aps":{"alert":"<b>bold</b>"}}')
        assert "&lt;b&gt;bold" in (await waiting).text
    assert "&lt;b&gt;" in (await admin.get("/phones", params={"since": version})).text
