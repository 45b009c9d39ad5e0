"""A depot in any S3, by aiobotocore.

Owns every call to it, with deadlines of its own: a store that is slow, down or says `SlowDown` is `unavailable`, and
nobody waits for it longer; one that failed too often is left alone for a while. Clients upload and read by addresses
signed here; only what is checked passes through us.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from muster.breaker import STORE, Breaker
from muster.clock import Clock
from muster.config import Settings
from muster.depot import Absent, Served, Ticket, TooLarge, disposition
from muster.errors import Refused, unavailable
from muster.telemetry import get_logger

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef

CONNECT_WITHIN_S: Final = 2.0
READ_WITHIN_S: Final = 5.0
CALL_WITHIN_S: Final = 6.0
MOVE_WITHIN_S: Final = 60.0
"""For the bytes of one object; whoever asks usually waits less."""

SLOWEST_BYTES_S: Final = 4 << 20
"""What is put may be a copy of gigabytes: it has that much more time."""

PART_BYTES: Final = 8 << 20
"""Larger objects go in parts of this: no part is long in memory, or long in being hashed."""

PIECE_BYTES: Final = 1 << 18
_ABSENT: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_log = get_logger()


class Edge:
    """The CDN before the bucket, if there is one: addresses of its own, signed if it shares a secret with us."""

    def __init__(self, url: str, secret: str, clock: Clock) -> None:
        self._url = url.rstrip("/")
        self._secret = secret.encode()
        self._clock = clock

    def link(self, key: str, within_s: int) -> str:
        """An address at the CDN: `expires` in Unix seconds, `signature` HMAC-SHA256 of `/key:expires`, in hex."""
        if not self._secret:
            return f"{self._url}/{key}"
        expires = self._clock.now_ms() // 1_000 + within_s
        signed = hmac.new(self._secret, f"/{key}:{expires}".encode(), hashlib.sha256).hexdigest()
        return f"{self._url}/{key}?expires={expires}&signature={signed}"


class Faults(NamedTuple):
    """What the driver raises: an answer that says no, and no answer."""

    refused: type[ClientError]
    broken: tuple[type[BaseException], ...]


class S3Depot:
    """See `muster.depot.Depot`."""

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        edge: Edge | None,
        faults: Faults,
        breaker: Breaker,
        clock: Clock,
    ) -> None:
        self._faults = faults
        self._breaker = breaker
        self._clock = clock
        self._client = client
        self._bucket = bucket
        self._edge = edge

    async def ticket(self, key: str, type_: str, most_bytes: int, within_s: int) -> Ticket:
        async with self._answering(CALL_WITHIN_S):
            made = await self._client.generate_presigned_post(
                self._bucket,
                key,
                Fields={"Content-Type": type_},
                Conditions=[["content-length-range", 1, most_bytes], {"Content-Type": type_}],
                ExpiresIn=within_s,
            )
        return Ticket(made["url"], made["fields"])

    async def link(self, key: str, served: Served, within_s: int) -> str:
        if self._edge is not None:
            return self._edge.link(key, within_s)
        async with self._answering(CALL_WITHIN_S):
            return await self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": key,
                    "ResponseContentType": served.type,
                    "ResponseContentDisposition": disposition(served),
                },
                ExpiresIn=within_s,
            )

    async def fetch(self, key: str, into: Path, most_bytes: int) -> int:
        async with self._asking(MOVE_WITHIN_S):
            found = await self._client.get_object(Bucket=self._bucket, Key=key)
            async with found["Body"] as body:
                if found["ContentLength"] > most_bytes:
                    raise TooLarge
                size = 0
                file = await asyncio.to_thread(into.open, "wb")
                try:
                    async for piece in body.iter_chunks(PIECE_BYTES):
                        size += len(piece)
                        if size > most_bytes:
                            raise TooLarge
                        await asyncio.to_thread(file.write, piece)
                finally:
                    await asyncio.to_thread(file.close)
        return size

    async def put(self, key: str, source: Path, served: Served) -> None:
        size = (await asyncio.to_thread(source.stat)).st_size
        async with self._asking(MOVE_WITHIN_S + size / SLOWEST_BYTES_S):
            file = await asyncio.to_thread(source.open, "rb")
            try:
                first = await asyncio.to_thread(file.read, PART_BYTES)
                more = await asyncio.to_thread(file.read, PART_BYTES)
                if not more:
                    await self._client.put_object(
                        Bucket=self._bucket,
                        Key=key,
                        Body=first,
                        ContentType=served.type,
                        ContentDisposition=disposition(served),
                        CacheControl="private, max-age=31536000, immutable",
                    )
                    return
                upload = await self._begin(key, served)
                try:
                    parts = [await self._part(key, upload, 1, first)]
                    while more:
                        parts.append(await self._part(key, upload, len(parts) + 1, more))
                        more = await asyncio.to_thread(file.read, PART_BYTES)
                    await self._client.complete_multipart_upload(
                        Bucket=self._bucket,
                        Key=key,
                        UploadId=upload,
                        MultipartUpload={"Parts": parts},
                    )
                except BaseException:
                    # What was begun costs until it is ended; if this fails too, a rule of the bucket must.
                    await self._client.abort_multipart_upload(
                        Bucket=self._bucket, Key=key, UploadId=upload
                    )
                    raise
            finally:
                await asyncio.to_thread(file.close)

    async def remove(self, keys: Sequence[str]) -> None:
        async with self._asking(CALL_WITHIN_S):
            # One at a time: deleting many at once needs a checksum that not every S3 knows.
            for key in keys:
                await self._client.delete_object(Bucket=self._bucket, Key=key)

    async def listed(self, beginning: str) -> list[tuple[str, int, int]]:
        """Key, size and Unix milliseconds of every object whose key begins so."""
        found: list[tuple[str, int, int]] = []
        async with self._asking(MOVE_WITHIN_S):
            pages = self._client.get_paginator("list_objects_v2")
            async for page in pages.paginate(Bucket=self._bucket, Prefix=beginning):
                for each in page.get("Contents", []):
                    at_ms = int(each["LastModified"].timestamp() * 1_000)
                    found.append((each["Key"], each["Size"], at_ms))
        return found

    async def ping(self) -> None:
        async with self._asking(CALL_WITHIN_S):
            await self._client.head_bucket(Bucket=self._bucket)

    async def _begin(self, key: str, served: Served) -> str:
        begun = await self._client.create_multipart_upload(
            Bucket=self._bucket,
            Key=key,
            ContentType=served.type,
            ContentDisposition=disposition(served),
        )
        return begun["UploadId"]

    async def _part(self, key: str, upload: str, number: int, data: bytes) -> CompletedPartTypeDef:
        sent = await self._client.upload_part(
            Bucket=self._bucket, Key=key, UploadId=upload, PartNumber=number, Body=data
        )
        return {"ETag": sent["ETag"], "PartNumber": number}

    @asynccontextmanager
    async def _asking(self, within_s: float) -> AsyncIterator[None]:
        """A call that goes out, unless the store has failed too often just now."""
        breaker, clock = self._breaker, self._clock
        wait_s = breaker.wait_s(clock.monotonic())
        if wait_s:
            raise _away(wait_s)
        try:
            async with self._answering(within_s):
                yield
        except Absent:
            breaker.good()
            raise
        except Refused as refused:
            breaker.fault(refused.message, clock.monotonic())
            raise
        except BaseException:  # cancelled, or too large: neither says how the store is
            breaker.neither(clock.monotonic())
            raise
        else:
            breaker.good()

    @asynccontextmanager
    async def _answering(self, within_s: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(within_s):
                yield
        except self._faults.refused as error:
            if str(error.response.get("Error", {}).get("Code", "")) in _ABSENT:
                raise Absent from None
            _log.warning("the media store refuses", status=_status(error))
            raise _away() from None
        except self._faults.broken as error:
            _log.warning("the media store does not answer", error=type(error).__name__)
            raise _away() from None


@asynccontextmanager
async def open_s3(
    settings: Settings, clock: Clock, breaker: Breaker | None = None
) -> AsyncIterator[S3Depot]:
    """The depot of these settings; nothing is asked of it yet."""
    breaker = breaker or Breaker(random.Random(), STORE)  # noqa: S311  # spreads probes, hides nothing
    # Imported where it is used: it opens a socket to see whether there is IPv6, which no import of ours does.
    from aiobotocore.config import AioConfig  # noqa: PLC0415
    from aiobotocore.session import get_session  # noqa: PLC0415
    from aiohttp import ClientError as HttpError  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    config = AioConfig(
        connect_timeout=CONNECT_WITHIN_S,
        read_timeout=READ_WITHIN_S,
        retries={"max_attempts": 1, "mode": "standard"},
        signature_version="s3v4",
        s3={"addressing_style": "path" if settings.media_s3_path_style else "auto"},
        # Newer checksums are unknown to many an S3.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=32,
    )
    edge = None
    if settings.media_cdn_url:
        edge = Edge(settings.media_cdn_url, settings.media_cdn_secret, clock)
    async with get_session().create_client(
        "s3",
        region_name=settings.media_s3_region,
        endpoint_url=settings.media_s3_url or None,
        aws_access_key_id=settings.media_s3_key or None,
        aws_secret_access_key=settings.media_s3_secret or None,
        config=config,
    ) as client:
        faults = Faults(ClientError, (BotoCoreError, HttpError, OSError, TimeoutError))
        yield S3Depot(client, settings.media_s3_bucket, edge, faults, breaker, clock)


def _status(error: ClientError) -> int:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return int(status)


def _away(wait_s: float = 0.0) -> Refused:
    away = unavailable("the media store")
    if wait_s:
        away.retry_after_ms = int(wait_s * 1_000) + 1
    return away
