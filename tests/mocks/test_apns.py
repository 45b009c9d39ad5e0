"""APNs' mock says what Apple would: each reason, its status, and what comes with it."""

from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from loadtest.mocks.apns_reasons import STATUS
from loadtest.mocks.fault import Answer as Scripted
from loadtest.mocks.registry import Standing
from tests.mocks.client import ResetByPeer
from tests.mocks.conftest import ALERT, OTHER, PHONE, Scene

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ID = "123e4567-e89b-12d3-a456-426614174000"


async def test_a_push_is_taken_and_says_its_id(scene: Scene) -> None:
    """The id that was given, else one of Apple's; in the sandbox a second one."""
    async with scene.at("apns") as apns:
        answer = await scene.push(apns, id=_ID)
        assert (answer.status, answer.body, answer.headers["apns-id"]) == (200, b"", _ID)
        assert "apns-unique-id" not in answer.headers
        assert UUID((await scene.push(apns)).headers["apns-id"]).version == 4
    async with scene.at("apns-sandbox") as sandbox:
        assert UUID((await scene.push(sandbox)).headers["apns-unique-id"]).version == 4


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("BadMessageId", {"id": "no-uuid"}),
        ("BadExpirationDate", {"expiration": "tomorrow"}),
        ("BadCollapseId", {"collapse_id": "x" * 65}),
        ("InvalidPushType", {"push_type": "shout"}),
        ("InvalidPushType", {"push_type": None}),
        ("BadPriority", {"priority": "7"}),
        ("BadPriority", {"priority": "10", "push_type": "background"}),
        ("MissingTopic", {"topic": None}),
        ("BadTopic", {"topic": "not a topic"}),
        ("BadTopic", {"push_type": "voip"}),
        ("TopicDisallowed", {"topic": "org.example.other"}),
        ("MissingProviderToken", {"authorization": None}),
        ("InvalidProviderToken", {"authorization": "bearer nonsense"}),
        ("InvalidProviderToken", {"authorization": "Basic YTpi"}),
    ],
)
async def test_a_wrong_header_has_its_own_reason(
    scene: Scene, reason: str, changed: dict[str, str | None]
) -> None:
    """One wrong header each."""
    async with scene.at("apns") as apns:
        headers = scene.push_headers(**changed)
        answer = await apns.request("POST", f"/3/device/{PHONE}", headers, ALERT)
        assert (answer.status, answer.reason) == (STATUS[reason], reason)
        assert answer.headers["apns-id"]


async def test_a_header_twice_is_refused(scene: Scene) -> None:
    """Whichever of Apple's it is."""
    async with scene.at("apns") as apns:
        headers = [*scene.push_headers(), ("apns-topic", "another")]
        answer = await apns.request("POST", f"/3/device/{PHONE}", headers, ALERT)
        assert answer.reason == "DuplicateHeaders"


@pytest.mark.parametrize(
    ("reason", "method", "path"),
    [
        ("BadPath", "POST", "/4/device/" + PHONE),
        ("MethodNotAllowed", "GET", "/3/device/" + PHONE),
        ("MissingDeviceToken", "POST", "/3/device/"),
        ("BadDeviceToken", "POST", "/3/device/" + "g" * 64),
        ("BadDeviceToken", "POST", "/3/device/" + "ab" * 31),
    ],
)
async def test_a_wrong_address_has_its_own_reason(
    scene: Scene, reason: str, method: str, path: str
) -> None:
    """Path, method, device token."""
    async with scene.at("apns") as apns:
        answer = await apns.request(method, path, scene.push_headers(), ALERT)
        assert (answer.status, answer.reason) == (STATUS[reason], reason)


@pytest.mark.parametrize(
    ("reason", "size", "kind"),
    [
        ("", 4_096, "alert"),
        ("PayloadTooLarge", 4_097, "alert"),
        ("", 5_120, "voip"),
        ("PayloadTooLarge", 5_121, "voip"),
        ("PayloadTooLarge", 90_000, "alert"),
    ],
)
async def test_a_payload_has_a_size(scene: Scene, reason: str, size: int, kind: str) -> None:
    """To the byte, and beyond what is kept of it."""
    topic = scene.kit.apns_topics[0] + (".voip" if kind == "voip" else "")
    body = msgspec.json.encode({"aps": {"alert": ""}})
    body = body.replace(b'""', b'"' + b"x" * (size - len(body)) + b'"')
    assert len(body) == size
    async with scene.at("apns") as apns:
        answer = await scene.push(apns, body=body, push_type=kind, topic=topic)
        assert answer.reason == reason


@pytest.mark.parametrize("body", [b"", b"hello", b"[1]", b"\xff\xfe"])
async def test_what_is_no_json_object_is_as_good_as_none(scene: Scene, body: bytes) -> None:
    """PayloadEmpty."""
    async with scene.at("apns") as apns:
        assert (await scene.push(apns, body=body)).reason == "PayloadEmpty"


async def test_a_device_that_is_gone_says_since_when(scene: Scene) -> None:
    """410 with Apple's timestamp, in ms, as scripted or as of now."""
    registry = scene.mocks.notes.registry
    registry.put(PHONE, Standing(state="unregistered", since_ms=1_700_000_000_000))
    registry.put(OTHER, Standing(state="expired"))
    async with scene.at("apns") as apns:
        gone = await scene.push(apns)
        assert (gone.status, gone.said) == (
            410,
            {"reason": "Unregistered", "timestamp": 1_700_000_000_000},
        )
        expired = await scene.push(apns, OTHER)
        assert expired.reason == "ExpiredToken"
        assert abs(expired.said["timestamp"] - scene.mocks.notes.clock.now_ms()) < 60_000
        registry.forget(PHONE)
        assert (await scene.push(apns)).status == 200
    assert scene.mocks.notes.phones.screen(OTHER) is None


