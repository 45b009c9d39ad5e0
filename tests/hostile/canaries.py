"""Values that no log may hold, of every kind of personal data, and requests that are full of them.

What is sent is made from the types that the tables name: a route, a field or a frame that is added tomorrow is filled
in by itself, and a field that takes no canary fails until somebody says what else goes there.

Owns these values. Must never know a route.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct, inspect

MARK: Final = "c4n4ry" + secrets.token_hex(4)
PHONE: Final = "+4917099" + str(secrets.randbelow(900_000) + 100_000)
EMAIL: Final = f"{MARK}@example.org"
PASSWORD: Final = f"{MARK} {PHONE} password"
ADDRESS: Final = "127.0.0.99"
FORWARDED: Final = "203.0.113.77"
LAT: Final = round(47.1 + secrets.randbelow(800_000_000) / 1e9, 9)
LON: Final = round(18.1 + secrets.randbelow(800_000_000) / 1e9, 9)
SOON_MS: Final = time.time_ns() // 1_000_000 + 3_600_000

WORDS: Final = (MARK, PHONE[1:], "example.org", ADDRESS, FORWARDED, str(LAT)[:9], str(LON)[:9])
"""What is looked for. Whatever else is issued by a server is added by who gets it."""

_SECRET_FIELDS: Final = re.compile(
    r"token|secret|^codes?$|recovery|word|ticket|^key$|signature|otpauth"
)
_SECRET_CHARS: Final = 8
_SIGNED_CHARS: Final = 16
_FITTING: Final[Mapping[str, Any]] = {
    "email": EMAIL,
    "password": PASSWORD,
    "new_password": PASSWORD,
    "zone": "UTC",
    "locale": "en",
    "lat": LAT,
    "lon": LON,
    "accuracy_m": 12.0,
    "challenge": (MARK * 4)[:43],
    "verifier": (MARK * 4)[:43],
    "type": "image/jpeg",
    "near": f"{LAT},{LON}",
    "ends_at_ms": SOON_MS + 3_600_000,
    "url": f"https://127.0.0.1:9/{MARK}",
    "emoji": MARK[:16],
}
"""Where any word would be refused before anything looks at it: a canary that is none of words, or what says nothing."""


class Filler:
    """Fills types in. `ids` has things that are there, by the name of the field that asks for them."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        self._ids = ids

    def full(self, kind: Any) -> Any:
        """With everything that it may have."""
        return self._made(inspect.type_info(kind), "", whole=True)

    def bare(self, kind: Any) -> Any:
        """With what it must have."""
        return self._made(inspect.type_info(kind), "", whole=False)

    def wrong(self, kind: type[Struct]) -> dict[str, Any]:
        """Every field of another type than it has."""
        return {name: [{MARK: EMAIL}] for name in _names(kind)}

    def _made(self, info: inspect.Type, name: str, *, whole: bool) -> Any:
        while isinstance(info, inspect.Metadata):
            info = info.type
        if isinstance(info, inspect.UnionType):
            some = [each for each in info.types if not isinstance(each, inspect.NoneType)]
            return self._made(some[0], name, whole=whole)
        if isinstance(info, inspect.StructType):
            return self._struct(info, whole=whole)
        if isinstance(info, inspect.UUIDType):
            return self._ids.get(name, str(uuid4()))
        if isinstance(info, inspect.IntType) and name in self._ids:
            return int(self._ids[name])
        if name in _FITTING:
            return _FITTING[name]
        if isinstance(info, inspect.ListType | inspect.VarTupleType | inspect.TupleType):
            return [self._made(each, name, whole=whole) for each in _items(info)]
        return _simple(info, name)

    def _struct(self, info: inspect.StructType, *, whole: bool) -> Any:
        made = {
            field.encode_name: self._made(field.type, field.encode_name, whole=whole)
            for field in info.fields
            if whole or field.required or info.array_like
        }
        if info.array_like:
            return [*([info.tag] if info.tag is not None else []), *made.values()]
        return made | ({info.tag_field: info.tag} if info.tag_field else {})


def _items(info: inspect.ListType | inspect.VarTupleType | inspect.TupleType) -> list[inspect.Type]:
    if isinstance(info, inspect.TupleType):
        return list(info.item_types)
    return [info.item_type] * (info.min_length or 1)


def _simple(info: inspect.Type, name: str) -> Any:
    match info:
        case inspect.StrType():
            return _text(info, name)
        case inspect.IntType():
            return _number(info, name)
        case inspect.FloatType():
            return 5.0
        case inspect.BoolType():
            return False
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.EnumType(cls=cls):
            return next(iter(cls)).value
        case inspect.DictType() | inspect.AnyType():
            return {MARK: EMAIL}
    raise AssertionError(f"no canary for {name}: {info}")


def _names(kind: type[Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _text(info: inspect.StrType, name: str) -> str:
    once = secrets.token_hex(3)
    for tried in (
        f"{MARK} {name} {PHONE} {EMAIL}",
        f"{MARK} {name} {PHONE}",
        f"{MARK}_{name}_{once}",
        f"{MARK}-{once}",
        f"{MARK}{once}",
        MARK,
        MARK[: info.max_length or 0],
    ):
        word = tried.ljust(info.min_length or 0, "x")
        if name in ("handle", "client_id") and once not in word:
            continue
        if info.max_length is not None and len(word) > info.max_length:
            continue
        if info.pattern is None or re.search(info.pattern, word):
            return word
    raise AssertionError(f"no canary fits {name}: {info}")


def _number(info: inspect.IntType, name: str) -> int:
    if name.endswith("at_ms"):
        return SOON_MS
    least = info.ge if info.ge is not None else info.gt + 1 if info.gt is not None else 1
    most = info.le if info.le is not None else least + 1
    return int(min(max(least, 1), most))


def issued(answer: object, name: str = "") -> list[str]:
    """What a server gave out that opens something: also that must be nowhere. Ids are no secrets."""
    if isinstance(answer, dict):
        return [word for key, value in answer.items() for word in issued(value, str(key))]
    if isinstance(answer, list):
        return [word for value in answer for word in issued(value, name)]
    if not isinstance(answer, str) or len(answer) < _SECRET_CHARS:
        return []
    if answer.startswith(("http", "otpauth")):
        return [said for _, said in parse_qsl(urlsplit(answer).query) if len(said) >= _SIGNED_CHARS]
    if not _SECRET_FIELDS.search(name) or _is_id(answer) or MARK in answer:
        return []
    # The head of a JWT is everybody's, and the prefix of a token is no secret.
    return answer.split(".")[1:] if answer.count(".") == 2 else [answer.partition("_")[2] or answer]


def _is_id(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True
