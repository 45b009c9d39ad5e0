"""One device of a run: the good phone, and everything that reaches it, written down as it comes.

Owns the names of its sockets. The phone puts right what it can; the record has what came, not what the phone made of
it. Must never decide what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from uuid import UUID

from loadtest.client.app import App
from loadtest.client.connection import Closed
from loadtest.client.hubs import Hubs
from loadtest.client.login import Login
from loadtest.client.phone import Habits, Phone
from loadtest.client.rest import Item, Page
from loadtest.torture import history
from loadtest.torture.recorder import Recorder
from proto import frames

BACKOFF_BASE_S = 0.2
"""A run is short: a phone comes back sooner than people's phones do."""


class Device(App):
    """See the module. `phone` must run."""

    def __init__(self, login: Login, hubs: Hubs, random: Random, recorder: Recorder) -> None:
        self.phone = Phone(login, hubs, self, random, Habits(backoff_base_s=BACKOFF_BASE_S))
        self.connection: str | None = None
        self.id = login.device
        self.person = login.person
        self.sockets = 0
        self.asking: dict[str, int] = {}
        """What waits for an answer: the number of the operation by client id."""
        self._hubs = hubs
        self._recorder = recorder
        self._asked: dict[UUID, int | None] = {}
        self._goaway: int | None = None
        recorder.write(history.Device(t=recorder.now(), device=self.id, person=self.person))

    @property
    def hub(self) -> str | None:
        """Where its socket is, if it has one."""
        return self._hubs.url if self.connection is not None else None

    async def leave(self) -> None:
        """Offline, and means it."""
        connection, self.connection = self.connection, None
        if connection is not None:
            self._gone(connection, None, clean=True)
        await self.phone.close()

    # What the phone tells

    def asked(self, positions: Sequence[tuple[UUID, int | None]]) -> None:
        """It names its positions."""
        self._asked = dict(positions)

    def unsure(self, submission: frames.Submission, why: str) -> None:
        """An attempt has no answer."""
        n = self.asking.get(submission.client_id)
        if n is not None:
            self._recorder.info(n, why)

    def heard(self, frame: frames.ServerFrame) -> None:
        """A frame, as it came."""
        if isinstance(frame, frames.Ready):
            self.sockets += 1
            self.connection = f"{self.id}-{self.sockets}"
            self._goaway = None
        connection = self.connection
        if connection is None:  # what comes after the goodbye
            return
        recorder, at = self._recorder, self._recorder.now()
        match frame:
            case frames.Entry():
                recorder.write(_delivered(at, self.id, connection, frame))
            case frames.Ready():
                recorder.write(
                    history.Connected(
                        t=at,
                        device=self.id,
                        connection=connection,
                        hub=self._hubs.url,
                        generation=frame.generation,
                    )
                )
            case frames.RoomStates():
                for state in frame.rooms:
                    recorder.write(self._resumed(at, connection, state))
            case frames.Skip():
                told = (frame.room, frame.from_seq, frame.to_seq)
                recorder.write(_range(history.Skip, at, self.id, connection, told))
            case frames.Gap():
                told = (frame.room, frame.from_seq, frame.to_seq)
                recorder.write(_range(history.Gap, at, self.id, connection, told))
            case frames.Goaway():
                self._goaway = frame.code
            case _:
                return

    def disconnected(self, closed: Closed, pause_s: float) -> None:  # noqa: ARG002  # an app's call
        """The socket is gone, if there was one."""
        connection, self.connection = self.connection, None
        if connection is not None:
            self._gone(connection, closed.code, clean=False)

    def fetched(self, room: UUID, after: int, page: Page) -> None:
        """A page that filled a gap."""
        recorder = self._recorder
        recorder.write(
            history.Fetched(
                t=recorder.now(),
                device=self.id,
                room=room,
                from_seq=after + 1,
                to_seq=page.to_seq,
                head=page.head,
                items=[item_of(item) for item in page.entries],
            )
        )

    def _gone(self, connection: str, code: int | None, *, clean: bool) -> None:
        recorder = self._recorder
        recorder.write(
            history.Disconnected(
                t=recorder.now(),
                device=self.id,
                connection=connection,
                code=code,
                goaway=self._goaway,
                clean=clean,
            )
        )

    def _resumed(self, at: int, connection: str, state: frames.RoomState) -> history.Resumed:
        return history.Resumed(
            t=at,
            device=self.id,
            connection=connection,
            room=state.room,
            status=state.status,
            from_seq=state.from_seq,
            head=state.head,
            msg_no=state.msg_no,
            asked=self._asked.get(state.room),
        )


def _delivered(at: int, device: UUID, connection: str, entry: frames.Entry) -> history.Deliver:
    return history.Deliver(
        t=at,
        device=device,
        connection=connection,
        room=entry.room,
        seq=entry.seq,
        msg_no=entry.msg_no,
        kind=entry.kind,
        author=entry.author,
        subject=entry.subject,
        client_id=entry.client_id,
        body=entry.body,
    )


def _range(
    shape: type[history.Skip | history.Gap],
    at: int,
    device: UUID,
    connection: str,
    told: tuple[UUID, int, int],
) -> history.Skip | history.Gap:
    room, from_seq, to_seq = told
    return shape(
        t=at, device=device, connection=connection, room=room, from_seq=from_seq, to_seq=to_seq
    )


def item_of(item: Item) -> history.Item:
    """An entry of a page, as the record has it."""
    return history.Item(
        item.seq,
        item.msg_no,
        item.kind,
        item.author,
        item.subject,
        item.client_id,
        item.body,
        item.edited_seq,
        item.deleted_seq,
        {reaction.emoji: reaction.count for reaction in item.reactions},
    )
