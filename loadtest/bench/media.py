"""How long a phone's picture takes to be a thumbnail: ticket, upload, complete, thumbnail fetched.

Several clients, one picture after another each, no pause: a closed loop, so this is also how many a machine takes.
Owns this figure. Must never count what making the pictures takes.
"""

from __future__ import annotations

import argparse
import asyncio
import io
from random import Random
from time import monotonic
from typing import Any, Final

import httpx
from PIL import Image, ImageFilter

from loadtest.bench.costs import Meter
from loadtest.bench.figures import end, processor
from loadtest.bench.guests import Guests
from loadtest.percentiles import spread_ms
from loadtest.progress import Progress
from loadtest.stack import ROOMY, muster_up

SIDES: Final = (4_000, 3_000)
"""12 megapixels, as most phones make them."""

PICTURES: Final = 4
TIMEOUT_S: Final = 30.0
BAR_MS: Final = 1_000.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest media --help`."""
    parser.add_argument("--clients", type=int, default=4, help="people who upload at once")
    parser.add_argument("--uploads", type=int, default=80, help="pictures of all of them")
    parser.add_argument("--workers", type=int, default=2, help="MUSTER_MEDIA_WORKERS")
    parser.add_argument("--shrink", type=int, default=1, help="divide the pictures' sides by this")
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 where the bar is missed."""
    figures = asyncio.run(_run(args))
    end(figures, as_json=args.json)
    return 0 if figures["p95_ms"] < BAR_MS else 1


async def _run(args: argparse.Namespace) -> dict[str, Any]:
    random, progress = Random(args.seed), Progress()
    progress.show(0, 1, "making pictures")
    width, height = (side // args.shrink for side in SIDES)
    pictures = [photograph(width, height, random) for _ in range(PICTURES)]
    settings = {
        **ROOMY,
        "MUSTER_MEDIA_WORKERS": str(args.workers),
        "MUSTER_MEDIA_DAY_COUNT": "1000000",
        "MUSTER_MEDIA_DAY_BYTES": str(1 << 40),
        "MUSTER_MEDIA_TOTAL_BYTES": str(1 << 40),
    }
    async with muster_up(1, settings) as stack:
        tokens = await Guests(stack.api_url, random).make(args.clients, [], lambda _: None)
        async with httpx.AsyncClient(base_url=stack.api_url, timeout=TIMEOUT_S) as http:
            async with asyncio.TaskGroup() as tasks:  # workers and connections begin before
                for token in tokens:
                    tasks.create_task(upload(http, token, pictures[0]))
            waiting = list(range(args.uploads))
            taken_s: list[float] = []

            async def phone(token: str) -> None:
                while waiting:
                    picture = pictures[waiting.pop() % PICTURES]
                    taken_s.append(await upload(http, token, picture))
                    progress.show(len(taken_s), args.uploads, "uploading")

            began, meter = monotonic(), Meter(stack.pids)
            async with asyncio.TaskGroup() as tasks:
                for token in tokens:
                    tasks.create_task(phone(token))
            whole_s, spent = monotonic() - began, meter.spent()
    progress.end()
    megabytes = sum(map(len, pictures)) / len(pictures) / 1e6
    taken_ms = sorted(seconds * 1_000 for seconds in taken_s)
    return {
        **spread_ms(taken_ms),
        "most_ms": round(taken_ms[-1], 1),
        "per_s": round(len(taken_ms) / whole_s, 2),
        "megabytes": round(megabytes, 2),
        **processor(spent),
    }


def photograph(width: int, height: int, random: Random) -> bytes:
    """A picture with the grain of a photograph: large forms, fine noise. About 4 bits a pixel at most."""
    forms = Image.frombytes("RGB", (32, 24), random.randbytes(32 * 24 * 3))
    forms = forms.resize((width, height), Image.Resampling.BICUBIC)
    grain = Image.effect_noise((width, height), 40).filter(ImageFilter.GaussianBlur(1))
    picture = Image.blend(forms, Image.merge("RGB", [grain] * 3), 0.3)
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88, exif=exif)
    return out.getvalue()


async def upload(http: httpx.AsyncClient, token: str, picture: bytes) -> float:
    """Seconds from asking for a ticket to holding the thumbnail."""
    headers = {"Authorization": f"Bearer {token}"}
    began = monotonic()
    wanted = {"purpose": "attachment", "type": "image/jpeg", "bytes": len(picture)}
    issued = _said(await http.post("/v1/media", json=wanted, headers=headers))
    form = {"file": ("p.jpg", picture, "image/jpeg")}
    sent = await http.post(issued["url"], data=issued["fields"], files=form)
    sent.raise_for_status()
    media = _said(await http.post(f"/v1/media/{issued['id']}/complete", headers=headers))
    if media["state"] != "ready":
        raise RuntimeError(f"a picture was {media['state']}: {media['detail']}")
    asked = {"size": "512", "answer": "json"}
    address = _said(await http.get(f"/v1/media/{issued['id']}", params=asked, headers=headers))
    thumbnail = await http.get(address["url"])
    thumbnail.raise_for_status()
    return monotonic() - began


def _said(answer: httpx.Response) -> dict[str, Any]:
    answer.raise_for_status()
    said: dict[str, Any] = answer.json()
    return said
