// A stretch of a room's log as it reads now: messages with their edits, reactions and deletions folded in.
// Owns folding, whether what comes is an entry of the socket or an item of a history page. Must never fetch or show.

/**
 * @typedef {object} Item
 * @property {number} seq @property {string} kind @property {string} author @property {string|null} subject
 * @property {string} clientId @property {number} at @property {object} body @property {boolean} edited
 * @property {boolean} deleted @property {Map<string, {count: number, mine: boolean}>} reactions
 * @property {number} asOf the seq up to which changes of this message are in it
 */

const FOLDED = new Set(["edit", "delete", "react", "unreact"]);

export class Log {
  /** @param {string} me whose reactions are "mine" */
  constructor(me) {
    this.me = me;
    /** @type {Item[]} in order of seq */
    this.items = [];
    this.from = 0;
    this.to = 0;
    this.more = true;
    this.loaded = false;
    this.version = 0;
  }

  /** The first page, or one that continues this stretch at either end. Older than what is held: never over it. */
  page(page) {
    this.version += 1;
    const items = page.entries.map((item) => fromPage(item, page.head));
    if (!this.loaded) {
      [this.items, this.from, this.to, this.more] = [items, page.from_seq, page.to_seq, page.from_seq > 1 && page.more];
      this.loaded = true;
    } else if (page.from_seq < this.from) {
      this.items = [...items.filter((item) => item.seq < this.from), ...this.items];
      [this.from, this.more] = [page.from_seq, page.more];
    } else if (page.to_seq > this.to && page.from_seq <= this.to + 1) {
      this.items.push(...items.filter((item) => item.seq > this.to));
      this.to = page.to_seq;
    }
  }

  /** Messages changed while their changes were not heard: they read like this now. */
  changes(entries, head) {
    this.version += 1;
    const now = new Map(entries.map((item) => [item.seq, fromPage(item, head)]));
    this.items = this.items.map((item) => {
      const changed = now.get(item.seq);
      return changed && changed.asOf >= item.asOf ? changed : item;
    });
  }

  /**
   * The next entry of the room. `follows`: this stretch reaches up to it; if not, only what is held already changes.
   */
  entry(entry, follows) {
    this.version += 1;
    if (FOLDED.has(entry.kind)) this.#fold(entry);
    else if (follows && entry.seq > this.to) this.items.push(fromEntry(entry));
  }

  /** Everything up to `to` has been given to `entry`, or is not for us. */
  reach(to) {
    this.to = Math.max(this.to, to);
  }

  find(seq) {
    return this.items[place(this.items, seq)] ?? null;
  }

  #fold(entry) {
    const at = place(this.items, entry.body.target);
    if (at < 0 || this.items[at].asOf >= entry.seq) return;
    this.items[at] = folded(this.items[at], entry, entry.author === this.me);
  }
}

/** A message after an edit, a deletion or a reaction. */
function folded(item, entry, mine) {
  const next = { ...item, asOf: entry.seq };
  const { text, mentions, here, meta, emoji } = entry.body;
  if (entry.kind === "edit") {
    next.edited = true;
    next.body = { ...item.body, text, mentions, here, meta };
  } else if (entry.kind === "delete") {
    next.deleted = true;
    next.body = {};
    next.reactions = new Map();
  } else {
    const step = entry.kind === "react" ? 1 : -1;
    const before = item.reactions.get(emoji) ?? { count: 0, mine: false };
    next.reactions = new Map(item.reactions);
    next.reactions.set(emoji, { count: before.count + step, mine: mine ? step > 0 : before.mine });
    if (before.count + step <= 0) next.reactions.delete(emoji);
  }
  return next;
}

function fromEntry(entry) {
  const { seq, kind, author, subject, clientId, at, body } = entry;
  return {
    seq, kind, author, subject, clientId, at, body: body ?? {}, edited: false, deleted: false, reactions: new Map(),
    asOf: seq,
  };
}

function fromPage(item, head) {
  return {
    seq: item.seq, kind: item.kind, author: item.author, subject: item.subject, clientId: item.client_id,
    at: item.at_ms, body: item.body ?? {}, edited: Boolean(item.edited_seq), deleted: Boolean(item.deleted_seq),
    reactions: new Map((item.reactions ?? []).map((one) => [one.emoji, { count: one.count, mine: one.mine }])),
    asOf: head,
  };
}

/** Where the item with this seq stands, or -1. */
function place(items, seq) {
  let [low, high] = [0, items.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (items[middle].seq === seq) return middle;
    if (items[middle].seq < seq) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
