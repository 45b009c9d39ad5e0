"""The steps that bring a database forward, run by Alembic through muster/stores/migrate.py.

    env.py         what Alembic runs to run the steps; the transaction and lock are migrate.py's
    execute.py     runs one step's SQL files on the driver's own connection
    versions/      one module per step

A step never removes what the release before it reads: expand now, contract one release later.
"""
