// What keeps order in rooms, as far as it binds me: until when I may write nothing, and how long members wait.
// Owns what entries and answers say of it. Must never decide whether something is sent: the server does.

export class Order {
  /** @param {string} me @param {import("./rest.js").Rest} rest @param {() => void} changed */
  constructor(me, rest, changed) {
    this.me = me;
    this.rest = rest;
    this.changed = changed;
    /** @type {Map<string, {until: number, slow: number}>} by room */
    this.rooms = new Map();
    this.everywhere = 0;
  }

  /** Ask how it stands in a room. */
  async load(room) {
    const found = await this.rest.get(`/v1/rooms/${room}`);
    this.#set(room, { until: found.silenced_until_ms ?? 0, slow: found.slow_s ?? 0 });
  }

  /** The next entry of a room. */
  entry({ kind, room, subject, body }) {
    if (kind === "settings" && "slow_s" in body) this.#set(room, { slow: body.slow_s });
    if (subject !== this.me) return;
    if (kind === "silence") this.#set(room, { until: body.until_ms });
    if (kind === "unsilence") this.#set(room, { until: 0 });
  }

  /** An entry of my self log: what staff said holds everywhere. */
  own({ kind, body }) {
    if (body.room || !["silence", "unsilence"].includes(kind)) return;
    this.everywhere = body.until_ms ?? 0;
    this.#wake(this.everywhere);
  }

  /** Until when I may write nothing into a room; 0: I may. */
  silenced(room, now) {
    const until = Math.max(this.everywhere, this.rooms.get(room)?.until ?? 0);
    return until > now ? until : 0;
  }

  /** How many seconds members wait between two messages. */
  slow(room) {
    return this.rooms.get(room)?.slow ?? 0;
  }

  #set(room, known) {
    this.rooms.set(room, { until: 0, slow: 0, ...this.rooms.get(room), ...known });
    this.#wake(known.until ?? 0);
    this.changed();
  }

  /** When a silence ends the screen changes by itself, but for one that ends on another day. */
  #wake(until) {
    const left = until - Date.now();
    if (left > 0 && left < 86_400_000) setTimeout(() => this.changed(), left + 50);
  }
}

/** "30 seconds", "5 minutes". */
export function spoken(seconds) {
  const [count, unit] = seconds < 60 ? [seconds, "second"] : seconds < 3600 ? [Math.round(seconds / 60), "minute"]
    : [Math.round(seconds / 3600), "hour"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
