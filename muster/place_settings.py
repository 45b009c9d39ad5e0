"""The settings of place: a part of muster.config.Settings, on top of those of pushes, which is all that anybody reads.

Owns their declarations. Must never read the environment.
"""

from dataclasses import dataclass

from muster.push_settings import PushSettings
from muster.setting import setting
from muster.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceSettings(PushSettings):
    """See `muster.config.Settings`."""

    # Place
    map_tiles: str = setting(
        "",
        "address of map tiles with {z}, {x} and {y}, https or of this site, for the page at /app; empty: a plain map",
    )
    map_credit: str = setting("", "whom the page names for its map tiles, as their terms ask")
    place_dwell_s: float = setting(
        60.0,
        "how long somebody must be inside a fence to have come, or outside to have gone; an event may say otherwise",
        at_least=0.0,
        at_most=3600.0,
    )
    place_accuracy_m: float = setting(
        100.0, "accuracy of a fix above which it counts for nothing", at_least=5.0, at_most=5000.0
    )
    place_exit_share: float = setting(
        0.10,
        "how much further than a fence's radius somebody must be to be outside, as a share of it",
        at_least=0.0,
        at_most=1.0,
    )
    place_exit_least_m: float = setting(
        20.0, "how many metres further at least", at_least=0.0, at_most=1000.0
    )
    place_fixes_needed: int = setting(
        2, "of the last fixes, how many must agree", at_least=1, at_most=4
    )
    place_fixes_looked_at: int = setting(
        3, "how many fixes are the last; never fewer than must agree", at_least=1, at_most=4
    )
    place_speed_most_mps: float = setting(
        70.0, "speed in metres a second above which nobody is believed", at_least=1.0, at_most=400.0
    )
    place_silence_s: float = setting(
        900.0, "silence after which a visit is over", at_least=30.0, at_most=86_400.0
    )
    place_future_s: float = setting(
        30.0, "how far ahead of the server's clock a fix may be", at_least=0.0, at_most=3600.0
    )
    place_ancient_s: float = setting(
        1800.0,
        "age of a fix from which it counts for nothing; phones in the background send what they gathered",
        at_least=1.0,
        at_most=86_400.0,
    )
    place_rest_s: float = setting(
        15.0,
        "how long fixes that say nothing new are not written to Redis",
        at_least=0.0,
        at_most=300.0,
    )

    place_sweep_s: float = setting(
        1.0,
        "how often a hub looks whose silence, dwell or event is over",
        at_least=0.05,
        at_most=60.0,
    )

    @property
    def place_terms(self) -> Terms:
        """As the rules take them."""
        return Terms(
            dwell_ms=int(self.place_dwell_s * 1000),
            accuracy_m=self.place_accuracy_m,
            exit_share=self.place_exit_share,
            exit_least_m=self.place_exit_least_m,
            fixes_needed=self.place_fixes_needed,
            fixes_looked_at=max(self.place_fixes_looked_at, self.place_fixes_needed),
            speed_most_mps=self.place_speed_most_mps,
            silence_ms=int(self.place_silence_s * 1000),
            future_ms=int(self.place_future_s * 1000),
            ancient_ms=int(self.place_ancient_s * 1000),
            rest_ms=int(self.place_rest_s * 1000),
        )
