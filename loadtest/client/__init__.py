"""A client of Muster that does what docs/protocol.md asks of a good phone.

    backoff.py     when to come back: full jitter, and what the server asked for
    positions.py   what this device holds of each room; duplicates and holes are reported, not
    hidden outgoing.py    what waits to be committed, per room and in order rest.py        the
    REST calls a phone makes connection.py  one socket: requests and answers phone.py       all of
    it together, across reconnects

The first three are pure. Must never import muster: what is not in proto or docs/protocol.md, a
phone does not know.
"""
