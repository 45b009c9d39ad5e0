"""The page at `/app`: a small web client, handed out as it lies in the package.

Owns which files there are, their types, how long a browser keeps them and what the page may do (its policy). The
files are read once. Must never make any part of them from what a request says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from api.route import Call, Raw
from muster.errors import Refused
from muster.stores.depots.origins import Origins
from proto.codes import Code

_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_HTML: Final = "text/html; charset=utf-8"
_VERSION_CHARS: Final = 16
_OURS: Final = Origins()
_KEPT: Final = "public, max-age=31536000, immutable"
_POLICY: Final = """
default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:{reads}{tiles}; media-src 'self' blob:;
connect-src 'self'{hubs}{uploads}; base-uri 'none'; form-action 'none'; frame-ancestors 'none';
require-trusted-types-for 'script'; trusted-types 'none'
""".strip().replace("\n", " ")
"""The last two: no string ever becomes markup or code, and there is no policy by which one could."""


class MapSource(NamedTuple):
    """Whence the page's map has its tiles: an address with {z}, {x} and {y}, and whom to name for them; empty: it is
    drawn plainly and asks nobody.
    """

    template: str = ""
    credit: str = ""


def packaged() -> dict[str, bytes]:
    """The page's files by name, as they were installed."""
    folder = files("api").joinpath("web")
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


_PLAIN: Final = MapSource()


class PageHandlers:
    """The routes of the page."""

    def __init__(
        self,
        page: Mapping[str, bytes],
        hub_urls: Sequence[str],
        media: Origins = _OURS,
        tiles: MapSource = _PLAIN,
    ) -> None:
        """`page`: files by name, `index.html` among them. `hub_urls`: where it may open sockets. `media`: from
        where it may read pictures and whither it may upload them, besides here. `tiles`: its map's.
        """
        self._files = {name: data for name, data in page.items() if name != "index.html"}
        self._version = _version(page)
        html = _told(page["index.html"].decode(), tiles)
        self._html = _html(html, self._version, sorted(self._files))
        policy = _POLICY.format(
            hubs=_sources(map(_origin, hub_urls)),
            reads=_sources(media.reads),
            uploads=_sources(media.uploads),
            tiles=_sources([_origin(tiles.template)] if tiles.template.startswith("http") else []),
        )
        self._headers = {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-cache",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(self), microphone=()",
        }

    async def page(self, _call: Call) -> Raw:
        return Raw(self._html, _HTML, self._headers)

    async def file(self, call: Call) -> Raw:
        name = call.path("file", str)
        content = self._files.get(name)
        if content is None:
            raise Refused(Code.not_found, "there is nothing at this address")
        # While releases run side by side a page may ask for the files of the other one. It gets ours, for now.
        kept = _KEPT if call.path("version", str) == self._version else "no-store"
        return Raw(content, _TYPES[name.rpartition(".")[2]], {"Cache-Control": kept})


def _version(page: Mapping[str, bytes]) -> str:
    """Another one whenever any file is another: modules import each other by address."""
    digest = hashlib.blake2b(digest_size=_VERSION_CHARS // 2)
    for name in sorted(page):
        digest.update(f"{name}\0{len(page[name])}\0".encode() + page[name])
    return digest.hexdigest()


def _told(template: str, tiles: MapSource) -> str:
    """The page with what the operator set for it."""
    said = {"map-tiles": tiles.template, "map-credit": tiles.credit}
    lines = [f'<meta name="{name}" content="{escape(text)}">' for name, text in said.items()]
    return template.replace("<!-- settings -->", "\n".join(lines))


def _html(template: str, version: str, names: Sequence[str]) -> bytes:
    """The page, naming every file at once: else modules would be found one by one."""
    base = f"/app/{version}"
    lines = []
    for name in names:
        address = escape(f"{base}/{name}")
        if name.endswith(".css"):
            lines.append(f'<link rel="stylesheet" href="{address}">')
        elif name.endswith(".js"):
            lines.append(f'<link rel="modulepreload" href="{address}">')
    head = "\n".join(lines)
    return template.replace("<!-- files -->", head).replace("/app/version/", f"{base}/").encode()


def _sources(origins: Iterable[str]) -> str:
    return "".join(f" {origin}" for origin in dict.fromkeys(origins))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
