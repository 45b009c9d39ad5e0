"""The REST door against its own OpenAPI document, by schemathesis: `python -m tests.schema`.

    parties.py   who asks: nobody, somebody, an admin; and ada, whose things are none of theirs
    hooks.py     what schemathesis is told: how to log in, ada's ids in place of random ones, what must not be seen
    __main__.py  a Muster of its own, one run a party, and that nothing of ada's has changed

Owns that comparison. Must never know a route by name beyond what makes the parties.
"""
