"""Making backups of a Postgres and bringing one back, by Postgres' own programs.

    rounds.py       one process that does it all: receives the log, adds it to the archive, takes bases, prunes
    receiver.py       pg_receivewal as a child, over a replication slot
    shipping.py       what it wrote, sealed, into the archive
    base.py           pg_basebackup, sealed as it comes
    recovery.py     a base and the log after it, up to a moment, as a cluster that runs
    unpacking.py      the base's tar, as it comes
    manifest.py       whether every file of it is what Postgres sent
    vault.py        an archive and the keys together: what goes in is sealed, what comes out is whole
    programs.py     where the programs are, and how they are told a password

Increments are the log itself: it is there to the last commit, is what a point in time needs anyway, and is the same for
every Postgres. Incremental base backups (Postgres 17 and newer) would make a restore of a large base quicker to take,
not later in time; they are not used.
"""
