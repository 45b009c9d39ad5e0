"""Pages of strangers are read, and nobody is led inside: names, addresses, redirects, sizes and times, all hostile.

Every name and address here leads to one server on the loopback, through an injected resolver and dialer.
"""

import asyncio
import gzip
import ssl
import threading
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from tempfile import NamedTemporaryFile

import httpcore
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from muster.clock import SystemClock
from muster.dialer import SystemDialer
from muster.errors import Refused
from muster.fetch import BODY_BYTES, Pages
from muster.page import Unread
from muster.resolver import AT_ONCE, SystemResolver
from tests.fakes.web import PUBLIC, Web, moved, page, trusting, web

TITLE = "<title>A page</title>"
LINK = "http://a.example/"


@pytest_asyncio.fixture
async def near() -> AsyncIterator[Web]:
    """A web without TLS."""
    async with web() as running:
        yield running


class StillClock(SystemClock):
    """Stands until a test moves it."""

    now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s


async def why(pages: Pages, link: str = LINK) -> str:
    """Why a page is unread."""
    with pytest.raises(Unread) as unread:
        await pages.read(link)
    return unread.value.why


async def test_a_page_is_read(near: Web) -> None:
    """From the address its name is at; with a name of ours, no cookie, and nothing about who posted it."""
    near.pages["a.example/x?y"] = page(TITLE, "Set-Cookie: a=b")
    card = await near.reader().read("http://a.example/x?y#z")
    assert (card.title, card.url, card.site) == ("A page", "http://a.example/x?y", "a.example")
    assert near.dialled == [(PUBLIC, 80)]
    head = near.heads[0].decode().lower().splitlines()
    assert sorted(line.partition(":")[0] for line in head[1:-1] if line) == [
        "accept",
        "accept-encoding",
        "host",
        "user-agent",
    ]


async def test_a_public_address_is_read_without_a_name(near: Web) -> None:
    """As it stands in the link: nothing is resolved."""
    near.pages["/"] = page(TITLE)
    pages = near.reader()
    for link in ("http://8.8.8.8/", "http://[2606:4700:4700::1111]/"):
        assert (await pages.read(link)).url == link
    assert near.dialled == [("8.8.8.8", 80), ("2606:4700:4700::1111", 80)]
    assert near.resolved == []


@pytest.mark.parametrize("link", ["http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/",
                                  "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://10.0.0.1/",
                                  "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/",
                                  "ftp://a.example/", "file:///etc/passwd", "http://u:p@a.example/",
                                  "http://a.example:22/", "https://a.example:80/"])  # fmt: skip
async def test_a_link_to_the_inside_is_not_followed(near: Web, link: str) -> None:
    """However it is written: nothing is resolved and nothing dialled."""
    assert await why(near.reader(), link) == "forbidden"
    assert (near.dialled, near.resolved) == ([], [])


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["100.64.0.1"], ["0.0.0.0"],
                                       ["::1"], ["fd00:ec2::254"], ["::ffff:192.168.0.1"], ["2002:7f00:1::"],
                                       ["2001:0:1::1"], ["224.0.0.1"], ["fe80::1%eth0"], [PUBLIC, "127.0.0.1"],
                                       ["127.0.0.1", PUBLIC], ["2606:4700::1", "::1"], [], ["nonsense"],
                                       [PUBLIC] * 21])  # fmt: skip
async def test_a_name_that_is_inside_is_not_dialled(near: Web, addresses: list[str]) -> None:
    """Nor one that is both: of all addresses one is enough."""
    near.names["a.example"] = [addresses]
    assert await why(near.reader()) == "forbidden"
    assert near.dialled == []


async def test_a_name_that_changes_its_mind_is_asked_once(near: Web) -> None:
    """Public when it is judged, inside when somebody would ask again: nobody does."""
    near.names["a.example"] = [[PUBLIC], ["127.0.0.1"]]
    near.pages["/"] = page(TITLE)
    assert (await near.reader().read(LINK)).title == "A page"
    assert (near.resolved, near.dialled) == (["a.example"], [(PUBLIC, 80)])
    # The next connection judges anew.
    assert await why(near.reader()) == "forbidden"


async def test_redirects_are_followed_and_judged(near: Web) -> None:
    """Three; the preview names where they led."""
    near.pages = {
        "a.example/": moved("/b", "301 Moved"),
        "a.example/b": moved("//b.example/c", "307 Moved"),
        "b.example/c": moved("http://c.example/d", "308 Moved"),
        "c.example/d": page(TITLE),
    }
    card = await near.reader().read(LINK)
    assert (card.link, card.url, card.site) == (LINK, "http://c.example/d", "c.example")
    assert near.asked == ["a.example/", "a.example/b", "b.example/c", "c.example/d"]


