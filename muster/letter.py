"""Letters: the words of a mail, in somebody's language, plain and as HTML.

    muster/letters/en.toml   per kind: subject, lines, the label of the button; beside it one page for all

Owns how a letter becomes a message, and which languages there are. What is filled in (a handle, a link, a code) goes
into the body alone, escaped; no header is made of anything that a person chose, but the address it goes to, which has
been judged (muster/email.py). Must never do I/O after it was made.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from enum import Enum
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from muster.email import Email
from muster.setting import SettingsError

FALLBACK: Final = "en"
_FOLDER: Final = "letters"


class Kind(Enum):
    """What a mail is about; the names in the files of languages."""

    verify = "verify"
    owned = "owned"
    replaced = "replaced"
    removed = "removed"
    reset = "reset"
    password_changed = "password_changed"  # noqa: S105  # a kind of mail
    linked = "linked"
    unlinked = "unlinked"
    leaving = "leaving"


class Letter(Struct, frozen=True, gc=False):
    """What is to be said, and to whom. Its repr hides it."""

    kind: Kind
    to: Email
    language: str
    mail: UUID
    at_ms: int
    fill: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Letter({self.kind.value})"


class Letters:
    """Writes letters."""

    def __init__(self, sender: str, language: str) -> None:
        """`sender`: as `Muster <no-reply@example.org>`. Raises `SettingsError`."""
        name, address = parseaddr(sender)
        local, at, domain = address.rpartition("@")
        if not at or not domain or "\n" in sender or "\r" in sender:
            raise SettingsError("MUSTER_MAIL_FROM is like Muster <no-reply@example.org>.")
        self.sender = address
        self.domain = domain
        self._from = Address(name, local, domain)
        self._brand = name or domain
        self._languages = _languages()
        self._page = Template(_text("page.html"))
        if language not in self._languages:
            known = ", ".join(sorted(self._languages))
            raise SettingsError(f"MUSTER_MAIL_LANGUAGE is one of {known}.")
        self._otherwise = language

    def language(self, wanted: str) -> str:
        """The one there is that comes nearest to this tag."""
        tag = wanted.replace("_", "-").lower().partition("-")[0]
        return tag if tag in self._languages else self._otherwise

    def write(self, letter: Letter) -> EmailMessage:
        """The message. The same letter has the same Message-ID, whenever it is sent."""
        said = self._languages.get(letter.language) or self._languages[self._otherwise]
        words: Mapping[str, str] = said[letter.kind.value]
        fill = {"brand": self._brand, **letter.fill}
        message = EmailMessage(policy=SMTP)
        local, _, domain = letter.to.address.rpartition("@")
        message["From"] = self._from
        message["To"] = Address("", local, domain)
        message["Subject"] = Template(words["subject"]).substitute(brand=self._brand)
        message["Date"] = format_datetime(datetime.fromtimestamp(letter.at_ms / 1_000, UTC))
        message["Message-ID"] = f"<{letter.mail}@{self.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(_plain(words, said, fill))
        message.add_alternative(self._html(words, said, fill), subtype="html")
        # Last: what begins with Content- moves into the part that is there.
        message["Content-Language"] = said["tag"]
        return message

    def _html(
        self, words: Mapping[str, str], said: Mapping[str, Any], fill: Mapping[str, str]
    ) -> str:
        safe = {name: escape(value) for name, value in fill.items()}
        lines = Template(escape(words["lines"], quote=False)).substitute(safe).strip().split("\n\n")
        body = "".join(f"<p>{line}</p>" for line in lines)
        if "code" in safe:
            body += f'<p class="code">{safe["code"]}</p>'
        if "link" in safe:
            label = escape(words["button"])
            body += f'<p><a class="button" href="{safe["link"]}">{label}</a></p>'
        foot = Template(escape(said["foot"])).substitute(safe)
        return self._page.substitute(tag=said["tag"], brand=safe["brand"], body=body, foot=foot)


def _plain(words: Mapping[str, str], said: Mapping[str, Any], fill: Mapping[str, str]) -> str:
    parts = [Template(words["lines"]).substitute(fill).strip()]
    parts += [f"    {fill['code']}"] if "code" in fill else []
    parts += [f"{words['button']}:\n{fill['link']}"] if "link" in fill else []
    return "\n\n".join([*parts, "-- \n" + Template(said["foot"]).substitute(fill)]) + "\n"


def _languages() -> dict[str, Any]:
    folder = files("muster").joinpath(_FOLDER)
    names = [entry.name for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return {name.removesuffix(".toml"): tomllib.loads(_text(name)) for name in names}


def _text(name: str) -> str:
    return files("muster").joinpath(_FOLDER, name).read_text(encoding="utf-8")
