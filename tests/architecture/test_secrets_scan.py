"""The scan for secrets finds what is planted, and lets through what it is told to, and no more."""

import re

import pytest

from tests.architecture.secrets_scan import excepted, found, plugins

# In halves, so that the scan of this file finds none.
PLANTED = {
    "AWS Access Key": 'key = "AKIA' + 'Q3EGRQ7LKV2MNB5T"',
    "GitHub Token": "origin https://ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx@github.com",
    "Private Key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "JSON Web Token": "eyJhbGciOiJIUzI1NiIsInR5cCI6" + "IkpXVCJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4C",
    "Basic Auth Credentials": "postgres://ada:" + "tr0ub4dor@db.example.org/muster",
    "Secret Keyword": "smtp_pass" + 'word = "tr0ub4dor"',
    "Base64 High Entropy String": 'x = "' + 'mVb8Q2xLrT5nKpZs1WdYhC7gJfEoUa3i"',
    "Hex High Entropy String": 'x = "' + '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"',
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found(kind: str) -> None:
    """By its kind and its line, and the complaint does not repeat it."""
    exceptions = excepted()
    said = found("a.py", "\n" + PLANTED[kind], plugins(exceptions), exceptions.known)
    assert f"a.py:2 {kind}" in said
    assert not any(word in "".join(said) for word in ("tr0ub4dor", "AKIA", "ghp_"))


def test_what_is_known_is_let_through_as_a_whole_only() -> None:
    """An exception is the whole of what was found, not a part of it."""
    running, known = plugins(excepted()), re.compile("hunter2")
    assert found("a.py", 'password = "hunter2"', running, known) == []
    assert len(found("a.py", 'password = "' + 'hunter22"', running, known)) == 1