ASIDE = """
    file:///etc/passwd http://169.254.169.254/latest/ http://127.0.0.1/ //[::1]/ http://inside.example/
    gopher://a.example/ http://a.example:6379/ http://u@b.example/ http://0x7f.1/ http://b.example/\x7f http://[
""".split()  # noqa: SIM905  # a dozen quoted words read worse


@pytest.mark.parametrize("to", ASIDE)
async def test_a_redirect_inside_is_not_followed(near: Web, to: str) -> None:
    """A page outside is no guide to the inside."""
    near.names["inside.example"] = [["10.0.0.1"]]
    near.pages["/"] = moved(to)
    assert await why(near.reader()) in ("forbidden", "broken")
    assert near.dialled == [(PUBLIC, 80)]


async def test_endless_redirects_end(near: Web) -> None:
    """After the third."""
    near.pages["/"] = moved(LINK)
    assert await why(near.reader()) == "circling"
    assert len(near.asked) == 4


@pytest.mark.parametrize("answer", [
    page(TITLE, kind="text/plain"), page(TITLE, kind="image/png"), page(TITLE, kind=""), page(TITLE, status="404 No"),
    page(TITLE, status="500 No"), page(TITLE, kind="text/html-x"), page(TITLE, "Content-Encoding: br"),
    page(TITLE, status="304 No"), moved(""),
])  # fmt: skip
async def test_only_pages_are_read(near: Web, answer: bytes) -> None:
    """Status 200, text/html, and a coding we know."""
    near.pages["/"] = answer
    assert await why(near.reader()) == "no page"


OK = b"HTTP/1.1 200 OK\r\n"
NO_HTTP = {
    "nothing": b"",
    "nonsense": b"nonsense\r\n\r\n",
    "TLS": b"\x16\x03\x01" * 9,
    "a length below zero": OK + b"Content-Length: -1\r\n\r\n",
    "a long header": OK + b"X: " + b"x" * 300_000,
    "many headers": OK + b"X: y\r\n" * 60_000 + b"\r\n",
    "no gzip": page(b"no gzip", "Content-Encoding: gzip"),
    "no chunk": OK + b"Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz",
}


@pytest.mark.parametrize("answer", NO_HTTP.values(), ids=NO_HTTP)
async def test_what_is_no_http_is_broken(near: Web, answer: bytes) -> None:
    """A head that is none, too long, or lies about what follows."""
    near.pages["/"] = answer
    assert await why(near.reader()) == "broken"


async def test_a_header_without_end_is_given_up(near: Web) -> None:
    """Ten megabytes of it are not read."""
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while sent < 10_000_000:
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()

    near.pages["/"] = endless
    assert await why(near.reader()) == "broken"
    await near.done.wait()
    assert sent < 10_000_000


@pytest.mark.parametrize("length", [b"", b"Content-Length: 99999999999\r\n"])
async def test_an_endless_page_is_read_to_its_bound(near: Web, length: bytes) -> None:
    """Its head comes first; the rest stays where it is."""
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + length + b"\r\n")
        writer.write(TITLE.encode())
        while sent < 100 * BODY_BYTES:
            writer.write(b" " * 65_536)
            sent += 65_536
            await writer.drain()

    near.pages["/"] = endless
    assert (await near.reader().read(LINK)).title == "A page"
    await near.done.wait()
    assert sent < 100 * BODY_BYTES


