"""The doors to APNs and FCM. Nothing is here yet: push notifications come with later work.

It will own turning entries into pushes for people who are away. It will never be imported by
another door.
"""
