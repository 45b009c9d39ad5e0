"""A crowd of people with a socket each, for Locust: what `loadtest/locustfile.py` makes its users of.

    roster.py    who plays, from a file of tokens;  arrivals.py  registers them instead;  passport.py  what both give
    mix.py       what is asked of the REST api
    lateness.py  how late the load itself was
    pace.py      when somebody posts, and when a storm comes;  shapes.py  how many are there when
    stamp.py     the time that a message carries;  rows.py  the rows of the statistics
    talker.py    one person: frames in, frames out, what is recorded;  said.py  what they said and is not answered
    watch.py     whether everybody got everything
    line.py      the socket, on gevent;  life.py  going online, dropping, coming back

All but the last line are pure (and roster.py, which reads a file). Must never import muster, for whoever plays here is
a stranger, and never `locust` itself, which patches the whole process: only the locustfile may.
"""
