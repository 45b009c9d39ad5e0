"""The claims of the certificate that changes under an open listener."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from muster.config import Settings
from muster.setting import SettingsError
from muster.tls import Certificate, certificate
from tests.fixtures.tls import HOST, VERSIONS, make, shown, speaking, spoken, suites


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A chain and its key."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    make(chain, key)
    return chain, key


def _used(files: tuple[Path, Path], registry: CollectorRegistry, least: str = "1.3") -> Certificate:
    settings = Settings(tls_cert=files[0], tls_key=files[1], tls_min=least)
    made = certificate(settings, registry)
    assert made is not None
    return made


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


@asynccontextmanager
async def _echo(context: ssl.SSLContext) -> AsyncIterator[int]:
    """The port of a listener that says everything back."""
    server = await asyncio.get_running_loop().create_server(_Echo, HOST, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_new_certificate_is_shown_to_whoever_comes_next_and_no_socket_is_lost(
    files: tuple[Path, Path],
) -> None:
    """The old connection goes on talking; the metric tells when the new one expires."""
    registry = CollectorRegistry()
    used = _used(files, registry)
    async with _echo(used.context) as port:
        before = await shown(port)
        reader, writer = await asyncio.open_connection(
            HOST, port, ssl=speaking(ssl.TLSVersion.TLSv1_3)
        )
        assert not used.look()
        renewed = make(*files)
        assert used.look()
        assert renewed == await shown(port) != before
        writer.write(b"still here\n")
        assert await reader.readline() == b"still here\n"
        writer.transport.abort()
    assert registry.get_sample_value("muster_tls_reloads_total", {"outcome": "taken"}) == 1
    assert (registry.get_sample_value("muster_tls_certificate_expires_seconds") or 0) > 1e9


async def test_half_a_renewal_changes_nothing_until_it_is_whole(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    """A chain without its key, a file that is gone, noise: the old one is shown, and it is counted."""
    registry = CollectorRegistry()
    used = _used(files, registry)
    chain, key = files
    async with _echo(used.context) as port:
        before = await shown(port)
        whole = chain.read_bytes(), key.read_bytes()
        renewed = make(chain, tmp_path / "not yet there.pem")
        for spoil in (None, b"noise", b""):
            if spoil is not None:
                chain.write_bytes(spoil)
            assert not used.look()
            assert await shown(port) == before
        chain.unlink()
        assert not used.look()
        chain.write_bytes(whole[0])
        assert used.look()
        assert await shown(port) == before != renewed
    assert registry.get_sample_value("muster_tls_reloads_total", {"outcome": "refused"}) == 4


async def test_nothing_below_the_least_version_is_spoken(files: tuple[Path, Path]) -> None:
    """1.3 by default; 1.2 too, for whoever asks for it in the settings."""
    for least, wanted in (("1.3", ["TLSv1.3"]), ("1.2", ["TLSv1.2", "TLSv1.3"])):
        async with _echo(_used(files, CollectorRegistry(), least).context) as port:
            said = [await spoken(port, version) for version in VERSIONS]
        assert [each for each in said if each] == wanted


async def test_the_scan_speaks_every_version_where_it_is_let(files: tuple[Path, Path]) -> None:
    """Else that an old one is refused would show nothing."""
    willing = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    willing.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        willing.minimum_version = ssl.TLSVersion.TLSv1
    willing.load_cert_chain(*files)
    async with _echo(willing) as port:
        said = [await spoken(port, version) for version in VERSIONS]
    assert said == ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]


async def test_what_is_agreed_upon_is_sealed_and_leaves_no_key_behind(
    files: tuple[Path, Path],
) -> None:
    """Three suites, all of them sealing what they hide, and none that a later theft of our key would open."""
    async with _echo(_used(files, CollectorRegistry()).context) as port:
        assert await suites(port) == [
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
        ]
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.load_cert_chain(*files)
    async with _echo(old) as port:
        assert await suites(port) == []


def test_what_cannot_be_used_is_said_at_the_start(files: tuple[Path, Path], tmp_path: Path) -> None:
    """In a sentence, with nothing of what is in the files; where TLS ends elsewhere there is nothing to use."""
    chain, key = files
    assert certificate(Settings(), CollectorRegistry()) is None
    make(chain, tmp_path / "another.pem")
    for wrong in ((chain, key), (chain, tmp_path / "absent"), (key, key)):
        with pytest.raises(SettingsError, match="MUSTER_TLS_CERT"):
            _used(wrong, CollectorRegistry())
