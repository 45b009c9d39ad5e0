"""The table: every route of the service, one row each.

Owns what exists. Routing, permission, validation and the OpenAPI document are made from it, so that none of them
can differ from the others. The routes asked most come first: they are matched in this order.
"""

from __future__ import annotations

from typing import NamedTuple

from api import contacts, finding, later, links, members, messages, people, rooms, sessions, staff
from api.documents import DocumentHandlers
from api.route import Done, Limit, Page, Route
from api.service import Health, Hubs, KeySet, ServiceHandlers
from muster.contacts import ContactPage
from muster.history import Changes, HistoryPage
from muster.links import Link, Links
from muster.people import Profile
from muster.pins import PinList
from muster.privacy import Privacy
from muster.reminders import Reminder, ReminderList
from muster.reports import ReportPage
from muster.rooms import MemberPage, PublicRoomPage, Room, RoomPage
from muster.scheduled import Scheduled, ScheduledList
from muster.search import HitPage
from muster.sessions import Grant
from proto.codes import Code

_ROOM = "/v1/rooms/{room}"
_MEMBER = _ROOM + "/members/{person}"
_MESSAGE = _ROOM + "/messages/{seq}"
_REACTION = _MESSAGE + "/reactions/{emoji}"


class Handlers(NamedTuple):
    """Everything a row may point to."""

    people: people.PeopleHandlers
    sessions: sessions.SessionHandlers
    rooms: rooms.RoomHandlers
    members: members.MemberHandlers
    contacts: contacts.ContactHandlers
    links: links.LinkHandlers
    app_links: links.AppLinkHandlers
    messages: messages.MessageHandlers
    finding: finding.FindingHandlers
    later: later.LaterHandlers
    staff: staff.StaffHandlers
    service: ServiceHandlers
    documents: DocumentHandlers


def table(to: Handlers) -> list[Route]:
    """All rows."""
    return [
        *_messages(to.messages),
        *_finding(to.finding),
        *_later(to.later),
        *_rooms(to.rooms),
        *_members(to.members),
        *_sessions(to.sessions),
        *_contacts(to.contacts),
        *_links(to.links, to.app_links),
        *_people(to.people),
        *_staff(to.staff),
        *_service(to.service, to.documents),
    ]


def _messages(to: messages.MessageHandlers) -> list[Route]:
    write = Limit.write
    return [
        Route("GET", _ROOM + "/history", to.history, "A page of the room's log as it reads now",
              HistoryPage, query=messages.Range),
        Route("GET", _ROOM + "/changes", to.changes,
              "How older messages read that were changed since a seq", Changes, query=messages.Since),
        Route("POST", _ROOM + "/messages", to.post, "Post a message", Done, 201,
              messages.NewMessage, limit=write),
        Route("PATCH", _MESSAGE, to.edit, "Edit a message of mine", Done,
              body=messages.NewText, limit=write),
        Route("DELETE", _MESSAGE, to.delete, "Delete a message", Done, limit=write),
        Route("PUT", _REACTION, to.react, "Put an emoji on a message", Done, limit=write),
        Route("DELETE", _REACTION, to.unreact, "Take my emoji off a message", Done, limit=write),
        Route("PUT", _ROOM + "/read", to.read, "I have read up to here",
              body=messages.Pointer, limit=write),
        Route("PUT", _ROOM + "/received", to.received, "This device has everything up to here",
              body=messages.Pointer, limit=write),
    ]  # fmt: skip


def _finding(to: finding.FindingHandlers) -> list[Route]:
    write = Limit.write
    pin = _ROOM + "/pins/{seq}"
    return [
        Route("GET", "/v1/search", to.search, "Messages of my rooms that hold these words, newest first",
              HitPage, query=finding.Words, limit=Limit.search, refuses=(Code.not_found,)),
        Route("GET", _ROOM + "/pins", to.pins, "Pinned messages, the newest pin first", PinList),
        Route("PUT", pin, to.pin, "Pin a message", Done, limit=write),
        Route("DELETE", pin, to.unpin, "Unpin a message", Done, limit=write),
    ]  # fmt: skip


