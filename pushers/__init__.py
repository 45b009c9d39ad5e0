"""The doors to APNs and FCM: what people who are away are owed becomes pushes.

    push.py          a push that is ready to leave, and who carries it; outcome.py what becomes of it
    carriers.py      a provider's carrier from settings
    apns.py, fcm.py  what is said to each; apns_reasons.py, fcm_reasons.py what their answers mean (verdict.py)
    carriage.py      one push: admitted, sent, understood
    gate.py          what may leave now: breaker.py, pauses, rates
    minting.py       the token with which a provider knows us; apns_token.py, fcm_token.py make it
    http2/           the client both use

Will never be imported by another door.
"""
