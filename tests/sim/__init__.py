"""Hubs without services: real parts over a log in memory, a bus that misbehaves, and a clock that jumps."""
