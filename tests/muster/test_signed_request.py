"""Signed requests: what was signed is what is believed, to the last byte."""

from uuid import uuid4

import pytest

from muster.errors import Refused
from muster.signed_request import APART_MS, Asked, read_signed, sign

KEY, SECRET, NOW = uuid4(), b"s" * 32, 1_800_000_000_000
ASKED = Asked("PUT", b"/v1/service/people/a%20b?x=1")
NONCE = "n" * 22
BODY = b'{"name": "Ada"}'
HEADER = sign(ASKED, BODY, (KEY, SECRET), NOW, NONCE).encode()


def test_what_was_signed_fits() -> None:
    """And says whose it is, and when."""
    signed = read_signed(HEADER)
    assert signed is not None
    assert (signed.key, signed.at_ms, signed.nonce) == (KEY, NOW, NONCE)
    assert signed.fits(ASKED, SECRET)
    assert signed.covers(BODY)
    assert signed.signature not in repr(signed)


@pytest.mark.parametrize(
    "asked",
    [
        Asked("POST", ASKED.target),
        Asked("PUT", b"/v1/service/people/a b?x=1"),
        Asked("PUT", b"/v1/service/people/a%20b?x=2"),
        Asked("PUT", b"/v1/service/people/a%20b"),
    ],
)
def test_another_request_does_not(asked: Asked) -> None:
    """Neither another method, nor another path or query, nor the same one written otherwise."""
    signed = read_signed(HEADER)
    assert signed is not None
    assert not signed.fits(asked, SECRET)
    assert not signed.fits(ASKED, b"t" * 32)
    assert not signed.covers(BODY + b" ")


@pytest.mark.parametrize("part", ["at", "nonce", "sha256", "signature"])
def test_no_part_can_be_changed(part: str) -> None:
    """Time, nonce and the body's hash are signed with the rest."""
    text = HEADER.decode()
    at = text.index(f"{part}=") + len(part) + 1
    other = text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1 :]
    signed = read_signed(other.encode())
    assert signed is not None
    assert not signed.fits(ASKED, SECRET)


def test_fresh_is_five_minutes_either_way() -> None:
    """Clocks of others may be wrong, but not by more."""
    signed = read_signed(HEADER)
    assert signed is not None
    assert signed.is_fresh(NOW - APART_MS)
    assert signed.is_fresh(NOW + APART_MS)
    assert not signed.is_fresh(NOW - APART_MS - 1)
    assert not signed.is_fresh(NOW + APART_MS + 1)


@pytest.mark.parametrize(
    "header",
    [
        b"Muster-HMAC",
        b"Muster-HMAC key=1",
        HEADER.replace(NONCE.encode(), b"short"),
        HEADER.replace(NONCE.encode(), b"n" * 65),
        HEADER.replace(b"at=", b"at=-"),
        HEADER + b", more=1",
        HEADER.replace(b"sha256=", b"sha512="),
        HEADER.replace(b"key=", b"key=\xff"),
    ],
)
def test_other_forms_are_refused(header: bytes) -> None:
    """One form, so that two readers never read two things."""
    with pytest.raises(Refused, match="Muster-HMAC key="):
        read_signed(header)


def test_other_schemes_are_others_to_read() -> None:
    """A bearer token, or nothing."""
    assert read_signed(b"Bearer x") is None
    assert read_signed(b"") is None
