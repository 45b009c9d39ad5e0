"""Load, benchmarks and a client: what speaks to Muster from outside, like any phone.

    client/     what a good phone does; imports proto and third parties, never muster
    stack.py    a whole Muster on free ports, as a subprocess
    chat.py     a terminal chat
    irc.py      reads IRC logs;  cast.py  turns one into steps;  replay.py  plays it

Must never be imported by a door, and must never import one.
"""
