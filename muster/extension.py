"""The narrow token of a phone's notification extension: it reads the messages that pushes tell of, and nothing else.

An extension runs while the app does not, so it cannot refresh; its token lives long, and therefore opens one route
(RouteRule.extension) and is believed only while the registration it was made for stands: logging out, a revoked
session, a ban, another owner of the phone and 60 days of silence all end it at once.

Owns who gets one, when it is believed, and which messages it shows. Must never be let into a socket.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from muster.clock import Clock
from muster.errors import Refused
from muster.history import Item
from muster.registration import DeviceStore, unregistered
from muster.tokens import Claims, Tokens
from proto.codes import Code
from proto.entry import EntryKind

LIFE_S: Final = 30 * 86_400
"""As long as providers keep a push for a phone that is off. The app asks for a new one whenever it begins."""


class ExtensionGrant(Struct, frozen=True, gc=False):
    """A token for the extension. Its repr hides it."""

    token: str
    expires_in: int

    def __repr__(self) -> str:
        return "ExtensionGrant()"


class Extensions:
    """Gives these tokens, and believes them."""

    def __init__(self, store: DeviceStore, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens

    async def grant(self, who: Claims) -> ExtensionGrant:
        """One for the device that asks. Raises `Refused`: `not_found` where its session has not registered it."""
        if not await self._store.stands(who.device, who.session):
            raise unregistered()
        token = self._tokens.issue_extension(who.person, who.session, who.device, LIFE_S)
        return ExtensionGrant(token, LIFE_S)

    async def verify(self, word: str) -> Claims:
        """Whose it is. Raises `Refused`: `token_expired`, `unauthorized`."""
        claims = self._tokens.verify_extension(word)
        if not await self._store.stands(claims.device, claims.session):
            raise Refused(Code.unauthorized, "this device is no longer registered; open the app")
        return claims


def may_show(item: Item, who: Claims, clock: Clock) -> bool:
    """Whether a push can have told of this: a message of somebody else's, as young as a push may be old."""
    return (
        item.kind is EntryKind.post
        and item.author != who.person
        and item.at_ms >= clock.now_ms() - LIFE_S * 1_000
    )
