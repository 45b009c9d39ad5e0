"""The REST door: `python -m api`.

    __main__.py    the composition root: settings, connections, the order of stopping
    app.py         the Starlette application, made of the table of routes
    table.py       every route: method, path, handler, types, summary
    endpoint.py    what happens to every request, in order: which app, who, may they, how often, well-formed, once
    route.py       what a row of the table is, and what a handler gets and gives
    edge.py        around every request: trace id, time, security headers, one log line
    wire.py        under every request: deadlines and bounds of a connection
    problems.py    `Refused` as an RFC 9457 problem document
    openapi.py     the OpenAPI 3.1 document and docs.py the page, made from the same table
    people.py contacts.py sessions.py rooms.py members.py links.py messages.py finding.py later.py phone.py staff.py
    push.py (pushing.py puts its pieces together)
    service.py     the handlers

    socket -> wire -> uvicorn -> edge -> endpoint -> handler -> muster (a read, or an op for the writer)

It never holds a rule of its own about who may do what (muster/permission.py, muster/route_rules.py) or SQL
(muster/stores), and never imports another door.
"""
