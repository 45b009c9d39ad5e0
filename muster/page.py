"""What a page says of itself: title, description, site and picture, from its head.

Owns the reading of HTML that strangers wrote. Pure, and linear in what it is given: tags are found by search, and only
single short ones go through html.parser, whose cost grows with the square of some inputs. Must never fetch.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin, urlsplit

from proto.entry import LinkPreview

TITLE_CHARS: Final = 200
DESCRIPTION_CHARS: Final = 400
SITE_CHARS: Final = 80
IMAGE_CHARS: Final = 1_000
TAG_CHARS: Final = 4_096
TAGS_MOST: Final = 300

_SNIFFED_BYTES: Final = 2_048
_TAG: Final = re.compile(
    r"<(?:(!--)|(/head|body)\b|(title|meta|script|style|noscript|template)(?=[\s/>]))",
    re.IGNORECASE,
)
_TAG_END: Final = re.compile(r"""(?:[^>"']|"[^"]*"|'[^']*'){0,4096}>""")
_CHARSET: Final = re.compile(rb"""charset\s*=\s*["']?\s*([a-zA-Z0-9_:.-]{1,40})""", re.IGNORECASE)
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
_CHARSETS: Final = frozenset(
    """
    utf-8 utf8 us-ascii ascii utf-16 utf-16le utf-16be iso-8859-1 latin1 iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5
    iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-9 iso-8859-10 iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16
    windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 windows-1255 windows-1256 windows-1257
    windows-1258 windows-874 koi8-r koi8-u macintosh big5 euc-jp euc-kr gb18030 gb2312 gbk shift_jis iso-2022-jp
    """.split()  # noqa: SIM905  # Python knows others, among them some that run for long
)
_AS_BROWSERS_DO: Final = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
    "gb2312": "gb18030", "gbk": "gb18030", "macintosh": "mac_roman",
}  # fmt: skip
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Unread(Exception):
    """A page that says nothing we may show; `why` is one word for the metrics."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def card(link: str, url: str, content: bytes, charset: str | None) -> LinkPreview:
    """The preview of `link`, which led to the page at `url`. Raises `Unread`: it has neither title nor description."""
    said = _said(decoded(content, charset))
    title = line(
        said.get("og:title") or said.get("twitter:title") or said.get("title"), TITLE_CHARS
    )
    description = line(
        said.get("og:description") or said.get("twitter:description") or said.get("description"),
        DESCRIPTION_CHARS,
    )
    if not (title or description):
        raise Unread("silent")
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return LinkPreview(
        link=link,
        url=url,
        site=line(said.get("og:site_name"), SITE_CHARS) or host[:SITE_CHARS],
        title=title,
        description=description,
        image=_image(url, said.get("og:image:secure_url") or said.get("og:image")),
    )


def decoded(content: bytes, charset: str | None) -> str:
    """The text of a page: by its mark, else its header, else what it says itself, else UTF-8."""
    for bom, name in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(name, "replace")
    if charset is None or charset.lower() not in _CHARSETS:
        found = _CHARSET.search(content[:_SNIFFED_BYTES])
        charset = found.group(1).decode() if found else "utf-8"
        if charset.lower().startswith("utf-16"):  # it could not have been read so
            charset = "utf-8"
    name = charset.lower() if charset.lower() in _CHARSETS else "utf-8"
    return content.decode(_AS_BROWSERS_DO.get(name, name), "replace")


def line(text: str | None, most: int) -> str:
    """One line of at most `most` characters, without those that are not seen."""
    if not text:
        return ""
    # Blanks first: a line break is a control character too, and parts words.
    words = " ".join(text[: most * 8].split())
    seen = "".join(c for c in words if unicodedata.category(c) not in _UNSEEN).strip()
    return seen if len(seen) <= most else seen[: most - 1].rstrip() + "…"


def _image(url: str, named: str | None) -> str:
    """The picture's address, if it is an https one: a phone may fetch it, we never do."""
    if not named or len(named) > IMAGE_CHARS:
        return ""
    try:
        image = urljoin(url, named.strip())
        parts = urlsplit(image)
    except ValueError:
        return ""
    plain = image.isascii() and image.isprintable() and " " not in image and "@" not in parts.netloc
    fits = parts.scheme == "https" and parts.hostname and len(image) <= IMAGE_CHARS
    return image if plain and fits else ""


def _said(text: str) -> dict[str, str]:
    """What the head says, by name in lower case; what is said first counts."""
    said: dict[str, str] = {}
    for name, content in _sayings(text):
        said.setdefault(name, content)
    return said


def _sayings(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    for _ in range(TAGS_MOST):
        tag = _TAG.search(text, at)
        if tag is None or tag[2]:
            return
        at = tag.end()
        if tag[1]:
            at = text.find("-->", at)
        elif (name := tag[3].lower()) == "meta":
            end = _TAG_END.match(text, at, at + TAG_CHARS)
            if end is None:
                continue
            at = end.end()
            yield from _meta(text[tag.start() : at])
        else:
            closing = _CLOSINGS[name].search(text, at)
            if closing is None:
                return
            if name == "title":
                begin = text.find(">", at, at + TAG_CHARS)
                if 0 <= begin < closing.start():
                    yield "title", html.unescape(text[begin + 1 : closing.start()][:TAG_CHARS])
            at = closing.end()
        if at < 0:
            return


_CLOSINGS: Final = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("title", "script", "style", "noscript", "template")
}


def _meta(tag: str) -> Iterator[tuple[str, str]]:
    attributes = _Attributes()
    attributes.feed(tag)
    found = attributes.found
    name = found.get("property") or found.get("name")
    if name and found.get("content"):
        yield name.strip().lower(), found["content"]


class _Attributes(HTMLParser):
    """Reads the attributes of one tag."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag  # always `meta`
        for name, value in attrs:
            self.found.setdefault(name, value or "")
