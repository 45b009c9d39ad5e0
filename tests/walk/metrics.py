"""Owns docs/metrics.md: every metric that hubs, api, pushers and the maker of backups show, as they say themselves.

`python -m tests.walk.metrics` starts a Muster and writes the page anew; test_metrics.py fails while it differs from
what the processes say.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from loadtest.ports import reserved_ports
from loadtest.stack import READY_WITHIN_S, ROOMY, Stack, muster_up

PAGE: Final = Path(__file__).parents[2] / "docs" / "metrics.md"
_HEAD: Final = """\
# Metrics

What `GET /metrics` of every hub, api process and pusher, and of `muster backup run`, says, in Prometheus' text format.
Written by `python -m tests.walk.metrics` from what the processes say themselves: edit the help texts, not this page.
What to be woken for is in [runbook.md](runbook.md).

A histogram has `_bucket`, `_sum` and `_count`. Labels are named in the meaning ("by ..."), and have few values each: no
metric has a person, a room or an address in it.
"""


_PARTS: Final = {
    "Of every process": {"hub", "api", "pusher", "backups"},
    "Of every process that serves people": {"hub", "api", "pusher"},
    "Of hubs and api processes": {"hub", "api"},
    "Of hubs and pushers": {"hub", "pusher"},
    "Of api processes and pushers": {"api", "pusher"},
    "Of a hub": {"hub"},
    "Of an api process": {"api"},
    "Of a pusher": {"pusher"},
    "Of the process that makes backups": {"backups"},
}


class Told(NamedTuple):
    """One metric, as its HELP and TYPE lines say."""

    kind: str
    meaning: str


@asynccontextmanager
async def pusher_of(stack: Stack) -> AsyncIterator[str]:
    """A pusher of this Muster, which nothing is to be sent by; its address."""
    with TemporaryDirectory() as directory, reserved_ports(1) as port:
        key = Path(directory, "key.p8")
        key.write_bytes(
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
        )
        settings = {
            "MUSTER_DATABASE_URL": stack.found.database_url,
            "MUSTER_REDIS_URL": stack.found.redis_url,
            "MUSTER_KEYS_DIR": str(stack.data / "keys"),
            "MUSTER_PUSHER_PORT": str(port),
            "MUSTER_APNS_KEY": str(key),
            "MUSTER_APNS_KEY_ID": "KEY1234567",
            "MUSTER_APNS_TEAM_ID": "TEAM123456",
        }
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pushers", env=environment | settings, stderr=DEVNULL
        )
        try:
            url = f"http://127.0.0.1:{port}"
            await _ready(url)
            yield url
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def backups_of(stack: Stack) -> AsyncIterator[str]:
    """What makes backups of this Muster, into a directory that goes; its address."""
    with TemporaryDirectory() as directory, reserved_ports(1) as port:
        settings = {
            "MUSTER_DATA": directory,
            "MUSTER_DATABASE_URL": stack.found.database_url,
            "MUSTER_BACKUP_DIR": str(Path(directory, "archive")),
            "MUSTER_BACKUP_KEY": "0a" * 32,
            "MUSTER_BACKUP_PORT": str(port),
        }
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "muster", "backup", "run"),
            env=environment | settings,
            stderr=DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            await _ready(url)
            yield url
        finally:
            process.terminate()
            await process.wait()


async def _ready(url: str) -> None:
    async with httpx.AsyncClient() as http, asyncio.timeout(READY_WITHIN_S):
        while True:
            with suppress(httpx.TransportError):
                if (await http.get(f"{url}/readyz")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0)


async def pages(stack: Stack, pusher: str, backups: str) -> dict[str, str]:
    """What one hub, the api, a pusher and the maker of backups say."""
    urls = {
        "hub": stack.hub_urls[0].replace("ws", "http", 1),
        "api": stack.api_url,
        "pusher": pusher,
        "backups": backups,
    }
    async with httpx.AsyncClient() as http:
        return {who: (await http.get(f"{url}/metrics")).text for who, url in urls.items()}


def told(page: str) -> dict[str, Told]:
    """The metrics of one page, by name."""
    meanings: dict[str, str] = {}
    found: dict[str, Told] = {}
    for line in page.splitlines():
        if line.startswith("# HELP "):
            _, _, name, meaning = line.split(" ", 3)
            meanings[name] = meaning
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            found[name] = Told(kind, meanings.get(name, ""))
    return found


def written(said: Mapping[str, str]) -> str:
    """docs/metrics.md."""
    everything = {who: told(page) for who, page in said.items()}
    text = _HEAD
    for title, whose in _PARTS.items():
        metrics = {
            name: metric
            for names in everything.values()
            for name, metric in names.items()
            if {who for who in everything if name in everything[who]} == whose
        }
        if metrics:
            text += f"\n## {title}\n\n| metric | kind | meaning |\n|---|---|---|\n"
            for name, metric in sorted(metrics.items()):
                text += f"| `{name}` | {metric.kind} | {metric.meaning} |\n"
    return text


async def main() -> None:
    """Write the page."""
    async with muster_up(1, ROOMY) as stack:
        async with pusher_of(stack) as pusher, backups_of(stack) as backups:
            said = await pages(stack, pusher, backups)
        PAGE.write_text(written(said), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
