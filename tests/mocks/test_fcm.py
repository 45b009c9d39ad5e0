"""FCM's mock says what Google would: each error with its details."""

from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from loadtest.mocks.fault import Answer as Scripted
from loadtest.mocks.fcm_errors import CODES, STATUSES
from loadtest.mocks.registry import Standing
from tests.mocks.client import Answer
from tests.mocks.conftest import ANDROID, Scene

pytestmark = pytest.mark.asyncio(loop_scope="session")

_FID = "c" + "A" * 21


def _code(answer: Answer) -> str | None:
    """FCM's own."""
    details = answer.said["error"].get("details", [])
    return next((one["errorCode"] for one in details if one["@type"].endswith("FcmError")), None)


def _fields(answer: Answer) -> list[str]:
    details = answer.said["error"].get("details", [])
    return [
        field["field"]
        for one in details
        if one["@type"].endswith("BadRequest")
        for field in one["fieldViolations"]
    ]


@pytest.mark.parametrize("target", [{"token": ANDROID}, {"fid": _FID}, {"topic": "news"}])
async def test_a_message_is_taken_and_named(scene: Scene, target: dict[str, str]) -> None:
    """Whatever it is addressed to."""
    async with scene.at("fcm") as fcm:
        answer = await scene.message(fcm, {**target, "notification": {"title": "Ada"}})
        assert answer.status == 200
        assert answer.said["name"].startswith(f"projects/{scene.kit.project}/messages/")
    assert scene.mocks.notes.phones.screen(next(iter(target.values()))) is not None


async def test_what_is_only_validated_rings_nowhere(scene: Scene) -> None:
    """`validate_only`."""
    async with scene.at("fcm") as fcm:
        answer = await scene.message(fcm, {"token": ANDROID}, validate_only=True)
        assert answer.status == 200
    assert len(scene.mocks.notes.phones) == 0


async def test_every_field_of_a_good_message_is_known(scene: Scene) -> None:
    """What a chat sends, and more."""
    message = {
        "token": ANDROID,
        "data": {"kind": "message", "seq": "7"},
        "android": {
            "priority": "high",
            "ttl": "3.5s",
            "collapse_key": "room",
            "notification": {
                "tag": "room",
                "channel_id": "chat",
                "title_loc_key": "NEW",
                "title_loc_args": ["Ada"],
                "notification_count": 3,
                "visibility": "PRIVATE",
                "default_sound": True,
            },
        },
        "apns": {"headers": {"apns-priority": "10"}, "payload": {"aps": {"badge": 1}}},
        "webpush": {"headers": {"TTL": "60"}, "notification": {"title": "Ada"}},
        "fcm_options": {"analytics_label": "chat"},
    }
    async with scene.at("fcm") as fcm:
        assert (await scene.message(fcm, message)).status == 200


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("message", {"token": ANDROID, "sound": "x"}),
        ("message.data[0].value", {"token": ANDROID, "data": {"seq": 7}}),
        ("message.android", {"token": ANDROID, "android": {"tll": "1s"}}),
        ("message.android.priority", {"token": ANDROID, "android": {"priority": "urgent"}}),
        (
            "message.android.notification.notification_count",
            {"token": ANDROID, "android": {"notification": {"notification_count": "many"}}},
        ),
        ("message.android.notification", {"token": ANDROID, "android": {"notification": "x"}}),
        ("message.apns.payload", {"token": ANDROID, "apns": {"payload": "x"}}),
        ("message.token", {"token": 7}),
    ],
)
async def test_what_cannot_be_read_names_the_field_and_is_not_fcms_own_error(
    scene: Scene, field: str, message: object
) -> None:
    """BadRequest with the violation, no FcmError."""
    async with scene.at("fcm") as fcm:
        answer = await scene.message(fcm, message)
        assert (answer.status, answer.said["error"]["status"]) == (400, "INVALID_ARGUMENT")
        assert _fields(answer) == [field]
        assert _code(answer) is None


@pytest.mark.parametrize(
    ("part", "field", "message"),
    [
        ("Recipient", None, {"data": {"a": "b"}}),
        ("Exactly one", None, {"token": ANDROID, "topic": "news"}),
        ("registration token", "message.token", {"token": "short"}),
        ("installation", "message.fid", {"fid": "z" * 22}),
        ("topic", "message.topic", {"topic": "no spaces"}),
        ("data payload key: from", "message.data", {"token": ANDROID, "data": {"from": "x"}}),
        ("google.x", "message.data", {"token": ANDROID, "data": {"google.x": "x"}}),
        ("gcm_y", "message.android.data", {"token": ANDROID, "android": {"data": {"gcm_y": ""}}}),
        ("message_type", "message.data", {"token": ANDROID, "data": {"message_type": "x"}}),
        ("ttl", "message.android.ttl", {"token": ANDROID, "android": {"ttl": "2419201s"}}),
        ("ttl", "message.android.ttl", {"token": ANDROID, "android": {"ttl": "60"}}),
        ("too big", None, {"token": ANDROID, "data": {"a": "x" * 4_096}}),
        ("too big", None, {"topic": "news", "data": {"a": "x" * 2_048}}),
        ("too big", None, {"token": ANDROID, "data": {"a": "x" * 90_000}}),
        (
            "too big",
            "message.apns.payload",
            {"token": ANDROID, "apns": {"payload": {"a": "x" * 4_096}}},
        ),
    ],
)
async def test_an_invalid_message_has_a_sentence(
    scene: Scene, part: str, field: str | None, message: object
) -> None:
    """FcmError INVALID_ARGUMENT, with the field where there is one."""
    async with scene.at("fcm") as fcm:
        answer = await scene.message(fcm, message)
        assert (answer.status, _code(answer)) == (400, "INVALID_ARGUMENT")
        assert part in answer.said["error"]["message"]
        assert _fields(answer) == ([field] if field else [])


