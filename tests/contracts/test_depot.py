"""The claims of muster/depot.py, for every depot there is: a directory the api serves, and an S3."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from moto.server import ThreadedMotoServer

from muster.clock import SystemClock
from muster.config import Settings
from muster.depot import MEDIA, QUARANTINE, Absent, Depot, Served, TooLarge, key, keys_of
from muster.errors import Refused
from muster.ids import SystemRandom
from muster.stores.depots.s3 import Edge, open_s3
from tests.api.opening import open_door
from tests.media.uploading import form

BUCKET = "media"
PNG = Served("image/png")


class World(NamedTuple):
    """One depot under test, and somebody with neither token nor key who follows addresses."""

    depot: Depot
    client: httpx.AsyncClient


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """An S3 of ours on loopback."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def s3_settings(url: str) -> Settings:
    """Settings that name it."""
    return Settings(
        media_s3_bucket=BUCKET, media_s3_url=url, media_s3_key="key", media_s3_secret="secret"
    )


def _key(area: str = MEDIA, part: str = "full") -> str:
    return key(area, uuid4(), secrets.token_hex(16), part)


async def _upload(world: World, at: str, data: bytes, most: int) -> httpx.Response:
    issued = await world.depot.ticket(at, "image/png", most, 60)
    body, content_type = form(dict(issued.fields), data)
    headers = {"content-type": content_type}
    return await world.client.post(issued.url, content=body, headers=headers)


class Contract:
    """What holds for each."""

    async def test_what_is_uploaded_is_fetched(self, world: World, tmp_path: Path) -> None:
        """Byte for byte, up to the very size that was allowed; again in place of what was there."""
        at = _key(QUARANTINE, "upload")
        for data in (bytes(range(256)) * 4, b"--\r\n--x\r\n" * 90 + b"\r\n", b"!"):
            answer = await _upload(world, at, data, len(data))
            assert answer.status_code == 204, answer.text
            into = tmp_path / "got"
            assert await world.depot.fetch(at, into, 2_000) == len(data)
            assert into.read_bytes() == data

    async def test_what_is_put_is_linked(self, world: World, tmp_path: Path) -> None:
        """Small and in parts; handed out as this type, shown or saved as it says."""
        source = tmp_path / "source"
        for data in (b"small", secrets.token_bytes((9 << 20) + 1)):
            source.write_bytes(data)
            for served in (PNG, Served("video/mp4", 'a "b"\r\nX: y.mp4')):
                at = _key()
                await world.depot.put(at, source, served)
                answer = await world.client.get(await world.depot.link(at, served, 60))
                assert answer.status_code == 200, answer.text
                assert answer.content == data
                assert answer.headers["content-type"] == served.type
                shown = answer.headers["content-disposition"]
                assert shown.startswith("inline" if served.name is None else "attachment; ")
                assert "\n" not in shown
                assert "x" not in answer.headers

    async def test_what_is_removed_is_gone(self, world: World, tmp_path: Path) -> None:
        """Whether it was there or not; a link to it leads nowhere."""
        media, secret = uuid4(), secrets.token_hex(16)
        (tmp_path / "source").write_bytes(b"data")
        at = key(MEDIA, media, secret, "full")
        await world.depot.put(at, tmp_path / "source", PNG)
        link = await world.depot.link(at, PNG, 60)
        await world.depot.remove(keys_of(media, secret))
        await world.depot.remove(keys_of(media, secret))
        assert (await world.client.get(link)).status_code in (403, 404)
        with pytest.raises(Absent):
            await world.depot.fetch(at, tmp_path / "got", 10)

    async def test_no_more_is_fetched_than_was_asked_for(
        self, world: World, tmp_path: Path
    ) -> None:
        """An object that is larger is an error, not a full disk."""
        (tmp_path / "source").write_bytes(b"12345")
        at = _key()
        await world.depot.put(at, tmp_path / "source", PNG)
        with pytest.raises(TooLarge):
            await world.depot.fetch(at, tmp_path / "got", 4)

    async def test_it_is_there(self, world: World) -> None:
        """For `muster doctor`."""
        await world.depot.ping()


