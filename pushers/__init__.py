"""The doors to APNs and FCM: entries become pushes for people who are away.

    Candidate --when()--> the queue --> Owed --decide()--> alert --writing--> Push --> a provider

What is decided, said and written is pure: decide.py, wanted.py, quiet.py, witness.py; alert.py, wording.py, clip.py;
apns_payload.py, fcm_payload.py, writing.py. It is never imported by another door.
"""