async def test_who_may_not_ask_is_told_which_way(scene: Scene) -> None:
    """No token, a wrong one, another project, another path: none of them has an FcmError."""
    async with scene.at("fcm") as fcm:
        path = f"/v1/projects/{scene.kit.project}/messages:send"
        none = await fcm.request("POST", path, [], b"{}")
        assert none.status == 401
        assert "www-authenticate" in none.headers
        assert none.said["error"]["details"][0]["reason"] == "CREDENTIALS_MISSING"
        wrong = await scene.message(fcm, {"token": ANDROID}, "ya29.made-up")
        assert (wrong.status, wrong.said["error"]["status"]) == (401, "UNAUTHENTICATED")
        headers = [("authorization", f"Bearer {scene.access()}")]
        other = await fcm.request("POST", path.replace("muster", "other"), headers, b"{}")
        assert (other.status, other.said["error"]["status"]) == (403, "PERMISSION_DENIED")
        assert {_code(one) for one in (none, wrong, other)} == {None}
        assert (await fcm.request("POST", "/v1/elsewhere", headers, b"{}")).status == 404
        broken = await fcm.request("POST", path, headers, b"{broken")
        assert (broken.status, _code(broken)) == (400, None)
        assert (await fcm.request("POST", path, headers, b"[]")).status == 400
        assert (await fcm.request("POST", path, headers, b"{}")).status == 400


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("unregistered", "UNREGISTERED"),
        ("expired", "UNREGISTERED"),
        ("mismatch", "SENDER_ID_MISMATCH"),
        ("third_party", "THIRD_PARTY_AUTH_ERROR"),
    ],
)
async def test_a_device_that_cannot_be_reached_says_why(
    scene: Scene, state: Any, code: str
) -> None:
    """With the status that goes with it."""
    scene.mocks.notes.registry.put(ANDROID, Standing(state=state))
    async with scene.at("fcm") as fcm:
        answer = await scene.message(fcm, {"token": ANDROID, "data": {"title": "x"}})
        assert (answer.status, _code(answer)) == (CODES[code].http, code)


async def test_quotas_are_of_a_device_and_of_the_project(scene: Scene) -> None:
    """429 with QuotaFailure: for one device without a time, for the project with one."""
    scene.mocks.notes.registry.put(ANDROID, Standing(per_min=1))
    async with scene.at("fcm") as fcm:
        message = {"token": ANDROID, "data": {"title": "x"}}
        assert (await scene.message(fcm, message)).status == 200
        device = await scene.message(fcm, message)
        assert (device.status, _code(device)) == (429, "QUOTA_EXCEEDED")
        failed = device.said["error"]["details"][1]
        assert failed["@type"].endswith("QuotaFailure")
        assert failed["violations"][0]["subject"] == "device"
        assert "retry-after" not in device.headers
        await scene.mocks.change("fcm", quota_per_min=1)
        other = {"token": ANDROID + "2"}
        assert (await scene.message(fcm, other)).status == 200
        project = await scene.message(fcm, other)
        assert project.said["error"]["details"][1]["violations"][0]["subject"] == "project"
        assert 1 <= int(project.headers["retry-after"]) <= 60


async def test_a_device_takes_240_a_minute(scene: Scene) -> None:
    """Without being scripted."""
    async with scene.at("fcm") as fcm:
        access, taken = scene.access(), 0
        while (await scene.message(fcm, {"token": ANDROID}, access)).status == 200:
            taken += 1
        assert 240 <= taken < 480
        assert (await scene.message(fcm, {"token": ANDROID + "2"}, access)).status == 200


@pytest.mark.parametrize("code", [*CODES, *STATUSES])
async def test_every_error_can_be_asked_for(scene: Scene, code: str) -> None:
    """FCM's own have an FcmError, those of what stands before it have none."""
    status = CODES[code].http if code in CODES else STATUSES[code]
    scene.mocks.service("fcm").script.add(Scripted(status=status, reason=code))
    async with scene.at("fcm") as fcm:
        answer = await scene.message(fcm, {"token": ANDROID})
        assert answer.status == answer.said["error"]["code"] == status
        assert _code(answer) == (code if code in CODES else None)


async def test_retry_after_comes_as_seconds_or_as_a_date(scene: Scene) -> None:
    """Both are HTTP."""
    script = scene.mocks.service("fcm").script
    script.add(Scripted(status=503, reason="UNAVAILABLE", retry_after_s=30))
    script.add(Scripted(status=503, reason="UNAVAILABLE", retry_after_s=30, as_date=True))
    async with scene.at("fcm") as fcm:
        seconds = await scene.message(fcm, {"token": ANDROID})
        assert seconds.headers["retry-after"] == "30"
        date = await scene.message(fcm, {"token": ANDROID})
        shown = parsedate_to_datetime(date.headers["retry-after"]).timestamp()
        assert 25 < shown - scene.mocks.notes.clock.now_ms() / 1_000 <= 31
