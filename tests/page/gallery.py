"""Makes docs/screenshots: `python -m tests.page.gallery` starts a Muster where people talk and meet. Its pictures stay.

Owns what is on them. It never touches a running Muster.
"""

import asyncio
from typing import Final

import asyncpg
import httpx
from playwright.async_api import Browser, ViewportSize

from loadtest.stack import Stack, muster_up
from tests.page.browser import (
    DESKTOP,
    PHONE,
    SCREENSHOTS,
    Account,
    Window,
    account,
    running_browser,
    window,
)
from tests.page.gathering import event, opens, stands

TALL: Final[ViewportSize] = {"width": 1180, "height": 1330}
CROWD = ("Emre Aydin", "Fay Lindqvist", "Gus Moreau", "Hana Sato", "Ivo Petrov", "Joan Mbeki")
AROUND = (
    (0, "Allotment breakfast", "Plot 14", 19, 52.5262, 13.4163),
    (0, "Repair café", "Corner workshop", 22, 52.5121, 13.4102),
    (1, "Book circle: chapter nine", "Reading room", 26, 52.5148, 13.3826),
    (0, "Swing in the park", "Bandstand", 45, 52.5229, 13.3868),
    (0, "Night ride, easy pace", "Station, north exit", 47, 52.5071, 13.3902),
)
SPREAD = """
    UPDATE event_visits v SET entered_at = v.entered_at - o.ago,
        left_at = CASE WHEN o.place > 5 THEN v.entered_at - interval '9 minutes' END,
        left_source = CASE WHEN o.place > 5 THEN 'hand' END
    FROM (SELECT person_id, place, make_interval(mins => (ARRAY[88, 84, 76, 71, 70, 68, 55, 31])[place]) AS ago
          FROM (SELECT person_id, (row_number() OVER (ORDER BY entered_at, person_id))::integer AS place
                FROM event_visits WHERE room_id = $1::uuid) numbered) o
    WHERE v.room_id = $1::uuid AND v.person_id = o.person_id
"""

TALK = (
    (1, "Morning! Who is in for the climbing hall tonight? 🧗"),
    (2, "Me, but not before seven"),
    (2, "Still soldering"),
    (0, "Seven works. I can bring the long rope and two spare harnesses."),
    (3, "I have never climbed anything higher than a bar stool, may I come all the same?"),
    (1, "Of course! Cyd taught half of us 🙂"),
    (0, "Here is the plan of the walls: https://example.org/halls/boulder-west"),
    (2, "Perfect. @{ada}, shall I pick you up at the station?"),
)


