"""The rounds that keep sealed fields in order, put together.

Owns which parts they have. Must never open anything: api/assembly.py brings what is open.
"""

from __future__ import annotations

from api.ground import Ground
from muster.resealing import Resealing
from muster.sealing import Sealing
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.push_devices import PostgresPushDevices
from muster.stores.postgres.sealed import SEALED, PostgresSealed
from muster.token_sealing import TokenSealing


def sealing(on: Ground) -> Sealing:
    """Who seals what lies plain, and puts what is sealed under the key of now."""
    sealer = on.data_keys.sealer
    tokens = TokenSealing(PostgresPushDevices(on.primary, sealer), sealer, on.clock)
    again = Resealing(PostgresSealed(on.primary), SEALED, sealer, on.clock)
    return Sealing([tokens, again], PostgresJobs(on.primary), on.clock)
