"""How far it goes: what a crowd needs, worked out from what one thing costs.

    figures.py    what was measured, each with its command (docs/scaling.json)
    crowd.py      what people do, as assumptions that can be changed
    need.py       hubs, Redis, Postgres, network for a crowd, and what breaks first
    placement.py  lanes, inbox streams and cells, simulated: who reads what
    page.py       docs/scaling.md

Pure but for the page. Must never measure anything.
"""
