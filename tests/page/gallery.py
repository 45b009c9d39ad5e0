"""Makes docs/screenshots: `python -m tests.page.gallery` starts a Muster, lets four people talk, and takes pictures.

Owns what is on them. It never touches a running Muster.
"""

import asyncio

import httpx
from playwright.async_api import Browser

from loadtest.stack import Stack, muster_up
from tests.page.browser import PHONE, SCREENSHOTS, Account, Window, account, running_browser, window

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


async def _opened(on: Window, room: str, _people: list[Account]) -> None:
    await on.page.locator(f'[data-room="{room}"]').click()
    await on.sees("north exit")
    await on.page.locator(".pin:visible").wait_for()


async def _shot(on: Window, name: str) -> None:
    await on.page.wait_for_load_state("networkidle")
    await on.page.screenshot(path=SCREENSHOTS / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
