"""A picture from a phone's REST to another phone's socket, through a whole Muster."""

import secrets
from random import Random
from uuid import UUID, uuid4

import httpx
import pytest

from loadtest.bench.media import photograph
from loadtest.client.connection import Refusal
from loadtest.stack import Stack
from proto.codes import Code
from proto.entry import EntryKind
from proto.frames import Entry, Post
from tests.walk.people import Person, people

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _uploaded(http: httpx.AsyncClient, person: Person, data: bytes) -> UUID:
    headers = {"Authorization": f"Bearer {await person.phone.login.token()}"}
    wanted = {"purpose": "attachment", "type": "image/jpeg", "bytes": len(data)}
    issued = (await http.post("/v1/media", json=wanted, headers=headers)).json()
    form = {"file": ("p.jpg", data, "image/jpeg")}
    sent = await http.post(issued["url"], data=issued["fields"], files=form)
    assert sent.status_code == 204, sent.text
    done = await http.post(f"/v1/media/{issued['id']}/complete", headers=headers)
    assert done.json()["state"] == "ready", done.text
    return UUID(issued["id"])


async def test_a_picture_goes_from_phone_to_phone(stack: Stack) -> None:
    """Uploaded by REST, posted on one hub, heard on the other, looked at there; and whose it is not, cannot."""
    data = photograph(1_600, 1_200, Random(3))
    async with (
        people(stack, "ada", "bob") as (ada, bob),
        httpx.AsyncClient(base_url=stack.api_url, timeout=20.0) as http,
    ):
        room = (await ada.rest.create_room("public", "walk")).id
        await bob.rest.join(room)
        media = await _uploaded(http, ada, data)
        for stranger in (media, uuid4()):
            with pytest.raises(Refusal) as refused:
                await bob.phone.submit(
                    Post(0, room, secrets.token_hex(8), "", attachments=[stranger])
                )
            assert refused.value.error.code == Code.bad_request
        post = Post(0, room, secrets.token_hex(8), "look", attachments=[media])
        ack = await ada.phone.submit(post)
        await bob.has(room, "look")
        [heard] = [one for one in bob.given if one.room == room and one.kind is EntryKind.post]
        assert isinstance(heard, Entry)
        assert (heard.seq, heard.body.attachments) == (ack.seq, [media])
        headers = {"Authorization": f"Bearer {await bob.phone.login.token()}"}
        answer = await http.get(f"/v1/media/{media}?size=512", headers=headers)
        assert answer.status_code == 302
        shown = await http.get(answer.headers["location"])
        assert shown.headers["content-type"] == "image/jpeg"
        assert shown.content[:3] == b"\xff\xd8\xff"
        part = await http.get(answer.headers["location"], headers={"Range": "bytes=0-2"})
        assert (part.status_code, part.content) == (206, b"\xff\xd8\xff")


async def test_an_upload_that_is_too_large_ends_with_its_connection(stack: Stack) -> None:
    """Megabytes that nobody allowed are not read to their end."""
    async with (
        people(stack, "ada") as (ada,),
        httpx.AsyncClient(base_url=stack.api_url, timeout=20.0) as http,
    ):
        headers = {"Authorization": f"Bearer {await ada.phone.login.token()}"}
        wanted = {"purpose": "attachment", "type": "image/jpeg", "bytes": 1_000}
        issued = (await http.post("/v1/media", json=wanted, headers=headers)).json()
        form = {"file": ("p.jpg", bytes(24 << 20), "image/jpeg")}
        try:
            sent = await http.post(issued["url"], data=issued["fields"], files=form)
        except httpx.TransportError:
            pass  # it was still sending when the answer came
        else:
            assert sent.status_code == 413
        early = await http.post(f"/v1/media/{issued['id']}/complete", headers=headers)
        assert early.status_code == 409
