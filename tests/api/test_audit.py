"""The audit: every act of moderators and staff is in it, it is only added to, and a chain that was touched shows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from muster import audit
from muster.permission import ServiceRole
from muster.stores.postgres.audit import PostgresAudit
from tests.api.door import Door, Someone
from tests.fixtures.databases import execute

HOUR_MS = 3_600_000
_REHASHED = """
    UPDATE audit SET action = 'kick' WHERE n = 2;
    UPDATE audit SET hash = sha256(before || convert_to(audit_line_v1(audit), 'UTF8')) WHERE n = 2
"""


async def _acts(one: Someone, **wanted: Any) -> list[dict[str, Any]]:
    acts: list[dict[str, Any]] = (await one.done("GET", "/v1/audit", params=wanted))["acts"]
    return acts


async def test_every_act_on_others_is_written_down(door: Door) -> None:
    """Who, as what, what, whom, where and why; not what people do about what is theirs."""
    owner, mod, ann = [await door.someone() for _ in range(3)]
    admin = await door.someone(role=ServiceRole.admin)
    room = await owner.room("public", mod, ann)
    base = f"/v1/rooms/{room}"
    own, others, pinned = [await ann.post(room, text) for text in ("a", "b", "c")]
    until = {"until_ms": door.clock.now_ms() + HOUR_MS, "reason": "why"}
    report = {"room": room, "seq": pinned, "reason": "spam"}
    kept = (await ann.done("POST", "/v1/reports", json={**report, "note": "x"}))["id"]
    acts: list[tuple[Someone, str, str, dict[str, Any] | None, str, str, str | None]] = [
        (owner, "PUT", f"{base}/members/{mod.id}/role", {"role": "moderator"}, "owner", "role", "moderator"),
        (mod, "PATCH", base, {"title": "new"}, "moderator", "settings", None),
        (mod, "PUT", f"{base}/pins/{pinned}", None, "moderator", "pin", None),
        (mod, "DELETE", f"{base}/messages/{others}", None, "moderator", "delete", None),
        (mod, "PUT", f"{base}/members/{ann.id}/silence", until, "moderator", "silence", "why"),
        (mod, "DELETE", f"{base}/members/{ann.id}/silence", None, "moderator", "unsilence", None),
        (mod, "POST", f"{base}/reports/{kept}/take", {}, "moderator", "take_report", None),
        (mod, "POST", f"{base}/reports/{kept}/resolve", {"action": "dismiss", "note": "no"}, "moderator",
         "resolve_report", "dismiss: no"),
        (mod, "PUT", f"{base}/bans/{ann.id}", {"reason": "enough"}, "moderator", "room_ban", "enough"),
        (mod, "DELETE", f"{base}/bans/{ann.id}", None, "moderator", "room_unban", None),
        (admin, "PUT", f"/v1/people/{ann.id}/silence", until, "admin", "silence", "why"),
        (admin, "DELETE", f"/v1/people/{ann.id}/silence", None, "admin", "unsilence", None),
        (admin, "PUT", f"/v1/people/{ann.id}/ban", {"reason": "again"}, "admin", "ban", "again"),
        (admin, "DELETE", f"/v1/people/{ann.id}/ban", None, "admin", "unban", None),
        (admin, "PUT", f"/v1/people/{ann.id}/ban", None, "admin", "ban", None),
        (admin, "DELETE", f"/v1/people/{ann.id}/ban", None, "admin", "unban", None),
    ]  # fmt: skip
    await ann.done("DELETE", f"{base}/messages/{own}")
    for actor, method, path, body, *_ in acts:
        await actor.done(method, path, **({} if body is None else {"json": body}))
    found = list(reversed(await _acts(admin)))
    assert [(one["actor_as"], one["action"], one["reason"]) for one in found] == [
        (said[4], said[5], said[6]) for said in acts
    ]
    assert [one["actor"] for one in found] == [str(said[0].id) for said in acts]
    silence = found[4]
    assert (silence["subject"], silence["room"], silence["until_ms"]) == (
        str(ann.id),
        room,
        until["until_ms"],
    )
    assert (found[3]["target"], found[3]["seq"] > others) == (others, True)
    assert [one["n"] for one in found if one["room"] == room] == list(range(1, 11))
    assert found[-1]["room"] is None
    # What changed nothing is no act.
    await admin.done("DELETE", f"/v1/people/{ann.id}/ban")
    assert len(await _acts(admin)) == len(acts)
    for wanted, count in (
        ({"actor": str(mod.id)}, 9),
        ({"subject": str(ann.id)}, 12),
        ({"room": room}, 10),
        ({"action": "silence"}, 2),
        ({"actor": str(ann.id)}, 0),
    ):
        assert len(await _acts(admin, **wanted)) == count, wanted
    pages, at = [], None
    while True:
        page = await admin.done(
            "GET", "/v1/audit", params={"limit": 5} | ({"cursor": at} if at else {})
        )
        pages += page["acts"]
        at = page["cursor"]
        if at is None:
            break
    assert pages == list(reversed(found))
    checked = await audit.check(PostgresAudit(door.ground.primary).links())
    assert (checked.rows, checked.logs, checked.breaks) == (16, 2, [])


async def test_the_audit_is_only_added_to(door: Door) -> None:
    """By a trigger for whoever owns it, by rights for any other role."""
    owner, ann = await door.someone(), await door.someone()
    room = await owner.room("public", ann)
    await owner.done("PUT", f"/v1/rooms/{room}/bans/{ann.id}", json={})
    for sql in ("UPDATE audit SET action = 'nothing'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only added to"):
            await door.database.execute(sql)
    role = f"app_{UUID(room).hex[:8]}"
    await door.database.execute(f"CREATE ROLE {role}")
    try:
        await door.database.execute(f"GRANT SELECT, INSERT ON audit TO {role}")
        async with door.database.transaction():
            await door.database.execute(f"SET LOCAL ROLE {role}")
            assert await door.database.fetchval("SELECT count(*) FROM audit") == 1
            for sql in ("UPDATE audit SET n = 2", "DELETE FROM audit", "TRUNCATE audit"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                    async with door.database.transaction():
                        await door.database.execute(sql)
    finally:
        await door.database.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE audit SET action = 'kick' WHERE n = 2", "it was changed"),
        ("UPDATE audit SET subject = gen_random_uuid() WHERE n = 2", "it was changed"),
        ("DELETE FROM audit WHERE n = 2", "rows before it are missing"),
        ("UPDATE audit_words SET reason = 'another' WHERE n = 2", "its reason was changed"),
        (_REHASHED, "it does not follow the row before it"),
    ],
)
async def test_a_row_that_was_touched_breaks_its_chain(
    door: Door, database_url: str, sql: str, why: str
) -> None:
    """By somebody who is above triggers and rights: the hashes tell where."""
    owner, ann = await door.someone(), await door.someone()
    room = await owner.room("public", ann)
    for _ in range(2):
        await owner.done("PUT", f"/v1/rooms/{room}/bans/{ann.id}", json={"reason": "one"})
        await owner.done("DELETE", f"/v1/rooms/{room}/bans/{ann.id}")
    if sql.startswith("UPDATE audit_words"):
        sql = sql.replace("n = 2", "n = 1")
    await execute(database_url, f"SET session_replication_role = replica; {sql}")
    checked = await audit.check(PostgresAudit(door.ground.primary).links())
    assert [one.why for one in checked.breaks][:1] == [why]


async def test_somebody_is_forgotten_without_a_row_being_touched(door: Door) -> None:
    """Who a mark was and what was said of them go; the chain holds, and the mark is all that is left."""
    owner, ann = await door.someone(), await door.someone()
    admin = await door.someone(role=ServiceRole.admin)
    room = await owner.room("public", ann)
    await owner.done("PUT", f"/v1/rooms/{room}/bans/{ann.id}", json={"reason": "ann is a nuisance"})
    await door.database.execute("DELETE FROM audit_people WHERE person_id = $1", ann.id)
    await door.database.execute("DELETE FROM audit_words")
    [act] = await _acts(admin)
    assert (act["subject"], act["reason"], act["actor"]) == (None, None, str(owner.id))
    assert act["subject_mark"] is not None
    held = await door.database.fetchval("SELECT string_agg(audit::text, '') FROM audit")
    assert str(ann.id) not in held
    assert "nuisance" not in held
    assert (await audit.check(PostgresAudit(door.ground.primary).links())).breaks == []


async def test_nobody_but_staff_reads_it(door: Door) -> None:
    """Not even owners of the rooms it is about."""
    owner = await door.someone()
    assert (await owner.ask("GET", "/v1/audit")).status_code == 403
