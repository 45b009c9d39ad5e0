"""A replay in which a third of the people stay away: what their phones get, held against the rules.

    script.py   who is away, what they want of pushes, and where each line of the log is said
    rules.py    what has to ring then, worked out plainly; what is wrong with what rang
    handset.py  what the mock phones got
    play.py     the away people themselves: accounts, devices, rooms

Must never import pushers: it is what checks them.
"""
