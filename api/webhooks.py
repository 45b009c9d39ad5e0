"""Handlers about webhooks: where the app is told what happened.

Owns the bodies of these routes. Must never answer with a secret but where it is made.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from api.route import Call
from muster.egress import URL_CHARS
from muster.webhooks import DeadLetters, Events, Replayed, Secret, WebhookList, Webhooks

_Url = Annotated[str, Meta(min_length=1, max_length=URL_CHARS)]


class NewWebhook(Struct, frozen=True):
    """Where to tell, and of what."""

    url: _Url
    events: Events


class ChangeWebhook(Struct, frozen=True):
    """What is absent stays. `on` begins deliveries anew, or ends them."""

    url: _Url | None = None
    events: Events | None = None
    on: bool | None = None


class Replay(Struct, frozen=True):
    """Since when; `dead`: only what was given up."""

    since_ms: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    dead: bool = False


class Newest(Struct, frozen=True):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class WebhookHandlers:
    """The routes about webhooks."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    async def all(self, _call: Call) -> WebhookList:
        return await self._webhooks.all()

    async def register(self, call: Call) -> Secret:
        wanted = call.body(NewWebhook)
        return await self._webhooks.register(wanted.url, wanted.events)

    async def change(self, call: Call) -> None:
        wanted = call.body(ChangeWebhook)
        webhook = call.path("webhook", UUID)
        await self._webhooks.change(webhook, wanted.url, wanted.events, wanted.on)

    async def remove(self, call: Call) -> None:
        await self._webhooks.remove(call.path("webhook", UUID))

    async def rotate(self, call: Call) -> Secret:
        return await self._webhooks.rotate(call.path("webhook", UUID))

    async def replay(self, call: Call) -> Replayed:
        wanted = call.body(Replay)
        webhook = call.path("webhook", UUID)
        return await self._webhooks.replay(webhook, wanted.since_ms, dead=wanted.dead)

    async def dead(self, call: Call) -> DeadLetters:
        return await self._webhooks.dead(call.path("webhook", UUID), call.query(Newest).limit)
