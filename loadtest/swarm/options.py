"""What our scenarios let one choose on Locust's command line.

Owns these names. Must never import Locust: its parser is passed in.
"""

from __future__ import annotations

from typing import Any

from loadtest.swarm import shapes


def add(parser: Any) -> None:
    """To Locust's own parser, which takes a word more than any other: what its page does not show."""
    parser.add_argument(
        "--people",
        default="",
        help="a file made by `python -m loadtest people`",
        include_in_web_ui=False,
    )
    parser.add_argument("--pace", type=float, default=20.0, help="seconds between posts of a user")
    parser.add_argument("--shape", choices=shapes.NAMES, default="flat", help="how many when")
    parser.add_argument(
        "--storm-every", type=float, default=60.0, help="seconds between storms (ReconnectStorm)"
    )
    parser.add_argument(
        "--arrive-within", type=float, default=30.0, help="seconds in which all come (Evening)"
    )
    parser.add_argument(
        "--register-per-s", type=float, default=2.0, help="without --people: so many come a second"
    )
    parser.add_argument(
        "--room-members", type=int, default=10, help="without --people: so many share a room"
    )
