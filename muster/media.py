"""Media: what people upload, what each purpose takes, and how it reads.

    waiting -> processing -> ready | refused -> gone

Owns purposes, bounds and the plain codes of refusals. Pure. Must never believe a name or a claimed type: what counts
is what `magic` finds, and the claim only has to be of the same family.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import Struct, UnsetType

from muster.config import Settings
from muster.depot import OCTETS
from muster.errors import Refused
from muster.ids import PersonId
from muster.words import line
from proto.codes import Code

NAME_CHARS: Final = 120
VOICE_MOST_MS: Final = 15 * 60 * 1_000
SIDES: Final = (512, 96)
"""Thumbnails fit into squares of these sides; the full picture into FULL_SIDE (muster/darkroom/picture.py)."""

DECODED: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
"""Pictures that are taken, always decoded and encoded anew. Other formats of pictures are refused for any purpose:
they would be handed out with the place they were taken at."""

_VIDEO: Final = frozenset({"video/mp4", "video/quicktime", "video/webm"})
_AUDIO: Final = {
    "audio/mp4": "audio/mp4",
    "audio/aac": "audio/aac",
    "audio/mpeg": "audio/mpeg",
    "audio/ogg": "audio/ogg",
    "audio/wav": "audio/wav",
    "audio/amr": "audio/amr",
    "audio/x-caf": "audio/x-caf",
    # Recorders write voice into boxes that look like a video's.
    "video/mp4": "audio/mp4",
    "video/quicktime": "audio/mp4",
    "video/webm": "audio/webm",
}
_SAVED: Final = frozenset({*_AUDIO, *_VIDEO, "audio/flac", "application/pdf", "application/zip"})
"""What a file may be handed out as; anything else is OCTETS."""

BOXED: Final = frozenset({"video/mp4", "video/quicktime", "audio/mp4"})
"""Types made of boxes, whose notes on place and maker are blanked (muster/darkroom/boxes.py)."""


NOTHING: Final = UUID(int=0)
"""In a change of a profile or of a room: no picture any more."""


class Purpose(StrEnum):
    """What somebody uploads for."""

    avatar = "avatar"
    room_picture = "room_picture"
    attachment = "attachment"
    voice = "voice"
    file = "file"


class State(StrEnum):
    """How far a medium has come."""

    waiting = "waiting"
    processing = "processing"
    ready = "ready"
    refused = "refused"
    gone = "gone"


class Refusal(StrEnum):
    """Why an upload was not taken."""

    empty = "empty"
    too_large = "too_large"
    wrong_type = "wrong_type"
    not_taken = "not_taken"
    unreadable = "unreadable"
    too_many_pixels = "too_many_pixels"
    too_costly = "too_costly"


SENTENCES: Final[dict[Refusal, str]] = {
    Refusal.empty: "nothing was uploaded but an empty file",
    Refusal.too_large: "the upload is larger than was announced",
    Refusal.wrong_type: "the upload is not of the announced kind",
    Refusal.not_taken: "this format of pictures is not taken; send JPEG, PNG, WebP or GIF",
    Refusal.unreadable: "the upload cannot be read as what it says it is",
    Refusal.too_many_pixels: "the picture has more pixels than are taken",
    Refusal.too_costly: "the upload takes too much time or memory to read",
}


class Unfit(Exception):
    """An upload that is refused for good."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(SENTENCES[refusal])
        self.refusal = refusal


