"""The way to Postgres and Redis by TLS: whoever is there must be who the URL names, or nothing is said to them."""

import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from muster.errors import Refused
from muster.stores.postgres.pool import open_database
from muster.stores.reach import wait_for_database, wait_for_redis
from muster.stores.redis.wire import BROKEN, Dial
from tests.fixtures.tls import before, make

PING = b"*1\r\n$4\r\nPING\r\n"


class Kit(NamedTuple):
    """A server's context, and the file by which it is known."""

    context: ssl.SSLContext
    trusted: Path


def _kit(directory: Path, name: str, *, host: str = "127.0.0.1", newest: bool = True) -> Kit:
    chain, key = directory / f"{name}.pem", directory / f"{name}.key"
    make(chain, key, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if not newest:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain, key)
    return Kit(context, chain)


@pytest.fixture
def known(tmp_path: Path) -> Kit:
    """What the URL trusts, on the host that it names."""
    return _kit(tmp_path, "known")


@pytest.fixture
def strangers(tmp_path: Path, known: Kit) -> list[tuple[Kit, Path]]:
    """Servers that must not be spoken to, and what the URL trusts: another's, for another host, below TLS 1.3."""
    elsewhere = _kit(tmp_path, "elsewhere", host="127.0.0.2")
    old = _kit(tmp_path, "old", newest=False)
    return [
        (_kit(tmp_path, "another"), known.trusted),
        (elsewhere, elsewhere.trusted),
        (old, old.trusted),
    ]


def _postgres(url: str, port: int, trusted: Path) -> str:
    there = urlsplit(url)
    where = there.netloc.replace(f":{there.port}", f":{port}")
    asked = f"sslmode=verify-full&sslrootcert={trusted}&ssl_min_protocol_version=TLSv1.3"
    return there._replace(netloc=where, query=asked).geturl()


def _redis(url: str, port: int, trusted: Path) -> str:
    there = urlsplit(url)
    where = there.netloc.replace(f":{there.port}", f":{port}")
    asked = f"ssl_ca_certs={trusted}&ssl_min_version={int(ssl.TLSVersion.TLSv1_3)}"
    return there._replace(scheme="rediss", netloc=where, query=asked).geturl()


async def test_postgres_is_reached_by_tls_where_it_is_who_it_should_be(
    database_url: str, known: Kit
) -> None:
    """The pool, and what waits for Postgres at the start."""
    port = urlsplit(database_url).port
    assert port
    with before(port, known.context, postgres=True) as front:
        url = _postgres(database_url, front.port, known.trusted)
        await wait_for_database(url, print)
        pool = await open_database(url, "test", 1, lambda _: None)
        await pool.ping()
        await pool.close()
        assert front.agreed == ["TLSv1.3"] * 2


async def test_postgres_that_is_somebody_else_is_told_nothing(
    database_url: str, strangers: list[tuple[Kit, Path]]
) -> None:
    """Neither password nor statement leaves; the request is `unavailable`. One without TLS is somebody else too."""
    port = urlsplit(database_url).port
    assert port
    for kit, trusted in strangers:
        with before(port, kit.context, postgres=True) as front:
            pool = await open_database(
                _postgres(database_url, front.port, trusted), "test", 1, lambda _: None
            )
            with pytest.raises(Refused):
                await pool.ping()
            await pool.close()
    pool = await open_database(
        _postgres(database_url, port, strangers[0][1]), "test", 1, lambda _: None
    )
    with pytest.raises(Refused):
        await pool.ping()
    await pool.close()


async def test_redis_is_reached_by_tls_where_it_is_who_it_should_be(
    redis_url: str, known: Kit
) -> None:
    """The wires of every part, and what waits for Redis at the start."""
    port = urlsplit(redis_url).port
    assert port
    with before(port, known.context) as front:
        url = _redis(redis_url, front.port, known.trusted)
        await wait_for_redis(url, print)
        wire = Dial(url).wire()
        assert await wire.ask([PING], 5.0) == [b"PONG"]
        await wire.close()
        assert front.agreed == ["TLSv1.3"] * 2


async def test_redis_that_is_somebody_else_is_told_nothing(
    redis_url: str, strangers: list[tuple[Kit, Path]]
) -> None:
    """The password least of all."""
    port = urlsplit(redis_url).port
    assert port
    for kit, trusted in strangers:
        with before(port, kit.context) as front, pytest.raises(BROKEN):
            await Dial(_redis(redis_url, front.port, trusted)).wire().ask([PING], 5.0)
    with pytest.raises(BROKEN):
        await Dial(_redis(redis_url, port, strangers[0][1])).wire().ask([PING], 5.0)