async def test_a_device_is_of_one_world_and_one_app(scene: Scene) -> None:
    """A sandbox token in production is bad; another app's is not for the topic."""
    registry = scene.mocks.notes.registry
    registry.put(PHONE, Standing(world="sandbox"))
    registry.put(OTHER, Standing(topic="org.example.other"))
    async with scene.at("apns") as apns, scene.at("apns-sandbox") as sandbox:
        assert (await scene.push(apns)).reason == "BadDeviceToken"
        assert (await scene.push(sandbox)).status == 200
        assert (await scene.push(apns, OTHER)).reason == "DeviceTokenNotForTopic"


async def test_a_device_that_has_had_enough_says_so_alone(scene: Scene) -> None:
    """429 for the one, 200 for the other; as time passes for both."""
    scene.mocks.notes.registry.put(PHONE, Standing(per_min=2))
    async with scene.at("apns") as apns:
        answers = [await scene.push(apns) for _ in range(3)]
        assert [one.reason for one in answers] == ["", "", "TooManyRequests"]
        assert (await scene.push(apns, OTHER)).status == 200
        scene.mocks.notes.clock.ahead_s = 60
        assert (await scene.push(apns)).status == 200


@pytest.mark.parametrize("reason", sorted(STATUS))
async def test_every_reason_can_be_asked_for(scene: Scene, reason: str) -> None:
    """With its own status; the phone does not ring."""
    service = scene.mocks.service("apns")
    service.script.add(Scripted(status=STATUS[reason], reason=reason))
    async with scene.at("apns") as apns:
        answer = await scene.push(apns)
        assert (answer.status, answer.reason) == (STATUS[reason], reason)
        assert ("timestamp" in answer.said) == (answer.status == 410)
        assert (await scene.push(apns)).status == 200
    screen = scene.mocks.notes.phones.screen(PHONE)
    assert screen is not None
    assert screen.pushes == 1


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("", {"age_s": 3_500}),
        ("ExpiredProviderToken", {"age_s": 3_700}),
        ("InvalidProviderToken", {"age_s": -120}),
        ("InvalidProviderToken", {"kid": "UNKNOWN123"}),
        ("InvalidProviderToken", {"iss": "OTHERTEAM1"}),
        ("InvalidProviderToken", {"key": ec.generate_private_key(ec.SECP256R1())}),
        ("InvalidProviderToken", {"key": "x" * 32, "alg": "HS256"}),
    ],
)
async def test_a_provider_token_is_verified(
    scene: Scene, reason: str, changed: dict[str, object]
) -> None:
    """Key, team, signature, algorithm, age."""
    async with scene.at("apns") as apns:
        token = scene.provider_token(**changed)  # type: ignore[arg-type]
        answer = await scene.push(apns, authorization=f"bearer {token}")
        assert answer.reason == reason


async def test_a_token_ages_while_a_connection_lives(scene: Scene) -> None:
    """What was verified once is not taken for ever."""
    bearer = f"bearer {scene.provider_token()}"
    async with scene.at("apns") as apns:
        assert (await scene.push(apns, authorization=bearer)).status == 200
        scene.mocks.notes.clock.ahead_s = 3_700
        assert (await scene.push(apns, authorization=bearer)).reason == "ExpiredProviderToken"
        assert (await scene.push(apns)).status == 200


async def test_a_token_changed_too_soon_spoils_the_connection_for_a_while(scene: Scene) -> None:
    """429 also for the old token, on this connection alone, until the last change is 20 minutes old."""
    first = f"bearer {scene.provider_token(age_s=60)}"
    second = f"bearer {scene.provider_token()}"
    async with scene.at("apns") as apns, scene.at("apns") as elsewhere:
        assert (await scene.push(apns, authorization=first)).status == 200
        spoiled = await scene.push(apns, authorization=second)
        assert (spoiled.status, spoiled.reason) == (429, "TooManyProviderTokenUpdates")
        assert (await scene.push(apns, authorization=first)).status == 429
        assert (await scene.push(elsewhere, authorization=second)).status == 200
        scene.mocks.notes.clock.ahead_s = 20 * 60
        assert (await scene.push(apns, authorization=second)).status == 200


async def test_one_stream_until_somebody_is_known(scene: Scene) -> None:
    """A second one is refused and not looked at; after a valid token there are many; a bad one opens nothing."""
    async with scene.at("apns") as apns:
        await apns.until(lambda: apns.told_streams == 1)
        await scene.mocks.change("apns", latency_ms=30)
        path = f"/3/device/{PHONE}"
        bad = apns.send("POST", path, scene.push_headers(authorization="bearer x"), ALERT)
        with pytest.raises(ResetByPeer, match="7"):
            await apns.request("POST", path, scene.push_headers(), ALERT)
        assert (await bad).reason == "InvalidProviderToken"
        assert apns.told_streams == 1
        assert (await scene.push(apns)).status == 200
        assert apns.told_streams == 1_000
        headers = scene.push_headers()
        many = [apns.send("POST", path, headers, ALERT) for _ in range(50)]
        assert {(await one).status for one in many} == {200}
    assert scene.mocks.notes.diary.counts()["apns"]["streams above the limit"] == 1
