"""Autobahn's suite against the hub's own listener and driver: `make autobahn`.

    install.py   wstest, a program of Python 2.7, put into build/autobahn
    echo.py      the target: the real Server, Driver and Inlet with a receiver that says everything again
    verdicts.py  what wstest wrote, counted, and docs/autobahn.md made from it
    __main__.py  one after the other

Owns that comparison. Must never be needed by `make test`.
"""
