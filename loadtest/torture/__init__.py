"""Nothing lost, proven: faults on a real Muster, clients that record and never hide, a checker that believes nobody.

    history.py  what is recorded, one JSON line each; journal.py its files;  checker/  judges it, pure
    runs.py     a run as a line of docs/reliability.jsonl;  page.py  docs/reliability.md from the lines

Must never retry a failed run: a message lost once is a fault with a seed.
"""
