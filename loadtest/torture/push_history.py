"""What a history says of pushes: whose phones there are, what they received, and what pushers say they are not sure of.

Owns these shapes. Must never judge (checker/pushed.py does).
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from loadtest.torture.record import Record

ProviderName = Literal["apns", "fcm"]


class Away(Record, tag="away"):
    """A person who has no socket in the whole run, and one phone of theirs. Written before the traffic; what was said
    before is not asked for.
    """

    person: UUID
    device: UUID
    provider: ProviderName
    token: str


class Pushed(Record, tag="pushed"):
    """A phone took an alert: at the mock, so also where the pusher was never told. `number`: the mock's own count."""

    provider: ProviderName
    token: str
    room: UUID
    seq: int
    number: int


class Unsure(Record, tag="unsure"):
    """So many pushes this process had accepted that may have been second ones, in all since it began."""

    process: str
    provider: ProviderName
    count: int


PushRecord = Away | Pushed | Unsure
