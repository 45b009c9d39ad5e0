"""The words tests of media speak: somebody uploads something, and what became of it.

Owns nothing but names. Must never assert more than that a step was answered.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.api.door import Door, Someone


async def ticket(
    who: Someone, data: bytes, type_: str, purpose: str = "attachment", **more: Any
) -> dict[str, Any]:
    """A ticket to upload so much."""
    body = {"purpose": purpose, "type": type_, "bytes": max(1, len(data)), **more}
    answer: dict[str, Any] = await who.done("POST", "/v1/media", json=body)
    return answer


async def send(door: Door, issued: dict[str, Any], data: bytes) -> httpx.Response:
    """The form posted to where the ticket says."""
    body, content_type = form(issued["fields"], data)
    headers = {"content-type": content_type}
    return await door.client.post(issued["url"], content=body, headers=headers)


def form(fields: dict[str, str], data: bytes) -> tuple[bytes, str]:
    """multipart/form-data as a browser writes it."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n'
        "content-type: application/octet-stream\r\n\r\n"
    )
    body = "".join(parts).encode() + head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


async def upload(
    door: Door, who: Someone, data: bytes, type_: str, purpose: str = "attachment", **more: Any
) -> dict[str, Any]:
    """Ticket, upload, complete: what became of it."""
    issued = await ticket(who, data, type_, purpose, **more)
    sent = await send(door, issued, data)
    assert sent.status_code == 204, sent.text
    media: dict[str, Any] = await who.done("POST", f"/v1/media/{issued['id']}/complete")
    return media


async def ready(
    door: Door,
    who: Someone,
    data: bytes,
    type_: str = "image/jpeg",
    purpose: str = "attachment",
    **more: Any,
) -> str:
    """The id of a medium that was taken."""
    media = await upload(door, who, data, type_, purpose, **more)
    assert media["state"] == "ready", media
    id_: str = media["id"]
    return id_


async def address(who: Someone, media: str, size: str = "full") -> str | None:
    """Where they read it; None where there is no such medium for them."""
    answer = await who.ask("GET", f"/v1/media/{media}", params={"size": size, "answer": "json"})
    if answer.status_code == 404:
        return None
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["url"]
    return url


async def fetched(door: Door, who: Someone, media: str, size: str = "full") -> httpx.Response:
    """What they get for it, without a token."""
    url = await address(who, media, size)
    assert url is not None
    return await door.client.get(url)


def path_of(url: str) -> str:
    """An address without its query."""
    return urlsplit(url).path