class TestDirectory(Contract):
    @pytest_asyncio.fixture
    async def world(self, database_url: str, redis_url: str) -> AsyncIterator[World]:
        async with open_door(database_url, redis_url) as door:
            yield World(door.ground.media.depot, door.client)

    async def test_more_than_was_allowed_is_refused(self, world: World, tmp_path: Path) -> None:
        """And nothing at all too; no object is made of either."""
        at = _key(QUARANTINE, "upload")
        for data in (b"12345", b""):
            assert (await _upload(world, at, data, 4)).status_code in (400, 413)
            with pytest.raises(Absent):
                await world.depot.fetch(at, tmp_path / "got", 10)

    async def test_a_ticket_is_for_one_key_and_one_type(self, world: World, tmp_path: Path) -> None:
        """Another key, another type, a signature or policy changed in one place: refused."""
        at, other = _key(QUARANTINE, "upload"), _key(QUARANTINE, "upload")
        issued = await world.depot.ticket(at, "image/png", 10, 60)
        fields = dict(issued.fields)
        flipped = "0" if fields["signature"][-1] != "0" else "1"
        for change in (
            {"key": other},
            {"key": "../../etc/passwd"},
            {"Content-Type": "text/html"},
            {"signature": fields["signature"][:-1] + flipped},
            {"policy": fields["policy"][:-4] + "AAA="},
        ):
            body, content_type = form({**fields, **change}, b"data")
            headers = {"content-type": content_type}
            answer = await world.client.post(issued.url, content=body, headers=headers)
            assert answer.status_code in (400, 403), (change, answer.status_code)
        for one in (at, other):
            with pytest.raises(Absent):
                await world.depot.fetch(one, tmp_path / "got", 10)

    async def test_a_directory_that_cannot_be_is_unavailable(
        self, database_url: str, redis_url: str, tmp_path: Path
    ) -> None:
        """A disk that fails is a temporary refusal, not a fault."""
        (tmp_path / "file").touch()
        async with open_door(database_url, redis_url, media_dir=tmp_path / "file") as door:
            depot = door.ground.media.depot
            with pytest.raises(Refused, match="media store"):
                await depot.ping()
            with pytest.raises(Refused, match="media store"):
                await depot.put(_key(), tmp_path / "file", PNG)


class TestS3(Contract):
    """moto looks at neither policies nor signatures: what is in them is looked at here."""

    @pytest_asyncio.fixture
    async def world(self, s3_url: str) -> AsyncIterator[World]:
        async with (
            open_s3(s3_settings(s3_url), SystemClock()) as depot,
            httpx.AsyncClient() as client,
        ):
            await client.put(f"{s3_url}/{BUCKET}")
            yield World(depot, client)

    async def test_a_ticket_says_all_that_it_must(self, world: World) -> None:
        """Length, type, key and end are in the policy that S3 checks."""
        at = _key(QUARANTINE, "upload")
        issued = await world.depot.ticket(at, "image/png", 77, 60)
        policy = json.loads(base64.b64decode(issued.fields["policy"]))
        assert ["content-length-range", 1, 77] in policy["conditions"]
        assert {"Content-Type": "image/png"} in policy["conditions"]
        assert {"key": at} in policy["conditions"]
        assert policy["expiration"]

    async def test_a_store_that_is_down_is_unavailable(self, tmp_path: Path) -> None:
        """503, 429, and a connection that is closed: a plain temporary refusal, soon."""
        answers = b""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.write(answers)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with open_s3(s3_settings(f"http://127.0.0.1:{port}"), SystemClock()) as depot:
            for status in (b"503 Slow Down", b"429 Too Many", b""):
                answers = status and b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n"
                for doing in (
                    depot.ping(),
                    depot.fetch(_key(), tmp_path / "x", 9),
                    depot.remove([_key()]),
                ):
                    with pytest.raises(Refused) as refused:
                        await doing
                    assert refused.value.temporary
            # What is only signed needs nobody.
            assert (await depot.ticket(_key(QUARANTINE, "upload"), "image/png", 1, 9)).fields
        server.close()
        await server.wait_closed()


def test_a_cdn_stands_before_s3() -> None:
    """Addresses at the CDN, signed where it shares a secret with us."""
    at, clock = _key(), SystemClock()
    assert Edge("https://cdn.test/m/", "", clock).link(at, 60) == f"https://cdn.test/m/{at}"
    link = Edge("https://cdn.test/m", "shared", clock).link(at, 60)
    said = dict(parse_qsl(urlsplit(link).query))
    signed = hmac.new(b"shared", f"/{at}:{said['expires']}".encode(), "sha256").hexdigest()
    assert (urlsplit(link).path, said["signature"]) == (f"/m/{at}", signed)


def test_keys_are_made_of_nothing_a_client_says() -> None:
    """An area, an id, a secret, a size."""
    random = SystemRandom()
    made = keys_of(uuid4(), f"{random.getrandbits(128):032x}")
    assert all("/" in one and ".." not in one and one.isascii() for one in made)
