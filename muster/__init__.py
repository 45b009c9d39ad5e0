"""What Muster knows, whichever door you came in by: people, rooms, the room log, privacy.

    config.py      every setting, its environment variable, its default, its meaning
    telemetry.py   logs without personal data; metrics
    lifetime.py    signals, and the loop a process runs on
    keys.py        the keys that sign access tokens; tokens.py the tokens, refresh.py how logins go on
    people.py      who somebody is; sessions.py, passwords.py how they log in
    rooms.py       rooms and lists of them; history.py a room's log as it reads now
    contacts.py    whom somebody knows; privacy.py whom they let near; finding.py, links.py how they meet
    presence.py    who is there, and what others are shown; devices.py, roll.py, tenure.py, view.py, status.py
    sync.py        all a phone begins with, or what changed; notices.py, drafts.py parts of it; versions.py which apps
    registration.py devices that pushes reach; push_wishes.py what is wanted of them; extension.py a narrow token
    mentions.py    who is meant by @names; threads.py a message and its replies
    jobs.py        what is to be done once, at a time; scheduled.py and reminders.py what people ask for
    search.py      finding messages again; pins.py what a room keeps in sight
    reports.py     what staff are told; permission.py who may do what, route_rules.py by which routes
    stores/        the only SQL, the only Redis commands, the only Lua
    services/      the processes `muster up` starts and keeps
    cli/           the command line

It never imports a door (realtime, api, pushers): they import it.
"""
