"""How the page is handed out: what browsers may keep, what it may do, who may open sockets, and how it is written."""

import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from api.page import MapSource, PageHandlers, packaged
from loadtest.stack import Stack
from muster.config import Settings
from muster.services.stack import page_origins
from muster.setting import SettingsError
from muster.stores.depots.origins import Origins, media_origins
from tests.api.conftest import door  # noqa: F401  # the fixture
from tests.api.door import Door
from tests.architecture.source import ROOT
from tests.page.browser import OTHER_ORIGIN

WEB = ROOT / "api" / "web"
_LINES = 350
_FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\(\s*[\"'`]|"
    r"(src|href)\s*=\s*[\"']https?:|from \"https?:"
)
_BAGS = re.compile(r"util|helper|manager|common|misc")


async def test_the_page_is_fresh_and_its_files_are_kept(door: Door) -> None:  # noqa: F811
    """Every file it names is there, under an address that changes with any of them, and may be kept for ever."""
    page = await door.client.get("/app")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-cache"
    named = re.findall(r'(?:href|src)="(/app/[^"]+)"', page.text)
    assert {Path(one).name for one in named} == {
        name for name in packaged() if name != "index.html"
    }
    for address in named:
        got = await door.client.get(address)
        assert (got.status_code, got.headers["cache-control"]) == (
            200,
            "public, max-age=31536000, immutable",
        )
        assert got.headers["x-content-type-options"] == "nosniff"
    other = await door.client.get("/app/another-release/main.js")
    assert (other.status_code, other.headers["cache-control"]) == (200, "no-store")
    for nothing in ("index.html", "nothing.js", "..%2Fpage.py"):
        assert (await door.client.get(f"/app/x/{nothing}")).status_code == 404


async def test_the_policy_lets_nothing_in_from_elsewhere(door: Door) -> None:  # noqa: F811
    """No inline script or style, no string as markup, sockets to the hubs alone."""
    policy = (await door.client.get("/app")).headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "connect-src 'self' ws://127.0.0.1:8101;" in policy
    assert "http" not in policy


def test_the_page_may_reach_where_media_lie() -> None:
    """Our own directory needs nothing; a CDN is read from, a bucket is read from and uploaded to."""
    cdn, ours = "https://cdn.example.org/pictures", "https://s3.example.org:9000"
    assert media_origins(Settings()) == Origins()
    assert media_origins(Settings(media_cdn_url=cdn)) == Origins(("https://cdn.example.org",), ())
    bucket = Settings(media_s3_bucket="album", media_s3_region="eu-west-1")
    assert media_origins(bucket).reads == ("https://s3.eu-west-1.amazonaws.com",)
    named = replace(bucket, media_s3_path_style=False)
    assert "https://album.s3.amazonaws.com" in media_origins(named).uploads
    assert media_origins(replace(bucket, media_s3_url=ours)) == Origins((ours,), (ours,))
    behind = media_origins(replace(bucket, media_s3_url=ours, media_cdn_url=cdn))
    policy = PageHandlers(packaged(), (), behind)._headers["Content-Security-Policy"]
    assert "img-src 'self' blob: https://cdn.example.org;" in policy
    assert f"connect-src 'self' {ours};" in policy


def test_the_map_may_ask_where_its_tiles_are_and_no_other_place() -> None:
    """One more origin for pictures; none for tiles of this site, and never for anything but pictures."""
    there = MapSource('https://tiles.example.org/{z}/{x}/{y}.png?a="b', "<b>Us</b>")
    handlers = PageHandlers(packaged(), (), tiles=there)
    policy = handlers._headers["Content-Security-Policy"]
    assert "img-src 'self' blob: https://tiles.example.org;" in policy
    assert policy.count("tiles.example.org") == 1
    assert b"<b>Us" not in handlers._html
    ours = PageHandlers(packaged(), (), tiles=MapSource("/tiles/{z}/{x}/{y}.png"))
    assert "img-src 'self' blob:;" in ours._headers["Content-Security-Policy"]
    for wrong in (
        "tiles.example.org/{z}/{x}/{y}",
        "https://a; script-src b/{z}{x}{y}",
        "https://a/{z}/{x}.png",
    ):
        with pytest.raises(SettingsError, match="MUSTER_MAP_TILES"):
            Settings(map_tiles=wrong)


def test_another_file_is_another_address() -> None:
    """Else a browser would go on with the old one."""
    page = packaged()
    before = PageHandlers(page, ())
    after = PageHandlers({**page, "dates.js": page["dates.js"] + b"\n"}, ())
    assert before._version != after._version


def test_every_file_is_in_the_wheel(tmp_path: Path) -> None:
    """What is installed serves the same page as what is cloned."""
    from setuptools import build_meta

    copy = tmp_path / "tree"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    (copy / "api" / "web").mkdir(parents=True)
    (copy / "api" / "__init__.py").touch()
    for path in WEB.iterdir():
        (copy / "api" / "web" / path.name).write_bytes(path.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        wheel = build_meta.build_wheel(str(tmp_path))
    names = zipfile.ZipFile(tmp_path / wheel).namelist()
    assert {f"api/web/{path.name}" for path in WEB.iterdir()} <= set(names)


def test_the_modules_keep_the_rules_of_the_house() -> None:
    """Each says what it owns, fits in a head, is no bag, and makes no markup of strings."""
    for path in sorted(WEB.glob("*.js")):
        text = path.read_text("utf-8")
        opening = "".join(
            line for line in text.splitlines(keepends=True)[:6] if line.startswith("//")
        )
        assert "Owns" in opening, path.name
        assert text.count("\n") <= _LINES, path.name
        assert not _FORBIDDEN.search(text), (path.name, _FORBIDDEN.search(text))
        assert not _BAGS.search(path.name)


def test_the_page_of_this_machine_may_open_sockets() -> None:
    """By any name that leads here; with TLS, by https alone."""
    assert page_origins(Settings(api_port=8000)) == (
        "http://127.0.0.1:8000",
        "http://localhost:8000",
    )
    lan = page_origins(Settings(api_port=8000, lan=True, tls_cert=Path("c"), tls_key=Path("k")))
    assert "https://localhost:8000" in lan
    assert all(one.startswith("https://") for one in lan)


@pytest.mark.asyncio(loop_scope="session")
async def test_sockets_are_for_our_page_and_those_allowed(stack: Stack) -> None:
    """By default the page served beside the hubs, and no other site; phones name no origin."""
    ours = stack.api_url
    for origin in (ours, ours.replace("127.0.0.1", "localhost"), OTHER_ORIGIN, None):
        async with _open(stack.hub_urls[0], origin):
            pass
    with pytest.raises(InvalidStatus, match="403"):
        async with _open(stack.hub_urls[0], "https://evil.example.org"):
            pass


def _open(url: str, origin: str | None) -> connect:
    return connect(
        f"{url}/v1/socket",
        subprotocols=[Subprotocol("muster.v1.json")],
        origin=Origin(origin) if origin else None,
        compression=None,
        proxy=None,
    )
