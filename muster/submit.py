"""Builders of ops: what a frame or a REST request asks of a log, as the writer takes it.

Owns the one place where a request meets its row of the permission table and names the logs it touches.
Must never judge: whether the op is allowed is decided by Postgres under the room's lock.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from muster import mentions
from muster.errors import Refused
from muster.ids import CONTROL_ROOM, NOBODY, PersonId, RoomId, SessionId, self_room
from muster.op import LinkTerms, NewRoom, Op, PrivacyChange, ProfileChange
from muster.permission import ALLOW, CONTROL_MASK, SERVICE_MASK, Action, Relation
from muster.polls import checked
from proto import frames
from proto.codes import Code
from proto.entry import Body, LinkPreview


def of_frame(author: PersonId, frame: frames.Submission) -> Op:
    """The op that a submission frame asks for. Raises `Refused`: `bad_request` for a message that says nothing."""
    room = RoomId(frame.room)
    match frame:
        case frames.Post() if frame.poll is not None:
            poll = checked(frame.text, frame.poll)
            body = structs.replace(mentions.asking(frame.text, _post_body(frame)), poll=poll)
            allow = ALLOW[Action.post]
            return Op("poll", room, author, frame.client_id, allow, frame.text, body)
        case frames.Post():
            if not (frame.text.strip() or frame.attachments):
                raise Refused(Code.bad_request, "a message has a text or an attachment")
            return Op(
                "post",
                room,
                author,
                frame.client_id,
                ALLOW[Action.post],
                frame.text,
                _unless_empty(mentions.asking(frame.text, _post_body(frame))),
            )
        case frames.Edit():
            if not frame.text.strip():
                raise Refused(
                    Code.bad_request,
                    "an edit has a text; to take the words back, delete the message",
                )
            body = Body(mentions=frame.mentions or None, here=frame.here, meta=frame.meta or None)
            asking = _unless_empty(mentions.asking(frame.text, body))
            return _about_message("edit", author, frame, Action.edit, text=frame.text, body=asking)
        case frames.Delete():
            return _about_message("delete", author, frame, Action.delete, other=Action.delete_other)
        case frames.React():
            return _about_message(
                "react", author, frame, Action.react, body=Body(emoji=frame.emoji)
            )
        case frames.Unreact():
            return _about_message(
                "unreact", author, frame, Action.react, body=Body(emoji=frame.emoji)
            )
        case frames.Vote():
            # A vote in an anonymous poll is told in the voter's own log; which polls are, Postgres knows.
            voted = _about_message(
                "vote", author, frame, Action.vote, body=Body(choices=frame.choices)
            )
            return structs.replace(voted, locks=(self_room(author),))
        case frames.ClosePoll():
            return _about_message(
                "poll_closed", author, frame, Action.close_poll, other=Action.close_poll_other
            )


def _post_body(frame: frames.Post) -> Body:
    return Body(
        mentions=frame.mentions or None,
        here=frame.here,
        reply_to=frame.reply_to,
        attachments=frame.attachments or None,
        meta=frame.meta or None,
    )


def _unless_empty(body: Body) -> Body | None:
    return None if body == Body() else body


def _about_message(
    kind: str,
    author: PersonId,
    frame: frames.Edit
    | frames.Delete
    | frames.React
    | frames.Unreact
    | frames.Vote
    | frames.ClosePoll,
    action: Action,
    *,
    other: Action | None = None,
    text: str | None = None,
    body: Body | None = None,
) -> Op:
    by_seq = isinstance(frame.target, int)
    return Op(
        kind,
        RoomId(frame.room),
        author,
        frame.client_id,
        ALLOW[action],
        text,
        body,
        target=frame.target if isinstance(frame.target, int) else None,
        target_client=None if by_seq else str(frame.target),
        allow_other=ALLOW[other] if other is not None else 0,
    )


def create(author: PersonId, room: RoomId, client_id: str, new: NewRoom) -> Op:
    """A new room with its first members; `same` if it exists (a direct room has one id)."""
    people = (author, *(PersonId(person) for person in new.people))
    locks = (room, *(self_room(person) for person in people))
    return Op("create", room, author, client_id, 0, body=new, locks=locks)


def join(author: PersonId, room: RoomId, client_id: str) -> Op:
    """Come into a room that is open to me, or that I am invited to."""
    return Op("join", room, author, client_id, ALLOW[Action.join], locks=(self_room(author),))


def leave(author: PersonId, room: RoomId, client_id: str) -> Op:
    """Leave a room, or decline an invitation."""
    return Op("leave", room, author, client_id, ALLOW[Action.leave], locks=(self_room(author),))


def invite(author: PersonId, room: RoomId, subject: PersonId, client_id: str) -> Op:
    """Ask somebody in."""
    return Op(
        "invite",
        room,
        author,
        client_id,
        ALLOW[Action.invite],
        subject=subject,
        locks=(self_room(subject),),
    )


def kick(author: PersonId, room: RoomId, subject: PersonId, client_id: str) -> Op:
    """Put somebody out; they come back only by invitation."""
    return Op(
        "kick",
        room,
        author,
        client_id,
        ALLOW[Action.kick],
        subject=subject,
        locks=(self_room(subject),),
    )


def role(author: PersonId, room: RoomId, subject: PersonId, to: Relation, client_id: str) -> Op:
    """Make a member a moderator or an owner, or a plain member again."""
    return Op(
        "role",
        room,
        author,
        client_id,
        ALLOW[Action.role],
        body=Body(role=to.value),
        subject=subject,
        locks=(self_room(subject),),
    )


def settings(author: PersonId, room: RoomId, client_id: str, changes: Body) -> Op:
    """Change title, topic, history or archived; only owners archive."""
    action = Action.settings if changes.archived is None else Action.archive
    return Op("settings", room, author, client_id, ALLOW[action], body=changes)


def pin(author: PersonId, room: RoomId, seq: int, client_id: str) -> Op:
    """Keep a message in the room's sight."""
    return Op("pin", room, author, client_id, ALLOW[Action.pin], target=seq)


