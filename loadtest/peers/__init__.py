"""What Muster's figures are shown beside: a floor, and other servers under the same load.

    peer.py       what a peer is: name, version, how it is started, how one speaks to it;  roster.py  all of them
    floor.py      the floor, in C (floor.c)
    nchan.py      nginx with nchan, from Debian
    node.py       ws and Socket.IO on node (ws.js, socketio.js, package-lock.json)
    python.py     `websockets` and Starlette on uvicorn (broadcast.py, starlette.py)
    load.py       one room of N members and one who speaks: the same client for all;  orders.py  what it is told
    trial.py      one peer under that load: processor time per delivery, memory per socket
    install.py    `make peers`: what has to be fetched, into build/peers
    twin.py       the bare twin of the REST api, which `rest` runs

A peer that isn't on the machine is said to be absent, with the reason; never guessed. Must never import a door.
"""
