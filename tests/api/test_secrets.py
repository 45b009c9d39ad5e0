"""Secrets of ours in an api process: nowhere in the database in the clear, and codes that outlive a release."""

from __future__ import annotations

import base64

from muster.entry_codes import PURPOSE, code_at
from muster.permission import Scope
from tests.api.door import Door
from tests.api.gathering import made
from tests.visiting import SECRET, gathering, listed


async def test_nothing_of_a_secret_lies_in_any_table(door: Door) -> None:
    """Of webhooks, made and changed, and of entry codes: every row of every table is looked at."""
    server = await door.service(*Scope)
    wanted = {"url": "https://app.example/in", "events": ["person.created"]}
    keys = [{"Idempotency-Key": word} for word in ("made", "changed")]
    hook = await server.done("POST", "/v1/webhooks", json=wanted, headers=keys[0])
    changed = await server.done("POST", f"/v1/webhooks/{hook['id']}/secret", headers=keys[1])
    await made(await door.someone(), door)
    assert await door.database.fetchval("SELECT secret IS NULL FROM events")
    secrets = [base64.b64decode(one["secret"].removeprefix("whsec_")) for one in (hook, changed)]
    secrets += door.ground.ring.secrets(PURPOSE)
    words = {form(secret) for secret in secrets for form in (bytes.hex, _base64, _kept)}
    tables = await door.database.fetch(
        "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()"
    )
    assert len(tables) > 50
    for [table] in tables:
        rows = await door.database.fetch(f"SELECT t::text FROM {table} t")
        for [row] in rows:
            assert not any(word in row for word in words), table


def _base64(secret: bytes) -> str:
    return base64.b64encode(secret).decode().rstrip("=")


def _kept(secret: bytes) -> str:
    """As it would lie in an answer that is kept for who asks again."""
    return _base64(secret).encode().hex()


async def test_codes_of_both_releases_open_while_both_may_run(door: Door) -> None:
    """While the one before makes them by the event's own secret this one does too; afterwards it believes those that
    are still good, and makes its own.
    """
    host = await door.someone()
    room = await gathering(door.database, host.id)
    guests = [await door.someone() for _ in range(3)]
    event = f"/v1/events/{room}"
    for guest in guests:
        await listed(door.database, room, guest.id)
    await door.database.execute(
        "INSERT INTO installation (lanes, generation, timeline, secrets_alone_since)"
        " VALUES (4, gen_random_uuid(), 1, NULL)"
    )
    before, _, _ = code_at(room, SECRET, door.clock.now_ms())
    assert (await host.done("GET", f"{event}/code"))["code"] == before
    await guests[0].done("POST", f"{event}/check-in", json={"code": before})
    await door.database.execute("UPDATE installation SET secrets_alone_since = now()")
    code = (await host.done("GET", f"{event}/code"))["code"]
    assert code != before
    for guest, shown in ((guests[1], before), (guests[2], code)):
        await guest.done("POST", f"{event}/check-in", json={"code": shown})
    await door.database.execute("UPDATE events SET secret = NULL")
    late = await guests[0].ask("POST", f"{event}/check-in", json={"code": before})
    assert late.status_code == 400
    assert (await host.done("GET", f"{event}/code"))["code"]


async def test_a_code_that_was_shown_before_keys_rotate_opens_after_it(door: Door) -> None:
    """The key before is believed."""
    host, guest = await door.someone(), await door.someone()
    room = await gathering(door.database, host.id)
    await listed(door.database, room, guest.id)
    older = door.ground.ring.secrets(PURPOSE)[1]
    code, _, _ = code_at(room, older, door.clock.now_ms())
    told = await guest.done("POST", f"/v1/events/{room}/check-in", json={"code": code})
    assert told["source"] == "qr"
