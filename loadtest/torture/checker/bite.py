"""Bite: a fault that did not hurt proves nothing. Each kind has to bring its proof, and traffic has to have met it.

Owns which proof is asked for which kind of fault. A run with a fault that did not bite is void: neither good nor bad.
Must never look at what the system did about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from loadtest.torture.checker.books import Books, Injury

Proof = Mapping[str, int | float | str | bool]


def _some(key: str) -> Callable[[Proof], bool]:
    """More than none of `key`."""
    return lambda proof: isinstance(proof.get(key), int | float) and proof[key] not in (0, False)


def _told(key: str, *values: int | str) -> Callable[[Proof], bool]:
    return lambda proof: proof.get(key) in values


def _changed(key: str) -> Callable[[Proof], bool]:
    """`key_before` and `key_after` are both there, and differ."""
    before, after = f"{key}_before", f"{key}_after"
    return lambda proof: before in proof and after in proof and proof[before] != proof[after]


PROOFS: Final[dict[str, tuple[str, Callable[[Proof], bool]]]] = {
    "kill": ("exit_code -9", _told("exit_code", -9, 137)),
    "term": ("exit_code, of its own accord", lambda proof: "exit_code" in proof),
    "stop": ("stopped_s > 0, seen as T in /proc", _some("stopped_s")),
    "cut": ("bytes_held or connections_cut > 0", lambda p: _some("bytes_held")(p) or _some("connections_cut")(p)),
    "drop": ("bytes_dropped > 0", _some("bytes_dropped")),
    "reset": ("connections_cut > 0", _some("connections_cut")),
    "half_close": ("connections_cut > 0", _some("connections_cut")),
    "delay": ("bytes_delayed > 0", _some("bytes_delayed")),
    "throttle": ("bytes_delayed > 0", _some("bytes_delayed")),
    "split": ("segments > 0", _some("segments")),
    "stall": ("sockets_stalled > 0", _some("sockets_stalled")),
    "restart": ("run_id before and after differ", _changed("run_id")),
    "flush": ("keys_before > 0 and the epochs differ", lambda p: _some("keys_before")(p) and _changed("epoch")(p)),
    "failover": ("primary before and after differ", _changed("primary")),
    "slots": ("slots_moved > 0", _some("slots_moved")),
    "trim": ("entries_trimmed > 0", _some("entries_trimmed")),
    "database_restart": ("started before and after differ", _changed("started")),
    "lock": ("waited > 0: statements that waited for it", _some("waited")),
    "restore": ("generation before and after differ", _changed("generation")),
    "disk_full": ("writes_refused > 0", _some("writes_refused")),
    "clock": ("jumped_s is not 0", _some("jumped_s")),
    "acks_dropped": ("acks_dropped > 0", _some("acks_dropped")),
    "storm": ("sockets_cut > 0", _some("sockets_cut")),
    "goaway": ("goaways > 0", _some("goaways")),
    "kick_race": ("kicks > 0", _some("kicks")),
}  # fmt: skip
"""By kind of fault: what its `FaultStop.proof` has to say."""


def voids(books: Books) -> list[str]:
    """Why this run proves nothing; empty if every fault bit and somebody spoke while and after it did."""
    if not books.faults:
        return [] if books.terms.scenario == "calm" else ["no fault was tried"]
    found = []
    for name, injury in books.faults.items():
        found += [f"fault {name} ({injury.start.kind}): {why}" for why in _unproven(injury)]
        if injury.stop is not None and not _met(books, injury):
            found.append(
                f"fault {name} ({injury.start.kind}): nobody asked for anything while it lasted"
            )
    last = max((injury.stop.t for injury in books.faults.values() if injury.stop), default=0)
    if not any(op.invoke.t > last for op in books.ops.values()):
        found.append("nobody asked for anything after the last fault")
    return found


def _unproven(injury: Injury) -> list[str]:
    if injury.start.kind not in PROOFS:
        return ["nothing says how this kind of fault is proven"]
    if injury.stop is None:
        return ["it never ended"]
    says, holds = PROOFS[injury.start.kind]
    return (
        [] if holds(injury.stop.proof) else [f"it did not bite: no {says} in {injury.stop.proof}"]
    )


def _met(books: Books, injury: Injury) -> bool:
    """Whether an operation was begun in the fault, or was unanswered when it began."""
    assert injury.stop is not None
    for op in books.ops.values():
        answer = op.ok or op.fail
        begun, ended = op.invoke.t, answer.t if answer else None
        if begun <= injury.stop.t and (ended is None or ended >= injury.start.t):
            return True
    return False
