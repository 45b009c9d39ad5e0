"""The one id that follows an entry through the logs: from the frame or request, to its commit, to each hub's delivery.

Owns how it is made: from the author and the client id, which travel with the entry everywhere, so nothing more has
to. Must never let a client's own words into the logs: it is a hash.
"""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID


def trail(author: UUID, client_id: str) -> str:
    """16 hex digits, the same in every process; shown as `entry` in log lines and by `muster trace entry`."""
    return blake2b(author.bytes + client_id.encode(), digest_size=8).hexdigest()
