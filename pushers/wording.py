"""Wording: the lines of an alert, as words or as keys that the app has in its own language.

    key                    arguments         in English
    PUSH_MESSAGE                             New message
    PUSH_MESSAGE_FROM      author            New message from %@
    PUSH_MEDIA                               Sent a photo or a file
    PUSH_MEDIA_FROM        author            %@ sent a photo or a file
    PUSH_MENTION           author            %@ mentioned you
    PUSH_MENTION_TEXT      author, text      %@ mentioned you: %@
    PUSH_MENTIONS          count             You were mentioned (%@)
    PUSH_MESSAGES          count             %@ new messages
    PUSH_MESSAGES_MENTION  count, author     %@ new messages; %@ mentioned you
    PUSH_EVENT_INVITED     author            %@ invited you
    PUSH_EVENT_CHANGED                       The time or the place has changed
    PUSH_EVENT_CANCELLED                     Cancelled
    PUSH_EVENT_SOON                          Starts soon
    PUSH_EVENT_PLACE                         There is a place for you
    PUSH_NEWS                                There is news
    PUSH_GENERIC                             You have a new message
    PUSH_GENERIC_COUNT     count             You have %@ new messages

An app needs all of them in its strings; a count is 2 or more, but for PUSH_MENTIONS. Owns these keys and who says what
in which kind of room. Pure. Must never hold a sentence: the server speaks no language.
"""

from __future__ import annotations

from typing import Final, NamedTuple, assert_never

from pushers.alert import Alert, Form

KEYS: Final = frozenset(
    {
        "PUSH_MESSAGE",
        "PUSH_MESSAGE_FROM",
        "PUSH_MEDIA",
        "PUSH_MEDIA_FROM",
        "PUSH_MENTION",
        "PUSH_MENTION_TEXT",
        "PUSH_MENTIONS",
        "PUSH_MESSAGES",
        "PUSH_MESSAGES_MENTION",
        "PUSH_EVENT_INVITED",
        "PUSH_EVENT_CHANGED",
        "PUSH_EVENT_CANCELLED",
        "PUSH_EVENT_SOON",
        "PUSH_EVENT_PLACE",
        "PUSH_NEWS",
        "PUSH_GENERIC",
        "PUSH_GENERIC_COUNT",
    }
)

_NEWS: Final = {
    "invited": "PUSH_EVENT_INVITED",
    "changed": "PUSH_EVENT_CHANGED",
    "cancelled": "PUSH_EVENT_CANCELLED",
    "starts_soon": "PUSH_EVENT_SOON",
    "waitlist_up": "PUSH_EVENT_PLACE",
}


class Line(NamedTuple):
    """Either words, or a key with arguments; nothing at all where both are empty."""

    words: str = ""
    key: str = ""
    args: tuple[str, ...] = ()


class Lines(NamedTuple):
    """Apple shows three lines, Android two: there the second is part of the third."""

    title: Line
    subtitle: Line
    body: Line


NOTHING: Final = Line()


def three_lines(alert: Alert) -> Lines:
    """Where, who, what."""
    if not alert.title:
        return Lines(Line(alert.author), NOTHING, _what(alert))
    if alert.form in (Form.mentions, Form.news):
        return Lines(Line(alert.title), NOTHING, _what(alert))
    return Lines(Line(alert.title), _who(alert), _what(alert))


def two_lines(alert: Alert) -> Lines:
    """Where, and who with what; the subtitle is empty."""
    if not alert.title:
        return Lines(Line(alert.author), NOTHING, _what(alert))
    return Lines(Line(alert.title), NOTHING, _who_and_what(alert))


def _who(alert: Alert) -> Line:
    if alert.mentions:
        return Line(key="PUSH_MENTION", args=(alert.author,))
    return NOTHING if alert.form is Form.burst else Line(alert.author)


def _what(alert: Alert) -> Line:
    count = str(alert.amount)
    match alert.form:
        case Form.text:
            return Line(alert.text)
        case Form.media:
            return Line(key="PUSH_MEDIA")
        case Form.message:
            return Line(key="PUSH_MESSAGE")
        case Form.burst:
            return Line(key="PUSH_MESSAGES", args=(count,))
        case Form.mentions:
            return Line(key="PUSH_MENTIONS", args=(str(alert.mentions),))
        case Form.news:
            args = (alert.author,) if alert.state == "invited" else ()
            return Line(key=_NEWS.get(alert.state, "PUSH_NEWS"), args=args)
        case Form.generic if alert.event is not None:
            return Line(key="PUSH_NEWS")
        case Form.generic if alert.amount > 1:
            return Line(key="PUSH_GENERIC_COUNT", args=(count,))
        case Form.generic:
            return Line(key="PUSH_GENERIC")
    assert_never(alert.form)


def _who_and_what(alert: Alert) -> Line:
    author = alert.author
    match alert.form:
        case Form.text if alert.mentions:
            return Line(key="PUSH_MENTION_TEXT", args=(author, alert.text))
        case Form.text:
            return Line(f"{author}: {alert.text}")
        case Form.burst if alert.mentions:
            return Line(key="PUSH_MESSAGES_MENTION", args=(str(alert.amount), author))
        case Form.media | Form.message if alert.mentions:
            return Line(key="PUSH_MENTION", args=(author,))
        case Form.media:
            return Line(key="PUSH_MEDIA_FROM", args=(author,))
        case Form.message:
            return Line(key="PUSH_MESSAGE_FROM", args=(author,))
        case _:
            return _what(alert)
