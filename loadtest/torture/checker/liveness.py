"""Liveness: the system is not merely quiet. Who wants to be there is, and hears what is said, in time.

Owns that rule: a checker of safety alone passes a dead system.
"""

from __future__ import annotations

from uuid import UUID

from loadtest.torture.checker.books import ENTRIES, Books, Op
from loadtest.torture.checker.delivery import Followings, is_there
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.truth import Truth


def check_liveness(
    books: Books,
    truth: Truth,
    followings: Followings,
    recovered: list[tuple[str, UUID, float]],
    findings: Findings,
) -> None:
    """Acks, presence, recovery, and something heard by each device after the last fault."""
    terms = books.terms
    acked = [op for op in books.ops.values() if op.invoke.op in ENTRIES and op.ok]
    if len(acked) < terms.minimum_acked:
        says = f"only {len(acked)} entries were acked in the whole run, of at least {terms.minimum_acked}"
        findings.add(Rule.liveness, says)
    for device in books.devices.values():
        gone = device.links[-1].ended if device.links else None
        if not is_there(device) and not (gone and gone.clean):
            says = f"device {device.device} is not there in the end, and never meant to go"
            findings.add(Rule.liveness, says, device=device.device)
    for fault, slowest, seconds in recovered:
        if seconds > terms.recover_within_s:
            says = f"device {slowest} had what it missed only {seconds:.1f} s after the end of fault {fault}"
            findings.add(Rule.liveness, says, device=slowest)
    _check_heard(books, truth, followings, acked, findings)


def _check_heard(
    books: Books, truth: Truth, followings: Followings, acked: list[Op], findings: Findings
) -> None:
    """After the last fault something was acked, and who follows its room got it within the time allowed."""
    whole = max((injury.stop.t for injury in books.faults.values() if injury.stop), default=0)
    within = round(books.terms.recover_within_s * 1e9)
    later: dict[UUID, tuple[int, int]] = {}
    for op in acked:
        if op.invoke.t > whole and op.ok and op.ok.seq and op.room and op.room not in later:
            later[op.room] = (op.ok.seq, op.ok.t)
    if books.faults and not later:
        findings.add(Rule.liveness, "nothing was acked after the end of the last fault")
    for (device, room), following in followings.items():
        if not following.live or room not in later:
            continue
        seq, t = later[room]
        if not truth.rooms[room].stays(following.person, seq):
            continue
        if following.stretches and following.stretches[-1].began >= seq:
            continue  # it began after that, of its own accord
        heard = following.covered.get(seq)
        if heard is None or heard - max(t, following.awaited) > within:
            when = "never" if heard is None else f"{(heard - t) / 1e9:.1f} s after its ack"
            says = (
                f"device {device} heard seq {seq} of room {room}, said after the last fault, {when}"
            )
            findings.add(Rule.liveness, says, room=room, seq=seq, device=device)
