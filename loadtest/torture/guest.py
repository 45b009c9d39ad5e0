"""One person of a run: devices, and what they do, each deed written down before it is done and after it is answered.

Owns the names of their messages (client ids). Repeats with the same client id until there is an answer that is not
temporary; what has none at the end is unknown. Must never decide when to do what (traffic.py does).
"""

from __future__ import annotations

import asyncio
from collections import deque
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

import httpx

from loadtest.client.connection import Refusal
from loadtest.client.hubs import Hubs
from loadtest.client.login import Account, Login
from loadtest.client.rest import Placed, Rest, RestError
from loadtest.torture.device import Device
from loadtest.torture.history import OpKind
from loadtest.torture.recorder import Recorder
from proto import frames

PASSWORD: Final = "correct horse battery staple"  # noqa: S105  # of accounts that live for one run
RECENT: Final = 12

_OPS: Final[dict[type[frames.Submission], OpKind]] = {
    frames.Post: "post",
    frames.Edit: "edit",
    frames.Delete: "delete",
    frames.React: "react",
    frames.Unreact: "unreact",
}


class Guest:
    """See the module. `outstanding` counts deeds that have no answer yet."""

    def __init__(
        self, handle: str, http: httpx.AsyncClient, hubs: list[str], recorder: Recorder, seed: int
    ) -> None:
        self.handle = handle
        self.devices: list[Device] = []
        self.said: dict[UUID, deque[tuple[str, int]]] = {}
        self.outstanding = 0
        self.kicks = 0
        self.http = http
        self._hub_urls = hubs
        self._recorder = recorder
        self._random = Random(seed)
        self._prefix = handle.rpartition("_")[2]
        self._count = 0
        self.rest = Rest(http, self._random)

    async def register(self, devices: int, prefer: int) -> None:
        """Make the account, and log in on so many devices, each with another hub it prefers."""
        for number in range(devices):
            rest = Rest(self.http, self._random)
            login = Login(Account(self.handle, PASSWORD), rest)
            if not number:
                await login.register()
                self.rest = rest
            await login.token()
            hubs = Hubs(self._hub_urls, prefer + number)
            self.devices.append(Device(login, hubs, Random(self._random.random()), self._recorder))

    @property
    def person(self) -> UUID:
        """My id."""
        return self.devices[0].person

    # What goes over a socket

    async def say(self, room: UUID, text: str) -> None:
        """Post."""
        client_id = self._name()
        seq = await self._submit(frames.Post(0, room, client_id, text))
        if seq is not None:
            self.said.setdefault(room, deque(maxlen=RECENT)).append((client_id, seq))

    async def edit(self, room: UUID, target: int | str, text: str) -> None:
        """Other words for something I said."""
        await self._submit(frames.Edit(0, room, self._name(), target, text))

    async def delete(self, room: UUID, target: int | str) -> None:
        """Take something back that I said."""
        await self._submit(frames.Delete(0, room, self._name(), target))

    async def react(self, room: UUID, target: int, emoji: str, *, on: bool) -> None:
        """Put an emoji on a message, or take it off."""
        shape = frames.React if on else frames.Unreact
        await self._submit(shape(0, room, self._name(), target, emoji))

    async def _submit(self, asked: frames.Submission) -> int | None:
        """The seq, or None where it was refused."""
        device = self._random.choice(self.devices)
        about: dict[str, Any] = {"client_id": asked.client_id}
        if not isinstance(asked, frames.Post):
            about["target"] = asked.target
        if isinstance(asked, frames.Post | frames.Edit):
            about["text"] = asked.text
        recorder = self._recorder
        n = recorder.invoke(
            _OPS[type(asked)], self.person, asked.room, device.id, device.connection, **about
        )
        self.outstanding += 1
        device.asking[asked.client_id] = n
        try:
            ack = await device.phone.submit(asked)
        except Refusal as refused:
            recorder.fail(n, refused.error.code)
            return None
        except asyncio.CancelledError:
            recorder.info(n, "the run was over before there was an answer")
            raise
        finally:
            self.outstanding -= 1
            del device.asking[asked.client_id]
        recorder.ok(n, ack.seq, ack.fresh)
        return ack.seq

    # What goes by REST

    async def tell(self, room: UUID, text: str) -> None:
        """Post without a socket."""
        client_id = self._name()
        body = {"client_id": client_id, "text": text}
        path = f"/v1/rooms/{room}/messages"
        await self._change("post", "POST", path, room, body, client_id=client_id, text=text)

    async def join(self, room: UUID) -> bool:
        """Come in."""
        return await self._change("join", "POST", f"/v1/rooms/{room}/join", room)

    async def depart(self, room: UUID) -> bool:
        """Go."""
        return await self._change("leave", "POST", f"/v1/rooms/{room}/leave", room)

    async def kick(self, room: UUID, who: UUID) -> bool:
        """Put somebody out."""
        path = f"/v1/rooms/{room}/members/{who}"
        done = await self._change("kick", "DELETE", path, room, subject=who)
        self.kicks += done
        return done

    async def invite(self, room: UUID, who: UUID) -> bool:
        """Ask somebody in."""
        path = f"/v1/rooms/{room}/members/{who}"
        return await self._change("invite", "PUT", path, room, subject=who)

    async def block(self, who: UUID, *, on: bool) -> bool:
        """Hide somebody from me, or no longer."""
        op: OpKind = "block" if on else "unblock"
        method, path = "PUT" if on else "DELETE", f"/v1/me/blocks/{who}"
        return await self._change(op, method, path, None, subject=who)

    async def pin(self, room: UUID, seq: int, *, on: bool) -> bool:
        """Pin a message, or unpin it."""
        op: OpKind = "pin" if on else "unpin"
        path = f"/v1/rooms/{room}/pins/{seq}"
        return await self._change(op, "PUT" if on else "DELETE", path, room, target=seq)

    async def read(self, room: UUID, seq: int) -> bool:
        """I have read up to here."""
        return await self._change(
            "read", "PUT", f"/v1/rooms/{room}/read", room, {"seq": seq}, {"seq": seq}
        )

    async def create(self, kind: str, title: str, people: list[UUID]) -> UUID:
        """A new room of mine, or the direct one with the one person named."""
        n = self._recorder.invoke("create", self.person)
        if kind == "direct":
            room = await self.rest.direct_room(people[0])
        else:
            room = await self.rest.create_room(kind, title, people)
        self._recorder.ok(n, None, room=room.id)
        return room.id

    async def _change(
        self,
        op: OpKind,
        method: str,
        path: str,
        room: UUID | None,
        body: dict[str, Any] | None = None,
        about: dict[str, Any] | None = None,
        **more: Any,
    ) -> bool:
        """Whether it was done."""
        recorder = self._recorder
        n = recorder.invoke(op, self.person, room, **(about or {}), **more)
        self.outstanding += 1
        try:
            placed: Placed = await self.rest.change(method, path, body)
        except RestError as refused:
            if refused.temporary:
                recorder.info(n, f"status {refused.status}")
            else:
                recorder.fail(n, refused.code)
            return False
        except httpx.TransportError as broken:
            recorder.info(n, repr(broken))
            return False
        except asyncio.CancelledError:
            recorder.info(n, "the run was over before there was an answer")
            raise
        finally:
            self.outstanding -= 1
        recorder.ok(n, placed.seq or None, placed.fresh, room)
        return True

    def _name(self) -> str:
        """Unique in the run, and never used for anything else."""
        self._count += 1
        return f"{self._prefix}-{self._count}-{uuid4().hex[:6]}"