async def main() -> None:
    """All pictures."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    async with (
        muster_up(2) as stack,
        running_browser() as browser,
        httpx.AsyncClient(base_url=stack.api_url, timeout=10) as http,
    ):
        await _take(stack, browser, http)


async def _take(stack: Stack, browser: Browser, http: httpx.AsyncClient) -> None:
    names = ("Ada Berger", "Bob Okafor", "Cyd Marlowe", "Dana Levi")
    people = [await account(http, name, name.split()[0].lower()) for name in names]
    room = await _scene(people)
    for dark in (False, True):
        async with window(browser, stack.api_url, dark=dark) as desktop:
            await people[0].enters(desktop)
            await _opened(desktop, room, people)
            await _shot(desktop, "desktop-dark" if dark else "desktop-light")
    async with window(browser, stack.api_url, size=PHONE) as phone:
        await _shot(phone, "phone-login")
        await people[0].enters(phone)
        await phone.page.get_by_text("2", exact=True).first.wait_for()
        await _shot(phone, "phone-list")
        await _opened(phone, room, people)
        await _shot(phone, "phone-chat")
    await _meet(stack, browser, http, people)
    async with window(browser, stack.api_url) as desktop:
        await people[0].enters(desktop)
        await _opened(desktop, room, people)
        await desktop.context.set_offline(True)
        await desktop.page.evaluate("dispatchEvent(new Event('offline'))")
        await desktop.says("In a tunnel, see you there")
        await desktop.page.locator(".banner:visible").wait_for()
        await _shot(desktop, "offline")


async def _scene(people: list[Account]) -> str:
    ada, bob, cyd, dana = people
    for one in (bob, cyd, dana):
        await ada.done("PUT", f"/v1/me/contacts/{one.id}")
        await one.done("PUT", f"/v1/me/contacts/{ada.id}")
    rest = [one.id for one in people[1:]]
    for title, text in (
        ("Allotment 14", "The key hangs behind the shed now"),
        ("Book circle", "Chapter nine broke me"),
    ):
        other: str = (
            await bob.done(
                "POST", "/v1/rooms", json={"kind": "group", "title": title, "people": [ada.id]}
            )
        )["id"]
        await bob.post(other, text)
        seq = await ada.post(other, "😂" if title == "Book circle" else "Thank you, Bob!")
        await ada.done("PUT", f"/v1/rooms/{other}/read", json={"seq": seq})
    direct = (await cyd.done("POST", "/v1/rooms", json={"kind": "direct", "peer": ada.id}))["id"]
    await cyd.post(direct, "Did the parcel arrive?")
    await cyd.post(direct, "It should be at the neighbours' at number 7")
    room: str = (
        await ada.done(
            "POST",
            "/v1/rooms",
            json={"kind": "group", "title": "Climbing on Thursday", "people": rest},
        )
    )["id"]
    seqs = []
    for who, text in TALK:
        mentions = [ada.id] if "{ada}" in text else None
        seqs.append(await people[who].post(room, text.format(ada=ada.handle), mentions=mentions))
    await bob.done("PUT", f"/v1/rooms/{room}/messages/{seqs[3]}/reactions/❤️")
    await cyd.done("PUT", f"/v1/rooms/{room}/messages/{seqs[3]}/reactions/❤️")
    await dana.done("PUT", f"/v1/rooms/{room}/messages/{seqs[0]}/reactions/🎉")
    await ada.post(room, "Yes please, ten to seven at the north exit", reply_to=seqs[7])
    await ada.done("PUT", f"/v1/rooms/{room}/pins/{seqs[6]}")
    return room


async def _meet(
    stack: Stack, browser: Browser, http: httpx.AsyncClient, people: list[Account]
) -> None:
    """Events around somebody, and one that goes on as its host sees it."""
    ada = people[0]
    tonight = await _events(ada, people[1])
    crowd = [await account(http, name) for name in CROWD]
    for guest in [*people[1:], *crowd]:
        said = {"answer": "going", "sharing": "on"}
        await guest.done("PUT", f"/v1/events/{tonight}/rsvp", json=said)
        if guest is not people[3]:
            await ada.done("POST", f"/v1/events/{tonight}/roster/{guest.id}/check-in")
    await _spread(stack, tonight)
    for name, size, dark in (
        ("events", DESKTOP, False),
        ("events-dark", DESKTOP, True),
        ("phone-events", PHONE, False),
    ):
        async with window(browser, stack.api_url, size=size, dark=dark) as one:
            await stands(one, 52.5172, 13.3979)
            await ada.enters(one)
            await one.page.get_by_role("button", name="Events").click()
            await one.page.get_by_role("tab", name="Near me").click()
            await one.page.locator(".event-line", has_text="away").first.wait_for()
            await _shot(one, name)
    for name, size in (("event", TALL), ("phone-event", PHONE)):
        async with window(browser, stack.api_url, size=size) as one:
            await ada.enters(one)
            await opens(one, tonight)
            await one.page.get_by_text("5 people are here").wait_for()
            await one.page.locator(".chart-bar").first.wait_for()
            await _shot(one, name)


async def _events(ada: Account, bob: Account) -> str:
    """The first is on; the others lie around it. Its fence is a courtyard."""
    yard = [(13.4044, 52.5206), (13.4066, 52.5212), (13.4073, 52.5200), (13.4062, 52.5196)]
    yard += [(13.4058, 52.5202), (13.4050, 52.5200)]
    tonight = await event(
        ada,
        "Bouldering at the old brewery",
        in_h=-1.6,
        about="Cyd brings the long rope. Shoes can be borrowed: https://example.org/brewery",
        place_name="Old brewery, second courtyard",
        address="Kaistraße 4",
        capacity=30,
        fence={"type": "polygon", "rings": [[*yard, yard[0]]]},
    )
    for host, title, place, hours, lat, lon in AROUND:
        facts = {"place_name": place, "fence": None, "point": {"lat": lat, "lon": lon}}
        await event(ada if host else bob, title, in_h=hours, **facts)
    return tonight


async def _spread(stack: Stack, room: str) -> None:
    """The guests came over an hour and a half, not in the second in which this was made."""
    database = await asyncpg.connect(stack.found.database_url)
    await database.execute(SPREAD, room)
    await database.close()


async def _opened(on: Window, room: str, _people: list[Account]) -> None:
    await on.page.locator(f'[data-room="{room}"]').click()
    await on.sees("north exit")
    await on.page.locator(".pin:visible").wait_for()


async def _shot(on: Window, name: str) -> None:
    await on.page.wait_for_load_state("networkidle")
    await on.page.screenshot(path=SCREENSHOTS / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
