// The list of my rooms: unread, mentions, previews, order.
// Owns how an entry changes a line of the list. What cannot be told from the entry marks the list as stale, to be
// listed anew. Must never fetch.

const TEXT_CHARS = 120;

export class Roster {
  /** @param {string} me */
  constructor(me) {
    this.me = me;
    /** @type {Map<string, object>} by id, as `GET /v1/me/rooms` has them */
    this.rooms = new Map();
    this.loaded = false;
    this.stale = false;
  }

  /** The whole list, newly fetched. A line older than what we have heard since is not taken back. */
  list(summaries) {
    const fresh = new Map();
    for (const room of summaries) {
      const known = this.rooms.get(room.id);
      const old = known && known.role !== "invited" && known.head > room.head;
      if (old) this.stale = true;
      fresh.set(room.id, old ? known : { ...room, read: Math.max(room.read, known?.read ?? 0) });
      const line = fresh.get(room.id);
      if (line.read >= line.head) [line.unread, line.mentions] = [0, 0];
    }
    this.rooms = fresh;
    this.loaded = true;
  }

  /** The next entry of a room. */
  entry(entry) {
    const room = this.rooms.get(entry.room);
    if (!room || entry.seq <= room.head) return;
    room.head = entry.seq;
    room.msg_no = entry.msgNo;
    const { body } = entry;
    if (entry.kind === "post") this.#post(room, entry);
    if (entry.kind === "edit" && room.last_message?.seq === body.target) room.last_message.text = beginning(body.text);
    if (entry.kind === "delete") {
      if (room.last_message?.seq === body.target) room.last_message.text = null;
      if (body.target > room.read) this.stale = true;
    }
    if (["join", "leave", "kick"].includes(entry.kind)) room.members = body.members ?? room.members;
    if (entry.kind === "role" && entry.subject === this.me) room.role = body.role;
    if (entry.kind === "settings") {
      room.title = body.title ?? room.title;
      room.archived = body.archived ?? room.archived;
    }
  }

  /** Seqs up to `to` are not for me. */
  skip(id, to) {
    const room = this.rooms.get(id);
    if (room) room.head = Math.max(room.head, to);
  }

  /** I have read up to here, on whichever device. */
  read(id, seq) {
    const room = this.rooms.get(id);
    if (!room || seq <= room.read) return;
    room.read = seq;
    if (seq >= room.head) [room.unread, room.mentions] = [0, 0];
    else this.stale = true;
  }

  /** An entry of my self log: what one of my devices did, or what befell me. Gives whether the list must be fetched. */
  own(entry) {
    const room = this.rooms.get(entry.body?.room);
    if (entry.kind === "read") this.read(entry.body.room, entry.body.at_seq);
    else if (entry.kind === "mute" && room) {
      room.muted_until_ms = entry.body.muted_until_ms ?? null;
      room.level = entry.body.level ?? room.level;
    } else if (entry.kind === "room_removed") this.rooms.delete(entry.body.room);
    else if (["room_added", "invited", "request", "block", "unblock"].includes(entry.kind)) this.stale = true;
  }

  /** Lines in order: what moved last comes first. */
  lines() {
    return [...this.rooms.values()].sort((a, b) => b.last_at_ms - a.last_at_ms || (a.id < b.id ? -1 : 1));
  }

  #post(room, entry) {
    const { author, seq, at, body } = entry;
    room.last_message = { seq, kind: "post", author, text: beginning(body.text), at_ms: at };
    room.last_at_ms = at;
    if (author === this.me) {
      room.request = false;
      return;
    }
    room.unread += 1;
    if (body.here || body.mentions?.includes(this.me)) room.mentions += 1;
  }
}

function beginning(text) {
  return [...(text ?? "")].slice(0, TEXT_CHARS).join("");
}
