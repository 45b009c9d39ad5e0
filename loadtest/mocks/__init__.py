"""Mocks of APNs, of FCM and of Google's token endpoint that are as strict as these are, and can be made to fail.

    request.py       what is asked and answered, whatever carried it
    h2_wire.py       one HTTP/2 connection;  h1_wire.py  one HTTP/1.1 connection;  listener.py  a port, up or down
    fault.py         what can be made to go wrong;  script.py  when;  service.py  one request met by all of this
    authority.py     a throwaway CA;  credentials.py  keys, and what is taken for valid;  kit.py  the files of a worker
    apns.py          APNs' verdict: provider_token.py (signature, age, changes), apns_headers.py, apns_reasons.py
    fcm.py           FCM's verdict: fcm_message.py (the message), fcm_errors.py (bodies);  oauth.py  access tokens
    registry.py      what is scripted of single tokens: gone, of the other world, too often
    diary.py         what was received, counts, what came twice
    effect.py        what a push does on a phone;  phone.py  one screen;  phones.py  all of them
    admin.py         the HTTP API that scripts and asks;  page.py  the page for people;  serving.py  their port
    mocks.py         all together

`python -m loadtest.mocks` runs them. They speak from outside: of the product they know its clock and its buckets, and
nothing of how it makes pushes. Must never be reachable from another machine, nor send a packet themselves.
"""
