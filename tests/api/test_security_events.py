"""What happened to the security of an account is there for its owner and for staff, and no more is said of it."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from muster.errors import unavailable
from muster.ids import PersonId, SessionId
from muster.permission import ServiceRole
from muster.security_events import EVERY_S, Kind, SecurityEvent, Watch
from muster.stores.postgres.oauth import PostgresServices
from muster.stores.postgres.security_events import PostgresSecurityEvents
from muster.totp import TRIES
from tests.api.door import PASSWORD, Door, Someone
from tests.api.opening import open_door
from tests.api.test_emails import open_post
from tests.api.test_second_factor import App
from tests.fixtures.sealing import JumpingClock

PATH = "/v1/me/security-events"
FACTOR = "/v1/me/second-factor"
NEW = "a quite different passphrase"


async def _kinds(one: Someone) -> list[str]:
    """The oldest first."""
    return [event["kind"] for event in (await one.done("GET", PATH))["events"]][::-1]


async def test_what_somebody_logs_in_with_leaves_its_marks(door: Door) -> None:
    """A factor set up, guessed at, replaced by a recovery code and taken away; a password changed."""
    ada = await door.register("ada")
    assert await _kinds(ada) == []
    begun = await ada.done("POST", FACTOR, json={"password": PASSWORD})
    app = App(door, begun["secret"])
    made = await ada.done("POST", f"{FACTOR}/confirm", json={"code": app.code()})
    for _ in range(TRIES):
        wrong = {"password": PASSWORD, "code": "000000"}
        assert (await ada.ask("POST", f"{FACTOR}/recovery-codes", json=wrong)).status_code >= 400
    assert await _kinds(ada) == ["factor_on", "factor_locked"]
    door.clock.ahead_s += 3_600
    ada = Someone(door, ada.id, "ada", (await _inside(door, made["recovery_codes"][0])))
    wanted = {"password": PASSWORD, "code": app.next()}
    await ada.done("POST", f"{FACTOR}/recovery-codes", json=wanted)
    change = {"password": PASSWORD, "new_password": NEW, "code": app.next()}
    await ada.done("PUT", "/v1/me/password", json=change)
    await ada.done("POST", f"{FACTOR}/remove", json={"password": NEW, "code": app.next()})
    assert (await _kinds(ada))[2:] == [
        "recovery_code_used",
        "recovery_codes_renewed",
        "password_changed",
        "factor_off",
    ]


async def _inside(door: Door, code: str) -> str:
    halfway = await door.client.post(
        "/v1/sessions", json={"handle": "ada", "password": PASSWORD, "install": "other"}
    )
    body = {"mfa_token": halfway.json()["mfa_token"], "code": code, "install": "other"}
    entered = await door.client.post("/v1/sessions/second-step", json=body)
    token: str = entered.json()["access_token"]
    return token


async def test_addresses_and_a_reset_leave_theirs(database_url: str, redis_url: str) -> None:
    """A mail that was read, a password by mail, an address taken away."""
    async with open_post(database_url, redis_url) as post:
        ada = await post.verified("ada", "ada@example.org")
        await post.forgot("ada@example.org")
        await post.delivered()
        assert await post.reset(post.word(), NEW) == 204
        grant = (await post.log_in("ada", NEW)).json()
        again = Someone(post.door, ada.id, "ada", grant["access_token"])
        await again.done("POST", "/v1/me/email/remove", json={"password": NEW})
        wanted = ["email_verified", "password_reset", "email_removed"]
        assert await _kinds(again) == wanted


async def test_accounts_elsewhere_leave_theirs(door: Door) -> None:
    """Linked once and unlinked; what came to nothing is no event."""
    ada, eve = await door.register("ada"), await door.register("eve")
    store = PostgresServices(door.ground.primary)
    await store.link(ada.id, "google", "1")
    await store.link(eve.id, "google", "1")
    await store.unlink(eve.id, "google")
    await store.unlink(ada.id, "google")
    assert (await _kinds(ada), await _kinds(eve)) == (["service_linked", "service_unlinked"], [])


async def test_a_stolen_refresh_token_is_told_with_its_session(door: Door) -> None:
    """Its owner learns which session and which device it was."""
    ada = await door.register("ada")
    body = {"handle": "ada", "password": PASSWORD, "install": "lost"}
    begun = (await door.client.post("/v1/sessions", json=body)).json()
    token = begun["refresh_token"]
    for _ in range(2):
        answer = await door.client.post("/v1/sessions/refresh", json={"refresh_token": token})
        token = answer.json()["refresh_token"]
    old = {"refresh_token": begun["refresh_token"]}
    assert (await door.client.post("/v1/sessions/refresh", json=old)).status_code == 401
    [event] = (await ada.done("GET", PATH))["events"]
    assert (event["kind"], event["session"], event["device"]) == (
        "refresh_reused",
        begun["session"],
        begun["device"],
    )
    assert sorted(event) == ["at_ms", "device", "id", "kind", "session"]


async def test_who_asks_for_what_is_for_staff_is_written_down_once_a_minute(door: Door) -> None:
    """However often; and staff see it, of those on whom they may act."""
    eve, ada = await door.register("eve"), await door.register("ada")
    for _ in range(5):
        assert (await eve.ask("GET", "/v1/audit")).status_code == 403
        assert (await eve.ask("GET", f"/v1/people/{ada.id}/security-events")).status_code == 403
    assert await _kinds(eve) == ["staff_refused"]
    assert await _kinds(ada) == []
    support = await door.someone(role=ServiceRole.support)
    admin = await door.someone(role=ServiceRole.admin)
    for staff in (support, admin):
        seen = await staff.done("GET", f"/v1/people/{eve.id}/security-events")
        assert [event["kind"] for event in seen["events"]] == ["staff_refused"]
    hidden = await support.ask("GET", f"/v1/people/{admin.id}/security-events")
    assert hidden.status_code == 403


async def test_a_password_that_is_guessed_with_a_token_is_told(
    database_url: str, redis_url: str
) -> None:
    """To whoever's it is, when the guesses are held back."""
    async with open_door(database_url, redis_url, rate_limits=True) as door:
        ada = await door.register("ada")
        wrong = {"password": "a wrong password", "new_password": NEW}
        async with asyncio.timeout(30):
            while (await ada.ask("PUT", "/v1/me/password", json=wrong)).status_code != 429:
                pass
        assert await _kinds(ada) == ["password_guessed"]


