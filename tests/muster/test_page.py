"""What a page says of itself, cut to its bounds, in time that grows no faster than the page."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.fetch import BODY_BYTES
from muster.page import (
    DESCRIPTION_CHARS,
    TITLE_CHARS,
    Unread,
    card,
    decoded,
    line,
)
from proto.entry import LinkPreview

URL = "https://www.site.example/a/b"


def read(html: str | bytes, charset: str | None = None) -> LinkPreview:
    return card("link", URL, html.encode() if isinstance(html, str) else html, charset)


def test_open_graph_comes_before_the_title() -> None:
    """And the description of the page where there is no other; the site is the host if it has no name."""
    got = read(
        """<!doctype html><head><title>plain &amp; simple</title>
        <META NAME=description content='of the page'>
        <meta property="og:title" content="Caf&eacute; &lt;b&gt; > x"/>
        <meta property=og:image content="../i.png">"""
    )
    assert got == LinkPreview(
        "link", URL, "site.example", "Café <b> > x", "of the page", "https://www.site.example/i.png"
    )
    assert read("<title>\n plain &amp; \n simple </title>").title == "plain & simple"
    named = read('<meta property="og:site_name" content="The Site"><title>x</title>')
    assert named.site == "The Site"


def test_what_only_looks_like_a_head_is_not_read() -> None:
    """Comments, scripts, styles, templates, and whatever stands in the body."""
    got = read(
        """<!-- <title>no</title> --><script>"<title>no</title>"</script><style><title>no</title></style>
        <template><meta property="og:title" content=no></template><noscript><title>no</title></noscript>
        <title>yes</title></head><body><meta property="og:title" content="no">"""
    )
    assert got.title == "yes"


def test_a_page_that_says_nothing_is_unread() -> None:
    """No title and no description: there is nothing to show."""
    for html in (
        "",
        "<title></title>",
        "<title> \u200b\u202e </title>",
        "<body><title>x</title>",
        "x" * 99,
    ):
        with pytest.raises(Unread):
            read(html)


def test_lines_are_cut_and_cleaned() -> None:
    """No control characters, none that turn the line around, one line, so many characters."""
    assert line("a\x00b\u202ec\u200bd\n\n e\x1b[31m\u2028f", 99) == "abcd e[31m f"
    assert line("x" * 300, 200) == "x" * 199 + "…"
    got = read(f"<title>{'t' * 999}</title><meta name=description content='{'d ' * 999}'>")
    assert (len(got.title), len(got.description)) == (TITLE_CHARS, DESCRIPTION_CHARS)


@pytest.mark.parametrize("image", ["http://a.example/x.png", "javascript:alert(1)", "data:image/png;base64,x",
                                   "https://u@a.example/", "https://a.example/\u202e", "//[", "x" * 1_001])  # fmt: skip
def test_only_an_https_picture_is_named(image: str) -> None:
    """It is told as text; who shows it decides."""
    assert read(f'<title>x</title><meta property="og:image" content="{image}">').image == ""


@pytest.mark.parametrize(("charset", "header", "said"), [
    ("utf-8", None, ""), ("utf-8", "utf-8", ""), ("shift_jis", "Shift_JIS", ""), ("shift_jis", None, "shift_jis"),
    ("koi8-r", "nonsense", "koi8-r"), ("gb18030", "gb2312", ""), ("utf-16", None, ""), ("utf-8", "zip", ""),
    ("utf-8", None, "unicode_escape"),
])  # fmt: skip
def test_charsets_are_understood(charset: str, header: str | None, said: str) -> None:
    """By header, by the page's own word, by its mark; one that is no charset is UTF-8."""
    title = {"shift_jis": "日本", "koi8-r": "привет", "gb18030": "中文"}.get(charset, "Grüße 日本")
    html = f'<meta charset="{said}"><title>{title}</title>' if said else f"<title>{title}</title>"
    assert read(html.encode(charset), header).title == title


def test_bytes_that_are_no_text_are_read_with_marks() -> None:
    """Whatever they are, no error."""
    assert decoded(b"\xff\xfe\x00", None) == "�"
    assert read(b"<title>a\xff\xfeb</title>").title == "a��b"


@given(st.binary(max_size=400), st.sampled_from([None, "utf-16", "gb18030", "x"]))
def test_no_page_makes_a_fault(content: bytes, charset: str | None) -> None:
    """Any bytes are a card or unread."""
    try:
        got = read(b"<title>" + content, charset)
    except Unread:
        return
    assert got.title == got.title.strip()


_HOSTILE = ("<", "<meta", "<meta ", '<meta a="', "<!--", "<title", "<title>", "<script>", "</", "&", "&#", "<meta x=y>",
            "<meta content='a' name='", "<![CDATA[", "<meta " + "a=" * 50, " ", "'", "<script></script>")  # fmt: skip


@pytest.mark.parametrize("part", _HOSTILE)
def test_a_hostile_page_costs_little(part: str) -> None:
    """Half a megabyte of the same, before and after a tag: tenths of a second, where a square would be minutes."""
    many = part * (BODY_BYTES // len(part))
    for html in (many, '<meta name="description" content="x"><title>' + many, "<meta " + many):
        started = time.process_time()
        with suppress(Unread):
            read(html)
        assert time.process_time() - started < 0.5
