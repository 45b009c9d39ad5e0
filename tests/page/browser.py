"""A tiny vocabulary for tests of the page: a real Chromium, people with windows of their own, what is on a screen.

Owns how the browser is found and started, and what is noted of every window: errors of its console and breaches of the
page's policy. It never looks past the screen but where a test asks for the page's own modules.
"""

import os
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

PASSWORD = "correct horse battery"
OTHER_ORIGIN = "https://app.example.org"
"""A site besides our own that is let in."""

WITHIN_MS = 25_000
expect.set_options(timeout=WITHIN_MS)
DESKTOP: Final[ViewportSize] = {"width": 1180, "height": 760}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NETWORK = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_INTERNET_DISCONNECTED",
    "WebSocket connection to",
)
"""What Chromium itself writes to the console when a server is away: a test that kills one expects it."""


def chromium() -> str:
    """Where Chromium is. Without one the test is skipped; in continuous integration it fails."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        why = "no Chromium on this machine: `make browser` installs Debian's"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """A headless Chromium of the run's own."""
    path = chromium()
    # Debian's launcher reads its configuration from HOME; its profile and crash dumps go there as well.
    home = mkdtemp(prefix="muster-chromium-")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=list(_FLAGS), env={**os.environ, "HOME": home}
        )
        try:
            yield browser
        finally:
            await browser.close()
            shutil.rmtree(home, ignore_errors=True)


class Window:
    """Somebody's window on the page."""

    def __init__(self, page: Page, context: BrowserContext, url: str) -> None:
        self.page = page
        self.context = context
        self.url = url
        self.complaints: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def quiet(self, *, network: bool = False) -> None:
        """Nothing was complained about; `network`: but for a server that was away."""
        left = [
            one
            for one in self.complaints
            if not (network and any(part in one for part in _NETWORK))
        ]
        assert left == [], left

    async def goto(self, path: str = "/app") -> None:
        await self.page.goto(self.url + path)

    async def register(self, handle: str, name: str) -> None:
        """By the form, as anybody would."""
        page = self.page
        await page.get_by_role("button", name="New here? Make an account").click()
        await page.get_by_label("Handle", exact=True).fill(handle)
        await page.get_by_label("Name", exact=True).fill(name)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Register").click()
        await page.get_by_role("heading", name="Chats").wait_for()

    async def open(self, room: str) -> None:
        """Open a room of the list."""
        await self.page.locator("nav .room", has_text=room).first.click()
        await self.page.get_by_role("textbox", name="Message").wait_for()

    async def says(self, text: str) -> None:
        """Write and send, by the button: on touch, Enter is a new line."""
        await self.page.get_by_role("textbox", name="Message").fill(text)
        await self.page.get_by_role("button", name="Send", exact=True).click()

    async def sees(self, text: str) -> None:
        """Return once a message on the screen reads so."""
        await self.page.locator(".bubble .text", has_text=text).first.wait_for(timeout=WITHIN_MS)

    async def texts(self) -> list[str]:
        """The messages on the screen, in order."""
        return await self.page.locator(".bubble .text").all_inner_texts()

    async def all_sent(self) -> None:
        """Return once nothing waits for an answer."""
        waiting = self.page.locator(".message.sending, .message.failed").first
        await waiting.wait_for(state="detached", timeout=WITHIN_MS)

    async def accessible(self, state: str) -> None:
        """Axe finds nothing serious; in the dark, nothing that is hard to read."""
        await self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        await self._axe(state, {"resultTypes": ["violations"]})
        await self.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        colours = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
        await self._axe(f"{state}, dark", {"resultTypes": ["violations"], "runOnly": colours})

    async def _axe(self, state: str, options: dict[str, Any]) -> None:
        # Axe's script is given by the debugger, so the page's policy does not speak of it.
        response: dict[str, Any] = (await Axe().run(self.page, options=options)).response
        serious = [
            (found["id"], [node["html"][:160] for node in found["nodes"]][:3])
            for found in response["violations"]
            if found["impact"] in ("serious", "critical")
        ]
        assert serious == [], state


@asynccontextmanager
async def window(
    browser: Browser,
    url: str,
    *,
    size: ViewportSize | None = None,
    dark: bool = False,
    path: str = "/app",
) -> AsyncIterator[Window]:
    """A window with storage of its own: another person's browser."""
    context = await browser.new_context(
        viewport=size or DESKTOP,
        color_scheme="dark" if dark else "light",
        locale="en-GB",
        timezone_id="Europe/Berlin",
        has_touch=size == PHONE,
    )
    context.set_default_timeout(WITHIN_MS)
    try:
        opened = Window(await context.new_page(), context, url)
        await opened.goto(path)
        yield opened
    finally:
        await context.close()


class Account:
    """Somebody known to the api, who may also have a window."""

    def __init__(
        self, http: httpx.AsyncClient, handle: str, name: str, grant: dict[str, Any]
    ) -> None:
        self.handle = handle
        self.name = name
        self.id: str = grant["person"]
        self.grant = grant
        self.ends_at_ms = (time.time() + grant["expires_in"]) * 1000
        self._http = http
        self._access: str = grant["access_token"]

    async def done(self, method: str, path: str, **more: Any) -> Any:
        """What a request that must succeed answers."""
        answer = await self._asked(method, path, **more)
        if (
            answer.status_code == 401
        ):  # tokens are short here; those of the page are the page's to renew
            who = {"handle": self.handle, "password": PASSWORD, "install": f"rest-{self.handle}"}
            self._access = (await self._http.post("/v1/sessions", json=who)).json()["access_token"]
            answer = await self._asked(method, path, **more)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.json() if answer.content else None

    async def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._access}"}
        return await self._http.request(method, path, headers=headers, **more)

    async def post(self, room: str, text: str, **more: Any) -> int:
        body = {"client_id": secrets.token_hex(6), "text": text, **more}
        seq: int = (await self.done("POST", f"/v1/rooms/{room}/messages", json=body))["seq"]
        return seq

    async def enters(self, window: Window) -> None:
        """Logged in without the form: with the tokens where the page keeps them."""
        script = """([grant, endsAt]) => {
            const lifeMs = grant.expires_in * 1000;
            localStorage.setItem("muster.tokens", JSON.stringify({
                person: grant.person, access: grant.access_token, refresh: grant.refresh_token, lifeMs,
                endsAt,
            }));
        }"""
        await window.page.evaluate(script, [self.grant, self.ends_at_ms])
        await window.page.reload()
        await window.page.get_by_role("heading", name="Chats").wait_for()


async def account(http: httpx.AsyncClient, name: str, handle: str = "") -> Account:
    """A new person with a login."""
    handle = handle or f"{re.sub('[^a-z]', '', name.lower())[:12]}_{secrets.token_hex(4)}"
    who = {"handle": handle, "password": PASSWORD}
    made = await http.post("/v1/people", json={**who, "name": name})
    assert made.status_code == 201, made.text
    grant = await http.post("/v1/sessions", json={**who, "install": f"test-{handle}"})
    assert grant.status_code == 201, grant.text
    return Account(http, handle, name, grant.json())


SCREENSHOTS = Path(__file__).parents[2] / "docs" / "screenshots"
