"""The claims of muster/archive.py, for every archive there is: a directory, and an S3."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from moto.server import ThreadedMotoServer

from muster.archive import PIECE_BYTES, Archive, base_name, wal_name
from muster.clock import SystemClock
from muster.config import Settings
from muster.depot import Absent
from muster.errors import Refused
from muster.sealed_stream import CHUNK_BYTES
from muster.stores.archives.directory import DirectoryArchive
from muster.stores.archives.s3 import open_s3_archive
from muster.stores.depots.s3 import open_s3

BASE = "20260101T000000Z-0123abcd"
WAL = "000000010000000000000001"


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """An S3 of ours on loopback."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Contract:
    """What holds for each."""

    async def test_what_is_put_is_fetched(self, archive: Archive, tmp_path: Path) -> None:
        """Small and in parts; again in place of what was there."""
        source, into = tmp_path / "source", tmp_path / "into"
        name = base_name("1", BASE, "000000")
        for data in (b"small", secrets.token_bytes((9 << 20) + 1), b"again"):
            source.write_bytes(data)
            await archive.put(name, source)
            assert await archive.fetch(name, into) == len(data)
            assert into.read_bytes() == data

    async def test_what_is_kept_is_listed(self, archive: Archive, tmp_path: Path) -> None:
        """In the order of names, with size and time; and only what begins so."""
        source = tmp_path / "source"
        source.write_bytes(b"12345")
        names = [base_name("2", BASE, "label"), wal_name("2", WAL), wal_name("3", WAL + ".partial")]
        before_ms = SystemClock().now_ms()
        for name in reversed(names):
            await archive.put(name, source)
        kept = [one for one in await archive.kept() if not one.name.startswith("1/")]
        assert [(one.name, one.bytes) for one in kept] == [(name, 5) for name in names]
        assert all(abs(one.at_ms - before_ms) < 60_000 for one in kept)
        assert [one.name for one in await archive.kept("2/wal/")] == names[1:2]

    async def test_what_is_removed_is_gone(self, archive: Archive, tmp_path: Path) -> None:
        """Whether it was there or not."""
        (tmp_path / "source").write_bytes(b"x")
        name = wal_name("4", WAL)
        await archive.put(name, tmp_path / "source")
        await archive.remove([name, name])
        assert await archive.kept("4/") == []
        with pytest.raises(Absent):
            await archive.fetch(name, tmp_path / "into")

    @pytest.mark.parametrize(
        "name",
        ["", "1/wal/../../../etc/passwd", "/etc/passwd", "1/wal/x", "media/1", f"1/wal/{WAL}.x"],
    )
    async def test_nothing_is_put_under_another_name(
        self, archive: Archive, tmp_path: Path, name: str
    ) -> None:
        """A name is one of ours or none."""
        (tmp_path / "source").write_bytes(b"x")
        with pytest.raises(Refused):
            await archive.put(name, tmp_path / "source")


class TestDirectory(Contract):
    """On a disk."""

    @pytest.fixture
    def archive(self, tmp_path: Path) -> Archive:
        """A fresh one."""
        return DirectoryArchive(tmp_path / "archive")

    async def test_nobody_else_may_read_it(self, archive: Archive, tmp_path: Path) -> None:
        """Sealed as it is."""
        (tmp_path / "source").write_bytes(b"x")
        await archive.put(wal_name("1", WAL), tmp_path / "source")
        paths = [tmp_path / "archive", *(tmp_path / "archive").rglob("*")]
        assert all(path.stat().st_mode & 0o077 == 0 for path in paths)

    async def test_one_that_cannot_be_written_is_unavailable(self, tmp_path: Path) -> None:
        """And says so by a sentence, not by a traceback."""
        (tmp_path / "file").write_bytes(b"x")
        with pytest.raises(Refused, match="directory of backups"):
            await DirectoryArchive(tmp_path / "file").put(wal_name("1", WAL), tmp_path / "file")


class TestS3(Contract):
    """In a bucket."""

    @pytest_asyncio.fixture
    async def archive(self, s3_url: str) -> AsyncIterator[Archive]:
        """A bucket of its own, and settings of its own: those of media name another."""
        bucket = f"backups-{secrets.token_hex(4)}"
        settings = Settings(
            backup_s3_bucket=bucket,
            backup_s3_url=s3_url,
            backup_s3_key="key",
            backup_s3_secret="secret",
        )
        media = Settings(
            media_s3_bucket=bucket,
            media_s3_url=s3_url,
            media_s3_key="key",
            media_s3_secret="secret",
        )
        async with open_s3(media, SystemClock()) as depot:
            await depot._client.create_bucket(Bucket=bucket)
        async with open_s3_archive(settings, SystemClock()) as opened:
            yield opened

    async def test_one_that_is_away_is_unavailable(self, own_port: int, tmp_path: Path) -> None:
        """In time, and it is not the media store that is named."""
        (tmp_path / "source").write_bytes(b"x")
        settings = Settings(
            backup_s3_bucket="x", backup_s3_url=f"http://127.0.0.1:{own_port}", backup_s3_key="key",
            backup_s3_secret="secret",
        )  # fmt: skip
        async with open_s3_archive(settings, SystemClock()) as archive:
            with pytest.raises(Refused, match="bucket of backups"):
                await archive.put(wal_name("1", WAL), tmp_path / "source")


def test_a_piece_fits_into_what_is_fetched() -> None:
    """A piece ends with the chunk that filled it."""
    from muster.stores.archives import s3

    assert s3._MOST_BYTES >= PIECE_BYTES + CHUNK_BYTES + 1024
