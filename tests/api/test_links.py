"""Invite links: who may make them, whom they let in and how often, and what their page tells."""

import asyncio
from typing import Any

from tests.api.door import Door, Someone
from tests.api.opening import open_door


async def _make(one: Someone, room: str, **terms: int) -> dict[str, Any]:
    link: dict[str, Any] = await one.done("POST", f"/v1/rooms/{room}/links", json=terms)
    return link


async def _join(one: Someone, code: str) -> int:
    return (await one.ask("POST", f"/v1/links/{code}/join")).status_code


async def test_a_link_lets_in(door: Door) -> None:
    """Into a room one could not join otherwise; coming again costs no use."""
    ada, bob = await door.register("ada"), await door.register("bob")
    room = await ada.room("group")
    link = await _make(ada, room, uses=2)
    assert (await bob.ask("POST", f"/v1/rooms/{room}/join")).status_code == 404
    for _ in range(3):
        assert await _join(bob, link["code"]) == 200
    assert (await bob.done("GET", f"/v1/rooms/{room}"))["role"] == "member"
    [listed] = (await ada.done("GET", f"/v1/rooms/{room}/links"))["links"]
    assert (listed["code"], listed["uses"], listed["used"]) == (link["code"], 2, 1)
    assert listed["expires_at_ms"] == link["expires_at_ms"]


async def test_the_last_use_is_used_once(door: Door) -> None:
    """Ten at once with three uses: three are in."""
    ada = await door.someone()
    room = await ada.room("group")
    link = await _make(ada, room, uses=3)
    crowd = [await door.someone() for _ in range(10)]
    statuses = await asyncio.gather(*(_join(one, link["code"]) for one in crowd))
    assert sorted(statuses) == [200] * 3 + [404] * 7
    assert (await ada.done("GET", f"/v1/rooms/{room}"))["members"] == 4


async def test_every_link_that_leads_nowhere_says_the_same(door: Door) -> None:
    """Unknown, expired, used up, revoked, of an archived room, and for whoever was kicked."""
    ada, bob, eve = [await door.register(handle) for handle in ("ada", "bob", "eve")]
    room, over = await ada.room("group", eve), await ada.room("group")
    codes = {name: (await _make(ada, room, uses=1))["code"] for name in ("expired", "used", "off")}
    codes |= {"unknown": "x" * 22, "archived": (await _make(ada, over))["code"]}
    await door.database.execute(
        "UPDATE links SET expires_at = now() WHERE code = $1", codes["expired"]
    )
    assert await _join(await door.someone(), codes["used"]) == 200
    await ada.done("DELETE", f"/v1/rooms/{room}/links/{codes['off']}")
    await ada.done("PATCH", f"/v1/rooms/{over}", json={"archived": True})
    said = set()
    for code in codes.values():
        answer = await bob.ask("POST", f"/v1/links/{code}/join")
        said.add((answer.status_code, answer.text))
        assert (await door.client.get(f"/i/{code}")).status_code == 404
    good = (await _make(ada, room))["code"]
    await ada.done("DELETE", f"/v1/rooms/{room}/members/{eve.id}")
    answer = await eve.ask("POST", f"/v1/links/{good}/join")
    said.add((answer.status_code, answer.text))
    assert len(said) == 1
    assert (answer.status_code, answer.json()["name"]) == (404, "not_found")
    assert await _join(bob, good) == 200


async def test_who_may_invite_may_make_links(door: Door) -> None:
    """And revoke their own; moderators anybody's. In an announcement room members make none."""
    ada, bob, cyd = [await door.register(handle) for handle in ("ada", "bob", "cyd")]
    room = await ada.room("group", bob, cyd)
    of_bob, of_ada = await _make(bob, room), await _make(ada, room)
    links = f"/v1/rooms/{room}/links"
    assert (await cyd.ask("DELETE", f"{links}/{of_bob['code']}")).status_code == 403
    assert (await bob.ask("DELETE", f"{links}/{of_ada['code']}")).status_code == 403
    await bob.done("DELETE", f"{links}/{of_bob['code']}")
    for _ in range(2):
        await ada.done("DELETE", f"{links}/{of_ada['code']}")
    assert (await cyd.done("GET", links))["links"] == []
    loud = await ada.room("announcement", bob)
    assert (await bob.ask("POST", f"/v1/rooms/{loud}/links", json={})).status_code == 403
    for terms in ({"uses": 0}, {"expires_in_s": 1}, {"expires_in_s": 10**9}, {"uses": 10**9}):
        assert (await ada.ask("POST", links, json=terms)).status_code == 400


async def test_a_room_has_a_bounded_number_of_links(door: Door) -> None:
    """Those that work no longer do not count."""
    ada = await door.someone()
    room = await ada.room("group")
    first = await _make(ada, room)
    await asyncio.gather(*(_make(ada, room) for _ in range(99)))
    full = await ada.ask("POST", f"/v1/rooms/{room}/links", json={})
    assert (full.status_code, full.json()["name"]) == (422, "limit_exceeded")
    await ada.done("DELETE", f"/v1/rooms/{room}/links/{first['code']}")
    await _make(ada, room)


async def test_the_page_tells_the_title_and_nothing_else(door: Door) -> None:
    """Escaped, without a script, an id or a name; not kept by anybody on the way."""
    ada = await door.register("adalovelace")
    room = await ada.room("group", title="<b>Friday</b> & {co}")
    link = await _make(ada, room)
    answer = await door.client.get(f"/i/{link['code']}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>&lt;b&gt;Friday&lt;/b&gt; &amp; {co}</title>" in answer.text
    for secret in (room, str(ada.id), "adalovelace", "<script", "<b>"):
        assert secret not in answer.text


async def test_phones_learn_whose_links_these_are(database_url: str, redis_url: str) -> None:
    """From the settings; without them there is nothing."""
    apple, android = (
        "/.well-known/apple-app-site-association",
        "/.well-known/assetlinks.json",
    )
    async with open_door(database_url, redis_url) as door:
        for path in (apple, android):
            assert (await door.client.get(path)).status_code == 404
    async with open_door(
        database_url,
        redis_url,
        ios_app_ids=("TEAM1.org.example.app",),
        android_package="org.example.app",
        android_cert_sha256=("AA:BB",),
    ) as door:
        for path in (apple, android):
            answer = await door.client.get(path)
            assert answer.headers["content-type"] == "application/json"
        [detail] = (await door.client.get(apple)).json()["applinks"]["details"]
        assert detail == {"appIDs": ["TEAM1.org.example.app"], "components": [{"/": "/i/*"}]}
        [statement] = (await door.client.get(android)).json()
        assert statement["target"]["sha256_cert_fingerprints"] == ["AA:BB"]
