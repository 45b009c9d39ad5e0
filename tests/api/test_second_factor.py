"""Second factors, as a client sees them: set up, asked for at login, never twice with one code, and recovered."""

import asyncio
from typing import Any

import httpx
import pyotp
import pytest

from muster.data_keys import SPREAD_S
from muster.login import HALF_S
from muster.resealing import Resealing
from muster.stores.postgres.sealed import SEALED, PostgresSealed
from muster.totp import LOCK_MS, PERIOD_S, TRIES
from tests.api.door import PASSWORD, Door, Someone

FACTOR = "/v1/me/second-factor"


class App:
    """The app with the codes, on a clock that the test moves."""

    def __init__(self, door: Door, secret: str) -> None:
        self._door = door
        self._codes = pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        return self._codes.at(self._door.clock.now_ms() // 1_000 + steps * PERIOD_S)

    def begin_of_a_step(self) -> None:
        """Some minutes on, where the step does not turn while it is being asked."""
        clock = self._door.clock
        clock.ahead_s += 11 * PERIOD_S - clock.now_ms() / 1_000 % PERIOD_S

    def next(self) -> str:
        """A code that was never sent: half a minute goes by."""
        self._door.clock.ahead_s += PERIOD_S
        return self.code()


async def _enrolled(door: Door, handle: str = "ada") -> tuple[Someone, App, list[str]]:
    one = await door.register(handle)
    begun = await one.done("POST", FACTOR, json={"password": PASSWORD})
    app = App(door, begun["secret"])
    done = await one.done("POST", f"{FACTOR}/confirm", json={"code": app.code()})
    return one, app, done["recovery_codes"]


async def _first(door: Door, handle: str = "ada", install: str = "phone") -> dict[str, Any]:
    body = {"handle": handle, "password": PASSWORD, "install": install}
    answer = await door.client.post("/v1/sessions", json=body)
    assert answer.status_code == 202, answer.text
    halfway: dict[str, Any] = answer.json()
    assert halfway["mfa_required"] is True
    return halfway


async def _second(door: Door, token: str, code: str, install: str = "phone") -> httpx.Response:
    body = {"mfa_token": token, "code": code, "install": install}
    return await door.client.post("/v1/sessions/second-step", json=body)


async def test_logging_in_takes_both(door: Door) -> None:
    """The password gives a token that opens nothing; with a code it is a session of the same app."""
    ada, app, codes = await _enrolled(door)
    halfway = await _first(door)
    bearer = {"Authorization": f"Bearer {halfway['mfa_token']}"}
    assert (await door.client.get("/v1/me", headers=bearer)).status_code == 401
    refresh = {"refresh_token": halfway["mfa_token"]}
    assert (await door.client.post("/v1/sessions/refresh", json=refresh)).status_code == 401
    entered = await _second(door, halfway["mfa_token"], app.next())
    assert entered.status_code == 201, entered.text
    inside = Someone(door, ada.id, "ada", entered.json()["access_token"])
    assert await inside.done("GET", FACTOR) | {"since_ms": 0} == {
        "on": True,
        "since_ms": 0,
        "recovery_codes": len(codes),
    }
    assert door.counted("muster_identity_events_total", event="login_halfway") == 1


async def test_nobody_is_asked_before_it_is_confirmed(door: Door) -> None:
    """A secret that was never scanned locks nobody out, and can be begun anew."""
    ada = await door.register("ada")
    first = await ada.done("POST", FACTOR, json={"password": PASSWORD})
    again = await ada.done("POST", FACTOR, json={"password": PASSWORD})
    assert first["secret"] != again["secret"]
    assert (await ada.done("GET", FACTOR))["on"] is False
    await door.log_in("ada")
    old = App(door, first["secret"]).code()
    refused = await ada.ask("POST", f"{FACTOR}/confirm", json={"code": old})
    assert refused.status_code == 403
    app = App(door, again["secret"])
    proof = {"password": PASSWORD, "code": app.code()}
    for path in ("/remove", "/recovery-codes"):
        assert (await ada.ask("POST", FACTOR + path, json=proof)).status_code == 409
    await ada.done("POST", f"{FACTOR}/confirm", json={"code": app.code()})
    await _first(door)
    for path, body in (("", {"password": PASSWORD}), ("/confirm", {"code": app.next()})):
        assert (await ada.ask("POST", FACTOR + path, json=body)).status_code == 409


async def test_the_qr_code_is_a_square_with_its_corners(door: Door) -> None:
    """A client draws it as it comes."""
    ada = await door.register("ada")
    begun = await ada.done("POST", FACTOR, json={"password": PASSWORD})
    assert f"secret={begun['secret']}" in begun["uri"]
    assert {len(row) for row in begun["qr"]} == {len(begun["qr"])}
    assert begun["qr"][0].startswith("1111111")
    assert begun["qr"][0].endswith("1111111")


async def test_a_code_is_good_once_even_for_two_at_once(door: Door) -> None:
    """Twenty who show the same code at the same moment, with tokens of their own: one is in."""
    _, app, _ = await _enrolled(door)
    tokens = [(await _first(door))["mfa_token"] for _ in range(4)]
    code = app.next()
    answers = await asyncio.gather(*(_second(door, token, code) for token in tokens))
    assert sorted(answer.status_code for answer in answers) == [201, 403, 403, 403]
    assert door.counted("muster_identity_events_total", event="code_replayed") == 3


async def test_one_half_login_is_one_session(door: Door) -> None:
    """Two good codes for the same token at once: one session."""
    _, app, codes = await _enrolled(door)
    token = (await _first(door))["mfa_token"]
    both = await asyncio.gather(_second(door, token, app.next()), _second(door, token, codes[0]))
    assert sorted(answer.status_code for answer in both) == [201, 401]
    assert (await _second(door, token, codes[1])).status_code == 401


async def test_a_half_login_is_of_one_device_and_of_five_minutes(door: Door) -> None:
    """Whoever reads the token elsewhere, or later, or makes one up, has nothing; they cost the person no try."""
    _, app, _ = await _enrolled(door)
    token = (await _first(door))["mfa_token"]
    for given, install in ((token, "laptop"), (f"{token}x", "phone"), ("mmf_", "phone")):
        for _ in range(TRIES + 1):
            refused = await _second(door, given, app.code(), install)
            assert (refused.status_code, refused.json()["name"]) == (401, "unauthorized")
    door.clock.ahead_s += HALF_S
    assert (await _second(door, token, app.code())).status_code == 401
    fresh = (await _first(door))["mfa_token"]
    assert (await _second(door, fresh, app.code())).status_code == 201


async def test_five_wrong_codes_lock_for_a_while(door: Door) -> None:
    """However many try at once, and with however many tokens; the right code waits too."""
    _, app, _ = await _enrolled(door)
    tokens = [(await _first(door))["mfa_token"] for _ in range(TRIES + 3)]
    right = app.next()
    wrong = "000000" if right != "000000" else "000001"
    answers = await asyncio.gather(*(_second(door, token, wrong) for token in tokens))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [403] * (TRIES - 1) + [429] * (len(tokens) - TRIES + 1)
    late = await _second(door, tokens[0], right)
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= LOCK_MS // 1_000
    door.clock.ahead_s += LOCK_MS / 1_000
    token = (await _first(door))["mfa_token"]
    assert (await _second(door, token, app.code())).status_code == 201


async def test_codes_of_a_minute_ago_or_of_somebody_else(door: Door) -> None:
    """One step either way, no further; and a secret is one person's."""
    _, app, _ = await _enrolled(door)
    _, other, _ = await _enrolled(door, "eve")
    app.begin_of_a_step()
    token = (await _first(door))["mfa_token"]
    for code in (app.code(-2), app.code(2), other.code(), "no code"):
        assert (await _second(door, token, code)).status_code == 403
    door.clock.ahead_s += LOCK_MS / 1_000
    app.begin_of_a_step()
    token = (await _first(door))["mfa_token"]
    assert (await _second(door, token, app.code(-1))).status_code == 201


async def test_recovery_codes_are_good_once(door: Door) -> None:
    """Each instead of a code, once, however it is typed; new ones put an end to the old."""
    ada, app, codes = await _enrolled(door)
    assert len({*codes}) == 10
    token = (await _first(door))["mfa_token"]
    assert (await _second(door, token, codes[0].upper())).status_code == 201
    token = (await _first(door))["mfa_token"]
    assert (await _second(door, token, codes[0])).status_code == 403
    assert (await ada.done("GET", FACTOR))["recovery_codes"] == 9
    proof = {"password": PASSWORD, "code": app.next()}
    renewed = await ada.done("POST", f"{FACTOR}/recovery-codes", json=proof)
    assert (await _second(door, token, codes[1])).status_code == 403
    assert (await _second(door, token, renewed["recovery_codes"][1])).status_code == 201


async def test_nothing_of_it_lies_in_the_clear(door: Door) -> None:
    """The secret is sealed and bound to its row, codes and tokens are hashes."""
    ada = await door.register("ada")
    begun = await ada.done("POST", FACTOR, json={"password": PASSWORD})
    app = App(door, begun["secret"])
    done = await ada.done("POST", f"{FACTOR}/confirm", json={"code": app.code()})
    token = (await _first(door))["mfa_token"]
    rows = [
        str(dict(row))
        for table in ("second_factors", "recovery_codes", "half_logins")
        for row in await door.database.fetch(f"SELECT * FROM {table}")  # constants
    ]
    raw = pyotp.TOTP(begun["secret"]).byte_secret()
    for secret in (begun["secret"], repr(raw)[2:-1], raw.hex(), token, done["recovery_codes"][0]):
        assert not any(secret in row for row in rows)
    # A secret that is moved to another person's row does not open there.
    await _enrolled(door, "eve")
    await door.database.execute(
        "UPDATE second_factors f SET secret_sealed = (SELECT secret_sealed FROM second_factors WHERE person_id = $1)"
        " WHERE f.person_id <> $1",
        ada.id,
    )
    eve = (await _first(door, "eve"))["mfa_token"]
    assert (await _second(door, eve, app.next())).status_code == 503


async def test_keys_that_seal_change_under_it(door: Door) -> None:
    """Its secret is put under the new key in a round, and nobody scans anything anew."""
    _, app, _ = await _enrolled(door)
    sealing = door.ground.data_keys
    made = await sealing.rotate()
    await sealing.look()
    door.clock.ahead_s += 2 * SPREAD_S
    store, envelope = PostgresSealed(door.ground.primary), sealing.sealer
    assert await Resealing(store, SEALED, envelope, door.clock).sweep() is False
    under = "SELECT seal_key_v1(secret_sealed) FROM second_factors"
    assert await door.database.fetchval(under) == made
    token = (await _first(door))["mfa_token"]
    assert (await _second(door, token, app.next())).status_code == 201


async def test_a_stolen_token_cannot_change_it(door: Door) -> None:
    """Setting up, renewing and removing ask for the password, and for a code where there is one."""
    ada, app, codes = await _enrolled(door)
    eve = await door.register("eve")
    refused = await eve.ask("POST", FACTOR, json={"password": "not hers at all"})
    assert refused.status_code == 403
    for path in ("/remove", "/recovery-codes"):
        for proof in (
            {"password": "not hers at all", "code": app.next()},
            {"password": PASSWORD, "code": ""},
            {"password": PASSWORD, "code": "12345"},
        ):
            assert (await ada.ask("POST", FACTOR + path, json=proof)).status_code == 403
    await _first(door)
    # Four wrong codes were sent: a right one begins the count anew.
    await ada.done("POST", f"{FACTOR}/remove", json={"password": PASSWORD, "code": codes[3]})
    assert (await ada.done("GET", FACTOR))["on"] is False
    await door.log_in("ada")


async def test_a_changed_password_ends_what_is_halfway(door: Door) -> None:
    """Whoever stood between the steps with the old password has to begin with the new one."""
    ada, app, _ = await _enrolled(door)
    token = (await _first(door))["mfa_token"]
    change = {"password": PASSWORD, "new_password": "another horse, another battery"}
    assert (await ada.ask("PUT", "/v1/me/password", json=change)).status_code == 403
    await ada.done("PUT", "/v1/me/password", json={**change, "code": app.next()})
    assert (await _second(door, token, app.next())).status_code == 401


async def test_people_without_a_password_have_none(door: Door) -> None:
    """Who comes from a trusted issuer is asked by that one."""
    ada = await door.someone()
    assert (await ada.ask("POST", FACTOR, json={"password": PASSWORD})).status_code == 409


@pytest.mark.parametrize("path", ["/confirm", "/remove", "/recovery-codes"])
async def test_without_a_factor_there_is_nothing_to_do(door: Door, path: str) -> None:
    """A conflict, not a fault."""
    ada = await door.register("ada")
    body = {"password": PASSWORD, "code": "123456"}
    if path == "/confirm":
        del body["password"]
    assert (await ada.ask("POST", FACTOR + path, json=body)).status_code == 409
