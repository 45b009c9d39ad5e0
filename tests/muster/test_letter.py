"""Letters say the same in every language, plain and as HTML, and carry nothing in by their headers."""

from email.message import EmailMessage
from email.policy import SMTP
from string import Template
from uuid import UUID

import pytest

from muster import letter
from muster.email import email
from muster.letter import Kind, Letter, Letters
from muster.setting import SettingsError
from tests.fixtures.mailserver import plain

LANGUAGES = ("de", "en")
FILL = {"handle": "ada", "about": "Google"}
WORDS = {"link": "https://a.example/app#/x/w_-", "code": "012345"}
ASKING = (Kind.verify, Kind.reset)


def _letter(kind: Kind, language: str = "en", **fill: str) -> Letter:
    to = email("ada@example.org")
    words = WORDS if kind in ASKING else {}
    return Letter(kind, to, language, UUID(int=7), 1_800_000_000_000, {**FILL, **words, **fill})


def _letters() -> Letters:
    return Letters("Müster <no-reply@muster.example>", "en")


def _parts(message: EmailMessage) -> tuple[str, str]:
    html = message.get_body(("html",))
    assert html is not None
    return plain(message), str(html.get_content())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_in_every_language(kind: Kind, language: str) -> None:
    """Nothing is left to be filled in, and both forms hold what matters."""
    message = _letters().write(_letter(kind, language))
    assert message["Content-Language"] == language
    assert message["Message-ID"] == f"<{UUID(int=7)}@muster.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    for text in _parts(message):
        assert "$" not in text
        for word in WORDS.values() if kind in ASKING else ():
            assert word in text
    assert message.as_bytes(policy=SMTP)


def test_all_languages_have_the_same_words_to_fill_in() -> None:
    """A kind that one language lacks, or a word that it does not use, is found here and not by somebody."""
    texts = letter._languages()
    assert sorted(texts) == sorted(LANGUAGES)
    for kind in Kind:
        used = [
            set(Template(texts[language][kind.value]["lines"]).get_identifiers())
            for language in LANGUAGES
        ]
        assert used[0] == used[1], kind


def test_what_people_chose_stays_words() -> None:
    """In HTML it is escaped, and no header is made of it."""
    bad = '<a href="https://evil.example">$link</a>\r\nBcc: all@example.org'
    message = _letters().write(_letter(Kind.linked, handle=bad, about=bad))
    _, html = _parts(message)
    assert "evil.example" in html
    assert '<a href="https://evil.example"' not in html
    assert message["Bcc"] is None
    assert [name for name in message.keys() if name.lower() == "to"] == ["To"]  # noqa: SIM118
    assert str(message["To"]) == "ada@example.org"


def test_the_nearest_language_is_taken() -> None:
    """By its first part; what is unknown is the operator's."""
    letters = _letters()
    wished = {"de-AT": "de", "DE_de": "de", "en": "en", "tlh": "en", "": "en", "../de": "en"}
    assert {one: letters.language(one) for one in wished} == wished


@pytest.mark.parametrize("sender", ["", "Muster", "a@", "x\r\nBcc: a@b.example <a@b.example>"])
def test_a_sender_that_is_none_is_told_at_the_beginning(sender: str) -> None:
    """And so is a language that there is not."""
    with pytest.raises(SettingsError):
        Letters(sender, "en")
    with pytest.raises(SettingsError):
        Letters("a@b.example", "tlh")