def unpin(author: PersonId, room: RoomId, seq: int, client_id: str) -> Op:
    """The reverse of `pin`."""
    return Op("unpin", room, author, client_id, ALLOW[Action.pin], target=seq)


def remind(author: PersonId, client_id: str, text: str, body: Body) -> Op:
    """Tell somebody, in their own log, what they asked to be reminded of."""
    return Op("reminder", self_room(author), author, client_id, ALLOW[Action.own], text, body)


def unsent(author: PersonId, client_id: str, text: str, body: Body) -> Op:
    """Tell somebody, in their own log, that a scheduled message of theirs was refused."""
    return Op("unsent", self_room(author), author, client_id, ALLOW[Action.own], text, body)


def close_in_time(room: RoomId, seq: int) -> Op:
    """Close a poll whose time is over, as nobody."""
    return Op("poll_closed", room, NOBODY, f"closed:{seq}", SERVICE_MASK, target=seq)


def preview(author: PersonId, room: RoomId, seq: int, client_id: str, card: LinkPreview) -> Op:
    """What the page behind a link of this author's message says: as if they had said it."""
    body = Body(preview=card)
    return Op("preview", room, author, client_id, ALLOW[Action.post], body=body, target=seq)


def read(author: PersonId, room: RoomId, seq: int) -> Op:
    """Move my read pointer, through my self log so that my other devices learn of it."""
    return _own("read", author, f"read:{room}:{seq}", Body(room=room, at_seq=seq))


def mute(author: PersonId, client_id: str, changes: Body) -> Op:
    """Mute a room until a time (0: no longer), or set its level: all, mentions, none; default: nothing is chosen."""
    return _own("mute", author, client_id, changes)


