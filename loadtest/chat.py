"""A small chat in a terminal: `python -m loadtest.chat --as ada`, or `make chat AS=ada`.

Owns the command line and the order of things: account, socket, room, then lines in and lines out. What
is shown is in chatter.py. Must never need anything but a running Muster and a name.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from random import Random
from typing import Final

import httpx

from loadtest.accounts import account_of
from loadtest.chatter import Chatter
from loadtest.client.hubs import Hubs
from loadtest.client.login import Login
from loadtest.client.phone import Habits, Phone, Stopped
from loadtest.client.rest import Rest, RestError
from loadtest.screen import Screen, screen
from loadtest.stack import running
from proto import limits

DEFAULT_URL: Final = "http://127.0.0.1:8000"
GO_WITHIN_S: Final = 2.0


def main(arguments: list[str] | None = None) -> int:
    """Until /quit or the end of input."""
    parser = argparse.ArgumentParser(prog="chat", description="Talk to others in a terminal.")
    parser.add_argument("--as", dest="handle", metavar="HANDLE", help="who you are")
    parser.add_argument("--room", default="lobby", help="where to begin")
    parser.add_argument("--url", help="the api; none: what `muster up` runs here")
    parser.add_argument("--hub", type=int, help="connect to this hub first, counted from 1")
    parser.add_argument("--json", action="store_true", help="speak JSON instead of msgpack")
    args = parser.parse_args(arguments)
    if not args.handle:
        parser.error("who are you? Say --as NAME (make chat AS=ada)")
    data = Path(os.environ.get("MUSTER_DATA") or "data")
    found = running(data)
    url = args.url or (found.api_url if found else DEFAULT_URL)
    failure = ""
    try:
        asyncio.run(_chat(args, url, data))
    except* (RestError, Stopped) as refused:
        failure = str(refused.exceptions[0])
    except* httpx.TransportError:
        failure = f"nothing answers at {url}; is `make up` running?"
    except* KeyboardInterrupt:
        pass
    if failure:
        print(f"chat: {failure}", file=sys.stderr)
    return 1 if failure else 0


async def _chat(args: argparse.Namespace, url: str, data: Path) -> None:
    random = Random()
    window: Screen = screen()
    subprotocol = limits.SUBPROTOCOL_JSON if args.json else limits.SUBPROTOCOL_MSGPACK
    async with httpx.AsyncClient(base_url=url, timeout=10.0) as http:
        await http.get("/healthz")  # once: a phone would try for a while, a person wants to know
        rest = Rest(http, random)
        login = Login(account_of(data, args.handle), rest)
        await login.register()
        await login.token()
        urls = await rest.hubs()
        first = random.randrange(len(urls)) if args.hub is None else args.hub - 1
        chatter = Chatter(rest, window, login.person)
        phone = Phone(login, Hubs(urls, first), chatter, random, Habits(subprotocol))
        async with asyncio.TaskGroup() as group:
            running_phone = group.create_task(phone.run())
            showing = group.create_task(chatter.run(phone))
            await phone.online.wait()
            await chatter.go_to(args.room)
            await window.run(chatter.typed, chatter.key_pressed)
            await chatter.finish()
            await phone.close()
            await asyncio.wait({running_phone}, timeout=GO_WITHIN_S)
            running_phone.cancel()
            showing.cancel()


if __name__ == "__main__":
    sys.exit(main())
