"""What tests of the page's events speak: an event of somebody's, and a window whose browser is somewhere.

Owns how these are made. It never looks at the screen.
"""

import time
from typing import Any, Final

from playwright.async_api import FloatRect, Locator

from tests.page.browser import Account, Window

HOUR_MS: Final = 3_600_000
HALL: Final = {"lat": 52.5201, "lon": 13.405}


async def event(host: Account, title: str, **more: Any) -> str:
    """A public event with a fence at HALL that began an hour ago; `in_h`: it starts so many hours from now."""
    start = round(time.time() * 1000) + round(more.pop("in_h", -1) * HOUR_MS)
    start -= start % (HOUR_MS // 4)
    facts = {
        "title": title,
        "starts_at_ms": start,
        "ends_at_ms": start + 4 * HOUR_MS,
        "zone": "Europe/Berlin",
        "visibility": "public",
        "fence": {"type": "circle", "centre": HALL, "radius_m": 150},
    }
    made: str = (await host.done("POST", "/v1/events", json={**facts, **more}))["id"]
    return made


async def stands(window: Window, lat: float = HALL["lat"], lon: float = HALL["lon"]) -> None:
    """This browser is there, and may say so."""
    await window.context.grant_permissions(
        ["geolocation", "clipboard-read", "clipboard-write"], origin=window.url
    )
    await window.context.set_geolocation({"latitude": lat, "longitude": lon, "accuracy": 20})


async def opens(window: Window, room: str) -> None:
    """Look at an event, by its address."""
    await window.page.evaluate("room => { location.hash = `#/event/${room}`; }", room)
    await window.page.get_by_role("heading", name="Are you coming?").wait_for()


async def frame_of(map_: Locator) -> FloatRect:
    """Where on the screen it is."""
    box = await map_.bounding_box()
    assert box is not None
    return box
