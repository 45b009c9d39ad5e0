"""The WebSocket door: phones hold one socket each, this process holds their other ends.

    accepted TCP
        |
    driver.py --messages--> connection.py --calls--> attendance.py -> hub.py, room.py, people.py ...
     |                       |         ^                                 |
     |  handshake.py         |         +---------- push(prepared) -------+
     |  inlet.py             |
     +-- wheel.py            session.py --effects--> errands.py -> the writer, the tokens, the hub

    one socket     driver.py      its transport, deadlines and close      handshake.py   HTTP -> upgrade or answer
                   inlet.py       bytes -> messages and faults            assembly.py    fragments -> a message
                   session.py     pure: a frame in, effects.py out        bucket.py      how often
                   connection.py  does the effects; what the hub sees     salvage.py     the id of what is no frame
                   outbox.py      bounded bytes, the slow-reader ladder   errands.py     what takes time
    all sockets    terms.py       every bound and duration                edge.py        what drivers share
                   wheel.py       every deadline                          flusher.py     one write per socket and tick
                   spare.py       what idle sockets need not own          prepared.py    a frame encoded once for all
                   server.py      listening, draining                     accept.py      who may still come in
                   visitor.py     who has no name yet
                   waitlist.py    when they come back                     departure.py   who is sent away when
                   tally.py       counts of sockets                       socket.py      what socket and hub call
    the hub        hub.py         who gets what                           wiring.py      its parts put together
                   attendance.py  what a connection asks                  admission.py   coming in
                   room.py        one room's order and window             people.py      who is connected
                   catchup.py     who is behind                           fill.py        what the lanes did not bring
                   visibility.py  what is hidden from whom                pulse.py       rooms that are not live
                   pointers.py    received and read                       ephemera.py    typing; counts.py its counts
    presence       presence.py    its parts put together                 rollcall.py   what the roll is told, and tells
                   watching.py    who is told what                       watcher.py    one socket's sight of others
                   rosters.py     rooms that are watched                 roster.py     one of them, and its form
    __main__.py    opens everything, and stops it in order

Owns sockets. Must never hold the truth about a room: that is Postgres', reached through muster.
"""
