"""Rows about people and their sessions, and what a phone begins with.

Owns their order: they are matched as they stand.
"""

from __future__ import annotations

from api import (
    credentials,
    people,
    phone,
    place,
    presence,
    push,
    sessions,
)
from api.route import Limit, Page, Route
from muster.drafts import RoomDraft
from muster.extension import ExtensionGrant
from muster.fences import WatchedFences
from muster.login import SecondStep
from muster.notices import NoticePage
from muster.people import Profile
from muster.push_wishes import PushWishes
from muster.registration import Registered
from muster.sessions import Grant
from muster.single import Single
from muster.status import PeoplePresence, Status
from muster.sync import Sync
from proto.codes import Code

_ROOM = "/v1/rooms/{room}"


def of_phone(to: phone.PhoneHandlers) -> list[Route]:
    """A phone's beginning."""
    write = Limit.write
    draft = _ROOM + "/draft"
    return [
        Route("GET", "/v1/me/sync", to.sync, "All that a phone begins with, or what changed since",
              Sync, query=phone.Since),
        Route("GET", "/v1/me/notices", to.notices, "What the service tells me, the newest first",
              NoticePage, query=phone.MyNotices, etag=True),
        Route("PUT", "/v1/me/notices/read", to.read_notices, "I have seen notices up to here",
              body=phone.SeenNotices, limit=write),
        Route("GET", draft, to.draft, "What I have begun to write here", RoomDraft, etag=True),
        Route("PUT", draft, to.keep_draft, "Keep what I have begun to write, on all my devices",
              body=phone.NewDraft, limit=write),
        Route("DELETE", draft, to.drop_draft, "Keep no draft here", limit=write),
    ]  # fmt: skip


def of_place(to: place.PlaceHandlers) -> list[Route]:
    """Where I am, with regard to events."""
    return [
        Route("POST", "/v1/me/fixes", to.place,
              "Where this phone was, and what its region monitoring told", place.PlacesJudged,
              body=place.NewPlaces),
        Route("GET", "/v1/me/fences", to.fences,
              "Fences near here that the phone may watch by itself", WatchedFences,
              query=place.About),
    ]  # fmt: skip


def of_presence(to: presence.PresenceHandlers) -> list[Route]:
    """What I want seen of my presence, and my contacts'."""
    return [
        Route("GET", "/v1/me/presence", to.mine, "What I want others to see of my presence", Status),
        Route("PATCH", "/v1/me/presence", to.change,
              "Be invisible, do not disturb, or say something", Status,
              body=presence.ChangeStatus, limit=Limit.write),
        Route("GET", "/v1/me/contacts/presence", to.contacts, "How my contacts are now",
              PeoplePresence),
        Route("POST", "/v1/presence/lookup", to.lookup,
              "How these people are now; whom I may not see is as if they were never there",
              PeoplePresence, body=presence.AskedPeople),
    ]  # fmt: skip


def of_push(to: push.PushHandlers) -> list[Route]:
    """Pushes to my devices."""
    write = Limit.write
    return [
        Route("GET", _ROOM + "/messages/{seq}", to.message,
              "One message, with what a notification shows beside it", Single, etag=True),
        Route("GET", "/v1/me/push", to.mine, "What this device is registered for", Registered,
              refuses=(Code.not_found,)),
        Route("PUT", "/v1/me/push", to.register, "Push to this device", Registered,
              body=push.RegisterDevice, limit=write),
        Route("DELETE", "/v1/me/push", to.remove, "No more pushes to this device", limit=write),
        Route("GET", "/v1/me/push/wishes", to.wishes, "What I want of pushes", PushWishes),
        Route("PATCH", "/v1/me/push/wishes", to.change_wishes, "Change what I want of pushes",
              PushWishes, body=push.ChangeWishes, limit=write),
        Route("POST", "/v1/me/push/extension", to.extension,
              "A token with which this device's notification extension reads what was pushed",
              ExtensionGrant, limit=Limit.secret, refuses=(Code.not_found,)),
    ]  # fmt: skip


