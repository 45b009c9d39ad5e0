"""One HTTP/2 client for both providers, over `h2`: requests in, answers out, and never a doubt left unsaid.

    exchange.py    one request and what became of it: an answer, `Unsent` or `Unanswered`
    client.py      a few connections to one provider, who waits for them, what is sent again
    connection.py  one of them: socket, deadlines, pings
    streams.py     its streams: limits, flow control, GOAWAY; no socket, no clock
    goaway.py      GOAWAY cut out of the bytes, since h2 takes it for the end
    fields.py      header compression in which no secret is ever indexed
    limit.py       how many at once: more while all goes well, half when it does not
    dial.py        TLS, ALPN, the base URL

Of every request it knows one of three things: there is an answer; it was surely not acted on, and may be sent
again, here or elsewhere; it was sent whole and nobody knows. Must never know a provider.
"""
