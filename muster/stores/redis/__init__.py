"""Redis: the bus, which may lose everything at any moment.

    wire.py       one connection, one task at a time: commands out, replies in
    commands.py   the commands as bytes, and what their replies mean
    nodes.py      which Redis holds a lane: one, or the primaries of a cluster
    publisher.py  muster.bus.Publisher
    tail.py       muster.bus.Tail: one reader over all lanes, or one per lane on a cluster
    reader.py     what one of them does: follow, look, doubt, come back
    trim.py       lanes cut by age
    meters.py     what is measured
    roll.py       muster.roll.Roll: who is in; roll_commands.py its scripts' words, asking.py its wires
    push_*.py     muster.push_queue.PushQueue: queue, commands (its words), share (whose turn it is), bell (waiting);
                  muster.push_budget.PushBudget: budget
    token_shelf.py  muster.token_shelf.TokenShelf: what providers know us by, made once for all processes

    writer -> publisher == XADD ==> lane (stream) == XREAD ==> reader -> listener (hub)

Nothing here is the truth: Postgres is. Commands are those of Redis 6.2 and before.
"""