def _later(to: later.LaterHandlers) -> list[Route]:
    write = Limit.write
    return [
        Route("POST", _ROOM + "/scheduled", to.schedule, "Post a message later", Scheduled, 201,
              later.NewScheduled, limit=write, once=True),
        Route("GET", "/v1/me/scheduled", to.scheduled, "My messages that wait for their time",
              ScheduledList),
        Route("DELETE", "/v1/me/scheduled/{job}", to.unschedule, "Do not post it after all",
              limit=write),
        Route("POST", "/v1/me/reminders", to.remind, "Tell me of a message again later", Reminder,
              201, later.NewReminder, limit=write, once=True, refuses=(Code.not_found,)),
        Route("GET", "/v1/me/reminders", to.reminders, "My reminders that wait for their time",
              ReminderList),
        Route("DELETE", "/v1/me/reminders/{job}", to.forget, "Do not remind me after all",
              limit=write),
    ]  # fmt: skip


def _rooms(to: rooms.RoomHandlers) -> list[Route]:
    write = Limit.write
    return [
        Route("GET", "/v1/me/rooms", to.mine, "My rooms, the one that moved last first",
              RoomPage, query=rooms.MyRooms, etag=True),
        Route("GET", _ROOM, to.room, "A room I am in", Room),
        Route("POST", "/v1/rooms", to.create,
              "Make a room; the direct room of two people is made or found", Room, 201,
              rooms.NewRoom, limit=write, refuses=(Code.not_found,)),
        Route("PATCH", _ROOM, to.change, "Change title, topic or history; archive", Room,
              body=rooms.ChangeRoom, limit=write),
        Route("GET", "/v1/public-rooms", to.public, "Rooms that anyone may join, the newest first",
              PublicRoomPage, query=Page),
    ]  # fmt: skip


def _members(to: members.MemberHandlers) -> list[Route]:
    write = Limit.write
    return [
        Route("GET", _ROOM + "/members", to.members, "Who is in a room", MemberPage, query=Page),
        Route("PUT", _MEMBER, to.invite, "Ask somebody in", Done, limit=write),
        Route("DELETE", _MEMBER, to.kick, "Put somebody out", Done, limit=write),
        Route("PUT", _MEMBER + "/role", to.role, "Change what a member is", Done,
              body=members.ChangeRole, limit=write),
        Route("POST", _ROOM + "/join", to.join, "Come in", Done, limit=write),
        Route("POST", _ROOM + "/leave", to.leave, "Leave, or decline an invitation", Done,
              limit=write),
        Route("PUT", _ROOM + "/mute", to.mute, "Mute a room for me",
              body=members.Mute, limit=write),
    ]  # fmt: skip


def _sessions(to: sessions.SessionHandlers) -> list[Route]:
    return [
        Route("POST", "/v1/sessions", to.log_in, "Log in", Grant, 201,
              sessions.LogIn, limit=Limit.anonymous, refuses=(Code.unauthorized,)),
        Route("POST", "/v1/sessions/refresh", to.refresh, "New tokens for a refresh token", Grant,
              body=sessions.Refresh, limit=Limit.anonymous, refuses=(Code.unauthorized,)),
        Route("DELETE", "/v1/sessions/current", to.log_out, "Log out here", limit=Limit.write),
        Route("DELETE", "/v1/sessions", to.log_out_all, "Log out everywhere", limit=Limit.write),
        Route("GET", "/v1/me/sessions", to.mine, "My sessions", sessions.MySessions),
        Route("DELETE", "/v1/me/sessions/{session}", to.end, "Log out one of my sessions",
              limit=Limit.write),
    ]  # fmt: skip