def of_sessions(to: sessions.SessionHandlers) -> list[Route]:
    """Logging in and out."""
    return [
        Route("POST", "/v1/sessions", to.log_in, "Log in", Grant, 201,
              sessions.LogIn, limit=Limit.anonymous, halfway=SecondStep,
              refuses=(Code.unauthorized, Code.permission_denied)),
        Route("POST", "/v1/sessions/second-step", to.second_step,
              "Log in, the second step: a code of the second factor", Grant, 201,
              sessions.SecondFactorCode, limit=Limit.anonymous,
              refuses=(Code.unauthorized, Code.permission_denied)),
        Route("POST", "/v1/sessions/refresh", to.refresh, "New tokens for a refresh token", Grant,
              body=sessions.Refresh, limit=Limit.anonymous, refuses=(Code.unauthorized,)),
        Route("POST", "/v1/sessions/exchange", to.exchange,
              "Log in with a trusted issuer's token, or a grant", Grant, 201,
              sessions.Exchange, limit=Limit.anonymous, halfway=SecondStep,
              refuses=(Code.unauthorized, Code.token_expired, Code.permission_denied, Code.conflict)),
        Route("DELETE", "/v1/sessions/current", to.log_out, "Log out here", limit=Limit.write),
        Route("DELETE", "/v1/sessions", to.log_out_all, "Log out everywhere", limit=Limit.write),
        Route("GET", "/v1/me/sessions", to.mine, "My sessions", sessions.MySessions),
        Route("DELETE", "/v1/me/sessions/{session}", to.end, "Log out one of my sessions",
              limit=Limit.write),
        Route("DELETE", "/v1/me/devices/{device}", to.end_device, "Log out one of my devices",
              limit=Limit.write),
    ]  # fmt: skip


def of_credentials(to: credentials.CredentialHandlers) -> list[Route]:
    """What I show to log in."""
    secret, factor = Limit.secret, "/v1/me/second-factor"
    wrong = (Code.permission_denied, Code.conflict)
    return [
        Route("PUT", "/v1/me/password", to.change_password,
              "Change my password; all my other sessions are over",
              body=credentials.ChangePassword, limit=Limit.write),
        Route("GET", factor, to.factor, "Whether I have a second factor", credentials.MyFactor),
        Route("POST", factor, to.begin_factor, "Set up a second factor: its secret, shown once",
              credentials.NewFactor, 201, credentials.Proof, limit=secret, refuses=wrong),
        Route("POST", f"{factor}/confirm", to.confirm_factor,
              "From now on I am asked for it; ten recovery codes, shown once",
              credentials.RecoveryCodes, body=credentials.Confirm, limit=secret, refuses=wrong),
        Route("POST", f"{factor}/recovery-codes", to.renew_codes,
              "Ten new recovery codes instead of those before", credentials.RecoveryCodes,
              body=credentials.FullProof, limit=secret, refuses=wrong),
        Route("POST", f"{factor}/remove", to.remove_factor, "No second factor any more",
              body=credentials.FullProof, limit=secret, refuses=wrong),
    ]  # fmt: skip


def of_people(to: people.PeopleHandlers) -> list[Route]:
    """People."""
    write = Limit.write
    return [
        Route("POST", "/v1/people", to.register, "Register", Profile, 201,
              people.Register, limit=Limit.anonymous, once=True),
        Route("GET", "/v1/me", to.me, "My profile", people.Me, etag=True),
        Route("PATCH", "/v1/me", to.change_me, "Change my handle, name or bio", people.Me,
              body=people.ChangeProfile, limit=write),
        Route("GET", "/v1/me/blocks", to.blocks, "Whom I block", people.Blocks, query=Page,
              etag=True),
        Route("PUT", "/v1/me/blocks/{person}", to.block, "Hide somebody from me", limit=write),
        Route("DELETE", "/v1/me/blocks/{person}", to.unblock, "No longer hide somebody",
              limit=write),
        Route("GET", "/v1/people/{who}", to.person, "Somebody, by id or @handle", Profile,
              etag=True),
    ]  # fmt: skip
