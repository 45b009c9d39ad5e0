-- Each holds only the few entries it is about: a plain message is in none of them.

-- A thread: the replies to one message.
CREATE INDEX entries_replies ON entries (room_id, ((body ->> 'reply_to')::bigint), seq)
    WHERE kind = 'post' AND body ? 'reply_to';

-- What the counter of mentions looks through, however much else is unread.
CREATE INDEX entries_mentions ON entries (room_id, seq)
    WHERE kind = 'post' AND (body ? 'mentions' OR body ? 'here');

-- What a self log tells a person, between all its read pointers.
CREATE INDEX entries_notices ON entries (room_id, seq)
    WHERE kind IN ('invited', 'request', 'contact', 'reminder', 'unsent', 'room_added', 'room_removed', 'role');