class MediaInfo(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a client needs to draw a medium before it has fetched it. `type` is that of the full size."""

    id: UUID
    type: str
    bytes: int
    name: str = ""
    width: int | None = None
    height: int | None = None
    blurhash: str | None = None
    duration_ms: int | None = None


class Media(Struct, frozen=True, gc=False):
    """A medium as its uploader sees it; `refusal` and `detail` say why it is `refused`."""

    id: UUID
    purpose: Purpose
    state: State
    info: MediaInfo | None = None
    refusal: Refusal | None = None
    detail: str | None = None


class Developed(Struct, frozen=True, gc=False):
    """What came of a picture in the darkroom; `bytes` of all its sizes together."""

    type: str
    width: int
    height: int
    blurhash: str
    bytes: int


class Upload(NamedTuple):
    """What somebody wants to upload."""

    media: UUID
    owner: PersonId
    purpose: Purpose
    type: str
    bytes: int
    name: str
    duration_ms: int | None


class Terms(NamedTuple):
    """What is taken, by setting. Bytes, pixels and seconds."""

    image_bytes: int
    voice_bytes: int
    file_bytes: int
    pixels: int
    day_count: int
    day_bytes: int
    total_bytes: int
    upload_s: int
    link_s: int
    within_s: float


def picture_of(wanted: UUID | UnsetType | None) -> UUID | None:
    """What a change says of a picture: None for nothing, NOTHING to take it away."""
    if isinstance(wanted, UnsetType):
        return None
    return NOTHING if wanted is None else wanted


def unfit_picture(purpose: Purpose) -> Refused:
    """The answer to a picture that is not to be had."""
    return Refused(Code.conflict, f"the picture is not ready, not yours, in use or no {purpose}")


def terms_of(settings: Settings) -> Terms:
    """The terms these settings make."""
    return Terms(
        settings.media_image_bytes,
        settings.media_voice_bytes,
        settings.media_file_bytes,
        settings.media_pixels,
        settings.media_day_count,
        settings.media_day_bytes,
        settings.media_total_bytes,
        settings.media_upload_s,
        settings.media_link_s,
        settings.media_within_s,
    )


def check(wanted: Upload, terms: Terms) -> Upload:
    """`wanted`, if it may be uploaded. Raises `Refused`."""
    picture = wanted.purpose in (Purpose.avatar, Purpose.room_picture)
    image, video = wanted.type in DECODED, wanted.type in _VIDEO
    if picture and not image:
        raise Refused(Code.bad_request, "a picture is JPEG, PNG, WebP or GIF")
    if wanted.purpose is Purpose.attachment and not (image or video):
        raise Refused(
            Code.bad_request, "an attachment is a picture or a video; anything else is a `file`"
        )
    voice = wanted.purpose is Purpose.voice
    if voice and (wanted.type not in _AUDIO and wanted.type != "audio/webm"):
        raise Refused(Code.bad_request, "a voice note has a type of sound")
    if voice and not 0 < (wanted.duration_ms or 0) <= VOICE_MOST_MS:
        raise Refused(
            Code.bad_request, f"a voice note says its `duration_ms`, 1 to {VOICE_MOST_MS}"
        )
    most = most_bytes(wanted, terms)
    if wanted.bytes > most:
        raise Refused(Code.too_large, f"for this purpose at most {most} bytes are taken")
    return wanted._replace(
        name=line("a name", wanted.name, NAME_CHARS).replace("/", "_").replace("\\", "_"),
        duration_ms=wanted.duration_ms if voice or video else None,
    )


def most_bytes(wanted: Upload, terms: Terms) -> int:
    """How large an upload of this purpose and type may be."""
    if wanted.purpose is Purpose.voice:
        return terms.voice_bytes
    if wanted.purpose is Purpose.file or wanted.type in _VIDEO:
        return terms.file_bytes
    return terms.image_bytes


def judge(purpose: Purpose, claimed: str, found: str | None) -> str | None:
    """How what was found is handed out; None: as a picture, encoded anew. Raises `Unfit`."""
    picture = found is not None and found.startswith("image/")
    if picture and found not in DECODED:
        raise Unfit(Refusal.not_taken)
    if purpose is Purpose.file:
        return None if picture else found if found in _SAVED else OCTETS
    if purpose is Purpose.voice:
        sound = _AUDIO.get(found or "")
        if sound is None:
            raise Unfit(Refusal.wrong_type)
        return sound
    if claimed in DECODED:
        if not picture:
            raise Unfit(Refusal.wrong_type)
        return None
    if found not in _VIDEO:
        raise Unfit(Refusal.wrong_type)
    return found
