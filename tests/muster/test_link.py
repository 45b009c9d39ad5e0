"""Links: found in a message as people write them, and refused where two programs might read them in two ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.link import BadLink, beyond, first_link, target

FOUND = {
    "see https://a.example/x?y=1#z.": "https://a.example/x?y=1#z",
    "(https://a.example/b)": "https://a.example/b",
    "https://a.example/wiki/X_(y) and": "https://a.example/wiki/X_(y)",
    "HTTPS://A.example, yes": "HTTPS://A.example",
    "<http://a.example>": "http://a.example",
    "two http://a.example/ http://b.example/": "http://a.example/",
    "“https://a.example/é”": "https://a.example/é”",
    "ftp://a.example javascript:alert(1) //a.example www.a.example": None,
    "http:// nothing": None,
    "https://a.example/" + "x" * 3_000: None,
}


@pytest.mark.parametrize("text", FOUND)
def test_the_first_link_is_found(text: str) -> None:
    """As it stands in the text, without the end of its sentence."""
    assert first_link(text) == FOUND[text]


@given(st.text(alphabet="https:/.@[]() ae1\n", max_size=80))
def test_a_found_link_is_part_of_the_text(text: str) -> None:
    """Whatever the text, nothing is made up."""
    link = first_link("http" + text)
    assert link is None or link in "http" + text


REFUSED = """
    ftp://a.example/ file:///etc/passwd gopher://a.example:70/ javascript:1 data:text/html,x //a.example/ a.example
    http:///path https://:443/ http://user@a.example/ http://user:pass@a.example/ http://a.example@127.0.0.1/
    http://a.example:8080/ https://a.example:80/ http://a.example:443/ http://a.example:99999/ http://a.example:x/
    http://2130706433/ http://0x7f000001/ http://0177.0.0.1/ http://127.1/ http://0x7f.1/ http://127.0.0.0x1/
    http://1.1.1.256/ http://a.1/ http://[::1 http://[::1]x/ http://[fe80::1%25eth0]/ http://[v1.x]/ http://[1.1.1.1]/
    http://a..example/ http://-a.example/ http://a%2eexample/ http://a.example%00/ http://a,b/ http://a*b/ http://.../
""".split()  # noqa: SIM905  # fifty quoted words read worse


@pytest.mark.parametrize("link", [*REFUSED, "http://a.example\\@b.example/", "http://a .example/",
                                  "http://a.example/\r\nHost: b", "http://a.example/\tx", "http://a.example\n",
                                  f"http://{'a' * 64}.example/", f"http://{'a.' * 130}example/",
                                  f"https://a.example/{'x' * 2_000}"])  # fmt: skip
def test_a_doubtful_link_is_refused(link: str) -> None:
    """Other schemes, ports, names before the host, numbers that some read as addresses, and what is none at all."""
    with pytest.raises(BadLink):
        target(link)


def test_a_link_is_taken_apart() -> None:
    """Host in its wire form, the port of the scheme, path and query as ASCII, no fragment."""
    assert target("HTTPS://Bücher.Example:443/ä?q=ö#x").url == (
        "https://xn--bcher-kva.example/%C3%A4?q=%C3%B6"
    )
    assert target("http://a.example.").url == "http://a.example/"
    assert target("http://8.8.8.8/").literal
    assert target("http://[2606:4700::1111]:80/x").url == "http://[2606:4700::1111]/x"
    assert target("http://\uff11.1.1.1/") == target("http://1.1.1.1/")


def test_a_redirect_is_read_as_its_page_means_it() -> None:
    """Relative to where it was said; and refused like a link."""
    base = target("https://a.example/b/c?d")
    assert beyond(base, "../e?f").url == "https://a.example/e?f"
    assert beyond(base, "//b.example/").url == "https://b.example/"
    for location in (
        "file:///etc/passwd",
        "http://127.1/",
        "https://a.example:22/",
        "http://[",
        "\x00",
    ):
        with pytest.raises(BadLink):
            beyond(base, location)
