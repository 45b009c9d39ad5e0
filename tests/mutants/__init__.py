"""Muster with one promise broken on purpose, each caught by a named scenario, or the harness shows nothing.

    mutants.py       what is broken, as patches of the real code in a process started for it
    run.py           `python -m tests.mutants.run NAME realtime`: break it, then be the real process
    test_mutants.py  each is caught

Production code knows nothing of it.
"""