async def test_a_flood_is_few_rows_and_no_row_changes(door: Door) -> None:
    """One of a kind a minute, five hundred of a person; a list goes on where its page ended."""
    ada = await door.register("ada")
    store = PostgresSecurityEvents(door.ground.primary)
    for _ in range(20):
        await store.note(ada.id, Kind.staff_refused, None)
    assert await door.database.fetchval("SELECT count(*) FROM security_events") <= 2
    await door.database.execute(
        "INSERT INTO security_events (person_id, minute, kind, at)"
        " SELECT $1, t, 'factor_on', t FROM generate_series(now() - interval '600 minutes',"
        " now() - interval '1 minute', interval '1 minute') t",
        ada.id,
    )
    await store.note(ada.id, Kind.factor_off, None)
    assert await door.database.fetchval("SELECT count(*) FROM security_events") == 500
    seen, cursor = [], None
    while True:
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = await ada.done("GET", PATH, params={"limit": 200, **more})
        seen += [event["id"] for event in page["events"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 500
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await door.database.execute("UPDATE security_events SET kind = 'factor_on'")


class Failing:
    """A store that is away at first."""

    def __init__(self) -> None:
        self.away = True
        self.noted = 0

    async def page(
        self, person: PersonId, before: tuple[int, UUID] | None, limit: int
    ) -> list[SecurityEvent]:
        """Nobody asks."""
        raise NotImplementedError

    async def note(self, person: PersonId, kind: Kind, session: SessionId | None) -> None:
        """Counts."""
        if self.away:
            raise unavailable("the database")
        self.noted += 1


async def test_a_refusal_that_could_not_be_written_down_is_the_next_time() -> None:
    """Who was refused is told so all the same; what was written is not for a minute."""
    store, clock = Failing(), JumpingClock()
    watch, eve = Watch(store, clock), PersonId(uuid4())
    await watch.refused(eve, Kind.staff_refused, None)
    store.away = False
    for expected in (1, 2):
        for _ in range(10):
            await watch.refused(eve, Kind.staff_refused, None)
        assert store.noted == expected
        clock.jump(EVERY_S)
