"""Who may call which route: the part of the permission table that the REST door asks, deny by default.

Owns a row for every route. Must never look anything up: what `action` asks for is judged by muster/permission.py, or
under the room's lock.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from muster.permission import ADMIN, PEOPLE, STAFF, Action, Scope, ServiceRole


class RouteRule(NamedTuple):
    """Who may call a route: people with one of `roles`, then `action` in the room; service keys with `scope`.

    Neither roles nor a scope: anyone, without a token. `extension`: the token of a notification extension too.
    `unagreed`: people who have not accepted the terms in force too.
    """

    roles: frozenset[ServiceRole]
    action: Action | None = None
    scope: Scope | None = None
    extension: bool = False
    unagreed: bool = False

    @property
    def anyone(self) -> bool:
        return not self.roles and self.scope is None


ANYONE: Final = RouteRule(frozenset())
_ANY: Final = RouteRule(PEOPLE)
_UNAGREED: Final = RouteRule(PEOPLE, unagreed=True)
_SEE: Final = RouteRule(PEOPLE, Action.see)
_HOST: Final = RouteRule(PEOPLE, Action.host)
_MODERATE: Final = RouteRule(PEOPLE, Action.moderate)
_STAFF: Final = RouteRule(STAFF)
_APP_PEOPLE: Final = RouteRule(frozenset(), scope=Scope.people)
_APP_ROOMS: Final = RouteRule(frozenset(), scope=Scope.rooms)
_WEBHOOKS: Final = RouteRule(ADMIN, scope=Scope.webhooks)

ROUTE_RULES: Final[dict[tuple[str, str], RouteRule]] = {
    ("GET", "/v1/rooms/{room}/history"): _SEE,
    ("GET", "/v1/rooms/{room}/changes"): _SEE,
    ("POST", "/v1/rooms/{room}/messages"): RouteRule(PEOPLE, Action.post),
    ("GET", "/v1/rooms/{room}/messages/{seq}"): RouteRule(PEOPLE, Action.see, extension=True),
    ("PATCH", "/v1/rooms/{room}/messages/{seq}"): RouteRule(PEOPLE, Action.edit),
    ("DELETE", "/v1/rooms/{room}/messages/{seq}"): RouteRule(PEOPLE, Action.delete),
    ("PUT", "/v1/rooms/{room}/messages/{seq}/reactions/{emoji}"): RouteRule(PEOPLE, Action.react),
    ("DELETE", "/v1/rooms/{room}/messages/{seq}/reactions/{emoji}"): RouteRule(
        PEOPLE, Action.react
    ),
    ("PUT", "/v1/rooms/{room}/messages/{seq}/vote"): RouteRule(PEOPLE, Action.vote),
    ("GET", "/v1/rooms/{room}/messages/{seq}/votes"): _SEE,
    ("POST", "/v1/rooms/{room}/messages/{seq}/close"): RouteRule(PEOPLE, Action.close_poll),
    ("GET", "/v1/rooms/{room}/threads/{seq}"): _SEE,
    ("PUT", "/v1/rooms/{room}/read"): _SEE,
    ("PUT", "/v1/rooms/{room}/received"): _SEE,
    ("GET", "/v1/me/sync"): _ANY,
    ("GET", "/v1/me/notices"): _ANY,
    ("PUT", "/v1/me/notices/read"): _ANY,
    ("GET", "/v1/rooms/{room}/draft"): _SEE,
    ("PUT", "/v1/rooms/{room}/draft"): _SEE,
    ("DELETE", "/v1/rooms/{room}/draft"): _SEE,
    ("GET", "/v1/me/rooms"): _ANY,
    ("GET", "/v1/rooms/{room}"): _SEE,
    ("POST", "/v1/rooms"): _ANY,
    # Archiving is Action.archive: muster/submit.py asks for it where the change says so.
    ("PATCH", "/v1/rooms/{room}"): RouteRule(PEOPLE, Action.settings),
    ("GET", "/v1/public-rooms"): _ANY,
    ("GET", "/v1/rooms/{room}/members"): _SEE,
    ("PUT", "/v1/rooms/{room}/members/{person}"): RouteRule(PEOPLE, Action.invite),
    ("DELETE", "/v1/rooms/{room}/members/{person}"): RouteRule(PEOPLE, Action.kick),
    ("PUT", "/v1/rooms/{room}/members/{person}/role"): RouteRule(PEOPLE, Action.role),
    ("POST", "/v1/rooms/{room}/join"): RouteRule(PEOPLE, Action.join),
    ("POST", "/v1/rooms/{room}/leave"): RouteRule(PEOPLE, Action.leave),
    ("PUT", "/v1/rooms/{room}/mute"): _SEE,
    ("POST", "/v1/rooms/{room}/accept"): _SEE,
    ("POST", "/v1/rooms/{room}/links"): RouteRule(PEOPLE, Action.invite),
    ("GET", "/v1/rooms/{room}/links"): RouteRule(PEOPLE, Action.invite),
    ("DELETE", "/v1/rooms/{room}/links/{code}"): RouteRule(PEOPLE, Action.invite),
    # Action.link_join: the room is not in the path, muster/submit.py asks for it.
    ("POST", "/v1/links/{code}/join"): _ANY,
    ("POST", "/v1/events"): _ANY,
    # Who may know of an event, and of whom on its roster: the query itself sees to it.
    ("GET", "/v1/events/{room}"): _ANY,
    ("GET", "/v1/events/{room}/roster"): _ANY,
    ("GET", "/v1/events"): _ANY,
    ("GET", "/v1/me/events"): _ANY,
    ("GET", "/v1/events/{room}/calendar"): _ANY,
    ("POST", "/v1/me/events/calendar"): _ANY,
    ("DELETE", "/v1/me/events/calendar"): _ANY,
    # By its address, which only its owner has been told.
    ("GET", "/v1/calendars/{code}"): ANYONE,
    ("PATCH", "/v1/events/{room}"): _HOST,
    ("POST", "/v1/events/{room}/cancel"): _HOST,
    ("POST", "/v1/events/{room}/end"): _HOST,
    ("PUT", "/v1/events/{room}/rsvp"): RouteRule(PEOPLE, Action.answer),
    ("PUT", "/v1/events/{room}/roster/{person}"): _HOST,
    ("DELETE", "/v1/events/{room}/roster/{person}"): _HOST,
    ("PUT", "/v1/events/{room}/hosts/{person}"): RouteRule(PEOPLE, Action.cohost),
    ("DELETE", "/v1/events/{room}/hosts/{person}"): RouteRule(PEOPLE, Action.cohost),
    ("GET", "/v1/me/place"): _ANY,
    ("PUT", "/v1/me/place"): _ANY,
    ("GET", "/v1/rooms/{room}/pins"): _SEE,
    ("PUT", "/v1/rooms/{room}/pins/{seq}"): RouteRule(PEOPLE, Action.pin),
    ("DELETE", "/v1/rooms/{room}/pins/{seq}"): RouteRule(PEOPLE, Action.pin),
    # Asked once more when it is posted, under the room's lock.
    ("POST", "/v1/rooms/{room}/scheduled"): RouteRule(PEOPLE, Action.post),
    ("GET", "/v1/me/scheduled"): _ANY,
    ("DELETE", "/v1/me/scheduled/{job}"): _ANY,
    ("POST", "/v1/me/reminders"): _ANY,
    ("GET", "/v1/me/reminders"): _ANY,
    ("DELETE", "/v1/me/reminders/{job}"): _ANY,
    # Who may know of an event is muster.entrance.known; when it is open, Postgres knows.
    ("POST", "/v1/events/{room}/check-in"): _ANY,
    ("POST", "/v1/events/{room}/check-out"): _ANY,
    ("GET", "/v1/events/{room}/here"): _ANY,
    ("GET", "/v1/events/{room}/code"): _HOST,
    ("POST", "/v1/events/{room}/roster/{person}/check-in"): _HOST,
    ("POST", "/v1/events/{room}/roster/{person}/check-out"): _HOST,
    ("GET", "/v1/events/{room}/attendance"): _HOST,
    ("GET", "/v1/events/{room}/attendance.csv"): _HOST,
    ("GET", "/v1/events/{room}/stats"): _HOST,
    # Of the rooms one is in, as far as one may see them: the query itself sees to it.
    ("GET", "/v1/search"): _ANY,
    ("POST", "/v1/media"): _ANY,
    ("POST", "/v1/media/{media}/complete"): _ANY,
    # Who may see which: the query itself sees to it.
    ("GET", "/v1/media/{media}"): _ANY,
    ("POST", "/v1/media/lookup"): _ANY,
    # By signed words instead of a token.
    ("POST", "/v1/store"): ANYONE,
    ("GET", "/v1/store/media/{object}"): ANYONE,
    ("POST", "/v1/sessions"): ANYONE,
    ("POST", "/v1/sessions/second-step"): ANYONE,
    ("POST", "/v1/sessions/refresh"): ANYONE,
    ("POST", "/v1/sessions/exchange"): ANYONE,
    ("DELETE", "/v1/sessions/current"): _UNAGREED,
    ("DELETE", "/v1/sessions"): _UNAGREED,
    ("GET", "/v1/me/sessions"): _ANY,
    ("DELETE", "/v1/me/sessions/{session}"): _ANY,
    ("DELETE", "/v1/me/devices/{device}"): _ANY,
    # Each asks for the password besides (muster/step_up.py), but for looking and for confirming what was begun so.
    ("PUT", "/v1/me/password"): _ANY,
    ("GET", "/v1/me/second-factor"): _ANY,
    ("POST", "/v1/me/second-factor"): _ANY,
    ("POST", "/v1/me/second-factor/confirm"): _ANY,
    ("POST", "/v1/me/second-factor/recovery-codes"): _ANY,
    ("POST", "/v1/me/second-factor/remove"): _ANY,
    # As a password is changed: what changes the address or the ways in asks for it (muster/owner_proof.py).
    ("GET", "/v1/me/email"): _ANY,
    ("PUT", "/v1/me/email"): _ANY,
    ("POST", "/v1/me/email/verify"): _ANY,
    ("POST", "/v1/me/email/remove"): _ANY,
    ("GET", "/v1/me/oauth"): _ANY,
    ("POST", "/v1/me/oauth/complete"): _ANY,
    ("POST", "/v1/me/oauth/{provider}/begin"): _ANY,
    ("POST", "/v1/me/oauth/{provider}/unlink"): _ANY,
    # By a word that only a mail, or another service's login, has told.
    ("POST", "/v1/emails/verify"): ANYONE,
    ("POST", "/v1/password-resets"): ANYONE,
    ("POST", "/v1/password-resets/complete"): ANYONE,
    ("GET", "/v1/login-options"): ANYONE,
    ("POST", "/v1/oauth/{provider}/begin"): ANYONE,
    ("GET", "/v1/oauth/callback/{provider}"): ANYONE,
    ("POST", "/v1/oauth/callback/{provider}"): ANYONE,
    ("POST", "/v1/oauth/complete"): ANYONE,
    ("POST", "/v1/people"): ANYONE,
    ("GET", "/v1/me"): _UNAGREED,
    ("PATCH", "/v1/me"): _ANY,
    ("GET", "/v1/me/blocks"): _ANY,
    ("PUT", "/v1/me/blocks/{person}"): _ANY,
    ("DELETE", "/v1/me/blocks/{person}"): _ANY,
    ("GET", "/v1/me/contacts"): _ANY,
    ("PUT", "/v1/me/contacts/{person}"): _ANY,
    ("DELETE", "/v1/me/contacts/{person}"): _ANY,
    # For which events: by what the person lets be judged (muster/placing.py).
    ("POST", "/v1/me/fixes"): _ANY,
    ("GET", "/v1/me/fences"): _ANY,
    ("GET", "/v1/me/presence"): _ANY,
    ("PATCH", "/v1/me/presence"): _ANY,
    ("GET", "/v1/me/contacts/presence"): _ANY,
    ("POST", "/v1/presence/lookup"): _ANY,
    # Of the device whose session asks.
    ("GET", "/v1/me/push"): _ANY,
    ("PUT", "/v1/me/push"): _ANY,
    ("DELETE", "/v1/me/push"): _ANY,
    ("GET", "/v1/me/push/wishes"): _ANY,
    ("PATCH", "/v1/me/push/wishes"): _ANY,
    ("POST", "/v1/me/push/extension"): _ANY,
    ("GET", "/v1/me/privacy"): _ANY,
    ("PATCH", "/v1/me/privacy"): _ANY,
    ("GET", "/v1/people"): _ANY,
    ("GET", "/v1/people/{who}"): _ANY,
    ("POST", "/v1/reports"): _ANY,
    ("GET", "/v1/reports"): _STAFF,
    ("POST", "/v1/reports/{report}/close"): _STAFF,
    ("POST", "/v1/reports/{report}/take"): _STAFF,
    ("POST", "/v1/reports/{report}/resolve"): _STAFF,
    ("GET", "/v1/audit"): _STAFF,
    ("GET", "/v1/me/security-events"): _ANY,
    ("GET", "/v1/people/{person}/security-events"): _STAFF,
    ("GET", "/v1/rooms/{room}/reports"): _MODERATE,
    # Which reports of the room: the queue itself sees to it.
    ("POST", "/v1/rooms/{room}/reports/{report}/take"): _MODERATE,
    ("POST", "/v1/rooms/{room}/reports/{report}/resolve"): _MODERATE,
    ("GET", "/v1/rooms/{room}/silences"): _MODERATE,
    ("PUT", "/v1/rooms/{room}/members/{person}/silence"): _MODERATE,
    ("DELETE", "/v1/rooms/{room}/members/{person}/silence"): _MODERATE,
    ("GET", "/v1/rooms/{room}/bans"): _MODERATE,
    ("PUT", "/v1/rooms/{room}/bans/{person}"): _MODERATE,
    ("DELETE", "/v1/rooms/{room}/bans/{person}"): _MODERATE,
    ("GET", "/v1/agreements"): ANYONE,
    ("GET", "/v1/me/agreements"): _UNAGREED,
    ("POST", "/v1/me/agreements"): _UNAGREED,
    # Each of the first three asks for the password besides (muster/owner_proof.py), but for looking.
    ("POST", "/v1/me/export"): _UNAGREED,
    ("GET", "/v1/me/exports"): _UNAGREED,
    ("DELETE", "/v1/me"): _UNAGREED,
    ("GET", "/v1/me/consents"): _UNAGREED,
    ("PUT", "/v1/me/consents/{purpose}"): _ANY,
    # On whom staff may act is muster.people.may_act_on.
    ("PUT", "/v1/people/{person}/erasure"): _STAFF,
    ("DELETE", "/v1/people/{person}/erasure"): _STAFF,
    ("PUT", "/v1/people/{person}/ban"): _STAFF,
    ("DELETE", "/v1/people/{person}/ban"): _STAFF,
    ("POST", "/v1/people/{person}/revoke"): _STAFF,
    ("PUT", "/v1/people/{person}/silence"): _STAFF,
    ("DELETE", "/v1/people/{person}/silence"): _STAFF,
    ("GET", "/v1/service/people/{external}"): _APP_PEOPLE,
    ("PUT", "/v1/service/people/{external}"): _APP_PEOPLE,
    ("POST", "/v1/service/people/{external}/grant"): _APP_PEOPLE,
    ("PUT", "/v1/service/rooms/{external}"): _APP_ROOMS,
    ("PUT", "/v1/service/rooms/{room}/members/{person}"): _APP_ROOMS,
    ("DELETE", "/v1/service/rooms/{room}/members/{person}"): _APP_ROOMS,
    ("POST", "/v1/service/rooms/{room}/messages"): RouteRule(frozenset(), scope=Scope.post),
    ("GET", "/v1/webhooks"): _WEBHOOKS,
    ("POST", "/v1/webhooks"): _WEBHOOKS,
    ("PATCH", "/v1/webhooks/{webhook}"): _WEBHOOKS,
    ("DELETE", "/v1/webhooks/{webhook}"): _WEBHOOKS,
    ("POST", "/v1/webhooks/{webhook}/secret"): _WEBHOOKS,
    ("POST", "/v1/webhooks/{webhook}/replay"): _WEBHOOKS,
    ("GET", "/v1/webhooks/{webhook}/dead"): _WEBHOOKS,
    ("GET", "/v1/hubs"): ANYONE,
    ("GET", "/.well-known/jwks.json"): ANYONE,
    ("GET", "/i/{code}"): ANYONE,
    ("GET", "/.well-known/apple-app-site-association"): ANYONE,
    ("GET", "/.well-known/assetlinks.json"): ANYONE,
    ("GET", "/healthz"): ANYONE,
    ("GET", "/readyz"): ANYONE,
    ("GET", "/metrics"): ANYONE,
    ("GET", "/v1/openapi.json"): ANYONE,
    ("GET", "/docs"): ANYONE,
    ("GET", "/app"): ANYONE,
    ("GET", "/app/{version}/{file}"): ANYONE,
}
"""Method and path of every REST route; the api does not start with a route that has no row."""
