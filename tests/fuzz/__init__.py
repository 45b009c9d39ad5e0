"""Bytes that nobody meant, by the million: `python -m tests.fuzz`, or `make fuzz`.

    corpus.py    what to begin with: the vectors, and what was found worth keeping
    mutation.py  another input made of those, by a seed
    targets.py   what must hold for any input: of the decoders, of the inlet, of a whole connection
    wire.py      a transport without a network under a real driver
    guided.py    the same targets under atheris, which looks for inputs that reach new code
    __main__.py  the long run, with its figures

Owns what is thrown at the door. Must never need a database, a socket or real time: the same seed is the same run.
"""
