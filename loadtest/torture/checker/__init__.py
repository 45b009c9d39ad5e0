"""The checker: a pure function from the history of a run to a verdict. It believes the dumped log and nobody else.

    books.py     the history in order: operations, rows, streams of devices, connections, faults
    truth.py     who may see what, by rows and spans;  silence.py  what may be skipped for whom
    durable.py   dense.py   order.py   membership.py   blocked.py     one rule each, about the log
    following.py one device in one room, frame by frame;  delivery.py  all of them, and who was to get what
    fold.py      what a device makes of what it got;  state.py  selflog.py  against what fresh clients are shown
    times.py     recovery and staleness;  liveness.py  who was left behind;  bite.py  whether the fault was one
    findings.py  what is wrong, in plain English;  verdict.py  all of it

Everything is O(n log n). Must never read a clock, a file or the product's own rules (muster, realtime).
"""
