"""The wire between a phone and Muster: frames, codecs, limits, error and close codes.

    codes.py    error codes (with their `temporary` bit), close codes (ranges: come back, or stop)
    limits.py   every bound of the wire: sizes, lengths, counts
    entry.py    one entry of a room's log, as it travels
    frames.py   the frames both ways, one frozen struct each
    codec.py    bytes <-> frame, for `muster.v1.msgpack` and `muster.v1.json`

Owns what a stranger must know to write a client (docs/protocol.md says it in prose).
Must never import asyncio, do I/O, or look at a clock.
"""
