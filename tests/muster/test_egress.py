"""What leaves the house goes where it may, and is bounded: names, addresses, redirects, size and time."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import httpcore
import pytest

from muster.addresses import allowed, networks
from muster.egress import Answer, Egress, Forbidden, Unanswered, check_url
from muster.services.certificate import development_certificate

INSIDE = """
    0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1
    172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
    224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:10.0.0.1 ::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1
    2001::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff::1 4000::1 fc00::1 fd12::1 fe80::1 fe80::1%eth0 fec0::1
    ff02::1 2606:4700::1%eth0
""".split()  # noqa: SIM905  # a list of 50 quoted words reads worse
OUTSIDE = ("1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1")
OUTSIDE_MAPPED = "::ffff:8.8.8.8"


@pytest.mark.parametrize("text", INSIDE)
def test_the_inside_is_not_for_asking(text: str) -> None:
    """Private, local, multicast, documentation, and IPv4 in every IPv6 disguise."""
    assert not allowed(ip_address(text))


@pytest.mark.parametrize("text", [*OUTSIDE, OUTSIDE_MAPPED])
def test_the_outside_is(text: str) -> None:
    """Public addresses, also when they come mapped."""
    assert allowed(ip_address(text))


def test_the_operator_opens_networks_by_name() -> None:
    """Those and no others, disguised or not."""
    inside = networks(["10.1.0.0/16", "fd12::/16"])
    for text, good in (
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("fd12::7", True),
        ("10.2.0.1", False),
        ("127.0.0.1", False),
        ("fd13::7", False),
    ):
        assert allowed(ip_address(text), inside) is good, text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://exa mple.org/",
        "https://example.org\\@evil.example/",
        "https://ex\u00e4mple.org/",
        "https://example.org/\r\nx: y",
        "https://[::1/",
        "https://example.org/" + "a" * 2_050,
    ],
)
def test_urls_that_are_none(url: str) -> None:
    """Whatever parsers might read in two ways is no URL here."""
    with pytest.raises(Forbidden):
        check_url(url)


class Receiver:
    """A server of the test's own that answers what it is told to."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        self.asked: list[bytes] = []
        self.silent = False
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            if self.silent:
                await reader.read()
            writer.write(self.answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


class Roads:
    """A resolver and a dialer of the test's: no packet leaves, every dial ends at the receiver and is written down."""

    def __init__(self, receiver: Receiver, *answers: Sequence[str]) -> None:
        self._receiver = receiver
        self._answers = list(answers)
        self.dialed: list[str] = []
        self.dead: set[str] = set()

    async def resolve(self, _host: str) -> Sequence[str]:
        if not self._answers:
            raise OSError
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def dial(self, address: str, _port: int, within_s: float) -> httpcore.AsyncNetworkStream:
        self.dialed.append(address)
        if address in self.dead:
            raise OSError
        backend = httpcore.AnyIOBackend()
        return await backend.connect_tcp("127.0.0.1", self._receiver.port, timeout=within_s)

    def egress(self, *inside: str) -> Egress:
        return Egress(networks(inside), self.resolve, self.dial)


async def ask(egress: Egress, url: str = "http://hooks.example/x", within_s: float = 5.0) -> Answer:
    try:
        return await egress.ask(
            "POST", check_url(url), {}, b"{}", within_s=within_s, most_bytes=100
        )
    finally:
        await egress.close()


async def test_what_was_judged_is_what_is_dialed() -> None:
    """A name that resolves to the inside is not dialed; of two addresses only the good one is, if need be the next."""
    async with receiving() as receiver:
        roads = Roads(receiver, ["127.0.0.1", "10.0.0.1", "10.9.0.1", "10.9.0.2"])
        roads.dead = {"10.9.0.1"}
        assert (await ask(roads.egress("10.9.0.0/16"))).body == b"ok"
        assert roads.dialed == ["10.9.0.1", "10.9.0.2"]


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("https://hooks.example/", ["169.254.169.254"]),
        ("https://hooks.example/", ["::ffff:127.0.0.1"]),
        ("https://127.0.0.1/", ["8.8.8.8"]),
        ("https://[::1]/", ["8.8.8.8"]),
        ("https://2130706433/", ["127.0.0.1"]),
        ("https://0x7f.1/", ["127.0.0.1"]),
        ("http://hooks.example/", ["8.8.8.8"]),
        ("http://8.8.8.8/", ["8.8.8.8"]),
    ],
)
async def test_nothing_is_dialed_on_the_inside(url: str, resolved: list[str]) -> None:
    """Names, literals, numbers; and outside nothing is sent in the clear."""
    async with receiving() as receiver:
        roads = Roads(receiver, resolved)
        with pytest.raises(Forbidden):
            await ask(roads.egress("10.9.0.0/16"), url)
        assert (roads.dialed, receiver.asked) == ([], [])


async def test_a_name_that_turns_is_judged_anew() -> None:
    """Good at the first look, of the inside at the second: the second is not dialed."""
    async with receiving() as receiver:
        roads = Roads(receiver, ["10.9.0.1"], ["127.0.0.1"])
        egress = roads.egress("10.9.0.0/16")
        target = check_url("http://hooks.example/")
        receiver.answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        await egress.ask("GET", target, {}, within_s=5, most_bytes=10)
        with pytest.raises(Forbidden):
            await egress.ask("GET", target, {}, within_s=5, most_bytes=10)
        await egress.close()
        assert roads.dialed == ["10.9.0.1"]


async def test_a_redirect_is_an_answer() -> None:
    """And not followed."""
    async with receiving() as receiver:
        receiver.answer = (
            b"HTTP/1.1 302 Found\r\nlocation: http://10.9.0.2/\r\ncontent-length: 0\r\n\r\n"
        )
        roads = Roads(receiver, ["10.9.0.1"])
        assert (await ask(roads.egress("10.9.0.0/16"))).status == 302
        assert len(receiver.asked) == len(roads.dialed) == 1


async def test_size_and_time_are_bounded() -> None:
    """A body without end is cut, a server that says nothing is left, garbage is no answer."""
    async with receiving() as receiver:
        roads = Roads(receiver, ["10.9.0.1"])
        receiver.answer = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000
        answer = await ask(roads.egress("10.9.0.0/16"))
        assert (answer.status, len(answer.body), answer.whole) == (200, 100, False)
        receiver.answer = b"nonsense\r\n\r\n"
        with pytest.raises(Unanswered, match="protocol"):
            await ask(roads.egress("10.9.0.0/16"))
        receiver.silent = True
        with pytest.raises(Unanswered, match="time"):
            await ask(roads.egress("10.9.0.0/16"), within_s=0.05)
        with pytest.raises(Unanswered, match="resolve"):
            await ask(Roads(receiver).egress("10.9.0.0/16"))


async def test_tls_is_with_whom_the_url_names(tmp_path: Path) -> None:
    """However the address was found: another name, or a certificate nobody signed, is no answer."""
    certificate, key = development_certificate(tmp_path, "127.0.0.1")
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate, key)
    async with receiving(serving) as receiver:
        roads = Roads(receiver, ["8.8.8.8"])
        trusting = ssl.create_default_context(cafile=certificate)
        for url, tls, good in (
            ("https://localhost/", trusting, True),
            ("https://hooks.example/", trusting, False),
            ("https://localhost/", None, False),
        ):
            egress = Egress((), roads.resolve, roads.dial, tls)
            if good:
                assert (await ask(egress, url)).body == b"ok"
            else:
                with pytest.raises(Unanswered, match="protocol"):
                    await ask(egress, url)
        assert len(receiver.asked) == 1
