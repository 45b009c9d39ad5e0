"""What an address is, and when two are one."""

import pytest

from muster.email import CHARS, email
from muster.errors import Refused
from proto.codes import Code


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada.L+tag@Example.ORG ", "Ada.L+tag@example.org"),
        ("o'neil/ada=x@sub.example.co.uk", "o'neil/ada=x@sub.example.co.uk"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@straße.example", "ada@xn--strae-oqa.example"),
        ("ada@\uff45xample.org", "ada@example.org"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_addresses_are_kept_as_mail_is_sent_to_them(typed: str, address: str) -> None:
    """The part before the @ as it was typed, the domain in ASCII."""
    assert email(typed).address == address


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@localhost",
        "ada@127.0.0.1",
        "ada@[127.0.0.1]",
        "ada@[IPv6:::1]",
        "ada@example.org\r\nBcc: all@example.org",
        "ada\r\nBcc: x@example.org@example.org",
        "ada@example.org\x00",
        "ada@exa\nmple.org",
        '"ada"@example.org',
        "ada..l@example.org",
        ".ada@example.org",
        "ada.@example.org",
        "ada l@example.org",
        "ada(home)@example.org",
        "ada,bob@example.org",
        "ada@example.org,bob@example.org",
        "<ada@example.org>",
        "Ada <ada@example.org>",
        "ada@-example.org",
        "ada@exa_mple.org",
        "ada@example..org",
        "ada@.example.org",
        "ada@example.org.",
        "жора@example.org",
        "a" * 65 + "@example.org",
        "ada@" + "a" * 64 + ".org",
        "ada@" + "abc." * 70 + "org",
        "ada@exam\u202eple.org",
        "ada@exa\u200bmple.org ada@b.org",
        "ada%@example.org@",
    ],
)
def test_what_is_none_is_refused_and_not_quoted(typed: str) -> None:
    """Headers and commands cannot hide in one, nor a second recipient."""
    with pytest.raises(Refused) as refused:
        email(typed)
    assert refused.value.code is Code.bad_request
    assert "ada" not in str(refused.value)


def test_two_are_one_by_case_and_by_nothing_else() -> None:
    """Dots and plus signs mean different boxes at most providers; look-alikes are different domains."""
    assert email("ADA@Example.org").unique == email("ada@example.ORG").unique
    for other in (
        "a.da@example.org",
        "ada+x@example.org",
        "ada@examp1e.org",
        "ada@\u0435xample.org",
    ):
        assert email("ada@example.org").unique != email(other).unique
    assert "ada" not in repr(email("ada@example.org"))
    assert len(email("a@" + "b" * 60 + ".org").address) < CHARS
