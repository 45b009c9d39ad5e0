"""One statement on a database of the test's own.

Owns nothing else.
"""

import asyncpg


async def execute(url: str, sql: str) -> None:
    """Run it on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
