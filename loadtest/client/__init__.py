"""A client of Muster that does what docs/protocol.md asks of a good phone.

    backoff.py     when to come back: full jitter, and what the server asked for
    positions.py   what this device holds of a room; duplicates and holes are reported, not hidden
    outgoing.py    what waits to be committed, per room and in order
    inbox.py       what the phone shows: sync, and the entries after it;  answers.py  the shape of sync
    rooms.py       what follows from room states, the self log and entries
    hubs.py        which hub is next
    rest.py        the REST calls a phone makes;  login.py  the tokens they carry
    connection.py  one socket: requests and answers
    sender.py      commits what is written;  fetcher.py  fills gaps by REST
    phone.py       all of it together, across reconnects;  app.py  what it tells the app

The first six and answers.py are pure. Must never import muster: what is not in proto or docs/protocol.md, a
phone does not know.
"""
