"""Postgres: where everything that was promised is kept.

    pool.py          the few connections that read, and write what is no log
    people.py contacts.py finding.py sessions.py rooms.py mine.py links.py history.py threads.py pins.py search.py
    pointers.py drafts.py notices.py sync.py reports.py idempotency.py    what REST asks
    presence.py      what people want seen, whom they know, when they were last seen
    push_devices.py  devices that pushes reach, and what people want of pushes
    data_keys.py sealed.py    keys of sealed fields, and which fields those are
    jobs.py          what is to be done at a time: added, leased, settled
    entries.py       the room log, read as the entries that travel
    installation.py  what the whole installation must agree on: lanes, the log's generation
    leases.py        committed and perhaps not yet published: taken over, read, deleted

It never decides who may do what, and never talks to Redis.
"""
