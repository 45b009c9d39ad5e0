"""Rows of the app around the service, of the service itself and its page.

Owns their order: they are matched as they stand.
"""

from __future__ import annotations

from typing import Final

from api import (
    adopters,
    webhooks,
)
from api.documents import DocumentHandlers
from api.page import PageHandlers
from api.route import Done, Limit, Route
from api.service import Health, Hubs, KeySet, ServiceHandlers
from muster.arrivals import NewGrant
from muster.webhooks import DeadLetters, Replayed, Secret, WebhookList
from proto.codes import Code

_MADE: Final = {201: "It was not there, and is made"}


def of_adopters(to: adopters.AdopterHandlers) -> list[Route]:
    """The app's own."""
    write, person = Limit.write, "/v1/service/people/{external}"
    room = "/v1/service/rooms/{room}"
    return [
        Route("GET", person, to.person, "Somebody of the app's", adopters.AppPerson),
        Route("PUT", person, to.upsert_person, "Make or change somebody of the app's",
              adopters.AppPerson, body=adopters.UpsertPerson, limit=write, also=_MADE),
        Route("POST", person + "/grant", to.grant, "A word that lets somebody in, once", NewGrant,
              201, limit=Limit.secret),
        Route("PUT", "/v1/service/rooms/{external}", to.upsert_room,
              "Make or change a room of the app's", adopters.AppRoom, body=adopters.UpsertRoom,
              limit=write, also=_MADE),
        Route("PUT", room + "/members/{person}", to.set_member, "Put somebody into a room", Done,
              body=adopters.Place, limit=write, refuses=(Code.archived,)),
        Route("DELETE", room + "/members/{person}", to.remove_member,
              "Put somebody out of a room", Done, limit=write),
        Route("POST", room + "/messages", to.post, "Post as the system, or as a named sender",
              Done, 201, adopters.AppMessage, limit=write, refuses=(Code.archived,)),
    ]  # fmt: skip


def of_webhooks(to: webhooks.WebhookHandlers) -> list[Route]:
    """What the app is told."""
    one = "/v1/webhooks/{webhook}"
    return [
        Route("GET", "/v1/webhooks", to.all, "Where the app is told what happened", WebhookList),
        Route("POST", "/v1/webhooks", to.register, "Be told what happens", Secret, 201,
              webhooks.NewWebhook, limit=Limit.secret, refuses=(Code.limit_exceeded,)),
        Route("PATCH", one, to.change, "Change an endpoint; begin again, or end",
              body=webhooks.ChangeWebhook, limit=Limit.write),
        Route("DELETE", one, to.remove, "Forget an endpoint", limit=Limit.write),
        Route("POST", one + "/secret", to.rotate, "A new secret; the old one signs a day longer",
              Secret, 201, limit=Limit.secret),
        Route("POST", one + "/replay", to.replay, "Be told again what happened", Replayed,
              body=webhooks.Replay, limit=Limit.write),
        Route("GET", one + "/dead", to.dead, "Deliveries that were given up, the newest first",
              DeadLetters, query=webhooks.Newest),
    ]  # fmt: skip


def of_service(to: ServiceHandlers, documents: DocumentHandlers) -> list[Route]:
    """The service itself."""
    return [
        Route("GET", "/v1/hubs", to.hubs, "WebSocket addresses a client may use", Hubs),
        Route("GET", "/.well-known/jwks.json", to.jwks, "Keys that verify access tokens", KeySet),
        Route("GET", "/healthz", to.health, "Is the process alive", Health),
        Route("GET", "/readyz", to.readiness, "Can it serve", Health),
        Route("GET", "/metrics", to.metrics, "Prometheus metrics",
              media_type="text/plain"),
        Route("GET", "/v1/openapi.json", documents.openapi_json, "This description, OpenAPI 3.1",
              media_type="application/json"),
        Route("GET", "/docs", documents.docs, "This description, as a page",
              media_type="text/html"),
    ]  # fmt: skip


def of_page(to: PageHandlers) -> list[Route]:
    """The page."""
    return [
        Route(
            "GET", "/app", to.page, "A chat client, as a page for browsers", media_type="text/html"
        ),
        Route("GET", "/app/{version}/{file}", to.file, "A file of that page", media_type="*/*"),
    ]
