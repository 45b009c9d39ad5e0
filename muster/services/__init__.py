"""The processes `muster up` starts and keeps: Postgres, Redis, and the doors as children.

    leash.py         runs between fork and exec: ties a child's life to ours, drops root
    unprivileged.py  whom a child runs as when we are root (Postgres refuses root)
    child.py         one program and one running process of it
    keeper.py        keeps a program running: ready-probe, restart with backoff
    postgres.py      the embedded Postgres: initdb, settings, orphans
    redis.py         the embedded Redis, a bus that keeps nothing
    ports.py         which TCP ports are free
    lock.py          one `muster up` per data directory
    runfile.py       data/run.json: where everything listens
    supervisor.py    the order things start in, and the reverse

It never speaks SQL or a Redis command of the product: those live in muster/stores.
"""
