"""Benchmarks: load made by processes of its own, cheap enough to share two cores with the server it measures.

    publish.py latency.py idle.py sync.py   one benchmark each: options, figures, what it prints
    arena.py     what a benchmark needs: a Muster, people in rooms, a crew that is online
    deal.py      who is in which room;  people.py  makes them in Postgres;  guests.py  makes them by REST
    crew.py      the load's processes, as the benchmark sees them;  orders.py  what they say to each other
    worker.py    one such process: sockets.py  on the wire (wire.py), schedule.py  when, tally.py  what came of it
    resume.py    a hub is gone: returners.py  the processes whose people come back (returner.py, diary.py)
    search.py    the highest rate that holds;  costs.py disk.py  processor, memory and disk of the server

Unlike the client beside it, this package may import muster. Must never import a door that serves people.
"""
