"""The WebSocket door: phones hold one socket each, this process holds their other ends.

    accepted TCP                                            hub.py ... rooms, members, catching up
        |                                                     ^  |
    driver.py -- frames --> connection.py -- calls -----------+  | push(prepared)
     |  handshake.py  HTTP request -> upgrade or answer   |      v
     |  assembly.py   fragments -> messages               |   outbox.py  bounded bytes, the slow-reader ladder
     |  inlet.py      bytes -> messages and faults        |   flusher.py one write per socket per tick
     |                                                    |   prepared.py a frame, encoded once for all
     |                                                session.py  pure: frame in, effects.py out
     +-- wheel.py: every deadline of every socket         socket.py  what the hub sees of a connection

    terms.py   every bound and duration, from Settings      accept.py  who may still come in
    server.py  listening, probes, draining                  metrics.py counts
    __main__.py puts it all together

Owns sockets. Must never hold the truth about a room: that is Postgres', reached through muster.
"""
