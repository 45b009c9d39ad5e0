"""The doors to APNs and FCM: entries become pushes for people who are away.

    lanes -> intake (gathering, timing) -> queue -> worker -> decide -> writing -> ringing -> a carrier -> settling

    rebuild.py       finds again all that is owed; attending.py asks where people are; recent.py when they were rung
    decide.py        who is rung for what and when, by wanted.py, quiet.py, witness.py: pure
    alert.py         what is shown: wording.py, clip.py, apns_payload.py, fcm_payload.py, writing.py: pure
    push.py          a push that is ready to leave, and who carries it; outcome.py what becomes of it
    carriers.py      a provider's carrier from settings
    apns.py, fcm.py  what is said to each; apns_reasons.py, fcm_reasons.py what their answers mean (verdict.py)
    carriage.py      one push: admitted, sent, understood
    gate.py          what may leave now: breakers, suspicion.py, pauses, rates
    minting.py       the token with which a provider knows us; apns_token.py, fcm_token.py make it
    http2/           the client both use
    assembly.py      how it is put together; muster/probes.py what an operator asks

It is never imported by another door.
"""