async def test_a_bomb_does_not_go_off(near: Web) -> None:
    """A page of 100 MB in 100 KB, unpacked no further than its bound; and one gzipped as usual."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    bomb = packer.compress(TITLE.encode())
    for _ in range(100):
        bomb += packer.compress(b" " * 1_000_000)
    bomb += packer.flush()
    near.pages["/"] = page(bomb, "Content-Encoding: gzip")
    near.pages["/usual"] = page(gzip.compress(TITLE.encode()), "Content-Encoding: gzip")
    pages = near.reader()
    assert (await pages.read(LINK)).title == "A page"
    assert (await pages.read(LINK + "usual")).title == "A page"


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<tit"]
)
async def test_a_slow_page_is_given_up(near: Web, said: bytes) -> None:
    """One deadline for all of it, however often it says a little."""

    async def slow(writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        while not writer.is_closing():
            writer.write(
                b" "
                if b"\r\n\r\n" in said
                else b"HTTP/1.1 100 Wait\r\n\r\n"
                if not said
                else b"X: y\r\n"
            )
            await writer.drain()
            waiting = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(0.05, waiting.set_result, None)
            await waiting

    near.pages["/"] = slow
    assert await why(near.reader(within_s=0.4)) == "slow"


async def test_a_slow_name_is_given_up(near: Web) -> None:
    """The same deadline."""

    class Silent:
        async def resolve(self, _host: str) -> list[str]:
            await asyncio.Event().wait()
            raise OSError

    pages = Pages(Silent(), near, trusting(), SystemClock(), 0.1)
    assert await why(pages) == "slow"


async def test_a_name_or_address_that_is_not_there_is_broken(near: Web) -> None:
    """No such name; nobody at that address."""

    class Nowhere:
        async def resolve(self, _host: str) -> list[str]:
            raise OSError("no such name")

        async def dial(self, _address: str, _port: int) -> httpcore.AsyncNetworkStream:
            raise httpcore.ConnectError

    tls, clock = trusting(), SystemClock()
    assert await why(Pages(Nowhere(), near, tls, clock)) == "broken"
    assert await why(Pages(near, Nowhere(), tls, clock)) == "broken"


async def test_one_host_is_not_asked_too_often(near: Web) -> None:
    """Nor one machine under many names; both may be asked again after a while."""
    near.pages["/"] = page(TITLE)
    clock = StillClock()
    pages = near.reader(clock=clock)
    for _ in range(5):
        await pages.read(LINK)
    with pytest.raises(Refused) as refused:
        await pages.read(LINK)
    assert refused.value.temporary
    for n in range(15):
        await pages.read(f"http://n{n}.example/")
    with pytest.raises(Refused):
        await pages.read("http://another.example/")
    near.names["elsewhere.example"] = [["8.8.8.8"]]
    await pages.read("http://elsewhere.example/")
    clock.now_s += 10
    await pages.read(LINK)


def certificate(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server that says it is `name`, and a client that trusts what made its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    return _server(key, pem), ssl.create_default_context(cadata=pem.decode())


def _server(key: ec.EllipticCurvePrivateKey, pem: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with NamedTemporaryFile() as file:
        file.write(pem)
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        file.flush()
        context.load_cert_chain(file.name)
    return context


async def test_tls_is_verified_against_the_name() -> None:
    """The certificate is of the host of the link, from somebody trusted; else there is no page."""
    server, client = certificate("a.example")
    async with web(server) as running:
        running.pages["/"] = page(TITLE)
        pages = running.reader(client)
        assert (await pages.read("https://a.example/")).title == "A page"
        assert running.dialled == [(PUBLIC, 443)]
        assert await why(pages, "https://b.example/") == "broken"
        assert await why(running.reader(), "https://a.example/") == "broken"
        assert len(running.asked) == 1


async def test_the_machines_own_resolver_and_dialer(near: Web) -> None:
    """What production uses, as far as the loopback goes: and there nothing is read."""
    found = await SystemResolver().resolve("localhost")
    assert {"127.0.0.1", "::1"} & {*found}
    stream = await SystemDialer().dial("127.0.0.1", near.port)
    await stream.aclose()
    with pytest.raises(httpcore.ConnectError):
        await SystemDialer().dial("127.0.0.1", 1)
    pages = Pages(SystemResolver(), SystemDialer(), trusting(), SystemClock())
    assert await why(pages, "http://localhost/") == "forbidden"


async def test_names_are_looked_up_in_threads_of_their_own() -> None:
    """Few at once; one that never comes back holds its thread and nothing else."""
    hold = threading.Event()
    asked: list[str] = []

    def look_up(host: str) -> list[str]:
        asked.append(host)
        if host.startswith("slow"):
            hold.wait(10)
        if host == "none":
            raise OSError
        return [PUBLIC]

    resolver = SystemResolver(look_up)
    assert await resolver.resolve("a") == [PUBLIC]
    with pytest.raises(OSError):
        await resolver.resolve("none")
    async with asyncio.TaskGroup() as tasks:
        slow = [tasks.create_task(resolver.resolve(f"slow{n}")) for n in range(AT_ONCE)]
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await resolver.resolve("late")
        hold.set()
        await asyncio.gather(*slow)
    assert "late" not in asked
    assert await resolver.resolve("a") == [PUBLIC]
