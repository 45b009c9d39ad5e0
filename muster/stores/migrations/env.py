"""Owns what Alembic runs for every command: the steps, on the connection that migrate.py opened.

Alembic executes this file as a script. It never opens a connection, begins or commits.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
