"""Passwords: hashed with argon2id, checked on a few threads of their own.

Owns how many hashes are computed and wait at once. Must never tell an unknown person from a wrong password,
neither by the answer nor by the time it takes, and must never let a password reach a log or an exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final, NamedTuple, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from muster.errors import Refused
from proto.codes import Code

LEAST_CHARS: Final = 8
MOST_CHARS: Final = 128
"""Long passphrases are welcome; without an end, hashing them is work for an attacker to order."""

WAITING_MOST: Final = 64
"""At 20 ms each on two threads the last one in line waits 0.6 s; more would time out anyway."""

_RETRY_AFTER_MS: Final = 2_000
_Result = TypeVar("_Result")


class Checked(NamedTuple):
    """Whether the password is right, and the hash to store if the stored one is of older parameters."""

    right: bool
    fresh_hash: str | None = None


class Passwords:
    """Computes and checks hashes in `executor`, whose threads bound how many run at once."""

    def __init__(
        self, executor: Executor, memory_kib: int, passes: int, waiting_most: int = WAITING_MOST
    ) -> None:
        self._executor = executor
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID
        )
        self._waiting_most = waiting_most
        self._waiting = 0
        # What an unknown person's password is compared with, so that it costs the same.
        self._nobody = self._hasher.hash("the password of nobody")

    async def hash(self, password: str) -> str:
        """A new hash of `password`."""
        return await self._run(lambda: self._hasher.hash(password))

    async def check(self, password: str, stored: str | None) -> Checked:
        """Whether `password` belongs to `stored`; `None` is a person there is not."""
        checked = await self._run(lambda: self._check(password, stored or self._nobody))
        return checked if stored is not None else Checked(False)

    def _check(self, password: str, stored: str) -> Checked:
        try:
            self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return Checked(False)
        if self._hasher.check_needs_rehash(stored):
            return Checked(True, self._hasher.hash(password))
        return Checked(True)

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        if self._waiting >= self._waiting_most:
            raise Refused(
                Code.too_many_requests,
                "too many people log in just now; try again in a moment",
                retry_after_ms=_RETRY_AFTER_MS,
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._waiting -= 1