def draft(
    author: PersonId, room: RoomId, client_id: str, text: str | None, reply_to: int | None
) -> Op:
    """Keep what I have begun to write in a room, the same on all my devices; `None`: nothing."""
    body = Body(room=room, reply_to=reply_to)
    return Op("draft", self_room(author), author, client_id, ALLOW[Action.own], text or None, body)


def profile(author: PersonId, client_id: str, changes: ProfileChange) -> Op:
    """Change handle, name or bio."""
    return _own("profile", author, client_id, changes)


def privacy(author: PersonId, client_id: str, changes: PrivacyChange) -> Op:
    """Change who may do what with me."""
    return _own("privacy", author, client_id, changes)


def accept_request(author: PersonId, client_id: str, room: RoomId) -> Op:
    """Take a direct room out of my Requests."""
    return _own("request", author, client_id, Body(room=room))


def _own(
    kind: str, author: PersonId, client_id: str, body: Body | ProfileChange | PrivacyChange
) -> Op:
    return Op(kind, self_room(author), author, client_id, ALLOW[Action.own], body=body)


def contact(author: PersonId, subject: PersonId, client_id: str) -> Op:
    """Ask somebody to be my contact, or say yes to their asking."""
    return _contact("contact", author, subject, client_id)


def uncontact(author: PersonId, subject: PersonId, client_id: str) -> Op:
    """Decline, withdraw or remove: neither is the other's contact any more."""
    return _contact("uncontact", author, subject, client_id)


def _contact(kind: str, author: PersonId, subject: PersonId, client_id: str) -> Op:
    return Op(
        kind,
        self_room(author),
        author,
        client_id,
        ALLOW[Action.own],
        subject=subject,
        locks=(self_room(subject),),
    )


def link(author: PersonId, room: RoomId, client_id: str, terms: LinkTerms) -> Op:
    """Make an invite link."""
    return Op("link", room, author, client_id, ALLOW[Action.invite], body=terms)


def unlink(author: PersonId, room: RoomId, client_id: str, code: str) -> Op:
    """Revoke an invite link: mine, or anyone's for a moderator."""
    return Op(
        "unlink",
        room,
        author,
        client_id,
        ALLOW[Action.invite],
        body=LinkTerms(code),
        allow_other=ALLOW[Action.kick],
    )


def link_join(author: PersonId, room: RoomId, client_id: str, code: str) -> Op:
    """Come into a room by an invite link of it."""
    return Op(
        "link_join",
        room,
        author,
        client_id,
        ALLOW[Action.link_join],
        body=LinkTerms(code),
        locks=(self_room(author),),
    )


def block(author: PersonId, subject: PersonId, client_id: str) -> Op:
    """Hide somebody from me, everywhere; they are no contact of mine any more."""
    locks = (self_room(author), self_room(subject))
    return _control("block", author, subject, client_id, locks=locks)


def unblock(author: PersonId, subject: PersonId, client_id: str) -> Op:
    """The reverse of `block`."""
    return _control("unblock", author, subject, client_id, locks=(self_room(author),))


def revoke(author: PersonId, subject: PersonId, session: SessionId | None, client_id: str) -> Op:
    """End one session of `subject`, or all."""
    return _control("revoke", author, subject, client_id, body=Body(session=session))


def ban(author: PersonId, subject: PersonId, client_id: str) -> Op:
    """Shut somebody out of the service and end their sessions."""
    return _control("ban", author, subject, client_id)


def unban(author: PersonId, subject: PersonId, client_id: str) -> Op:
    """The reverse of `ban`; sessions stay ended."""
    return _control("unban", author, subject, client_id)


def _control(
    kind: str,
    author: PersonId,
    subject: PersonId,
    client_id: str,
    *,
    body: Body | None = None,
    locks: Sequence[RoomId] = (),
) -> Op:
    return Op(
        kind,
        CONTROL_ROOM,
        author,
        client_id,
        CONTROL_MASK,
        body=body,
        subject=subject,
        locks=tuple(locks),
    )