def _contacts(to: contacts.ContactHandlers) -> list[Route]:
    write = Limit.write
    return [
        Route("GET", "/v1/me/contacts", to.contacts, "My contacts, or what changed since a seq",
              ContactPage, query=contacts.MyContacts),
        Route("PUT", "/v1/me/contacts/{person}", to.add, "Ask somebody, or say yes to their asking",
              limit=write),
        Route("DELETE", "/v1/me/contacts/{person}", to.remove, "Decline, withdraw or remove",
              limit=write),
        Route("GET", "/v1/me/privacy", to.privacy, "Who may do what with me", Privacy),
        Route("PATCH", "/v1/me/privacy", to.change_privacy, "Change who may do what with me",
              Privacy, body=contacts.ChangePrivacy, limit=write),
        Route("POST", _ROOM + "/accept", to.accept_request, "Take a room out of my Requests",
              limit=write),
        Route("GET", "/v1/people", to.search, "People by how their handle or name begins",
              contacts.FoundPeople, query=contacts.Search, limit=Limit.find),
    ]  # fmt: skip


def _links(to: links.LinkHandlers, app: links.AppLinkHandlers) -> list[Route]:
    write = Limit.write
    return [
        Route("POST", _ROOM + "/links", to.make, "Make an invite link", Link, 201,
              links.NewLink, limit=write, once=True),
        Route("GET", _ROOM + "/links", to.links, "Invite links that work", Links),
        Route("DELETE", _ROOM + "/links/{code}", to.revoke, "Revoke an invite link", limit=write),
        Route("POST", "/v1/links/{code}/join", to.join, "Come in by an invite link", Done,
              limit=write),
        Route("GET", "/i/{code}", to.page, "The page an invite link opens without the app",
              limit=Limit.page, media_type="text/html"),
        Route("GET", "/.well-known/apple-app-site-association", app.apple,
              "Which iOS apps open invite links", media_type="application/json",
              refuses=(Code.not_found,)),
        Route("GET", "/.well-known/assetlinks.json", app.android,
              "Which Android app opens invite links", media_type="application/json",
              refuses=(Code.not_found,)),
    ]  # fmt: skip


def _people(to: people.PeopleHandlers) -> list[Route]:
    write = Limit.write
    return [
        Route("POST", "/v1/people", to.register, "Register", Profile, 201,
              people.Register, limit=Limit.anonymous, once=True),
        Route("GET", "/v1/me", to.me, "My profile", people.Me),
        Route("PATCH", "/v1/me", to.change_me, "Change my handle, name or bio", people.Me,
              body=people.ChangeProfile, limit=write),
        Route("GET", "/v1/me/blocks", to.blocks, "Whom I block", people.Blocks, query=Page),
        Route("PUT", "/v1/me/blocks/{person}", to.block, "Hide somebody from me", limit=write),
        Route("DELETE", "/v1/me/blocks/{person}", to.unblock, "No longer hide somebody",
              limit=write),
        Route("GET", "/v1/people/{who}", to.person, "Somebody, by id or @handle", Profile),
    ]  # fmt: skip


def _staff(to: staff.StaffHandlers) -> list[Route]:
    write = Limit.write
    return [
        Route("POST", "/v1/reports", to.report, "Report a person or a message", staff.Reported, 201,
              staff.NewReport, limit=write, refuses=(Code.not_found,)),
        Route("GET", "/v1/reports", to.open_reports, "Open reports, the oldest first", ReportPage,
              query=Page),
        Route("POST", "/v1/reports/{report}/close", to.close_report, "Be done with a report",
              limit=write),
        Route("PUT", "/v1/people/{person}/ban", to.ban, "Ban somebody", limit=write),
        Route("DELETE", "/v1/people/{person}/ban", to.unban, "Lift a ban", limit=write),
        Route("POST", "/v1/people/{person}/revoke", to.revoke, "End all sessions of somebody",
              limit=write),
    ]  # fmt: skip


def _service(to: ServiceHandlers, documents: DocumentHandlers) -> list[Route]:
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
