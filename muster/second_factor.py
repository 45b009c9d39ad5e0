"""Second factors: setting one up, asking for it, and taking it away.

    begin --code--> confirmed, ten recovery codes --code or recovery code--> asked at every login, until removed

Owns what a factor is to a person, and which code counts (by muster/totp.py). The secret is kept sealed, and shown once,
to whom it is made for. Must never say why a code did not fit, and never decide who may ask: whoever begins, renews or
removes a factor has proven who they are (muster/step_up.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from msgspec import Struct

from muster import recovery_codes, totp
from muster.clock import Clock
from muster.errors import Refused, unavailable
from muster.ids import PersonId, Random
from muster.metrics import IdentityMetrics
from muster.sealer import Field, Sealer, Unsealable
from muster.telemetry import get_logger
from muster.totp import Judged, State, Verdict
from proto.codes import Code

FIELD: Final = Field("second_factors", "secret_sealed")
CODE_CHARS: Final = 40
"""More than any code has, however it is typed."""

_log = get_logger()


class Factor(Struct, frozen=True, gc=False):
    """What a person is told of their factor. `recovery_codes`: how many are left."""

    confirmed: bool
    made_at_ms: int
    recovery_codes: int


class Enrolment(Struct, frozen=True, gc=False):
    """A secret, shown once: as typed into an app, and as a link for one. Its repr hides both."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        return "Enrolment()"


class Held(Struct, frozen=True, gc=False):
    """A factor whose row is held: nobody else judges a code of this person meanwhile."""

    secret: bytes
    confirmed: bool
    state: State
    recovery: bool
    """The recovery code that was given is one of theirs and unused."""

    def __repr__(self) -> str:
        return "Held()"


class After(Struct, frozen=True, gc=False):
    """What a right code brings about, in the same transaction: confirm it, keep these codes instead, remove it."""

    confirm: bool = False
    codes: Sequence[bytes] | None = None
    remove: bool = False


Judge = Callable[[Held], Judged]


class FactorStore(Protocol):
    """Where factors are kept. All raise `Refused`: `unavailable`."""

    async def find(self, person: PersonId) -> Factor | None: ...

    async def begin(self, person: PersonId, sealed: bytes) -> bool:
        """Keep an unconfirmed factor, instead of another such; false if there is a confirmed one."""
        ...

    async def settle(
        self, person: PersonId, recovery: bytes | None, judge: Judge, after: After
    ) -> Judged | None:
        """Let `judge` look at the factor under its row's lock, and keep what it says; None if there is none.

        `recovery` is the hash of a recovery code; if it is right, it is used up.
        """
        ...


class SecondFactors:
    """Keeps and asks factors."""

    def __init__(
        self,
        store: FactorStore,
        sealer: Sealer,
        metrics: IdentityMetrics,
        issuer: str,
        clock: Clock,
        random: Random,
    ) -> None:
        """`issuer`: what apps show beside the codes."""
        self._store = store
        self._sealer = sealer
        self._metrics = metrics
        self._issuer = issuer
        self._clock = clock
        self._random = random

    async def find(self, person: PersonId) -> Factor | None:
        """The confirmed factor of somebody."""
        factor = await self._store.find(person)
        return factor if factor is not None and factor.confirmed else None

    async def begin(self, person: PersonId, account: str) -> Enrolment:
        """A new secret, asked for once `confirm` has seen a code of it. Raises `Refused`: `conflict`."""
        secret = totp.new_secret(self._random)
        sealed = self._sealer.seal(secret, FIELD, person.bytes)
        if not await self._store.begin(person, sealed):
            raise Refused(Code.conflict, "there is a second factor already; remove it first")
        return Enrolment(totp.shown(secret), totp.uri(secret, account, self._issuer))

    async def confirm(self, person: PersonId, code: str) -> list[str]:
        """From now on it is asked for; the recovery codes, shown once. Raises `Refused`."""
        factor = await self._store.find(person)
        if factor is None or factor.confirmed:
            raise _nothing()
        codes, kept = self._codes(person)
        await self._prove(person, code, After(confirm=True, codes=kept), confirmed=False)
        self._metrics.count("factor_on")
        _log.info("second factor on", person=str(person))
        return codes

    async def renew(self, person: PersonId, code: str) -> list[str]:
        """Ten new recovery codes instead of all before, shown once. Raises `Refused`."""
        codes, kept = self._codes(person)
        await self._prove(person, code, After(codes=kept))
        return codes

    async def remove(self, person: PersonId, code: str) -> None:
        """It is not asked for any more. Raises `Refused`."""
        await self._prove(person, code, After(remove=True))
        self._metrics.count("factor_off")
        _log.info("second factor off", person=str(person))

    async def prove(self, person: PersonId, code: str) -> None:
        """Raises `Refused` unless `code` is right: of the app, or a recovery code."""
        await self._prove(person, code, After())

    async def _prove(
        self, person: PersonId, code: str, after: After, *, confirmed: bool = True
    ) -> None:
        recovery = recovery_codes.stored(person, code) if confirmed else None
        now_ms = self._clock.now_ms()

        def judge(held: Held) -> Judged:
            if held.confirmed is not confirmed:
                raise _nothing()
            step = totp.step_of(self._opened(person, held.secret), code, now_ms)
            return totp.judge(held.state, now_ms, step=step, recovery=held.recovery)

        judged = await self._store.settle(person, recovery, judge, after)
        if judged is None:
            raise _nothing()
        if judged.verdict is not Verdict.right:
            self._metrics.count(f"code_{judged.verdict.value}")
            if judged.state.locked_until_ms > now_ms and judged.verdict is not Verdict.locked:
                _log.warning("second factor locked", person=str(person))
            raise self._refused(judged, now_ms)
        if recovery is not None:
            self._metrics.count("recovery_used")

    def _refused(self, judged: Judged, now_ms: int) -> Refused:
        left_ms = judged.state.locked_until_ms - now_ms
        if left_ms > 0:
            return Refused(
                Code.too_many_requests,
                "too many wrong codes; wait before the next",
                retry_after_ms=left_ms,
            )
        return Refused(Code.permission_denied, "the code is wrong, or was used before")

    def _opened(self, person: PersonId, sealed: bytes) -> bytes:
        try:
            return self._sealer.open(sealed, FIELD, person.bytes)
        except Unsealable:
            _log.error("the secret of a second factor does not open", person=str(person))
            raise unavailable("the second factor") from None

    def _codes(self, person: PersonId) -> tuple[list[str], list[bytes]]:
        codes = recovery_codes.new_codes(self._random)
        return codes, [kept for code in codes if (kept := recovery_codes.stored(person, code))]


def _nothing() -> Refused:
    return Refused(Code.conflict, "there is no second factor to do that with")
