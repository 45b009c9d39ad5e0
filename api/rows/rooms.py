"""Rows about rooms, who is in them, who knows whom, and links that lead in.

Owns their order: they are matched as they stand.
"""

from __future__ import annotations

from api import (
    contacts,
    links,
    members,
    rooms,
)
from api.route import Done, Limit, Page, Route
from muster.contacts import ContactPage
from muster.links import Link, Links
from muster.privacy import Privacy
from muster.rooms import MemberPage, PublicRoomPage, Room, RoomPage
from proto.codes import Code

_ROOM = "/v1/rooms/{room}"
_MEMBER = _ROOM + "/members/{person}"


def of_rooms(to: rooms.RoomHandlers) -> list[Route]:
    """Rooms."""
    write = Limit.write
    return [
        Route("GET", "/v1/me/rooms", to.mine, "My rooms, the one that moved last first",
              RoomPage, query=rooms.MyRooms, etag=True),
        Route("GET", _ROOM, to.room, "A room I am in", Room, etag=True),
        Route("POST", "/v1/rooms", to.create,
              "Make a room; the direct room of two people is made or found", Room, 201,
              rooms.NewRoom, limit=write, refuses=(Code.not_found, Code.limit_exceeded)),
        Route("PATCH", _ROOM, to.change, "Change title, topic or history; archive", Room,
              body=rooms.ChangeRoom, limit=write),
        Route("GET", "/v1/public-rooms", to.public, "Rooms that anyone may join, the newest first",
              PublicRoomPage, query=Page, etag=True),
    ]  # fmt: skip


def of_members(to: members.MemberHandlers) -> list[Route]:
    """Who is in them."""
    write = Limit.write
    return [
        Route("GET", _ROOM + "/members", to.members, "Who is in a room", MemberPage, query=Page,
              etag=True),
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


def of_contacts(to: contacts.ContactHandlers) -> list[Route]:
    """Who knows whom."""
    write = Limit.write
    return [
        Route("GET", "/v1/me/contacts", to.contacts, "My contacts, or what changed since a seq",
              ContactPage, query=contacts.MyContacts, etag=True),
        Route("PUT", "/v1/me/contacts/{person}", to.add, "Ask somebody, or say yes to their asking",
              limit=write, refuses=(Code.limit_exceeded,)),
        Route("DELETE", "/v1/me/contacts/{person}", to.remove, "Decline, withdraw or remove",
              limit=write),
        Route("GET", "/v1/me/privacy", to.privacy, "Who may do what with me", Privacy, etag=True),
        Route("PATCH", "/v1/me/privacy", to.change_privacy, "Change who may do what with me",
              Privacy, body=contacts.ChangePrivacy, limit=write),
        Route("POST", _ROOM + "/accept", to.accept_request, "Take a room out of my Requests",
              limit=write),
        Route("GET", "/v1/people", to.search, "People by how their handle or name begins",
              contacts.FoundPeople, query=contacts.Search, limit=Limit.find),
    ]  # fmt: skip


def of_links(to: links.LinkHandlers, app: links.AppLinkHandlers) -> list[Route]:
    """Links that lead in."""
    write = Limit.write
    return [
        Route("POST", _ROOM + "/links", to.make, "Make an invite link", Link, 201,
              links.NewLink, limit=write, once=True, refuses=(Code.limit_exceeded,)),
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
