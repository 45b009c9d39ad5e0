"""The byte vectors that a stranger tests a client against are what the code speaks."""

import json
from typing import Any
from uuid import UUID

import msgpack
import pytest

from proto import frames
from proto.codec import CODECS, JSON, MSGPACK, BadFrame
from tests.proto import vectors

DOCUMENT: dict[str, Any] = json.loads(vectors.PATH.read_text(encoding="utf-8"))
CLIENT: list[dict[str, Any]] = DOCUMENT["client"]
SERVER: list[dict[str, Any]] = DOCUMENT["server"]
REFUSED: list[dict[str, Any]] = DOCUMENT["refused"]


def test_file_is_what_the_code_says() -> None:
    """docs/vectors.json is generated, never edited."""
    assert vectors.PATH.read_text(encoding="utf-8") == vectors.text(), (
        "run: python -m tests.proto.vectors"
    )


@pytest.mark.parametrize(
    ("base", "listed"), [(frames.Client, CLIENT), (frames.Server, SERVER)], ids=["client", "server"]
)
def test_every_frame_has_a_vector(
    base: type[frames.Client] | type[frames.Server], listed: list[dict[str, Any]]
) -> None:
    """A frame without bytes to test against cannot be implemented with confidence."""
    assert {cls.__name__ for cls in base.__subclasses__()} == {row["frame"] for row in listed}


@pytest.mark.parametrize("row", CLIENT + SERVER, ids=lambda row: row["name"])
def test_both_forms_say_the_same(row: dict[str, Any]) -> None:
    """Libraries that know nothing of us read the same frame from the JSON and from the bytes."""
    from_bytes = msgpack.unpackb(bytes.fromhex(row["msgpack"]), strict_map_key=True)
    assert _ids_as_text(from_bytes) == json.loads(row["json"])


@pytest.mark.parametrize("row", CLIENT, ids=lambda row: row["name"])
def test_client_vector_decodes(row: dict[str, Any]) -> None:
    """Both forms of a client's frame are one frame to the server."""
    expected = vectors.CLIENT[row["name"]]
    assert JSON.decode(row["json"].encode()) == expected
    assert MSGPACK.decode(bytes.fromhex(row["msgpack"])) == expected


@pytest.mark.parametrize("row", SERVER, ids=lambda row: row["name"])
def test_server_vector_decodes(row: dict[str, Any]) -> None:
    """Both forms of a server's frame are one frame to a client."""
    expected = vectors.SERVER[row["name"]]
    assert JSON.decode_server(row["json"].encode()) == expected
    assert MSGPACK.decode_server(bytes.fromhex(row["msgpack"])) == expected


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row['subprotocol']}: {row['name']}")
def test_bad_input_is_refused(row: dict[str, Any]) -> None:
    """Bad input is refused with the sentence and the request id that the file promises."""
    with pytest.raises(BadFrame) as refusal:
        CODECS[row["subprotocol"]].decode(_input(row))
    assert (str(refusal.value), refusal.value.known, refusal.value.too_large) == (
        row["refusal"],
        row["request_id"],
        row["too_large"],
    )


def _input(row: dict[str, Any]) -> bytes:
    if "hex" in row:
        return bytes.fromhex(row["hex"])
    return b"".join(bytes.fromhex(byte) * times for byte, times in row["hex_runs"])


def _ids_as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return str(UUID(bytes=value))
    if isinstance(value, list):
        return [_ids_as_text(item) for item in value]
    if isinstance(value, dict):
        return {key: _ids_as_text(item) for key, item in value.items()}
    return value
