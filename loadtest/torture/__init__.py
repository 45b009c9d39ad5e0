"""Nothing lost, proven: faults on a real Muster, clients that record and never hide, a checker that believes nobody.

    history.py  what is recorded, one JSON line each; journal.py its files;  checker/  judges it, pure
    link.py     one TCP link that goes wrong (pair.py: its connections; weather.py: how)
    links.py    all links of a run, in the process that is proxy.py
    world.py    the whole stack, every process a server.py; redis.py, cluster.py, doors.py: what they are
    device.py   a phone that is written down; guest.py a person with devices; crowd.py all of them, in rooms
    traffic.py  who does what when;  truth.py  final reads;  play.py one run from beginning to verdict
    scenarios/  what is done to the system, one file each
    campaign.py many runs, on stacks used again;  command.py  `python -m loadtest torture`
    line.py     a run as a line of docs/reliability.jsonl;  page.py  docs/reliability.md from the lines

Must never retry a failed run: a message lost once is a fault with a seed.
"""
