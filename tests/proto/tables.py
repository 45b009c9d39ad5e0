"""Owns the tables of docs/protocol.md: what of the protocol's prose the code can say better.

`python -m tests.proto.tables` writes them anew between their marks; test_protocol_page.py fails while
the page differs from the code.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect

from proto import frames, limits
from proto.codec import JSON, MSGPACK
from proto.codes import CLOSE_TABLE, HTTP_STATUS, TEMPORARY, Close, Code
from proto.entry import Body, LinkPreview, Poll
from tests.proto import vectors

PAGE: Final = Path(__file__).parents[2] / "docs" / "protocol.md"
_MARK: Final = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

ANSWERS: Final[dict[type[frames.Client], str]] = {
    frames.Auth: "`Ready`, or `Error` and a close",
    frames.Resume: "`RoomStates`",
    frames.Attend: "`RoomStates`",
    frames.Attention: "`Ok`",
    frames.Post: "`Ack`",
    frames.Edit: "`Ack`",
    frames.Delete: "`Ack`",
    frames.React: "`Ack`",
    frames.Unreact: "`Ack`",
    frames.Typing: "nothing",
    frames.Received: "`Ok`",
    frames.Read: "`Ok`",
    frames.Refresh: "`Ok`",
    frames.Ping: "`Pong`",
    frames.Vote: "`Ack`",
    frames.ClosePoll: "`Ack`",
    frames.Watch: "`Presences`",
    frames.Fixes: "`Placed`",
    frames.Crossings: "`Placed`",
}
"""What a client frame with an id above 0 is answered by, where nothing is wrong."""

_ERRORS: Final[dict[Code, str]] = {
    Code.internal: "a fault of the server's",
    Code.unauthorized: "no valid token, or not the first frame",
    Code.not_found: "no such room or message, or none of yours: the two look alike",
    Code.permission_denied: "you are in the room, and may not do this",
    Code.bad_request: "the frame or value is not as it must be; a fault of the client's",
    Code.too_large: "over a limit of size",
    Code.limit_exceeded: "over a limit of number",
    Code.conflict: "what is contradicts it (a handle that is taken)",
    Code.unavailable: "a service behind the server does not answer: outcome unknown",
    Code.token_expired: "fetch a new access token",
    Code.too_many_requests: "slower; `retry_after_ms` says how much",
    Code.archived: "the room takes nothing new",
    Code.upgrade_required: "this version of the app is no longer served",
    Code.already_done: "there is nothing left to do",
    Code.silenced: "you may write nothing for `retry_after_ms`, by a moderator's or staff's word",
    Code.slow_mode: "members wait between two messages here; `retry_after_ms` says how long yet",
    Code.agreement_required: "accept the current terms first: `GET /v1/me/agreements`",
}


def tables() -> dict[str, str]:
    """Every table by the name of its mark."""
    return {
        "client": _table(
            ("kind", "frame", "fields after kind and id", "says", "answer"),
            (_frame_row(cls, ANSWERS[cls]) for cls in _by_kind(frames.Client)),
        ),
        "server": _table(
            ("kind", "frame", "fields after kind and id", "says"),
            (_frame_row(cls) for cls in _by_kind(frames.Server)),
        ),
        "shapes": _table(
            ("name", "on the wire", "fields"),
            (
                _shape_row(cls)
                for cls in (
                    frames.Limits, frames.RoomState, frames.Preview, Body, Poll, LinkPreview,
                    frames.PersonPresence, frames.PhoneFix, frames.PhoneCrossing, frames.EventPlace,
                )
            ),
        ),
        "errors": _table(
            ("code", "name", "temporary", "HTTP", "when"),
            (
                (f"{code:d}", f"`{code.name}`", "**yes**" if code in TEMPORARY else "no",
                 str(HTTP_STATUS[code]), _ERRORS[code])
                for code in Code
            ),
        ),
        "closes": _table(
            ("code", "name", "come back?", "meaning"),
            (
                (f"{close:d}", f"`{close.name}`", "yes" if advice.reconnect else "**no**",
                 advice.meaning)
                for close, advice in ((close, CLOSE_TABLE[close]) for close in Close)
            ),
        ),
        "limits": _table(
            ("limit", "value"),
            (
                (f"`{name.lower()}`", f"{value:,}")
                for name, value in vars(limits).items()
                if name.isupper() and isinstance(value, int)
            ),
        ),
        "vectors": _table(
            ("frame", "JSON", "msgpack"),
            (
                (f"`{type(frame).__name__}`", f"`{JSON.encode(frame).decode()}`",
                 f"`{MSGPACK.encode(frame).hex()}`")
                for frame in (
                    vectors.CLIENT["ping"], vectors.SERVER["pong"], vectors.CLIENT["post"],
                    vectors.SERVER["ack"], vectors.SERVER["entry: post"],
                )
            ),
        ),
    }  # fmt: skip


def page(text: str) -> str:
    """`text` with every table as the code says it."""
    made = tables()
    fill: Callable[[re.Match[str]], str] = lambda mark: mark[1] + made[mark[2]] + mark[3]  # noqa: E731
    return _MARK.sub(fill, text)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def _by_kind(base: type[msgspec.Struct]) -> list[type[Any]]:
    return sorted(base.__subclasses__(), key=lambda cls: int(cls.__struct_config__.tag))


def _frame_row(cls: type[msgspec.Struct], *more: str) -> tuple[str, ...]:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    fields = [_field(field) for field in info.fields if field.name != "id"]
    return (str(info.tag), f"`{cls.__name__}`", "<br>".join(fields) or "none", _says(cls), *more)


def _shape_row(cls: type[msgspec.Struct]) -> tuple[str, ...]:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    form = "array, in this order" if info.array_like else "map; what is absent has its default"
    form = "map" if cls is frames.Limits else form
    return (f"`{cls.__name__}`", form, "<br>".join(_field(field) for field in info.fields))


def _says(cls: type) -> str:
    text = " ".join((cls.__doc__ or "").split())
    return text.replace("|", "/")


def _field(field: inspect.Field) -> str:
    default = ""
    if not field.required:
        given = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        default = f" = {msgspec.json.encode(given).decode()}"
    return f"`{field.name}`: {_type(field.type)}{default}"


def _type(kind: Any) -> str:
    match kind:
        case inspect.IntType():
            return "int" + _range(kind.ge, kind.le)
        case inspect.StrType():
            return "str" + _range(kind.min_length, kind.max_length, " chars")
        case inspect.UnionType():
            return " or ".join(_type(part) for part in kind.types)
        case inspect.ListType():
            return f"[{_type(kind.item_type)}, ...]" + _range(None, kind.max_length, " items")
        case inspect.TupleType():
            return "[" + ", ".join(_type(part) for part in kind.item_types) + "]"
        case inspect.DictType():
            item = f"{_type(kind.key_type)}: {_type(kind.value_type)}"
            return "{" + item + "}" + _range(None, kind.max_length, " keys")
        case inspect.LiteralType():
            return " or ".join(f'"{value}"' for value in kind.values)
        case inspect.EnumType():
            return "entry kind"
        case inspect.StructType():
            return f"`{kind.cls.__name__}`"
        case inspect.NoneType():
            return "null"
        case _:
            return type(kind).__name__.removesuffix("Type").lower()


def _range(low: int | None, high: int | None, unit: str = "") -> str:
    if high is None:
        return ""
    return f" ({low if low is not None else 0} to {_number(high)}{unit})"


def _number(value: int) -> str:
    for power in (31, 53):
        if value == 2**power - 1:
            return f"2^{power} - 1"
    return f"{value:,}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
