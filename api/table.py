"""The table: every route of the service, one row each.

Owns what exists; the rows themselves are in api/rows/. Routing, permission, validation and the OpenAPI document are
made from it, so that none of them can differ from the others. The routes asked most come first: they are matched in
this order.
"""

from __future__ import annotations

from typing import NamedTuple

from api import (
    adopters,
    agreements,
    attendance,
    contacts,
    credentials,
    emails,
    event_finding,
    events,
    finding,
    later,
    links,
    media,
    members,
    messages,
    mine,
    moderation,
    oauth,
    people,
    phone,
    place,
    polls,
    presence,
    push,
    rooms,
    security_events,
    sessions,
    staff,
    store,
    webhooks,
)
from api.documents import DocumentHandlers
from api.page import PageHandlers
from api.route import Route
from api.rows import accounts as accounts_rows
from api.rows import attendance as attendance_rows
from api.rows import events as events_rows
from api.rows import people as people_rows
from api.rows import privacy as privacy_rows
from api.rows import rooms as rooms_rows
from api.rows import safety as safety_rows
from api.rows import service as service_rows
from api.rows import talk as talk_rows
from api.service import ServiceHandlers


class Handlers(NamedTuple):
    """Everything a row may point to."""

    people: people.PeopleHandlers
    sessions: sessions.SessionHandlers
    credentials: credentials.CredentialHandlers
    emails: emails.EmailHandlers
    oauth: oauth.OAuthHandlers
    rooms: rooms.RoomHandlers
    members: members.MemberHandlers
    events: events.EventHandlers
    event_finding: event_finding.EventFindingHandlers
    calendars: event_finding.CalendarHandlers
    contacts: contacts.ContactHandlers
    links: links.LinkHandlers
    app_links: links.AppLinkHandlers
    messages: messages.MessageHandlers
    polls: polls.PollHandlers
    finding: finding.FindingHandlers
    later: later.LaterHandlers
    phone: phone.PhoneHandlers
    place: place.PlaceHandlers
    presence: presence.PresenceHandlers
    push: push.PushHandlers
    attendance: attendance.AttendanceHandlers
    media: media.MediaHandlers
    store: store.StoreHandlers
    staff: staff.StaffHandlers
    sanctions: moderation.SanctionHandlers
    queue: moderation.QueueHandlers
    security: security_events.SecurityHandlers
    agreements: agreements.AgreementHandlers
    mine: mine.MineHandlers
    adopters: adopters.AdopterHandlers
    webhooks: webhooks.WebhookHandlers
    service: ServiceHandlers
    documents: DocumentHandlers
    page: PageHandlers


def table(to: Handlers) -> list[Route]:
    """All rows."""
    return [
        *talk_rows.of_messages(to.messages),
        *talk_rows.of_polls(to.polls),
        *talk_rows.of_finding(to.finding),
        *talk_rows.of_later(to.later),
        *people_rows.of_phone(to.phone),
        *people_rows.of_place(to.place),
        *people_rows.of_presence(to.presence),
        *people_rows.of_push(to.push),
        *attendance_rows.of_attendance(to.attendance),
        *talk_rows.of_media(to.media, to.store),
        *rooms_rows.of_rooms(to.rooms),
        *rooms_rows.of_members(to.members),
        *events_rows.of_event_finding(to.event_finding),
        *events_rows.of_events(to.events),
        *events_rows.of_calendars(to.calendars),
        *people_rows.of_sessions(to.sessions),
        *people_rows.of_credentials(to.credentials),
        *accounts_rows.of_emails(to.emails),
        *accounts_rows.of_oauth(to.oauth),
        *rooms_rows.of_contacts(to.contacts),
        *rooms_rows.of_links(to.links, to.app_links),
        *people_rows.of_people(to.people),
        *safety_rows.of_staff(to.staff),
        *safety_rows.of_sanctions(to.sanctions),
        *safety_rows.of_queue(to.queue),
        *safety_rows.of_security(to.security),
        *safety_rows.of_agreements(to.agreements),
        *privacy_rows.of_mine(to.mine),
        *service_rows.of_adopters(to.adopters),
        *service_rows.of_webhooks(to.webhooks),
        *service_rows.of_service(to.service, to.documents),
        *service_rows.of_page(to.page),
    ]
