"""The rule of every table: how it is exported, and how it is erased.

Owns these rules (muster/holdings.py says what their words mean). Rows of `Fate.delete` are removed in this order.
"""

from __future__ import annotations

from typing import Final

from muster.holdings import Fate, Find, Table

_delete, _empty, _keep, _nobody = Fate.delete, Fate.empty, Fate.keep, Fate.nobody
_own, _room, _special, _none = Find.own, Find.room, Find.special, Find.none

ROWS: Final = (
    # Who somebody is
    Table("people", _empty, _own, "person_id", "person_id", "picture",
          "handle handle_shown name bio",
          "service_role banned_at created_at updated_at may_message may_find may_find_handle may_see_online"
          " may_see_events password_no erased_at", "password_hash",
          why="the row is the pseudonym: a handle nobody can have, and no name"),
    Table("externals", _delete, _own, "realm subject", "person_id", "", "realm subject", "at"),
    Table("emails", _delete, _own, "email_id", "person_id", "email_id", "language", "made_at verified_at",
          "address_blind", "address_sealed"),
    Table("mails", _delete, _own, "mail_id", "person_id", "mail_id email_id", "about language",
          "kind expires_at tries used_at password_no made_at sent_at failure", "to_blind word_hash", "to_sealed"),
    Table("grants", _delete, _own, "grant_hash", "person_id", "", "", "expires_at", "grant_hash"),
    Table("half_logins", _delete, _own, "token_hash", "person_id", "device_id", "app version platform",
          "password_no expires_at", "token_hash"),
    Table("oauth_flows", _delete, _own, "flow_id", "person_id", "flow_id session_id", "redirect", "provider expires_at",
          "state_hash code_hash challenge said_sealed"),
    Table("second_factors", _delete, _own, "person_id", "person_id", "", "",
          "made_at confirmed_at last_step tries locks locked_until", "secret_sealed"),
    Table("recovery_codes", _delete, _own, "person_id code_hash", "person_id", "", "", "used_at", "code_hash"),
    Table("push_devices", _delete, _own, "device_id", "person_id", "device_id session_id",
          "topic locale zone app_version",
          "provider environment target_kind privacy shows_local registered_at seen_at session_until",
          "install token token_sealed token_blind"),
    Table("refresh_tokens", _delete, _special, "token_hash", "", "session_id", "",
          "issued_at expires_at used_at retired_at", "token_hash predecessor salt"),
    Table("device_pointers", _delete, _special, "room_id device_id", "", "room_id device_id", "", "received"),
    Table("sessions", _delete, _own, "session_id", "person_id", "session_id device_id", "app version platform",
          "created_at expires_at revoked_at"),
    Table("security_events", _delete, _own, "person_id minute kind", "person_id", "event_id session_id device_id", "",
          "minute kind at"),
    # What somebody wants
    Table("presence_profiles", _delete, _own, "person_id", "person_id", "", "text emoji",
          "version invisible busy_until_ms text_until_ms"),
    Table("last_seen", _delete, _own, "person_id", "person_id", "", "", "at"),
    Table("push_wishes", _delete, _own, "person_id", "person_id", "", "",
          "level quiet_from_min quiet_to_min urgent_through"),
    Table("place_defaults", _delete, _own, "person_id", "person_id", "", "", "sharing"),
    Table("calendar_feeds", _delete, _own, "person_id", "person_id", "", "", "made_at", "code_hash"),
    Table("idempotency_keys", _delete, _own, "person_id key", "person_id", "", "", "status at",
          "key fingerprint answer", why="answers hold what the routes of this copy hold anyway"),
    Table("jobs", _delete, _own, "job_id", "owner", "job_id lease", "payload",
          "kind due_at next_at attempts made_at dead_at failure"),
    Table("drafts", _delete, _own, "person_id room_id", "person_id", "room_id", "text", "reply_to seq at"),
    # Whom somebody knows
    Table("contacts", _delete, _own, "person_id other_id", "person_id", "other_id", "", "state seq at",
          why="the other's row stays, as removed: their devices learn by it"),
    Table("blocks", _delete, _own, "blocker blocked", "blocker", "blocked", "", "at",
          why="whom others block is theirs to say, and theirs to lift"),
    # Rooms
    Table("members", _delete, _own, "room_id person_id", "person_id", "room_id", "",
          "relation from_seq read_seq read_msg_no muted_until level since request chosen_level silenced_until",
          why="of a direct room it stays, as an id: the other's side needs it"),
    Table("spans", _delete, _room, "room_id person_id joined", "person_id", "room_id", "", "joined from_seq to_seq",
          why="as members"),
    Table("links", _delete, _room, "room_id code", "created_by", "room_id", "code",
          "created_at expires_at uses_most used revoked_at"),
    Table("room_bans", _delete, _room, "room_id person_id", "person_id", "room_id banned_by", "reason", "until at",
          why="of a ban that they spoke, the reason is emptied"),
    Table("silences", _delete, _own, "person_id", "person_id", "", "", "until"),
    Table("slow_marks", _delete, _room, "room_id person_id", "person_id", "room_id", "", "posted_at"),
    Table("push_notified", _delete, _room, "room_id person_id provider", "person_id", "room_id", "",
          "provider seq rung"),
    Table("rooms", _empty, _special, "room_id", "created_by", "room_id picture", "title topic",
          "kind history created_at archived_at head msg_no floor last_post last_at members slow_s",
          why="a room is its members': emptied where nobody is left"),
    # What somebody said
    Table("entries", _empty, _special, "room_id seq", "author", "room_id subject", "text body client_id",
          "seq msg_no kind at target edited_seq deleted_seq",
          why="numbers have no holes: the words go, the place stays"),
    Table("reactions", _delete, _special, "room_id target person_id emoji", "person_id", "room_id", "emoji",
          "target seq"),
    Table("poll_votes", _empty, _special, "room_id target person_id", "person_id", "room_id", "client_id",
          "target choices seq", why="votes in open polls go; what a closed one came to stays, by the pseudonym"),
    Table("pins", _keep, _room, "room_id target", "person_id", "room_id", "", "target seq",
          why="what a room keeps in sight is the room's"),
    Table("media", _delete, _own, "media_id", "owner", "media_id room_id", "name client_id blurhash",
          "purpose state type bytes width height duration_ms refusal claimed_at used made_at lease_until freed_at"
          " collect_at", "secret"),
    # Events
    Table("events", _empty, _special, "room_id", "", "room_id", "about place_name address lat lon fence",
          "version fence_version state visibility doors_at starts_at ends_at over_at zone capacity joins_on dwell_ms"
          " going maybe waitlist invited", "secret area area_beyond",
          why="an event is its hosts': emptied where no other is left, and called off"),
    Table("event_roster", _delete, _own, "room_id person_id", "person_id", "room_id invited_by", "",
          "answer is_host sharing since owed"),
    Table("event_visits", _delete, _own, "room_id person_id number", "person_id", "room_id", "",
          "number entered_at left_at source confidence left_source told"),
    # Keeping order
    Table("reports", _empty, _own, "report_id", "reporter", "report_id subject room_id", "reason note",
          "seq at closed_at", "evidence closed_by taken_by taken_at action resolution said_at edited body emptied_at",
          why="that there was one stays; their note goes, and all that was kept about them"),
    Table("report_media", _delete, _none, "media_id report_id", "", "media_id report_id",
          why="goes with the evidence of a report about them; what it is, is in `media`"),
    Table("audit", _keep, _special, "log_id n", "", "log_id report", "",
          "n at actor_as action seq target until", "actor subject reason before hash",
          why="only added to: it names marks, and whose a mark was goes"),
    Table("audit_people", _delete, _special, "mark", "person_id", "mark"),
    Table("audit_words", _delete, _none, "log_id n", "", "", "", "log_id n", "salt reason",
          why="reasons by which moderators acted, about others as much; gone with the mark"),
    # What somebody agreed to, and asked for here
    Table("agreements", _keep, _own, "person_id document version", "person_id", "", "", "document version at",
          why="proves by whose leave we acted"),
    Table("consents", _keep, _own, "person_id n", "person_id", "about", "", "n purpose version given at",
          why="proves by whose leave we acted"),
    Table("exports", _delete, _own, "export_id", "person_id", "export_id lease", "",
          "state asked_at ready_at expires_at bytes attempts leased_until", "secret"),
    Table("erasures", _keep, _own, "person_id", "person_id", "room_id", "",
          "asked_at asked_as due_at began_at step step_at done_at", why="proves that it was done"),
    # Nobody's
    Table("polls", _nobody, _none, "room_id target", "", "room_id", "",
          "target options multiple anonymous closes_at closed_seq", why="goes with its message"),
    Table("previews", _nobody, _none, "room_id target", "", "room_id", "link card", "target seq",
          why="goes with its message"),
    Table("link_pages", _nobody, _none, "link_hash", plain="link_hash card known until",
          why="public pages, by the hash of their address, for an hour"),
    Table("publish_leases", _nobody, _none, "writer", plain="writer until rooms from_seqs to_seqs"),
    Table("webhooks", _nobody, _none, "webhook_id", plain="webhook_id url events created_at disabled failing_since"
          " failures next_at lease", closed="secret old_secret old_until secrets_sealed"),
    Table("webhook_events", _nobody, _none, "event_id", plain="event_id type room_id seq at fresh",
          why="ids, for some days; what is told is read when it is sent"),
    Table("webhook_deliveries", _nobody, _none, "webhook_id event_id",
          plain="webhook_id event_id since next_at attempts dead_at failure"),
    Table("service_keys", _nobody, _none, "key_id", plain="key_id name scopes created_at expires_at used_at revoked_at",
          closed="secret_hash signing_sealed"),
    Table("data_keys", _nobody, _none, "key_id", plain="key_id purpose master seals_from made_at", closed="wrapped"),
    Table("installation", _nobody, _none, "only_row",
          plain="only_row lanes generation timeline origin push_tokens secrets_alone_since"),
    Table("alembic_version", _nobody, _none, "version_num", plain="version_num"),
)  # fmt: skip
"""Every table there is."""

BY_NAME: Final = {rule.name: rule for rule in ROWS}
